// The theorem in the inner loop: geometry, drift, diffusion and retraction at a point, for double or for lanes.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "manifolds/derivatives.hpp"
#include "manifolds/noise_factor.hpp"
#include "manifolds/residual_unit.hpp"
#include "sde/kernel/blocked_algebra.hpp"
#include "sde/kernel/symmetric_eigen.hpp"
#include "sde/limit_form.hpp"

namespace valleydrift::sde {

using manifolds::abs;
using manifolds::all;
using manifolds::Buffer;
using manifolds::extent_product;
using manifolds::max;
using manifolds::select;

/// DERIVATION (20), (21) for least squares with constant sigma (D x r), and (70) to (73) for isotropic noise, without
/// heap allocation after the first use. T is double (one path) or Lanes (one path per lane). Nothing is larger than
/// D x max(m, r); isotropic and label noise take linear systems of size m in place of eigenvectors. The definition it
/// is tested against is sde/limit_coefficients.hpp.
/// Points passed in need not lie exactly on the valley: the fields are extended by the same formulas, and J V = 0
/// keeps f constant along every tangent field V.
template <class T, class Model>
class LimitField {
  static constexpr int D = Model::static_dimension;
  static constexpr int m = Model::static_residuals;
  static constexpr bool sizes_known = extent_product(m, D) != manifolds::dynamic;

 public:
  /// The model must outlive the field.
  LimitField(const Model& model, const LimitForm& form, const manifolds::NoiseFactor& noise);

  int dimension() const { return dimension_; }
  int noise_count() const { return noise_count_; }

  /// From here on the points asked for follow one another along a path. Where J^T v turns by more than a right angle
  /// between two of them, v an eigenvector of the Gram matrix at the first, an eigenvalue of H has passed through 0 (or
  /// the valley bends too sharply for the step): from there on the increments of that lane are NaN. With isotropic
  /// noise v is the eigenvector of the smallest eigenvalue alone, the one that is next to pass through 0.
  void follow_path();

  /// From here on no point counts as nearer to 0 than this, manifolds::least_length of the start, in the scale of its
  /// residuals: 1 without it.
  void measure_by(double least_length) { least_length_ = least_length; }
  /// u_a at w, as Manifold::residual_units; m numbers.
  void residual_units(std::span<const T> w, std::span<T> units);

  /// w <- w - J^+ f by Gauss-Newton steps, DERIVATION (36), until max |f_a| / u_a is below 1e-10, u_a at the given
  /// point, at most 8 times (near the valley each step squares |f|). A lane that has arrived stays as it is, so no path
  /// depends on its neighbours.
  void retract(std::span<T> w);
  /// out <- P_L(w) out.
  void project(std::span<const T> w, std::span<T> out);
  /// out = Ito drift h + P_L sigma dw at y, DERIVATION (34) without its retraction. dw: r.
  void ito_increment(std::span<const T> y, const T& h, std::span<const T> dw, std::span<T> out);
  /// out = h V_0 + sum_j dw_j V_j at y with V_0 the Stratonovich drift, DERIVATION (21); tangent to the valley.
  void stratonovich_increment(std::span<const T> y, const T& h, std::span<const T> dw, std::span<T> out);
  /// out = sum_j dw_j V_j at y.
  void diffusion_increment(std::span<const T> y, std::span<const T> dw, std::span<T> out);
  /// out = h times the drift of full-batch label noise at y, DERIVATION (24b), by linear systems of size m alone; sigma
  /// plays no part.
  void label_increment(std::span<const T> y, const T& h, std::span<T> out);

  /// The three terms of the drift at y apart, DERIVATION (10a); D numbers each.
  void drift_terms(std::span<const T> y, std::span<T> curvature_term, std::span<T> mixed, std::span<T> transverse);

  /// tr H at w.
  T trace_hessian(std::span<const T> w);
  /// tr A / eps^2 and E L / eps^2 at w, DERIVATION (25), (26).
  void plateau(std::span<const T> w, T& variance, T& loss);

 private:
  enum class Calculus { ito, stratonovich };
  /// Directions of (20) and (24b) worked on at a time: 32 rows of weights and a block of J share the second-level
  /// cache.
  static constexpr int most_directions = sizes_known ? 1 : 32;

  /// What is computed at a point. Its address goes to inlined functions only, or it could not stay in registers.
  struct Work {
    explicit Work(int dimension = D, int residuals = m)
        : unit(residuals),
          l(residuals),
          root_l(residuals),
          squared_units(residuals),
          inverse_root_l(residuals),
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
    Buffer<T, m> unit, l, root_l, squared_units, inverse_root_l, f;
    Buffer<T, D> direction, second, increment;
    // Of sizes known at run time, these get their room where they are first used: no run needs all of them.
    Buffer<T, extent_product(m, D)> j, u, z;  // J; eigenvectors u_i; z_i of (20)
    Buffer<T, extent_product(m, m)> v, gram, response, weights;
    Buffer<T, sizes_known ? D : manifolds::dynamic> directions;
  };

  // Constants of the inner loops where the model knows them.
  int columns() const { return D == manifolds::dynamic ? dimension_ : D; }
  int rows() const { return m == manifolds::dynamic ? residuals_ : m; }
  const double* sigma_column(int j) const { return sigma_.data() + static_cast<std::ptrdiff_t>(j) * columns(); }
  std::span<T> row(int a, Work& x) const { return {x.j.data() + a * columns(), static_cast<std::size_t>(columns())}; }
  /// The same span, of a size the compiler knows.
  std::span<const T> sized(std::span<const T> w) const { return {w.data(), static_cast<std::size_t>(columns())}; }

  void jacobian(std::span<const T> w, Work& x) const;
  void linearise(std::span<const T> w, Work& x) const;
  void measure(std::span<const T> w, Work& x) const;
  void factor_linear(const LabelResponse::Linear& linear, const Work& x, T* factor) const;
  void respond(const LabelResponse& response, Work& x) const;
  void respond_to_identity(const LabelResponse& response, Work& x, T& first_trace) const;
  void transverse_drift(std::span<const T> y, double scale, Work& x);
  template <class Find>
  void add_bent_directions(std::span<const T> y, Work& x, const Find& find);
  // Functions of their own, so that they take no registers from the others.
  [[gnu::noinline]] void isotropic_diffusion(std::span<const T> y, std::span<const T> dw, std::span<T> out);
  [[gnu::noinline]] void isotropic_increment(std::span<const T> y, const T& h, std::span<const T> dw, Calculus calculus,
                                             std::span<T> out);
  void isotropic_motion(std::span<const T> y, const T& h, std::span<const T> dw, Work& x);
  void isotropic_curvature(std::span<const T> y, Work& x);
  void compare_with_last_frame(Work& x);
  void compare_with_last_direction(Work& x);
  void geometry(std::span<const T> w, Work& x);
  void covariance_times(const T* u, T* out) const;
  void noise_blocks(Work& x) const;
  void tangent_drift(std::span<const T> y, Calculus calculus, Work& x, bool with_mixed = true);
  void curvature(std::span<const T> y, Work& x);
  void diffusion(std::span<const T> dw, Work& x) const;
  void remove_transverse(const Work& x, T* out) const;
  void factor_gram(Work& x) const;
  void project_by_gram(T* v, Work& x) const;
  void remove_rows(T* v, const Work& x) const;

  const Model& model_;
  LimitForm form_;
  int dimension_, residuals_, noise_count_;
  bool isotropic_;
  double root_weight_;
  double least_length_ = 1.0;
  std::vector<double> sigma_;       ///< r columns of D numbers
  std::vector<double> covariance_;  ///< sigma sigma^T, D x D, for small models
  bool following_ = false, has_frame_ = false;
  T lost_ = T(0.0);  ///< NaN in the lanes whose rank has changed
  /// Eigenvectors u_i and V_i at the last point of the path, as rows; with isotropic noise J^T v and v.
  std::vector<T> last_u_, last_v_;
  manifolds::Workspace<Work, sizes_known> workspace_;
  manifolds::ResidualHessian<T, Model> hessian_;
  manifolds::ResidualBending<T, Model> bending_;
};

template <class T, class Model>
LimitField<T, Model>::LimitField(const Model& model, const LimitForm& form, const manifolds::NoiseFactor& noise)
    : model_(model),
      form_(form),
      dimension_(model.dimension()),
      residuals_(model.residual_count()),
      noise_count_(static_cast<int>(noise.columns())),
      isotropic_(noise.is_isotropic()),
      root_weight_(std::sqrt(model.weight())),
      sigma_(noise.matrix().data(), noise.matrix().data() + noise.matrix().size()),
      workspace_(dimension_, residuals_),
      hessian_(model),
      bending_(model) {
  if (sizes_known && !isotropic_) {
    const Eigen::MatrixXd covariance = noise.matrix() * noise.matrix().transpose();
    covariance_.assign(covariance.data(), covariance.data() + covariance.size());
  }
}

template <class T, class Model>
void LimitField<T, Model>::follow_path() {
  following_ = true;
  has_frame_ = false;
  lost_ = T(0.0);
  last_u_.resize(static_cast<std::size_t>((isotropic_ ? 1 : residuals_) * dimension_));
  last_v_.resize(static_cast<std::size_t>((isotropic_ ? 1 : residuals_) * residuals_));
}

template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::jacobian(std::span<const T> w, Work& x) const {
  x.j.require(rows() * columns());
  for (int a = 0; a < rows(); ++a) {
    manifolds::residual_gradient<T, T>(model_, w, static_cast<std::size_t>(a),
                                       std::span<T>(x.unit.data(), x.unit.size()), row(a, x));
  }
}

/// J and the Gram matrix s J J^T at w.
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::linearise(std::span<const T> w, Work& x) const {
  jacobian(w, x);
  x.gram.require(rows() * rows());
  gram_matrix<T, m, D>(rows(), columns(), x.j.data(), model_.weight(), x.gram.data());
}

/// u_a^2 at w, given the Gram matrix there.
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::measure(std::span<const T> w, Work& x) const {
  T square = w[0] * w[0];
  for (int k = 1; k < columns(); ++k) square = square + w[static_cast<std::size_t>(k)] * w[static_cast<std::size_t>(k)];
  square = (1.0 / model_.weight()) * max(square, T(least_length_ * least_length_));
  for (int a = 0; a < rows(); ++a)
    x.squared_units[a] = manifolds::squared_residual_unit(square * x.gram[a * (rows() + 1)]);
}

/// Marks the lanes where an eigenvalue has changed its sign since the last `geometry` of the path, given J at the new
/// point, and keeps the frame of this one.
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::compare_with_last_frame(Work& x) {
  T* const last_u = last_u_.data();
  T* const last_v = last_v_.data();
  const int at_once = std::min(most_directions, rows());
  x.directions.require(at_once * columns());
  for (int first = 0; has_frame_ && first < rows(); first += at_once) {
    const int count = std::min(at_once, rows() - first);
    combine_rows<m, D>(count, rows(), columns(), last_v + first * rows(), x.j.data(), 1.0, x.directions.data());
    for (int i = 0; i < count; ++i) {
      T along(0.0);
      for (int k = 0; k < columns(); ++k) {
        along = along + x.directions[i * columns() + k] * last_u[(first + i) * columns() + k];
      }
      lost_ = select(along > 0.0, lost_, T(std::numeric_limits<double>::quiet_NaN()));
    }
  }
  for (int k = 0; k < rows() * columns(); ++k) last_u[k] = x.u[k];
  for (int i = 0; i < rows(); ++i) {
    for (int a = 0; a < rows(); ++a) last_v[i * rows() + a] = x.v[a * rows() + i];
  }
  has_frame_ = true;
}

/// The same for the one eigenvector of the smallest eigenvalue, which inverse iteration with the factor of
/// `factor_gram` carries along.
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::compare_with_last_direction(Work& x) {
  using std::sqrt;
  T* const v = last_v_.data();
  T* const g = last_u_.data();
  int iterations = 1;
  if (!has_frame_) {
    iterations = 50;  // each gains the ratio of the two smallest eigenvalues
    for (int a = 0; a < rows(); ++a) v[a] = T(manifolds::cos(static_cast<double>(a * a)));  // no symmetry of a model's
  }
  T along(0.0);
  for (int a = 0; a < rows(); ++a) {
    T sum = x.j[a * columns()] * g[0];
    for (int k = 1; k < columns(); ++k) sum = sum + x.j[a * columns() + k] * g[k];
    along = along + v[a] * sum;
  }
  if (has_frame_) lost_ = select(along > 0.0, lost_, T(std::numeric_limits<double>::quiet_NaN()));
  for (int i = 0; i < iterations; ++i) {
    cholesky_solve<T, m>(residuals_, std::span<const T>(x.gram.data(), x.gram.size()),
                         std::span<T>(v, static_cast<std::size_t>(rows())));
    T square = v[0] * v[0];
    for (int a = 1; a < rows(); ++a) square = square + v[a] * v[a];
    const T norm = sqrt(square);
    for (int a = 0; a < rows(); ++a) v[a] = v[a] / norm;
  }
  for (int k = 0; k < columns(); ++k) {
    T sum = v[0] * x.j[k];
    for (int a = 1; a < rows(); ++a) sum = sum + v[a] * x.j[a * columns() + k];
    g[k] = sum;
  }
  has_frame_ = true;
}

/// The nonzero spectrum l, Gram eigenvectors V (columns) and transverse eigenvectors u_i = s^(1/2) J^T V_i / l_i^(1/2).
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::geometry(std::span<const T> w, Work& x) {
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
  if (following_) compare_with_last_frame(x);
}

/// out <- P_L out with the eigenvectors of `geometry`.
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::remove_transverse(const Work& x, T* out) const {
  for (int i = 0; i < rows(); ++i) {
    const T* u = x.u.data() + i * columns();
    T along = u[0] * out[0];
    for (int k = 1; k < columns(); ++k) along = along + u[k] * out[k];
    for (int k = 0; k < columns(); ++k) out[k] = out[k] - along * u[k];
  }
}

/// out = Sigma u.
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::covariance_times(const T* u, T* out) const {
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
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::noise_blocks(Work& x) const {
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
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::tangent_drift(std::span<const T> y, Calculus calculus, Work& x,
                                                                       bool with_mixed) {
  noise_blocks(x);
  for (int i = 0; i < rows(); ++i) {
    for (int k = 0; k <= i; ++k) {
      const T product = x.response[i * rows() + k] * form_.inverse(x.l[i], x.l[k]);
      x.response[i * rows() + k] = x.response[k * rows() + i] = product;
    }
    T weight = form_.inverse(x.l[i], T(0.0));
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

/// Adds sum_a (Hess f_a) q_a to `second`; find(first, count) puts the directions q_a from the first on into
/// `directions`.
template <class T, class Model>
template <class Find>
[[gnu::always_inline]] inline void LimitField<T, Model>::add_bent_directions(std::span<const T> y, Work& x,
                                                                             const Find& find) {
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

/// In `direction`: J^+ [tr(Hess f_a Sigma_LL)]_a, minus twice the curvature term, DERIVATION (19).
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::curvature(std::span<const T> y, Work& x) {
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
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::diffusion(std::span<const T> dw, Work& x) const {
  for (int k = 0; k < columns(); ++k) x.increment[k] = lost_;
  for (int j = 0; j < noise_count_; ++j) {
    const double* column = sigma_column(j);
    const T weight = dw[static_cast<std::size_t>(j)];
    for (int k = 0; k < columns(); ++k) x.increment[k] = x.increment[k] + column[k] * weight;
  }
}

template <class T, class Model>
void LimitField<T, Model>::diffusion_increment(std::span<const T> y, std::span<const T> dw, std::span<T> out) {
  if (isotropic_) return isotropic_diffusion(y, dw, out);
  auto&& x = workspace_.local();
  geometry(sized(y), x);
  diffusion(dw, x);
  remove_transverse(x, x.increment.data());
  for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = x.increment[k];
}

template <class T, class Model>
void LimitField<T, Model>::stratonovich_increment(std::span<const T> y, const T& h, std::span<const T> dw,
                                                  std::span<T> out) {
  if (isotropic_) return isotropic_increment(y, h, dw, Calculus::stratonovich, out);
  auto&& x = workspace_.local();
  geometry(sized(y), x);
  tangent_drift(sized(y), Calculus::stratonovich, x);
  diffusion(dw, x);
  for (int k = 0; k < columns(); ++k) x.increment[k] = x.increment[k] - h * x.second[k];
  remove_transverse(x, x.increment.data());
  for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = x.increment[k];
}

template <class T, class Model>
void LimitField<T, Model>::ito_increment(std::span<const T> y, const T& h, std::span<const T> dw, std::span<T> out) {
  if (isotropic_) return isotropic_increment(y, h, dw, Calculus::ito, out);
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

template <class T, class Model>
void LimitField<T, Model>::isotropic_diffusion(std::span<const T> y, std::span<const T> dw, std::span<T> out) {
  auto&& x = workspace_.local();
  linearise(sized(y), x);
  factor_gram(x);
  if (following_) compare_with_last_direction(x);
  for (int k = 0; k < columns(); ++k) x.increment[k] = lost_ + dw[static_cast<std::size_t>(k)];
  project_by_gram(x.increment.data(), x);
  for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = x.increment[k];
}

template <class T, class Model>
void LimitField<T, Model>::isotropic_increment(std::span<const T> y, const T& h, std::span<const T> dw,
                                               Calculus calculus, std::span<T> out) {
  auto&& x = workspace_.local();
  isotropic_motion(sized(y), h, dw, x);
  for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = x.increment[k];
  // The weight of (21) multiplies P_L Sigma u_i, which is 0: without the curvature term this is (72).
  if (calculus == Calculus::stratonovich) return;
  isotropic_curvature(sized(y), x);
  const T bend = 0.5 * h;
  for (int k = 0; k < columns(); ++k) {
    out[static_cast<std::size_t>(k)] = out[static_cast<std::size_t>(k)] - bend * x.direction[k];
  }
}

template <class T, class Model>
void LimitField<T, Model>::drift_terms(std::span<const T> y, std::span<T> curvature_term, std::span<T> mixed,
                                       std::span<T> transverse) {
  auto&& x = workspace_.local();
  const std::vector<T> no_noise(static_cast<std::size_t>(noise_count_), T(0.0));
  const auto negative_second = [&](std::span<T> out) {
    for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = -x.second[k];
    remove_transverse(x, out.data());
  };
  if (isotropic_) {
    isotropic_motion(sized(y), T(1.0), no_noise, x);
    for (std::size_t k = 0; k < transverse.size(); ++k) {
      transverse[k] = x.increment[static_cast<int>(k)];
      mixed[k] = T(0.0);
    }
    isotropic_curvature(sized(y), x);
  } else {
    geometry(sized(y), x);
    tangent_drift(sized(y), Calculus::ito, x);
    negative_second(mixed);
    tangent_drift(sized(y), Calculus::ito, x, false);
    negative_second(transverse);
    for (std::size_t k = 0; k < mixed.size(); ++k) mixed[k] = mixed[k] - transverse[k];
    curvature(sized(y), x);
  }
  for (std::size_t k = 0; k < curvature_term.size(); ++k) {
    curvature_term[k] = -(0.5 * x.direction[static_cast<int>(k)]);
  }
}

/// increment = h times the transverse term + P_L dw, DERIVATION (70); the Gram matrix becomes its factor.
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::isotropic_motion(std::span<const T> y, const T& h,
                                                                          std::span<const T> dw, Work& x) {
  linearise(y, x);
  T trace;
  respond_to_identity(form_.label_response(), x, trace);
  transverse_drift(y, model_.weight(), x);
  if (following_) compare_with_last_direction(x);
  for (int k = 0; k < columns(); ++k) x.increment[k] = lost_ + dw[static_cast<std::size_t>(k)] - h * x.second[k];
  project_by_gram(x.increment.data(), x);
}

/// In `direction`: J^+ [tr(Hess f_a P_L)]_a, DERIVATION (71), given J and the factor L of the Gram matrix; J becomes
/// L^(-1) J, whose rows, times s^(1/2), are an orthonormal basis across the valley.
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::isotropic_curvature(std::span<const T> y, Work& x) {
  const std::span<T> f(x.f.data(), x.f.size());
  solve_lower(rows(), x.gram.data(), columns(), x.j.data());
  bending_.laplacian(y, f);
  for (int i = 0; i < rows(); ++i) bending_.add(y, row(i, x), -model_.weight(), f);
  solve_lower(rows(), x.gram.data(), 1, x.f.data());
  for (int k = 0; k < columns(); ++k) x.direction[k] = T(0.0);
  for (int i = 0; i < rows(); ++i) {
    const T along = model_.weight() * x.f[i];
    for (int k = 0; k < columns(); ++k) x.direction[k] = x.direction[k] + along * x.j[i * columns() + k];
  }
}

/// factor = the Cholesky factor of constant + slope eta G, G the Gram matrix.
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::factor_linear(const LabelResponse::Linear& linear,
                                                                       const Work& x, T* factor) const {
  const double slope = linear.slope * form_.hyperparameters().eta;
  for (int i = 0; i < rows(); ++i) {
    for (int k = 0; k < rows(); ++k) {
      factor[i * rows() + k] = slope * x.gram[i * rows() + k] + (i == k ? linear.constant : 0.0);
    }
  }
  cholesky_factor<T, m>(residuals_, std::span<T>(factor, static_cast<std::size_t>(rows() * rows())));
}

/// weights = psi(G)/c of DERIVATION (24b).
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::respond(const LabelResponse& response, Work& x) const {
  x.v.require(rows() * rows());
  x.weights.require(rows() * rows());
  factor_linear(response.first, x, x.v.data());
  const double slope = response.numerator.slope * form_.hyperparameters().eta;
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

/// weights = G^(-1) psi(G)/c, DERIVATION (70), with the trace of psi(G)/c; the Gram matrix becomes its factor.
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::respond_to_identity(const LabelResponse& response, Work& x,
                                                                             T& first_trace) const {
  respond(response, x);
  first_trace = x.weights[0];
  for (int a = 1; a < rows(); ++a) first_trace = first_trace + x.weights[a * rows() + a];
  factor_gram(x);
  cholesky_solve_rows(rows(), x.gram.data(), rows(), x.weights.data());
}

/// In `second`: scale sum_a (Hess f_a) J^T weights_a, DERIVATION (24b), (70): minus a transverse term before its P_L.
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::transverse_drift(std::span<const T> y, double scale, Work& x) {
  for (int k = 0; k < columns(); ++k) x.second[k] = T(0.0);
  add_bent_directions(y, x, [&](int first, int count) {
    combine_rows<m, D>(count, rows(), columns(), x.weights.data() + first * rows(), x.j.data(), scale,
                       x.directions.data());
  });
}

template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::factor_gram(Work& x) const {
  cholesky_factor<T, m>(residuals_, std::span<T>(x.gram.data(), static_cast<std::size_t>(rows() * rows())));
}

/// v <- P_L v = v - s J^T G^(-1) J v, which needs no eigenvectors, given J and the factor of the Gram matrix.
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::project_by_gram(T* v, Work& x) const {
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
template <class T, class Model>
[[gnu::always_inline]] inline void LimitField<T, Model>::remove_rows(T* v, const Work& x) const {
  for (int a = 0; a < rows(); ++a) {
    for (int k = 0; k < columns(); ++k) v[k] = v[k] - x.f[a] * x.j[a * columns() + k];
  }
}

template <class T, class Model>
void LimitField<T, Model>::label_increment(std::span<const T> y, const T& h, std::span<T> out) {
  auto&& x = workspace_.local();
  linearise(sized(y), x);
  respond(form_.label_response(), x);
  transverse_drift(sized(y), model_.weight() * model_.weight(), x);  // s c, c = s
  factor_gram(x);
  project_by_gram(x.second.data(), x);
  for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = -(h * x.second[k]);
}

template <class T, class Model>
void LimitField<T, Model>::project(std::span<const T> w, std::span<T> out) {
  auto&& x = workspace_.local();
  linearise(sized(w), x);
  factor_gram(x);
  project_by_gram(out.data(), x);
}

template <class T, class Model>
void LimitField<T, Model>::retract(std::span<T> w) {
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
      measure(point, x);
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

template <class T, class Model>
void LimitField<T, Model>::residual_units(std::span<const T> w, std::span<T> units) {
  using std::sqrt;
  auto&& x = workspace_.local();
  linearise(sized(w), x);
  measure(sized(w), x);
  for (int a = 0; a < rows(); ++a) units[static_cast<std::size_t>(a)] = sqrt(x.squared_units[a]);
}

template <class T, class Model>
T LimitField<T, Model>::trace_hessian(std::span<const T> w) {
  auto&& x = workspace_.local();
  jacobian(sized(w), x);
  T sum = x.j[0] * x.j[0];
  for (int k = 1; k < rows() * columns(); ++k) sum = sum + x.j[k] * x.j[k];
  return sum * model_.weight();
}

template <class T, class Model>
void LimitField<T, Model>::plateau(std::span<const T> w, T& variance, T& loss) {
  auto&& x = workspace_.local();
  if (isotropic_) {  // DERIVATION (73)
    linearise(sized(w), x);
    respond_to_identity(form_.stationary_response(), x, loss);
    variance = x.weights[0];
    for (int a = 1; a < rows(); ++a) variance = variance + x.weights[a * rows() + a];
    const double scale = form_.hyperparameters().eta / form_.hyperparameters().mu;
    variance = scale * variance;
    loss = (0.5 * scale) * loss;
    return;
  }
  geometry(sized(w), x);
  noise_blocks(x);
  variance = T(0.0);
  loss = T(0.0);
  for (int i = 0; i < rows(); ++i) {
    const T mode = x.response[i * rows() + i] * form_.position_response(x.l[i]);
    variance = variance + mode;
    loss = loss + 0.5 * x.l[i] * mode;
  }
}

}  // namespace valleydrift::sde
