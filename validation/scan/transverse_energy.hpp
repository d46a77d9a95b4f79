// The transverse motion as a discrete Lyapunov recursion: how the covariance of every mode relaxes from rest.
#pragma once

#include <Eigen/Core>
#include <optional>
#include <vector>

#include "manifolds/geometry.hpp"
#include "manifolds/hyperparameters.hpp"
#include "manifolds/noise_factor.hpp"

namespace valleydrift::scan {

/// The transverse energy, DERIVATION (41a): with y the way from the valley to w,
///   L + kinetic |P_T p|^2 + displacement y . p - gradient p . grad L.
/// Of underdamped modes it is the quadratic form that decays without oscillating; where a mode is overdamped the loss
/// alone, all three coefficients 0.
struct EnergyForm {
  double kinetic = 0.0, displacement = 0.0, gradient = 0.0;
};
EnergyForm energy_form(const manifolds::Vector& spectrum, const manifolds::Hyperparameters& h);

/// Whether the mode with this eigenvalue has complex roots, DERIVATION section 1.
bool underdamped(double eigenvalue, const manifolds::Hyperparameters& h);

/// Its mean in the linearised iteration, from the valley at rest.
class TransverseEnergy {
 public:
  /// Modes and noise at a point of the valley.
  TransverseEnergy(const manifolds::Geometry& geometry, const manifolds::NoiseFactor& noise,
                   const manifolds::Hyperparameters& h);

  /// The stationary energy, and its part that is the loss.
  double plateau() const { return plateau_; }
  double loss_plateau() const { return loss_plateau_; }
  /// The step after which the energy stays within delta of its plateau, relative to it, if there is one within some
  /// relaxation times; `tau_1` sets how far to look.
  std::optional<double> convergence_time(double delta, double tau_1) const;

 private:
  /// One mode: covariance entries (ww, wp, pp) obey s' = map s + kick.
  struct Mode {
    Eigen::Matrix3d map;
    Eigen::Vector3d stationary, weights;
  };
  std::vector<Mode> modes_;
  double plateau_ = 0.0, loss_plateau_ = 0.0;
};

}  // namespace valleydrift::scan
