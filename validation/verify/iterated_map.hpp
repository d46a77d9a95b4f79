// The iterated noiseless map in extended precision: the truth that the theorem is held against. It contains none of the
// theorem's formulas, only the iteration itself.
#pragma once

#include <Eigen/Core>

#include "manifolds/hyperparameters.hpp"
#include "manifolds/manifold.hpp"

namespace valleydrift::verify {

using ExtendedVector = Eigen::Matrix<long double, Eigen::Dynamic, 1>;

/// Phi(w, p), DERIVATION (6): where w comes to rest, by brute iteration, to rounding of w or of `length`, the distance
/// over which the valley bends. Throws NumericalError if it does not.
ExtendedVector iterated_limit(const manifolds::Manifold& manifold, const manifolds::Hyperparameters& h,
                              const ExtendedVector& w, const ExtendedVector& p, double length);

/// Drift per unit of slow time at y: the left side of DERIVATION (17) over the clock (9), with one Richardson step. The
/// valley bends over distances of about `length`.
manifolds::Vector drift_of_iteration(const manifolds::Manifold& manifold, const manifolds::Hyperparameters& h,
                                     const manifolds::Vector& y, const manifolds::Matrix& sigma, double length);

/// D Phi(y, 0)[eta v, v], DERIVATION (7), by central differences with one Richardson step.
manifolds::Vector derivative_of_iteration(const manifolds::Manifold& manifold, const manifolds::Hyperparameters& h,
                                          const manifolds::Vector& y, const manifolds::Vector& v, double length);

}  // namespace valleydrift::verify
