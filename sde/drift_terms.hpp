// The terms of the theorem at a point, at the cost of the kernel: for any dimension.
#pragma once

#include "manifolds/noise_factor.hpp"
#include "sde/theorem.hpp"

namespace valleydrift::sde {

using manifolds::NoiseFactor;

/// What `theorem` says of the drift, without its D x D matrices.
struct DriftTerms {
  Vector curvature, mixed, transverse;  ///< DERIVATION (10a), D each
  double diffusion_rate;                ///< tr(P_L Sigma P_L)

  Vector drift() const { return curvature + mixed + transverse; }
};

/// geometry at a point of the valley, noise there. Least squares by the kernel, sde/field.hpp; other losses by
/// theorem.
DriftTerms drift_terms(const Manifold& manifold, const Geometry& geometry, const NoiseFactor& noise,
                       const LyapunovOperator& form);

}  // namespace valleydrift::sde
