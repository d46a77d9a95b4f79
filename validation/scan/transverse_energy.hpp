// The transverse motion as a discrete Lyapunov recursion: how the covariance of every mode relaxes from rest.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "manifolds/geometry.hpp"
#include "manifolds/hyperparameters.hpp"

namespace valleydrift::validation {

/// Transverse energy of the linearised iteration, DERIVATION (41a): E L + (eta beta/2) E |P_T p|^2, from the valley at
/// rest. The sum of both relaxes without the oscillation that each of them shows.
class TransverseEnergy {
 public:
  /// Modes and noise at a point of the valley; sigma is D x r.
  TransverseEnergy(const manifolds::Geometry& geometry, const manifolds::Matrix& sigma,
                   const manifolds::Hyperparameters& h);

  /// The stationary energy, and its part that is the loss.
  double plateau() const { return plateau_; }
  double loss_plateau() const { return loss_plateau_; }
  /// The step after which the energy stays within delta of its plateau, relative to it. `tau_1` sets how far to look.
  double convergence_time(double delta, double tau_1) const;

 private:
  /// One mode: covariance entries (ww, wp, pp) obey s' = map s + kick.
  struct Mode {
    Eigen::Matrix3d map;
    Eigen::Vector3d stationary, weights;
  };
  std::vector<Mode> modes_;
  double plateau_ = 0.0, loss_plateau_ = 0.0;
};

}  // namespace valleydrift::validation
