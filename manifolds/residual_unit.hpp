// What residuals are measured by, so that how far a point is from the valley depends on no factor and no size.
#pragma once

#include <Eigen/Core>

#include "manifolds/numbers/lanes.hpp"

namespace valleydrift::manifolds {

class Manifold;

/// u_a of a residual of scale s = |grad f_a| times a length: 1, but no more than 4 s, since a residual whose scale is
/// above a quarter is of order 1, and no less than 1e-4 s: sums of some hundred terms leave 1e-14 of the scale, 1e-10,
/// the smallest tolerance that paths are held to, of that.
template <class T>
[[gnu::always_inline]] inline T residual_unit(const T& scale) {
  return max(min(T(1.0), 4.0 * scale), 1e-4 * scale);
}

/// u_a^2 of s^2.
template <class T>
[[gnu::always_inline]] inline T squared_residual_unit(const T& squared_scale) {
  return max(min(T(1.0), 16.0 * squared_scale), 1e-8 * squared_scale);
}

/// The length that stands for |w| nearer to 0: Manifold::length(w) and at most 1, or |w| where that changes no unit.
double least_length(const Manifold& manifold, const Eigen::VectorXd& w);

}  // namespace valleydrift::manifolds
