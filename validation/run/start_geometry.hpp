// The valley where a run is to start: whether there is one, and how its coordinates rise.
#pragma once

#include <vector>

#include "manifolds/manifold.hpp"

namespace valleydrift::run {

/// Throws ConfigError if the residuals depend on each other, so that J has a rank below m at `point` and all around it.
void require_independent_residuals(const manifolds::Manifold& manifold, const manifolds::Vector& point);

/// The geometry at y, to which the start was moved by `moved`. Throws NumericalError where J has a rank below m there:
/// an isolated minimum, a crossing of valleys, or a residual that is a square; or where it cannot be told.
manifolds::Geometry geometry_of_start(const manifolds::Manifold& manifold, const manifolds::Vector& y, double moved);

/// |grad q_i| of the slow coordinates at a point y of the valley, to 1e-8.
std::vector<double> slow_gradients(const manifolds::Manifold& manifold, const manifolds::Vector& y);

}  // namespace valleydrift::run
