// How long the steps of the limiting diffusion are, and what they cost in accuracy.
#pragma once

#include <functional>

#include "validation/run/plan.hpp"
#include "validation/statistics/statistics.hpp"

namespace valleydrift::compare {

/// Halving the coupled limit's steps may move it by this part of its range or spread: the extrapolation (37) leaves
/// about the square, 0.25 %, half of what is allowed.
inline constexpr double largest_integrator_error = 0.05;

/// |E q(Y_h) - E q(Y_2h)| of the slow coordinate at a record where it is surely the largest: less `quantile` times its
/// standard error, beside it; in units of scale(column). Columns whose scale is 0 do not count.
statistics::Estimate integrator_error(const run::DiscreteResult& coupled, int slow_coordinates, int record,
                                      const std::function<double(int column)>& scale, double quantile);

/// Whether a step is to be chosen: where there is diffusion, none was given, and a shorter one is possible.
bool chooses_limit_step(const run::ResolvedRun& run, const run::Plan& plan);
/// The paths of the trial that chooses it.
inline constexpr std::int64_t limit_step_trial_paths = 2 * run::batch_count;
/// Halves the plan's steps of the limiting diffusion until a trial loses no path and does not see the steps move it by
/// half of what is allowed, at most five times; returns how often. Throws Interrupted.
int choose_limit_step(const run::ResolvedRun& run, run::Plan& plan, const run::Progress& progress = {});

/// The longest step of the coupled limit in slow time, two or more between records; 0 without diffusion.
double limit_step(const run::ResolvedRun& run, const run::Plan& plan);

}  // namespace valleydrift::compare
