// What drawing batches does to the theorem: the noise that the sampling itself adds off the valley.
#pragma once

#include "sde/theorem.hpp"

namespace valleydrift::sde {

/// The noise of a batch of b out of n samples, DERIVATION (48); the default is the full batch with label noise.
struct BatchNoise {
  double label = 1.0;   ///< c over the weight of the loss: n/b, or 0 without label noise
  double spread = 0.0;  ///< nu of the sampling
};

/// sigma at a point of the valley such that the theorem (10) with this sigma is the limit of the iteration with drawn
/// batches, D x n. In the finite-step form it holds the sampling's own noise, DERIVATION (49), (50); the other
/// forms are limits eta -> 0, where that is gone and sigma = (n/b)^(1/2) s J^T. Throws NumericalError if (50) has no
/// solution: sampling_strength is 1 or more.
Matrix drawn_noise_factor(const Manifold& manifold, const Vector& y, const BatchNoise& noise,
                          const LyapunovOperator& form);

/// r of DERIVATION (51): by how much the sampling noise feeds itself in one relaxation. The mean square of the
/// transverse motion is finite if and only if r < 1; 0 for the full batch.
double sampling_strength(const Manifold& manifold, const Geometry& geometry, const BatchNoise& noise,
                         const Hyperparameters& hyperparameters);

}  // namespace valleydrift::sde
