// The limiting diffusion where nothing diffuses: an ordinary differential equation on the valley.
#pragma once

#include <functional>
#include <vector>

#include "sde/limit_coefficients.hpp"

namespace valleydrift::sde {

/// sigma at a point, D x r.
using NoiseFactor = std::function<Matrix(const Vector&)>;

/// dY/dt = drift of (10) for a noise with P_L sigma = 0 (label noise: (22) and its finite-step forms), by odeint's
/// adaptive Dormand-Prince method, started at y0 on the valley; Y at each of the ascending times >= 0. Error below
/// 1e-9 of |Y|. Throws NumericalError where the rank of the Hessian changes, or the flow runs to
/// infinity.
std::vector<Vector> deterministic_path(const Manifold& manifold, const NoiseFactor& noise_factor, const LimitForm& form,
                                       const Vector& y0, const std::vector<double>& times);
/// The same at one time.
Vector deterministic_flow(const Manifold& manifold, const NoiseFactor& noise_factor, const LimitForm& form,
                          const Vector& y0, double t);

}  // namespace valleydrift::sde
