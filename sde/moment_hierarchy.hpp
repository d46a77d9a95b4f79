// Near the flattest point: moments of the valley coordinate where the time scales are not separated.
#pragma once

#include <optional>
#include <vector>

namespace valleydrift::sde {

/// The three rates of the motion near the flattest point, DERIVATION (43), all in the same unit of time:
///   x'' + friction x' + friction drift a(t) x = 0,   a = energy of the transverse mode over its mean
struct HierarchyRates {
  double friction;    ///< of the momentum along the valley, 1/tau_momentum
  double relaxation;  ///< of the mode's energy, 2/tau_1 for an underdamped mode
  double drift;       ///< 1/tau_2: x' = -drift x in the separated limit

  /// k_0 = friction^2 drift; its cube root is the rate at which the scales meet.
  double cube() const { return friction * friction * drift; }
};

/// Of the ensemble: the mean of x, or its root mean square, which is what one run feels.
enum class Moment { mean, root_mean_square };

/// The asymptotic rate at which the moment decays, from the spectrum of the hierarchy (44), (45) cut after `order`
/// Laguerre polynomials; negative if it grows. `order` 48 gives four digits for friction = relaxation above 0.1
/// cube()^(1/3), 12 above 0.5. Rounded to 24 binary digits.
double decay_rate(const HierarchyRates& rates, Moment moment, int order = 48);

/// x(t)/x(0), the mean or the root mean square, at the ascending times >= 0, started on the valley at rest: a = 0 and
/// x' = 0. Error below 1e-7. Throws NumericalError for rates that are not positive.
std::vector<double> moment_curve(const HierarchyRates& rates, Moment moment, const std::vector<double>& times,
                                 int order = 48);

/// The time after which the curve stays within `delta`, 0 < delta < 1; none if the moment does not decay, for friction
/// below 0.07 cube()^(1/3), or for rates too different to follow. By the first order in the separation, DERIVATION
/// (45a), where friction and relaxation are 400 times the drift: to 1e-4. Else by the hierarchy, whose order is doubled
/// until the time changes by less than 1e-3 of itself; a relaxation beyond 200 times the drift and the geometric mean
/// of drift and friction is replaced by that, at 0.5 % at most.
std::optional<double> convergence_time(const HierarchyRates& rates, Moment moment, double delta);

}  // namespace valleydrift::sde
