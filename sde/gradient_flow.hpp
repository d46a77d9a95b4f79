// The limit map of the gradient flow: where on the valley a point belongs.
#pragma once

#include <vector>

#include "manifolds/manifold.hpp"

namespace valleydrift::sde {

/// The end point of dw/ds = -grad L(w) started at w, by odeint's Dormand-Prince method with error control; within 1e-10
/// of it in each component. A point whose scaled residual is below 1e-12 is returned as it is. Throws NumericalError if
/// the flow does not reach the valley: it ends at a point off the valley where the gradient vanishes, or runs away.
manifolds::Vector limit_map(const manifolds::Manifold& manifold, const manifolds::Vector& w);

/// w(s) on that flow at each of the ascending times s >= 0, by the same method. Throws NumericalError where it runs
/// away.
std::vector<manifolds::Vector> gradient_flow(const manifolds::Manifold& manifold, const manifolds::Vector& w,
                                             const std::vector<double>& times);

}  // namespace valleydrift::sde
