// A manifold as everything outside the inner loops sees it: one object in double precision.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "manifolds/catalogue.hpp"
#include "manifolds/geometry.hpp"

namespace valleydrift::manifolds {

class PointwiseLoss;  // pointwise_loss.hpp

/// A scaled residual below this counts as on the valley: a point within it is not moved.
inline constexpr double on_valley_tolerance = 1e-12;

/// A loss with its valley, DERIVATION section 1. Shapes: D = dimension, m = transverse_dimension, M = D - m.
class Manifold {
 public:
  /// Throws ConfigError for an unknown name or parameters out of range.
  Manifold(const std::string& name, ParameterValues parameters);
  /// A manifold of the list or a typed one. Throws ConfigError for parameters out of range or a text that is no
  /// formula.
  Manifold(ManifoldDescription description, ParameterValues parameters);

  const std::string& name() const { return description_.name; }
  const ManifoldDescription& description() const { return description_; }
  const ParameterValues& parameters() const { return parameters_; }
  /// The loss by itself: by what discrete/ and sde/ find their kernels, and where checks look at single derivatives.
  const PointwiseLoss& pointwise() const { return *loss_; }

  int dimension() const;
  int transverse_dimension() const;
  int valley_dimension() const { return dimension() - transverse_dimension(); }
  bool is_least_squares() const;

  /// L(w).
  double loss(const Vector& w) const;
  /// grad L(w), D.
  Vector gradient(const Vector& w) const;
  /// How many of them one gradient flow may ask for; without a bound for the manifolds of the list.
  std::int64_t most_flow_gradients() const;
  /// Hess L(w), D x D, by dual numbers along the D unit vectors.
  Matrix hessian(const Vector& w) const;
  /// (D3L[S])_k = sum_ij d_k d_i d_j L S_ij for symmetric S, D. By second derivatives of the residuals for least
  /// squares at a point of the valley, DERIVATION (18); by second dual numbers of the gradient otherwise.
  Vector third_contraction(const Vector& w, const Matrix& s) const;
  /// f(w), m, and J(w), m x D.
  Vector residuals(const Vector& w) const;
  Matrix jacobian(const Vector& w) const;
  /// sum_a r_a Hess f_a(w), D x D.
  Matrix residual_hessian(const Vector& w, const Vector& r) const;
  /// sum_a r_a Hess f_a(w) v, D, without the matrix.
  Vector residual_hessian_times(const Vector& w, const Vector& r, const Vector& v) const;

  /// sigma of label noise at w, D x label_count, by differentiating the noisy gradient in the labels.
  Matrix label_noise_factor(const Vector& w) const;
  int label_count() const;
  /// c in Sigma = c H on the valley, DERIVATION (4).
  double label_constant() const;

  /// Spectrum, eigenvectors and projectors at a point of the valley: an m x m problem for least squares. Throws
  /// NumericalError with the point and the spectrum if the rank of H is not m there: the smallest nonzero eigenvalue
  /// is below 1e-9 of the largest, or of `earlier`, an eigenvalue met before on the same path.
  Geometry geometry(const Vector& y, double earlier = 0.0) const;
  /// The m largest eigenvalues of H, ascending, whatever its rank: the spectrum that `geometry` has.
  Vector spectrum(const Vector& y) const;
  /// max |f_a|.
  double valley_residual(const Vector& w) const;
  /// The valley's length at w: |w|, and where that is below 1 at least the diameter of curvature, as far as 1.
  double length(const Vector& w) const;
  /// u_a, what residuals are measured by at and near w, m: 1, but no more than 4 times their scale |grad f_a|
  /// length(w), and no less than 1e-4 of it, since rounding leaves 1e-14 of the scale.
  Vector residual_units(const Vector& w) const;
  /// How far w is from the valley: max |f_a| / u_a; NaN where it cannot be told.
  double scaled_residual(const Vector& w) const;
  /// "max |f| = 0.1, bound 1e-07": the residual that is largest in units u_a, and the bound times its u_a.
  std::string residual_text(const Vector& w, double bound) const;
  /// The nearby point of the valley by Gauss-Newton, w <- w - J^+ f, DERIVATION (36), until max |f| stops falling.
  /// Throws NumericalError if its scaled residual is not below 1e-10.
  Vector retract(const Vector& w) const;
  /// 1 / the largest normal curvature of the valley (a lower bound on it for m > 1), DERIVATION (33).
  /// To rounding for valleys of dimension 32 and less, beyond that to about 1e-3.
  double curvature_radius(const Geometry& geometry) const;

  Vector default_start() const;
  std::vector<std::string> slow_coordinate_names() const;
  /// The manifold's own coordinates along the valley at y; some count from the start.
  Vector slow_coordinates(const Vector& y, const Vector& start) const;

 private:
  Geometry decompose(const Vector& y) const;
  double largest_squared_curvature_dense(const Geometry& geometry, const Matrix& coefficients) const;
  double largest_squared_curvature_by_lanczos(const Geometry& geometry, const Matrix& coefficients) const;
  Vector squared_shapes_times(const Geometry& geometry, const Matrix& omega, const Vector& v) const;

  ManifoldDescription description_;
  ParameterValues parameters_;
  std::shared_ptr<const PointwiseLoss> loss_;  ///< never changes, so copies share it
};

/// A point as text, for messages: (1, 0.5).
std::string format_point(const Vector& w);

}  // namespace valleydrift::manifolds

namespace valleydrift {
using manifolds::Manifold;
}  // namespace valleydrift
