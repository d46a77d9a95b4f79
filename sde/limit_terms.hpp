// The terms of the theorem at a point, at the cost of the kernel: for any dimension.
#pragma once

#include "manifolds/noise_factor.hpp"
#include "sde/limit_coefficients.hpp"

namespace valleydrift::sde {

using manifolds::NoiseFactor;

/// What `limit_coefficients` says of the drift, without its D x D matrices.
struct LimitTerms {
  Vector curvature, mixed, transverse;  ///< DERIVATION (10a), D each
  double diffusion_rate;                ///< tr(P_L Sigma P_L)

  Vector drift() const { return curvature + mixed + transverse; }
};

/// geometry at a point of the valley, noise there. Least squares by the kernel, sde/limit_field.hpp; other losses by
/// limit_coefficients.
LimitTerms limit_terms(const Manifold& manifold, const Geometry& geometry, const NoiseFactor& noise,
                       const LimitForm& form);

}  // namespace valleydrift::sde
