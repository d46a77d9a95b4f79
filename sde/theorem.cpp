// The three terms of DERIVATION (10) in the eigenbasis of H, as they are written there; the plateaus (25), (26).
#include "sde/theorem.hpp"

namespace valleydrift::sde {

Coefficients theorem(const Manifold& manifold, const Geometry& geometry, const Matrix& sigma,
                     const LyapunovOperator& form) {
  const Vector& l = geometry.spectrum;
  const Matrix& u = geometry.transverse;
  Coefficients out;
  out.diffusion = geometry.longitudinal(sigma);
  const Matrix a = u.transpose() * sigma;  // m x r, the transverse part of sigma in the eigenbasis

  Matrix response = a * a.transpose();
  for (Eigen::Index i = 0; i < l.size(); ++i) {
    for (Eigen::Index j = 0; j < l.size(); ++j) response(i, j) *= form.inverse(l[i], l[j]);
  }
  out.transverse_response = response;

  Matrix mixed = a * out.diffusion.transpose();  // m x D, rows scaled by 1 / d_i0
  for (Eigen::Index i = 0; i < l.size(); ++i) mixed.row(i) *= form.inverse(l[i], 0.0);
  const Matrix mixed_covariance = u * mixed;

  const Vector& y = geometry.point;
  const Matrix longitudinal_covariance = out.diffusion * out.diffusion.transpose();
  out.curvature = -0.5 * geometry.pseudo_inverse(manifold.third_contraction(y, longitudinal_covariance));
  out.mixed =
      -0.5 * geometry.longitudinal(manifold.third_contraction(y, mixed_covariance + mixed_covariance.transpose()));
  out.transverse = -0.5 * geometry.longitudinal(manifold.third_contraction(y, u * response * u.transpose()));
  return out;
}

TransversePlateau transverse_plateau(const Geometry& geometry, const manifolds::NoiseFactor& noise,
                                     const LyapunovOperator& form) {
  const Matrix a = noise.after(geometry.transverse.transpose());
  TransversePlateau plateau{0.0, 0.0};
  for (Eigen::Index i = 0; i < a.rows(); ++i) {
    const double variance = a.row(i).squaredNorm() * form.position_response(geometry.spectrum[i]);
    plateau.variance += variance;
    plateau.loss += 0.5 * geometry.spectrum[i] * variance;
  }
  return plateau;
}

}  // namespace valleydrift::sde
