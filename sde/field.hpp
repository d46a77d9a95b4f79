// The limiting diffusion as what runs it sees it: geometry, drift and diffusion at points on lanes or single ones,
// behind interfaces, whatever the model is.
#pragma once

#include <memory>
#include <span>

#include "manifolds/manifold.hpp"
#include "manifolds/noise_factor.hpp"
#include "manifolds/numbers/lanes.hpp"
#include "sde/lyapunov_operator.hpp"

namespace valleydrift::sde {

using manifolds::Lanes;
using manifolds::Manifold;
using manifolds::NoiseFactor;

/// The valley's geometry at points, which needs no noise. T is double (one path) or Lanes (one path per lane). Shapes:
/// w and y: D; f: m. Points passed in need not lie exactly on the valley.
template <class T>
class PointGeometry {
 public:
  virtual ~PointGeometry() = default;
  virtual int dimension() const = 0;

  /// From here on no point counts as nearer to 0 than this, manifolds::least_length of the start, in the scale of its
  /// residuals: 1 without it.
  virtual void measure_by(double least_length) = 0;
  /// u_a at w, as Manifold::residual_units; m numbers.
  virtual void residual_units(std::span<const T> w, std::span<T> units) = 0;

  /// f(w).
  virtual void residuals(std::span<const T> w, std::span<T> f) const = 0;
  /// w <- w - J^+ f by Gauss-Newton steps, DERIVATION (36), until max |f_a| / u_a is below 1e-10, u_a at the given
  /// point, at most 8 times (near the valley each step squares |f|). A lane that has arrived stays as it is, so no path
  /// depends on its neighbours.
  virtual void retract(std::span<T> w) = 0;
  /// out <- P_L(w) out.
  virtual void project(std::span<const T> w, std::span<T> out) = 0;
  /// tr H at w.
  virtual T trace_hessian(std::span<const T> w) = 0;
};

/// The coefficients of the limiting diffusion with constant sigma (D x r). The fields are extended off the valley by
/// the same formulas, and J V = 0 keeps f constant along every tangent field V. dw: r.
template <class T>
class Field : public PointGeometry<T> {
 public:
  virtual int noise_count() const = 0;

  /// From here on the points asked for follow one another along a path. Where J^T v turns by more than a right angle
  /// between two of them, v an eigenvector of the Gram matrix at the first, an eigenvalue of H has passed through 0 (or
  /// the valley bends too sharply for the step): from there on the increments of that lane are NaN. With isotropic
  /// noise v is the eigenvector of the smallest eigenvalue alone, the one that is next to pass through 0.
  virtual void follow_path() = 0;

  /// out = Ito drift h + P_L sigma dw at y, DERIVATION (34) without its retraction.
  virtual void ito_increment(std::span<const T> y, const T& h, std::span<const T> dw, std::span<T> out) = 0;
  /// out = h V_0 + sum_j dw_j V_j at y with V_0 the Stratonovich drift, DERIVATION (21); tangent to the valley.
  virtual void stratonovich_increment(std::span<const T> y, const T& h, std::span<const T> dw, std::span<T> out) = 0;
  /// out = sum_j dw_j V_j at y.
  virtual void diffusion_increment(std::span<const T> y, std::span<const T> dw, std::span<T> out) = 0;
  /// The three terms of the drift at y apart, DERIVATION (10a); D numbers each.
  virtual void drift_terms(std::span<const T> y, std::span<T> curvature_term, std::span<T> mixed,
                           std::span<T> transverse) = 0;
  /// tr A / eps^2 and E L / eps^2 at w, DERIVATION (25), (26).
  virtual void plateau(std::span<const T> w, T& variance, T& loss) = 0;
};

/// The drift that label noise of all samples gives, which does not diffuse along the valley.
template <class T>
class LabelDrift : public PointGeometry<T> {
 public:
  /// out = h times the drift at y, DERIVATION (24b).
  virtual void increment(std::span<const T> y, const T& h, std::span<T> out) = 0;
};

// The kernels of a manifold's model; the manifold must outlive them. T is double or Lanes. A loss that is not least
// squares has the geometry and fields of its model's residuals.
template <class T>
std::unique_ptr<PointGeometry<T>> make_geometry(const Manifold& manifold);
template <class T>
std::unique_ptr<Field<T>> make_field(const Manifold& manifold, const LyapunovOperator& lyapunov,
                                     const NoiseFactor& noise);
template <class T>
std::unique_ptr<LabelDrift<T>> make_label_drift(const Manifold& manifold, const LyapunovOperator& lyapunov);
template <class T>
void make_geometry(Manifold&&) = delete;
template <class T>
void make_field(Manifold&&, const LyapunovOperator&, const NoiseFactor&) = delete;
template <class T>
void make_label_drift(Manifold&&, const LyapunovOperator&) = delete;

}  // namespace valleydrift::sde
