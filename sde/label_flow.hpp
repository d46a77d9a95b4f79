// The limiting diffusion of label noise, where nothing diffuses: an ordinary differential equation on the valley.
#pragma once

#include <vector>

#include "sde/drawn_batches.hpp"

namespace valleydrift::sde {

/// dY/dt of DERIVATION (22) and its finite-step forms (23), (24), by odeint's adaptive Dormand-Prince method, started
/// at y0 on the valley; Y at each of the ascending times >= 0. Error below 1e-9 of |Y|. Least squares take the drift
/// from (24b), other losses from theorem; with drawn batches the finite-step form is that of DERIVATION
/// (49). Throws NumericalError where the rank of the Hessian changes or the flow does not get on.
std::vector<Vector> label_path(const Manifold& manifold, const LyapunovOperator& form, const Vector& y0,
                               const std::vector<double>& times, const BatchNoise& noise = {});
/// The same at one time.
Vector label_flow(const Manifold& manifold, const LyapunovOperator& form, const Vector& y0, double t,
                  const BatchNoise& noise = {});

}  // namespace valleydrift::sde
