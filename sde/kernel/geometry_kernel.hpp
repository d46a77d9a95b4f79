// The valley's geometry at a point in the inner loop: Jacobian, Gram matrix, projection, retraction.
#pragma once

#include <cmath>
#include <span>

#include "manifolds/derivatives.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "manifolds/residual_unit.hpp"
#include "sde/kernel/blocked_algebra.hpp"
#include "sde/kernel/symmetric_eigen.hpp"

namespace valleydrift::sde {

using manifolds::abs;
using manifolds::all;
using manifolds::Buffer;
using manifolds::extent_product;
using manifolds::max;
using manifolds::select;

/// What PointGeometry promises (sde/field.hpp), for one model whose sizes the compiler may know, without heap
/// allocation after the first use; and the storage of what the fields add. Nothing is larger than D x max(m, r).
template <class T, class Model>
class GeometryKernel {
 public:
  /// The model must outlive the kernel.
  explicit GeometryKernel(const Model& model)
      : model_(model),
        dimension_(model.dimension()),
        residuals_(model.residual_count()),
        workspace_(dimension_, residuals_) {}

  void measure_by(double least_length) { least_length_ = least_length; }
  void residual_units(std::span<const T> w, std::span<T> units) {
    using std::sqrt;
    auto&& x = workspace_.local();
    jacobian(sized(w), x);
    measure(
        sized(w),
        [&](int a) {
          const T* slope = x.j.data() + a * columns();
          T sum = slope[0] * slope[0];
          for (int k = 1; k < columns(); ++k) sum = sum + slope[k] * slope[k];
          return sum;
        },
        x);
    for (int a = 0; a < rows(); ++a) units[static_cast<std::size_t>(a)] = sqrt(x.squared_units[a]);
  }
  [[gnu::noinline]] void project(std::span<const T> w, std::span<T> out) {
    auto&& x = workspace_.local();
    linearise(sized(w), x);
    factor_gram(x);
    project_by_gram(out.data(), x);
  }
  [[gnu::noinline]] void retract(std::span<T> w) {
    constexpr int most_steps = 8;
    constexpr double arrived = 1e-10;
    auto&& x = workspace_.local();
    for (int k = 0; k < columns(); ++k) x.increment[k] = w[static_cast<std::size_t>(k)];
    const std::span<const T> point(x.increment.data(), static_cast<std::size_t>(columns()));
    const std::span<T> f(x.f.data(), static_cast<std::size_t>(rows()));
    for (int step = 0; step < most_steps; ++step) {
      model_.template residuals<T>(point, f);
      if (step == 0) {
        linearise(point, x);
        const double per_weight = 1.0 / model_.weight();
        measure(
            point, [&](int a) { return per_weight * x.gram[a * (rows() + 1)]; }, x);
      }
      T excess = x.f[0] * x.f[0] - arrived * arrived * x.squared_units[0];
      for (int a = 1; a < rows(); ++a) excess = max(excess, x.f[a] * x.f[a] - arrived * arrived * x.squared_units[a]);
      const auto there = excess < 0.0;
      if (all(there)) break;
      if (step > 0) linearise(point, x);
      for (int a = 0; a < rows(); ++a) x.f[a] = x.f[a] * model_.weight();  // the Gram matrix carries the weight s
      factor_gram(x);
      cholesky_solve<T, m>(residuals_, std::span<const T>(x.gram.data(), x.gram.size()), f);
      for (int k = 0; k < columns(); ++k) x.direction[k] = x.increment[k];
      remove_rows(x.direction.data(), x);
      for (int k = 0; k < columns(); ++k) x.increment[k] = select(there, x.increment[k], x.direction[k]);
    }
    for (int k = 0; k < columns(); ++k) w[static_cast<std::size_t>(k)] = x.increment[k];
  }
  [[gnu::noinline]] T trace_hessian(std::span<const T> w) {
    auto&& x = workspace_.local();
    jacobian(sized(w), x);
    T sum = x.j[0] * x.j[0];
    for (int k = 1; k < rows() * columns(); ++k) sum = sum + x.j[k] * x.j[k];
    return sum * model_.weight();
  }

 protected:
  static constexpr int D = Model::static_dimension;
  static constexpr int m = Model::static_residuals;
  static constexpr bool sizes_known = extent_product(m, D) != manifolds::dynamic;

  /// What is computed at a point. Its address goes to inlined functions only, or it could not stay in registers.
  struct Work {
    explicit Work(int dimension = D, int residuals = m)
        : unit(residuals),
          l(residuals),
          root_l(residuals),
          inverse_root_l(residuals),
          squared_units(residuals),
          f(residuals),
          direction(dimension),
          second(dimension),
          increment(dimension),
          j(0),
          u(0),
          z(0),
          v(0),
          gram(0),
          response(0),
          weights(0),
          directions(0) {}
    Buffer<T, m> unit, l, root_l, inverse_root_l, squared_units, f;
    Buffer<T, D> direction, second, increment;
    // Of sizes known at run time, these get their room where they are first used: no run needs all of them.
    Buffer<T, extent_product(m, D)> j, u, z;  // J; eigenvectors u_i; z_i of (20)
    Buffer<T, extent_product(m, m)> v, gram, response, weights;
    Buffer<T, sizes_known ? D : manifolds::dynamic> directions;
  };

  // Constants of the inner loops where the model knows them.
  int columns() const { return D == manifolds::dynamic ? dimension_ : D; }
  int rows() const { return m == manifolds::dynamic ? residuals_ : m; }
  std::span<T> row(int a, Work& x) const { return {x.j.data() + a * columns(), static_cast<std::size_t>(columns())}; }
  /// The same span, of a size the compiler knows.
  std::span<const T> sized(std::span<const T> w) const { return {w.data(), static_cast<std::size_t>(columns())}; }

  [[gnu::always_inline]] void jacobian(std::span<const T> w, Work& x) const {
    x.j.require(rows() * columns());
    for (int a = 0; a < rows(); ++a) {
      manifolds::residual_gradient<T, T>(model_, w, static_cast<std::size_t>(a),
                                         std::span<T>(x.unit.data(), x.unit.size()), row(a, x));
    }
  }
  /// J and the Gram matrix s J J^T at w.
  [[gnu::always_inline]] void linearise(std::span<const T> w, Work& x) const {
    jacobian(w, x);
    x.gram.require(rows() * rows());
    gram_matrix<T, m, D>(rows(), columns(), x.j.data(), model_.weight(), x.gram.data());
  }
  /// u_a^2 at w; squared_slope(a) is |grad f_a|^2 there.
  template <class SquaredSlope>
  [[gnu::always_inline]] void measure(std::span<const T> w, const SquaredSlope& squared_slope, Work& x) const {
    T square = w[0] * w[0];
    for (std::size_t k = 1; k < w.size(); ++k) square = square + w[k] * w[k];
    square = max(square, T(least_length_ * least_length_));
    for (int a = 0; a < rows(); ++a) x.squared_units[a] = manifolds::squared_residual_unit(square * squared_slope(a));
  }
  [[gnu::always_inline]] void factor_gram(Work& x) const {
    cholesky_factor<T, m>(residuals_, std::span<T>(x.gram.data(), static_cast<std::size_t>(rows() * rows())));
  }
  /// v <- P_L v = v - s J^T G^(-1) J v, which needs no eigenvectors, given J and the factor of the Gram matrix.
  [[gnu::always_inline]] void project_by_gram(T* v, Work& x) const {
    for (int a = 0; a < rows(); ++a) {
      T sum = x.j[a * columns()] * v[0];
      for (int k = 1; k < columns(); ++k) sum = sum + x.j[a * columns() + k] * v[k];
      x.f[a] = model_.weight() * sum;
    }
    cholesky_solve<T, m>(residuals_, std::span<const T>(x.gram.data(), x.gram.size()),
                         std::span<T>(x.f.data(), static_cast<std::size_t>(rows())));
    remove_rows(v, x);
  }
  /// v <- v - J^T f.
  [[gnu::always_inline]] void remove_rows(T* v, const Work& x) const {
    for (int a = 0; a < rows(); ++a) {
      for (int k = 0; k < columns(); ++k) v[k] = v[k] - x.f[a] * x.j[a * columns() + k];
    }
  }

  const Model& model_;
  int dimension_, residuals_;
  double least_length_ = 1.0;
  manifolds::Workspace<Work, sizes_known> workspace_;
};

}  // namespace valleydrift::sde
