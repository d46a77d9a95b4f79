// The theorem in the inner loop for a given constant sigma.
#pragma once

#include <limits>

#include "sde/field.hpp"
#include "sde/kernel/field_kernel.hpp"

namespace valleydrift::sde {

/// DERIVATION (20), (21) for least squares. The definition it is tested against is sde/theorem.hpp.
template <class T, class Model>
class GivenNoiseField final : public OnModel<Field<T>, T, FieldKernel<T, Model>> {
  using Base = OnModel<Field<T>, T, FieldKernel<T, Model>>;

 public:
  /// The model must outlive the field.
  GivenNoiseField(const Model& model, const LyapunovOperator& lyapunov, const Eigen::MatrixXd& sigma)
      : Base(model, lyapunov),
        noise_count_(static_cast<int>(sigma.cols())),
        root_weight_(std::sqrt(model.weight())),
        sigma_(sigma.data(), sigma.data() + sigma.size()),
        bending_(model) {
    if (!sizes_known) return;
    const Eigen::MatrixXd covariance = sigma * sigma.transpose();
    covariance_.assign(covariance.data(), covariance.data() + covariance.size());
  }
  int noise_count() const override { return noise_count_; }
  void follow_path() override { path_.start(residuals_, columns(), residuals_); }
  void ito_increment(std::span<const T> y, const T& h, std::span<const T> dw, std::span<T> out) override {
    auto&& x = workspace_.local();
    geometry(sized(y), x);
    tangent_drift(sized(y), Calculus::ito, x);
    diffusion(dw, x);
    for (int k = 0; k < columns(); ++k) x.increment[k] = x.increment[k] - h * x.second[k];
    remove_transverse(x, x.increment.data());
    curvature(sized(y), x);
    const T half = 0.5 * h;
    for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = x.increment[k] - half * x.direction[k];
  }
  void stratonovich_increment(std::span<const T> y, const T& h, std::span<const T> dw, std::span<T> out) override {
    auto&& x = workspace_.local();
    geometry(sized(y), x);
    tangent_drift(sized(y), Calculus::stratonovich, x);
    diffusion(dw, x);
    for (int k = 0; k < columns(); ++k) x.increment[k] = x.increment[k] - h * x.second[k];
    remove_transverse(x, x.increment.data());
    for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = x.increment[k];
  }
  void diffusion_increment(std::span<const T> y, std::span<const T> dw, std::span<T> out) override {
    auto&& x = workspace_.local();
    geometry(sized(y), x);
    diffusion(dw, x);
    remove_transverse(x, x.increment.data());
    for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = x.increment[k];
  }
  void drift_terms(std::span<const T> y, std::span<T> curvature_term, std::span<T> mixed,
                   std::span<T> transverse) override {
    auto&& x = workspace_.local();
    const auto negative_second = [&](std::span<T> out) {
      for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = -x.second[k];
      remove_transverse(x, out.data());
    };
    geometry(sized(y), x);
    tangent_drift(sized(y), Calculus::ito, x);
    negative_second(mixed);
    tangent_drift(sized(y), Calculus::ito, x, false);
    negative_second(transverse);
    for (std::size_t k = 0; k < mixed.size(); ++k) mixed[k] = mixed[k] - transverse[k];
    curvature(sized(y), x);
    for (std::size_t k = 0; k < curvature_term.size(); ++k) {
      curvature_term[k] = -(0.5 * x.direction[static_cast<int>(k)]);
    }
  }
  void plateau(std::span<const T> w, T& variance, T& loss) override {
    auto&& x = workspace_.local();
    geometry(sized(w), x);
    noise_blocks(x);
    variance = T(0.0);
    loss = T(0.0);
    for (int i = 0; i < rows(); ++i) {
      const T mode = x.response[i * rows() + i] * operator_.position_response(x.l[i]);
      variance = variance + mode;
      loss = loss + 0.5 * x.l[i] * mode;
    }
  }

 private:
  enum class Calculus { ito, stratonovich };
  using Base::add_bent_directions;
  using Base::columns;
  using Base::D;
  using Base::hessian_;
  using Base::linearise;
  using Base::m;
  using Base::model_;
  using Base::most_directions;
  using Base::operator_;
  using Base::residuals_;
  using Base::rows;
  using Base::sized;
  using Base::sizes_known;
  using Base::workspace_;
  using typename Base::Work;

  const double* sigma_column(int j) const { return sigma_.data() + static_cast<std::ptrdiff_t>(j) * columns(); }

  /// Marks the lanes where an eigenvalue has changed its sign since the last `geometry` of the path, given J at the new
  /// point, and keeps the frame of this one.
  [[gnu::always_inline]] void compare_with_last_frame(Work& x) {
    T* const last_u = path_.last_u.data();
    T* const last_v = path_.last_v.data();
    const int at_once = std::min(most_directions, rows());
    x.directions.require(at_once * columns());
    for (int first = 0; path_.has_frame && first < rows(); first += at_once) {
      const int count = std::min(at_once, rows() - first);
      combine_rows<m, D>(count, rows(), columns(), last_v + first * rows(), x.j.data(), 1.0, x.directions.data());
      for (int i = 0; i < count; ++i) {
        T along(0.0);
        for (int k = 0; k < columns(); ++k) {
          along = along + x.directions[i * columns() + k] * last_u[(first + i) * columns() + k];
        }
        path_.lost = select(along > 0.0, path_.lost, T(std::numeric_limits<double>::quiet_NaN()));
      }
    }
    for (int k = 0; k < rows() * columns(); ++k) last_u[k] = x.u[k];
    for (int i = 0; i < rows(); ++i) {
      for (int a = 0; a < rows(); ++a) last_v[i * rows() + a] = x.v[a * rows() + i];
    }
    path_.has_frame = true;
  }

  /// The nonzero spectrum l, Gram eigenvectors V (columns) and transverse eigenvectors u_i = s^(1/2) J^T V_i /
  /// l_i^(1/2).
  [[gnu::always_inline]] void geometry(std::span<const T> w, Work& x) {
    using std::sqrt;
    linearise(w, x);
    x.u.require(rows() * columns());
    x.v.require(rows() * rows());
    symmetric_eigen<T, m>(residuals_, std::span<T>(x.gram.data(), x.gram.size()), std::span<T>(x.v.data(), x.v.size()),
                          std::span<T>(x.l.data(), x.l.size()));
    for (int i = 0; i < rows(); ++i) {
      x.root_l[i] = sqrt(x.l[i]);
      x.inverse_root_l[i] = 1.0 / x.root_l[i];
      const T scale = root_weight_ * x.inverse_root_l[i];
      for (int a = 0; a < rows(); ++a) x.gram[i * rows() + a] = scale * x.v[a * rows() + i];
    }
    combine_rows<m, D>(rows(), rows(), columns(), x.gram.data(), x.j.data(), 1.0, x.u.data());
    if (path_.following) compare_with_last_frame(x);
  }

  /// out <- P_L out with the eigenvectors of `geometry`.
  [[gnu::always_inline]] void remove_transverse(const Work& x, T* out) const {
    for (int i = 0; i < rows(); ++i) {
      const T* u = x.u.data() + i * columns();
      T along = u[0] * out[0];
      for (int k = 1; k < columns(); ++k) along = along + u[k] * out[k];
      for (int k = 0; k < columns(); ++k) out[k] = out[k] - along * u[k];
    }
  }

  /// out = Sigma u.
  [[gnu::always_inline]] void covariance_times(const T* u, T* out) const {
    if constexpr (sizes_known) {
      for (int k = 0; k < columns(); ++k) {
        const double* row = covariance_.data() + k * columns();  // of a symmetric matrix
        out[k] = row[0] * u[0];
        for (int i = 1; i < columns(); ++i) out[k] = out[k] + row[i] * u[i];
      }
    } else {
      for (int k = 0; k < columns(); ++k) out[k] = T(0.0);
      for (int j = 0; j < noise_count_; ++j) {
        const double* column = sigma_column(j);
        T along = column[0] * u[0];
        for (int k = 1; k < columns(); ++k) along = along + column[k] * u[k];
        for (int k = 0; k < columns(); ++k) out[k] = out[k] + column[k] * along;
      }
    }
  }

  /// U^T Sigma U in `response` and P_L Sigma u_i in `z`, DERIVATION (20).
  [[gnu::always_inline]] void noise_blocks(Work& x) const {
    x.z.require(rows() * columns());
    x.response.require(rows() * rows());
    for (int i = 0; i < rows(); ++i) {
      T* z = x.z.data() + i * columns();
      covariance_times(x.u.data() + i * columns(), z);
      for (int p = 0; p <= i; ++p) {
        T sum = x.u[p * columns()] * z[0];
        for (int k = 1; k < columns(); ++k) sum = sum + x.u[p * columns() + k] * z[k];
        x.response[i * rows() + p] = x.response[p * rows() + i] = sum;
      }
      remove_transverse(x, z);
    }
  }

  /// In `second`: minus the mixed and transverse terms before their P_L, DERIVATION (20); in the Stratonovich calculus
  /// with the weight l_i^(1/2)/d_i0 - 1/(2 l_i^(1/2)) of (21), which also takes the curvature term's place. The mixed
  /// term may be left out.
  [[gnu::always_inline]] void tangent_drift(std::span<const T> y, Calculus calculus, Work& x, bool with_mixed = true) {
    noise_blocks(x);
    for (int i = 0; i < rows(); ++i) {
      for (int k = 0; k <= i; ++k) {
        const T product = x.response[i * rows() + k] * operator_.inverse(x.l[i], x.l[k]);
        x.response[i * rows() + k] = x.response[k * rows() + i] = product;
      }
      T weight = operator_.inverse(x.l[i], T(0.0));
      if (calculus == Calculus::stratonovich) weight = weight - 0.5 * (x.inverse_root_l[i] * x.inverse_root_l[i]);
      if (!with_mixed) weight = T(0.0);
      for (int k = 0; k < columns(); ++k) x.z[i * columns() + k] = weight * x.z[i * columns() + k];
    }
    for (int k = 0; k < columns(); ++k) x.second[k] = T(0.0);
    x.weights.require(rows() * rows());
    for (int a = 0; a < rows(); ++a) {
      // q_a = s sum_i [ (X c_a)_i u_i + c_ai z_i ] with c_ai = s^(-1/2) V_ai l_i^(1/2)
      for (int k = 0; sizes_known && k < columns(); ++k) x.direction[k] = T(0.0);
      for (int i = 0; i < rows(); ++i) {
        T sum = x.response[i * rows()] * (x.v[a * rows()] * x.root_l[0]);
        for (int k = 1; k < rows(); ++k) sum = sum + x.response[i * rows() + k] * (x.v[a * rows() + k] * x.root_l[k]);
        const T along_u = root_weight_ * sum, along_z = root_weight_ * (x.v[a * rows() + i] * x.root_l[i]);
        if constexpr (sizes_known) {
          for (int k = 0; k < columns(); ++k) {
            x.direction[k] = x.direction[k] + (along_u * x.u[i * columns() + k] + along_z * x.z[i * columns() + k]);
          }
        } else {
          x.weights[a * rows() + i] = along_u;
          x.gram[a * rows() + i] = along_z;
        }
      }
      if constexpr (sizes_known) {
        hessian_.add_one(y, static_cast<std::size_t>(a), std::span<const T>(x.direction.data(), x.direction.size()),
                         std::span<T>(x.second.data(), x.second.size()));
      }
    }
    if constexpr (!sizes_known) {
      add_bent_directions(y, x, [&](int first, int count) {
        const int at = first * rows();
        combine_rows<m, D>(count, rows(), columns(), x.weights.data() + at, x.u.data(), 1.0, x.directions.data());
        combine_rows<m, D, true>(count, rows(), columns(), x.gram.data() + at, x.z.data(), 1.0, x.directions.data());
      });
    }
  }

  /// In `direction`: J^+ [tr(Hess f_a Sigma_LL)]_a, minus twice the curvature term, DERIVATION (19).
  [[gnu::always_inline]] void curvature(std::span<const T> y, Work& x) {
    for (int a = 0; a < rows(); ++a) x.f[a] = T(0.0);
    for (int j = 0; j < noise_count_; ++j) {
      const double* column = sigma_column(j);
      for (int k = 0; k < columns(); ++k) x.direction[k] = T(column[k]);
      remove_transverse(x, x.direction.data());  // b_j = P_L sigma_j
      const std::span<const T> b(x.direction.data(), x.direction.size());
      if constexpr (m == 1) {
        x.unit[0] = T(1.0);
        x.f[0] = x.f[0] + hessian_.quadratic(y, std::span<const T>(x.unit.data(), x.unit.size()), b);
      } else {
        bending_.add(y, b, 1.0, std::span<T>(x.f.data(), x.f.size()));
      }
    }
    // J^+ = U diag(l)^(-1/2) V^T s^(1/2)
    for (int k = 0; k < columns(); ++k) x.direction[k] = T(0.0);
    for (int i = 0; i < rows(); ++i) {
      T sum = x.v[i] * x.f[0];
      for (int a = 1; a < rows(); ++a) sum = sum + x.v[a * rows() + i] * x.f[a];
      const T along = root_weight_ * (sum * x.inverse_root_l[i]);
      for (int k = 0; k < columns(); ++k) x.direction[k] = x.direction[k] + along * x.u[i * columns() + k];
    }
  }

  /// increment = sigma dw.
  [[gnu::always_inline]] void diffusion(std::span<const T> dw, Work& x) const {
    for (int k = 0; k < columns(); ++k) x.increment[k] = path_.lost;
    for (int j = 0; j < noise_count_; ++j) {
      const double* column = sigma_column(j);
      const T weight = dw[static_cast<std::size_t>(j)];
      for (int k = 0; k < columns(); ++k) x.increment[k] = x.increment[k] + column[k] * weight;
    }
  }

  int noise_count_;
  double root_weight_;
  std::vector<double> sigma_;       ///< r columns of D numbers
  std::vector<double> covariance_;  ///< sigma sigma^T, D x D, for small models
  FollowedPath<T> path_;
  manifolds::ResidualBending<T, Model> bending_;
};

}  // namespace valleydrift::sde
