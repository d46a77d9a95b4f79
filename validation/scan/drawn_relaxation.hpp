// How the transverse motion relaxes while batches are drawn: the sampling feeds the noise with the motion itself.
#pragma once

#include <optional>

#include "sde/drawn_batches.hpp"

namespace valleydrift::scan {

/// Both in steps.
struct TransverseRelaxation {
  /// After it the mean energy (41a) stays within delta of its plateau, relative to it; none if that takes more than
  /// 1e7.
  std::optional<double> convergence_time;
  double tau_1;  ///< twice the time in which the energy's last deviation falls by e
};

/// From rest at a point of the valley, by the exact second moments of the linear iteration in its modes, DERIVATION
/// (50a), followed for at most 1e7 steps. `tau_1` is that of (29). For a sampling strength (51) below 1.
TransverseRelaxation drawn_relaxation(const manifolds::Manifold& manifold, const manifolds::Geometry& geometry,
                                      const sde::BatchNoise& noise, const manifolds::Hyperparameters& h, double delta,
                                      double tau_1);

}  // namespace valleydrift::scan
