// What the fields of all noises share in the inner loop: the response of modes by linear systems, and second
// derivatives along several directions.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "sde/kernel/geometry_kernel.hpp"
#include "sde/lyapunov_operator.hpp"

namespace valleydrift::sde {

/// DERIVATION (24b), (70): functions of H by linear systems of size m in place of eigenvectors.
template <class T, class Model>
class FieldKernel : public GeometryKernel<T, Model> {
  using Base = GeometryKernel<T, Model>;

 public:
  FieldKernel(const Model& model, const LyapunovOperator& lyapunov)
      : Base(model),
        operator_(lyapunov),
        hessian_(model) {}

 protected:
  using Base::columns;
  using Base::D;
  using Base::m;
  using Base::model_;
  using Base::residuals_;
  using Base::row;
  using Base::rows;
  using Base::sized;
  using Base::sizes_known;
  using Base::workspace_;
  using typename Base::Work;
  /// Directions of (20) and (24b) worked on at a time: 32 rows of weights and a block of J share the second-level
  /// cache.
  static constexpr int most_directions = sizes_known ? 1 : 32;

  /// factor = the Cholesky factor of constant + slope eta G, G the Gram matrix.
  [[gnu::always_inline]] void factor_linear(const LabelResponse::Linear& linear, const Work& x, T* factor) const {
    const double slope = linear.slope * operator_.hyperparameters().eta;
    for (int i = 0; i < rows(); ++i) {
      for (int k = 0; k < rows(); ++k) {
        factor[i * rows() + k] = slope * x.gram[i * rows() + k] + (i == k ? linear.constant : 0.0);
      }
    }
    cholesky_factor<T, m>(residuals_, std::span<T>(factor, static_cast<std::size_t>(rows() * rows())));
  }

  /// weights = psi(G)/c of DERIVATION (24b).
  [[gnu::always_inline]] void respond(const LabelResponse& response, Work& x) const {
    x.v.require(rows() * rows());
    x.weights.require(rows() * rows());
    factor_linear(response.first, x, x.v.data());
    const double slope = response.numerator.slope * operator_.hyperparameters().eta;
    for (int a = 0; a < rows(); ++a) {
      for (int b = 0; b < rows(); ++b) {
        x.weights[a * rows() + b] = slope * x.gram[a * rows() + b] + (a == b ? response.numerator.constant : 0.0);
      }
    }
    cholesky_solve_rows(rows(), x.v.data(), rows(), x.weights.data());
    if (response.second.slope == 0.0) return;
    x.response.require(rows() * rows());
    factor_linear(response.second, x, x.response.data());
    cholesky_solve_rows(rows(), x.response.data(), rows(), x.weights.data());
  }

  /// In `second`: scale sum_a (Hess f_a) J^T weights_a, DERIVATION (24b), (70): minus a transverse term before its P_L.
  [[gnu::always_inline]] void transverse_drift(std::span<const T> y, double scale, Work& x) {
    for (int k = 0; k < columns(); ++k) x.second[k] = T(0.0);
    add_bent_directions(y, x, [&](int first, int count) {
      combine_rows<m, D>(count, rows(), columns(), x.weights.data() + first * rows(), x.j.data(), scale,
                         x.directions.data());
    });
  }

  /// Adds sum_a (Hess f_a) q_a to `second`; find(first, count) puts the directions q_a from the first on into
  /// `directions`.
  template <class Find>
  [[gnu::always_inline]] void add_bent_directions(std::span<const T> y, Work& x, const Find& find) {
    const int at_once = std::min(most_directions, rows());
    x.directions.require(at_once * columns());
    for (int first = 0; first < rows(); first += at_once) {
      const int count = std::min(at_once, rows() - first);
      find(first, count);
      for (int i = 0; i < count; ++i) {
        hessian_.add_one(y, static_cast<std::size_t>(first + i),
                         std::span<const T>(x.directions.data() + i * columns(), static_cast<std::size_t>(columns())),
                         std::span<T>(x.second.data(), x.second.size()));
      }
    }
  }

  LyapunovOperator operator_;
  manifolds::ResidualHessian<T, Model> hessian_;
};

/// The points of a path one after another, and the lanes that an eigenvalue of H has lost by passing through 0.
template <class T>
struct FollowedPath {
  bool following = false, has_frame = false;
  T lost = T(0.0);  ///< NaN in the lanes whose rank has changed
  /// Eigenvectors u_i and V_i at the last point of the path, as rows; with isotropic noise J^T v and v.
  std::vector<T> last_u, last_v;

  void start(int eigenvectors, int dimension, int residuals) {
    following = true;
    has_frame = false;
    lost = T(0.0);
    last_u.resize(static_cast<std::size_t>(eigenvectors * dimension));
    last_v.resize(static_cast<std::size_t>(eigenvectors * residuals));
  }
};

/// An interface of sde/field.hpp by a kernel of the model.
template <class Interface, class T, class Kernel>
class OnModel : public Interface, protected Kernel {
 public:
  using Kernel::Kernel;
  int dimension() const final { return this->dimension_; }
  void measure_by(double least_length) final { Kernel::measure_by(least_length); }
  void residual_units(std::span<const T> w, std::span<T> units) final { Kernel::residual_units(w, units); }
  void residuals(std::span<const T> w, std::span<T> f) const final { this->model_.template residuals<T>(w, f); }
  void retract(std::span<T> w) final { Kernel::retract(w); }
  void project(std::span<const T> w, std::span<T> out) final { Kernel::project(w, out); }
  T trace_hessian(std::span<const T> w) final { return Kernel::trace_hessian(w); }
};

}  // namespace valleydrift::sde
