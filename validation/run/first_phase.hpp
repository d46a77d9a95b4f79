// The first phase of a run: from a start off the valley to the valley, by the iteration itself.
#pragma once

#include <cstdint>
#include <vector>

#include "manifolds/hyperparameters.hpp"
#include "manifolds/manifold.hpp"

namespace valleydrift::run {

/// The descent of a run. The clock of the comparison is at zero after `steps` steps; the limiting diffusion starts from
/// `arrival`, DERIVATION (80).
struct FirstPhase {
  manifolds::Vector initial;  ///< w_0; the momentum is 0 there
  manifolds::Vector arrival;  ///< Phi(w_0, 0) of DERIVATION (6), on the valley
  std::int64_t steps = 0;     ///< K
  std::int64_t rest = 0;      ///< steps after which the noiseless iteration rests, to rounding
  double distance = 0.0;      ///< from step K on the noiseless iteration stays within it of `arrival`
  bool noisy = false;         ///< whether the noise is on during these steps

  /// The number of steps that draw noise before the clock starts.
  std::int64_t noisy_steps() const { return noisy ? steps : 0; }
};

/// Most steps of a first phase: at 10 to 100 ns each a second or so, and no valley that anything moves along within a
/// day is further away.
inline constexpr std::int64_t most_descent_steps = 10'000'000;

/// Runs the noiseless iteration of DERIVATION (1), (2) from (w_0, 0) to rest, in double precision; `arrival` is its
/// end, accurate to 1e-11 of |w|. `steps` and `distance` are left at 0. Throws NumericalError if it runs away, or does
/// not reach the valley within most_descent_steps, or as many as a typed valley is given.
FirstPhase descend(const manifolds::Manifold& manifold, const manifolds::Hyperparameters& hyperparameters,
                   const manifolds::Vector& initial);

/// Sets `distance`, and `steps` to the first step from which on the noiseless iteration stays within it of `arrival`.
void set_distance(FirstPhase& phase, const manifolds::Manifold& manifold,
                  const manifolds::Hyperparameters& hyperparameters, double distance);

/// w_k of the noiseless iteration from (w_0, 0) at each of the ascending steps.
std::vector<manifolds::Vector> noiseless_points(const manifolds::Manifold& manifold,
                                                const manifolds::Hyperparameters& hyperparameters,
                                                const manifolds::Vector& initial,
                                                const std::vector<std::int64_t>& steps);

}  // namespace valleydrift::run
