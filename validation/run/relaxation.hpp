// Where the flow along the valley ends, and how fast it arrives there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "validation/run/applicability.hpp"

namespace valleydrift::run {

/// A number, or the reason why it does not exist.
struct Quantity {
  std::optional<double> value = {};
  std::string reason = {};
};

/// Relaxation time of a drift without diffusion: 1 / the smallest nonzero eigenvalue, on the tangent space, of its
/// linearisation at its fixed point.
struct Relaxation {
  Quantity time = {};
  double error = 0.0;  ///< of the time, relative, as estimated: some 1e-13 where no direction is much faster
  std::string note = {};
  std::optional<Vector> fixed_point = {};  ///< the local flattest point: the end of the flow from the start
};
/// Of one form's drift from the start; tau_Y is the paper form's. No value for noise with diffusion along the valley, a
/// flow without fixed point, an unstable fixed point, a drift that vanishes everywhere near it, or a valley of
/// dimension above 64.
Relaxation relaxation_time(const ResolvedRun& run, Form form);

/// C* = (2 epsilon^2 / tau_Y)^(1/3), DERIVATION (32); the square alone may be beyond double precision.
double prefactor_where_scales_meet(double epsilon, double tau_Y);

/// tr H over its rate of change along the flow at the start, in slow time.
Quantity local_time(const ResolvedRun& run);

/// Where the flow from a point ends, and what training finds there.
struct FlattestPoint {
  Vector point;
  double trace_hessian = 0.0;
  Vector slow_coordinates;
};
FlattestPoint describe_flattest(const ResolvedRun& run, const Vector& point);

/// Local flattest points found from several starts.
struct FlattestSearch {
  struct Found {
    FlattestPoint flattest;
    Quantity tau_Y;
    int starts;  ///< how many led there
    bool own;    ///< the run's own start among them
  };
  int drawn = 0;             ///< starts beside the run's own
  std::vector<Found> found;  ///< distinct, by tr H; of a symmetry's points one
  int without = 0;           ///< starts that led to none
  std::string reason = {};   ///< of the first of these
};

/// From the run's start and `drawn` points around it: normal deviates of half, once and twice the start's root mean
/// square, drawn from the run's seed and moved onto the valley by the gradient flow.
FlattestSearch search_flattest(const ResolvedRun& run, int drawn);

}  // namespace valleydrift::run
