#include "validation/scan/optimum.hpp"

#include <cmath>

#include "manifolds/lane_math.hpp"

namespace valleydrift::validation {
namespace {

/// The asymptotic rate of the RMS at this friction, 0 where there is no prediction.
double rate(const ResolvedScan& scan, const ResolvedRun& base, double mu) {
  ResolvedRun run = base;
  run.hyperparameters.mu = mu;
  return decay_rate(predict(scan, run), sde::Moment::root_mean_square).value_or(0.0);
}

}  // namespace

double fastest_friction(const ResolvedScan& scan, const ResolvedRun& base, double low, double high) {
  const double golden = 0.5 * (std::sqrt(5.0) - 1.0);
  double a = manifolds::log(low), b = manifolds::log(high);
  double x = b - golden * (b - a), y = a + golden * (b - a);
  double fx = rate(scan, base, manifolds::exp(x)), fy = rate(scan, base, manifolds::exp(y));
  constexpr double precision = 1e-3;
  while (b - a > precision) {
    if (fx > fy) {
      b = y;
      y = x;
      fy = fx;
      x = b - golden * (b - a);
      fx = rate(scan, base, manifolds::exp(x));
    } else {
      a = x;
      x = y;
      fx = fy;
      y = a + golden * (b - a);
      fy = rate(scan, base, manifolds::exp(y));
    }
  }
  return manifolds::exp(0.5 * (a + b));
}

}  // namespace valleydrift::validation
