// The theorem in the inner loop: geometry, drift, diffusion and retraction at a point, for double or for lanes.
#pragma once

#include <Eigen/Core>
#include <limits>
#include <span>
#include <vector>

#include "manifolds/derivatives.hpp"
#include "sde/limit_form.hpp"
#include "sde/symmetric_eigen.hpp"

namespace valleydrift::sde {

using manifolds::abs;
using manifolds::all;
using manifolds::Buffer;
using manifolds::extent_product;
using manifolds::max;
using manifolds::select;

/// DERIVATION (20), (21) for least squares with constant sigma (D x r), without heap allocation after it is made. T is
/// double (one path) or Lanes (one path per lane). The definition it is tested against is sde/limit_coefficients.hpp.
/// Points passed in need not lie exactly on the valley: the fields are extended by the same formulas, and J V = 0
/// keeps f constant along every tangent field V.
template <class T, class Model>
class LimitField {
  static constexpr int D = Model::static_dimension;
  static constexpr int m = Model::static_residuals;

 public:
  /// sigma: D x r. The model must outlive the field.
  LimitField(const Model& model, const LimitForm& form, const Eigen::MatrixXd& sigma);

  int dimension() const { return dimension_; }
  int noise_count() const { return noise_count_; }

  /// From here on the points asked for follow one another along a path. Where J^T v turns by more than a right angle
  /// between two of them, v an eigenvector of the Gram matrix at the first, an eigenvalue of H has passed through 0 (or
  /// the valley bends too sharply for the step): from there on the increments of that lane are NaN.
  void follow_path();

  /// w <- w - J^+ f by Gauss-Newton steps, DERIVATION (36), until max |f| is below 1e-10, at most 8 times (near the
  /// valley each step squares |f|). A lane that has arrived stays as it is, so no path depends on its neighbours.
  void retract(std::span<T> w);
  /// x <- P_L(w) x.
  void project(std::span<const T> w, std::span<T> x);
  /// out = Ito drift h + P_L sigma dw at y, DERIVATION (34) without its retraction. dw: r.
  void ito_increment(std::span<const T> y, const T& h, std::span<const T> dw, std::span<T> out);
  /// out = h V_0 + sum_j dw_j V_j at y with V_0 the Stratonovich drift, DERIVATION (21); tangent to the valley.
  void stratonovich_increment(std::span<const T> y, const T& h, std::span<const T> dw, std::span<T> out);
  /// out = sum_j dw_j V_j at y.
  void diffusion_increment(std::span<const T> y, std::span<const T> dw, std::span<T> out);

  /// tr H at w.
  T trace_hessian(std::span<const T> w);
  /// tr A / eps^2 and E L / eps^2 at w, DERIVATION (25), (26).
  void plateau(std::span<const T> w, T& variance, T& loss);

 private:
  enum class Calculus { ito, stratonovich };

  T& jacobian(int a, int i) { return j_[a * dimension_ + i]; }
  T& transverse(int i, int k) { return u_[i * dimension_ + k]; }
  void linearise(std::span<const T> w);
  void compare_with_last_frame();
  void geometry(std::span<const T> w);
  void noise_blocks();
  void add_tangent_drift(std::span<const T> y, Calculus calculus, const T& h, std::span<T> out);
  void add_curvature(std::span<const T> y, const T& h, std::span<T> out);
  void remove_transverse(std::span<T> x);

  const Model& model_;
  LimitForm form_;
  int dimension_, residuals_, noise_count_;
  double root_weight_;
  bool following_ = false, has_frame_ = false;
  T lost_ = T(0.0);            ///< NaN in the lanes whose rank has changed
  std::vector<double> sigma_;  // r columns of D numbers
  Buffer<T, m> f_, unit_, l_, root_l_, solution_, response_c_;
  Buffer<T, D> direction_, second_, noise_;
  Buffer<T, extent_product(m, D)> j_, u_, z_;  // J; eigenvectors u_i; z_i of (20)
  Buffer<T, extent_product(m, m)> v_, gram_, response_;
  std::vector<T> a_, b_;  // A = U^T sigma, m x r; b_j = P_L sigma_j, r x D
  manifolds::ResidualHessian<T, Model> hessian_;
};

template <class T, class Model>
LimitField<T, Model>::LimitField(const Model& model, const LimitForm& form, const Eigen::MatrixXd& sigma)
    : model_(model),
      form_(form),
      dimension_(model.dimension()),
      residuals_(model.residual_count()),
      noise_count_(static_cast<int>(sigma.cols())),
      root_weight_(std::sqrt(model.weight())),
      sigma_(sigma.data(), sigma.data() + sigma.size()),
      f_(residuals_),
      unit_(residuals_),
      l_(residuals_),
      root_l_(residuals_),
      solution_(residuals_),
      response_c_(residuals_),
      direction_(dimension_),
      second_(dimension_),
      noise_(dimension_),
      j_(residuals_ * dimension_),
      u_(residuals_ * dimension_),
      z_(residuals_ * dimension_),
      v_(residuals_ * residuals_),
      gram_(residuals_ * residuals_),
      response_(residuals_ * residuals_),
      a_(static_cast<std::size_t>(residuals_ * noise_count_)),
      b_(static_cast<std::size_t>(noise_count_ * dimension_)),
      hessian_(model) {}

template <class T, class Model>
void LimitField<T, Model>::follow_path() {
  following_ = true;
  has_frame_ = false;
  lost_ = T(0.0);
}

/// Marks the lanes where an eigenvalue has changed its sign since the last `geometry`, given J at the new point.
template <class T, class Model>
void LimitField<T, Model>::compare_with_last_frame() {
  for (int i = 0; i < residuals_; ++i) {
    T along(0.0);
    for (int k = 0; k < dimension_; ++k) {
      T sum = v_[i] * jacobian(0, k);
      for (int a = 1; a < residuals_; ++a) sum = sum + v_[a * residuals_ + i] * jacobian(a, k);
      along = along + sum * transverse(i, k);
    }
    lost_ = select(along > 0.0, lost_, T(std::numeric_limits<double>::quiet_NaN()));
  }
}

/// J and the Gram matrix s J J^T at w.
template <class T, class Model>
void LimitField<T, Model>::linearise(std::span<const T> w) {
  manifolds::jacobian<T>(model_, w, std::span<T>(unit_.data(), unit_.size()), std::span<T>(j_.data(), j_.size()));
  for (int a = 0; a < residuals_; ++a) {
    for (int b = 0; b <= a; ++b) {
      T sum = jacobian(a, 0) * jacobian(b, 0);
      for (int i = 1; i < dimension_; ++i) sum = sum + jacobian(a, i) * jacobian(b, i);
      gram_[a * residuals_ + b] = gram_[b * residuals_ + a] = sum * model_.weight();
    }
  }
}

/// The nonzero spectrum l, Gram eigenvectors V (columns) and transverse eigenvectors u_i = s^(1/2) J^T V_i / l_i^(1/2).
template <class T, class Model>
void LimitField<T, Model>::geometry(std::span<const T> w) {
  linearise(w);
  if (following_ && has_frame_) compare_with_last_frame();
  has_frame_ = true;
  symmetric_eigen<T>(residuals_, std::span<T>(gram_.data(), gram_.size()), std::span<T>(v_.data(), v_.size()),
                     std::span<T>(l_.data(), l_.size()));
  for (int i = 0; i < residuals_; ++i) {
    using std::sqrt;
    root_l_[i] = sqrt(l_[i]);
    const T scale = root_weight_ / root_l_[i];
    for (int k = 0; k < dimension_; ++k) {
      T sum = v_[i] * jacobian(0, k);
      for (int a = 1; a < residuals_; ++a) sum = sum + v_[a * residuals_ + i] * jacobian(a, k);
      transverse(i, k) = scale * sum;
    }
  }
}

/// x <- P_L x with the eigenvectors of the last `geometry`.
template <class T, class Model>
void LimitField<T, Model>::remove_transverse(std::span<T> x) {
  for (int i = 0; i < residuals_; ++i) {
    T along = transverse(i, 0) * x[0];
    for (int k = 1; k < dimension_; ++k) along = along + transverse(i, k) * x[static_cast<std::size_t>(k)];
    for (int k = 0; k < dimension_; ++k) {
      x[static_cast<std::size_t>(k)] = x[static_cast<std::size_t>(k)] - along * transverse(i, k);
    }
  }
}

/// A = U^T sigma and b_j = P_L sigma_j of DERIVATION (20).
template <class T, class Model>
void LimitField<T, Model>::noise_blocks() {
  for (int j = 0; j < noise_count_; ++j) {
    const double* column = sigma_.data() + static_cast<std::ptrdiff_t>(j) * dimension_;
    T* b = b_.data() + static_cast<std::ptrdiff_t>(j) * dimension_;
    for (int k = 0; k < dimension_; ++k) b[k] = T(column[k]);
    for (int i = 0; i < residuals_; ++i) {
      T along = transverse(i, 0) * column[0];
      for (int k = 1; k < dimension_; ++k) along = along + transverse(i, k) * column[k];
      a_[static_cast<std::size_t>(i * noise_count_ + j)] = along;
      for (int k = 0; k < dimension_; ++k) b[k] = b[k] - along * transverse(i, k);
    }
  }
}

/// Adds h times the mixed and transverse terms, DERIVATION (20); in the Stratonovich calculus with the weight
/// l_i^(1/2)/d_i0 - 1/(2 l_i^(1/2)) of (21), which also takes the curvature term's place.
template <class T, class Model>
void LimitField<T, Model>::add_tangent_drift(std::span<const T> y, Calculus calculus, const T& h, std::span<T> out) {
  for (int i = 0; i < residuals_; ++i) {
    const T* a = a_.data() + static_cast<std::ptrdiff_t>(i) * noise_count_;
    for (int k = 0; k < residuals_; ++k) {
      const T* other = a_.data() + static_cast<std::ptrdiff_t>(k) * noise_count_;
      T sum = a[0] * other[0];
      for (int j = 1; j < noise_count_; ++j) sum = sum + a[j] * other[j];
      response_[i * residuals_ + k] = sum * form_.inverse(l_[i], l_[k]);
    }
    T weight = form_.inverse(l_[i], T(0.0));
    if (calculus == Calculus::stratonovich) weight = weight - 0.5 / l_[i];
    for (int k = 0; k < dimension_; ++k) {
      T sum = a[0] * b_[static_cast<std::size_t>(k)];
      for (int j = 1; j < noise_count_; ++j) sum = sum + a[j] * b_[static_cast<std::size_t>(j * dimension_ + k)];
      z_[i * dimension_ + k] = weight * sum;
    }
  }
  for (T& x : second_) x = T(0.0);
  for (int a = 0; a < residuals_; ++a) {
    // q_a = s sum_i [ (X c_a)_i u_i + c_ai z_i ] with c_ai = s^(-1/2) V_ai l_i^(1/2)
    for (int i = 0; i < residuals_; ++i) {
      T sum = response_[i * residuals_] * v_[a * residuals_] * root_l_[0];
      for (int k = 1; k < residuals_; ++k) {
        sum = sum + response_[i * residuals_ + k] * v_[a * residuals_ + k] * root_l_[k];
      }
      response_c_[i] = root_weight_ * sum;
    }
    for (int k = 0; k < dimension_; ++k) {
      T sum(0.0);
      for (int i = 0; i < residuals_; ++i) {
        sum = sum + response_c_[i] * transverse(i, k) +
              (root_weight_ * v_[a * residuals_ + i] * root_l_[i]) * z_[i * dimension_ + k];
      }
      direction_[k] = sum;
    }
    for (int b = 0; b < residuals_; ++b) unit_[b] = T(a == b ? 1.0 : 0.0);
    hessian_.add(y, std::span<const T>(unit_.data(), unit_.size()),
                 std::span<const T>(direction_.data(), direction_.size()),
                 std::span<T>(second_.data(), second_.size()));
  }
  remove_transverse(std::span<T>(second_.data(), second_.size()));
  for (int k = 0; k < dimension_; ++k)
    out[static_cast<std::size_t>(k)] = out[static_cast<std::size_t>(k)] - h * second_[k];
}

/// Adds h times the curvature term -(1/2) J^+ [tr(Hess f_a Sigma_LL)]_a, DERIVATION (19).
template <class T, class Model>
void LimitField<T, Model>::add_curvature(std::span<const T> y, const T& h, std::span<T> out) {
  for (int a = 0; a < residuals_; ++a) {
    for (int b = 0; b < residuals_; ++b) unit_[b] = T(a == b ? 1.0 : 0.0);
    T trace(0.0);
    for (int j = 0; j < noise_count_; ++j) {
      const T* b = b_.data() + static_cast<std::ptrdiff_t>(j) * dimension_;
      trace = trace + hessian_.quadratic(y, std::span<const T>(unit_.data(), unit_.size()),
                                         std::span<const T>(b, static_cast<std::size_t>(dimension_)));
    }
    solution_[a] = trace;
  }
  // J^+ = U diag(l)^(-1/2) V^T s^(1/2)
  for (int i = 0; i < residuals_; ++i) {
    T sum = v_[i] * solution_[0];
    for (int a = 1; a < residuals_; ++a) sum = sum + v_[a * residuals_ + i] * solution_[a];
    const T along = h * (0.5 * root_weight_) * sum / root_l_[i];
    for (int k = 0; k < dimension_; ++k) {
      out[static_cast<std::size_t>(k)] = out[static_cast<std::size_t>(k)] - along * transverse(i, k);
    }
  }
}

template <class T, class Model>
void LimitField<T, Model>::diffusion_increment(std::span<const T> y, std::span<const T> dw, std::span<T> out) {
  geometry(y);
  for (int k = 0; k < dimension_; ++k) {
    T sum = dw[0] * sigma_[static_cast<std::size_t>(k)];
    for (int j = 1; j < noise_count_; ++j) {
      sum = sum + dw[static_cast<std::size_t>(j)] * sigma_[static_cast<std::size_t>(j * dimension_ + k)];
    }
    out[static_cast<std::size_t>(k)] = sum + lost_;
  }
  remove_transverse(out);
}

template <class T, class Model>
void LimitField<T, Model>::stratonovich_increment(std::span<const T> y, const T& h, std::span<const T> dw,
                                                  std::span<T> out) {
  diffusion_increment(y, dw, out);
  noise_blocks();
  add_tangent_drift(y, Calculus::stratonovich, h, out);
}

template <class T, class Model>
void LimitField<T, Model>::ito_increment(std::span<const T> y, const T& h, std::span<const T> dw, std::span<T> out) {
  diffusion_increment(y, dw, out);
  noise_blocks();
  add_tangent_drift(y, Calculus::ito, h, out);
  add_curvature(y, h, out);
}

template <class T, class Model>
void LimitField<T, Model>::project(std::span<const T> w, std::span<T> x) {
  geometry(w);
  remove_transverse(x);
}

template <class T, class Model>
void LimitField<T, Model>::retract(std::span<T> w) {
  constexpr int most_steps = 8;
  constexpr double arrived = 1e-10;
  for (int step = 0; step < most_steps; ++step) {
    model_.template residuals<T>(w, std::span<T>(f_.data(), f_.size()));
    T largest = abs(f_[0]);
    for (int a = 1; a < residuals_; ++a) largest = max(largest, abs(f_[a]));
    const auto there = largest < arrived;
    if (all(there)) return;
    linearise(w);
    for (int a = 0; a < residuals_; ++a) f_[a] = f_[a] * model_.weight();  // gram_ carries the weight s
    cholesky_solve<T>(residuals_, std::span<T>(gram_.data(), gram_.size()), std::span<T>(f_.data(), f_.size()));
    for (int k = 0; k < dimension_; ++k) {
      T moved = w[static_cast<std::size_t>(k)];
      for (int a = 0; a < residuals_; ++a) moved = moved - f_[a] * jacobian(a, k);
      w[static_cast<std::size_t>(k)] = select(there, w[static_cast<std::size_t>(k)], moved);
    }
  }
}

template <class T, class Model>
T LimitField<T, Model>::trace_hessian(std::span<const T> w) {
  linearise(w);
  T sum = gram_[0];
  for (int a = 1; a < residuals_; ++a) sum = sum + gram_[a * residuals_ + a];
  return sum;
}

template <class T, class Model>
void LimitField<T, Model>::plateau(std::span<const T> w, T& variance, T& loss) {
  geometry(w);
  noise_blocks();
  variance = T(0.0);
  loss = T(0.0);
  for (int i = 0; i < residuals_; ++i) {
    const T* a = a_.data() + static_cast<std::ptrdiff_t>(i) * noise_count_;
    T sum = a[0] * a[0];
    for (int j = 1; j < noise_count_; ++j) sum = sum + a[j] * a[j];
    const T mode = sum * form_.position_response(l_[i]);
    variance = variance + mode;
    loss = loss + 0.5 * l_[i] * mode;
  }
}

}  // namespace valleydrift::sde
