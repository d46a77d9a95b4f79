// Solves for the covariance W of (50) in the modes, and gives the factor sigma that it and the labels make.
#include "sde/drawn_batches.hpp"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <cmath>

#include "manifolds/errors.hpp"

namespace valleydrift::sde {
namespace {

/// The map S -> W of DERIVATION (50): from the response S of the transverse modes, in the eigenbasis, to the
/// covariance of the samples' parts in the gradient.
class SamplingMap {
 public:
  SamplingMap(const Manifold& manifold, const Geometry& geometry, double spread, const LyapunovOperator& form)
      : sigma_(manifold.label_noise_factor(geometry.point)),
        modes_(geometry.transverse.transpose() * sigma_),
        along_(modes_.transpose() / manifold.label_constant()),
        inverse_symbol_(geometry.spectrum.size(), geometry.spectrum.size()),
        kappa_(spread * form.hyperparameters().eta / form.hyperparameters().mu) {
    const Vector& l = geometry.spectrum;
    for (Eigen::Index i = 0; i < l.size(); ++i) {
      for (Eigen::Index j = 0; j < l.size(); ++j) inverse_symbol_(i, j) = form.inverse(l[i], l[j]);
    }
  }

  Eigen::Index samples() const { return sigma_.cols(); }
  /// s J^T, D x n.
  const Matrix& sigma() const { return sigma_; }
  /// kappa (I - 1 1^T/n) o J S J^T with S = Lt^-1 of the noise that W makes.
  Matrix operator()(const Matrix& w) const {
    const Matrix s = inverse_symbol_.cwiseProduct(modes_ * w * modes_.transpose());
    const Matrix f = along_ * s * along_.transpose();
    const auto n = static_cast<double>(samples());
    return kappa_ * (Matrix(f.diagonal().asDiagonal()) - f / n);
  }

 private:
  Matrix sigma_, modes_;   ///< s J^T; U^T s J^T, m x n
  Matrix along_;           ///< J U, n x m
  Matrix inverse_symbol_;  ///< 1/d_ij
  double kappa_;           ///< nu eta/mu
};

constexpr int most_iterations = 20000;

}  // namespace

Matrix drawn_noise_factor(const Manifold& manifold, const Vector& y, const BatchNoise& noise,
                          const LyapunovOperator& form) {
  if (form.form() != Form::finite_step || noise.spread == 0.0 || noise.label == 0.0) {
    return std::sqrt(noise.label) * manifold.label_noise_factor(y);
  }
  const Geometry geometry = manifold.geometry(y);
  const SamplingMap sampled(manifold, geometry, noise.spread, form);
  constexpr double converged = 1e-15;
  const Matrix labels = Matrix::Identity(sampled.samples(), sampled.samples()) * noise.label;
  // Each pass is one more generation of noise that the sampling makes of noise: a geometric series of ratio r.
  Matrix w = labels;
  for (int i = 0; i < most_iterations; ++i) {
    const Matrix next = labels + sampled(w);
    const double change = (next - w).cwiseAbs().maxCoeff(), size = next.cwiseAbs().maxCoeff();
    w = next;
    if (!std::isfinite(size)) break;
    if (change <= converged * size) return sampled.sigma() * Matrix(w.llt().matrixL());
  }
  throw NumericalError(fmt::format(
      "{}: stability: at {} the mean square of the transverse motion grows without bound under the sampling "
      "of batches; take a smaller --eta or a larger --batch",
      manifold.name(), manifolds::format_point(geometry.point)));
}

double sampling_strength(const Manifold& manifold, const Geometry& geometry, const BatchNoise& noise,
                         const Hyperparameters& hyperparameters) {
  if (noise.spread == 0.0) return 0.0;
  const SamplingMap sampled(manifold, geometry, noise.spread, LyapunovOperator(Form::finite_step, hyperparameters));
  // Power iteration: the map takes covariances to covariances, so its largest eigenvalue is positive and its own.
  constexpr double converged = 1e-9;
  Matrix w = Matrix::Identity(sampled.samples(), sampled.samples());
  double strength = 0.0;
  for (int i = 0; i < most_iterations; ++i) {
    w = sampled(w);
    const double next = w.trace();
    if (!(next > 0.0)) return 0.0;
    w /= next;
    if (i > 0 && std::abs(next - strength) <= converged * next) return next;
    strength = next;
  }
  return strength;
}

}  // namespace valleydrift::sde
