// The theorem as a pure function: drift terms and diffusion of the limiting diffusion at a point of the valley.
#pragma once

#include "manifolds/manifold.hpp"
#include "manifolds/noise_factor.hpp"
#include "sde/lyapunov_operator.hpp"

namespace valleydrift::sde {

using manifolds::Geometry;
using manifolds::Manifold;
using manifolds::Matrix;
using manifolds::Vector;

/// dY = P_L sigma dW + (curvature + mixed + transverse) dt, DERIVATION (10), per unit of slow time (9), in the Ito
/// sense. The definition that the kernels (sde/kernel/) are tested against, with matrices of D x D: for
/// small dimensions.
struct Coefficients {
  Vector curvature;   ///< -(1/2) H^+ D3L[Sigma_LL], D; orthogonal to the valley
  Vector mixed;       ///< -(1/2) P_L D3L[Lt^{-1} of the mixed blocks], D
  Vector transverse;  ///< -(1/2) P_L D3L[Lt^{-1} Sigma_TT], D
  Matrix diffusion;   ///< P_L sigma, D x r
  /// Lt^{-1} Sigma_TT in the eigenbasis of `geometry`, m x m: the stationary transverse covariance is
  /// eps^2 (eta/mu) times it, DERIVATION (25).
  Matrix transverse_response;

  Vector drift() const { return curvature + mixed + transverse; }
};

/// geometry at a point of the valley, sigma the noise factor there (D x r).
Coefficients theorem(const Manifold& manifold, const Geometry& geometry, const Matrix& sigma,
                     const LyapunovOperator& form);

/// What the transverse motion does at w itself, in units of eps^2: DERIVATION (25), (26).
struct TransversePlateau {
  double variance;  ///< tr A / eps^2
  double loss;      ///< E L / eps^2
};
TransversePlateau transverse_plateau(const Geometry& geometry, const manifolds::NoiseFactor& noise,
                                     const LyapunovOperator& form);

}  // namespace valleydrift::sde
