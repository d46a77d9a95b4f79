// Halves the steps until a trial of few paths no longer shows that they move the limit.
#include "validation/compare/limit_step.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "manifolds/errors.hpp"
#include "validation/run/schedule.hpp"
#include "validation/run/theory.hpp"

namespace valleydrift::compare {

statistics::Estimate integrator_error(const run::DiscreteResult& coupled, int slow_coordinates, int record,
                                      const std::function<double(int column)>& scale, double quantile) {
  statistics::Estimate largest;
  double surely = -std::numeric_limits<double>::infinity();
  for (int column = 0; column < slow_coordinates; ++column) {
    const double unit = scale(column);
    if (!(unit > 0.0)) continue;
    std::vector<double> change;
    for (int b = 0; b < run::batch_count; ++b) {
      change.push_back((coupled.limit_fine.at(b, record, column) - coupled.limit_coarse.at(b, record, column)) / unit);
    }
    const statistics::Estimate e = statistics::estimate(change);
    const double least = std::abs(e.mean) - quantile * e.standard_error;
    if (!(least > surely)) continue;
    surely = least;
    largest = {std::abs(e.mean), e.standard_error};
  }
  return largest;
}

namespace {

/// Whether a trial loses a path, or sees the steps move the limit by half of what is allowed.
bool are_too_long(const run::ResolvedRun& run, const run::Plan& plan, const run::Progress& progress) {
  constexpr double seen_with = 1e-3;
  const run::Columns columns(run.manifold, true);
  run::DiscreteRequest trial = run::own_rung(run, plan);
  trial.first_phase.reset();
  trial.paths = limit_step_trial_paths;
  try {
    const run::DiscreteResult result = run::run_discrete(trial, progress);
    const int last = result.limit_fine.records() - 1;
    // The mean's motion, or what batch means scatter by, times the square root of their paths: the spread over paths.
    const auto scale = [&](int column) {
      const double start = result.limit_fine.at(0, 0, column);
      const statistics::Estimate end = statistics::estimate(run::batch_samples(result.limit_fine, last, column));
      return std::max(std::abs(end.mean - start), end.standard_error * std::sqrt(static_cast<double>(trial.paths)));
    };
    const double quantile = statistics::student_t(run::batch_count - 1, seen_with / columns.slow);
    const statistics::Estimate error = integrator_error(result, columns.slow, last, scale, quantile);
    return error.mean - quantile * error.standard_error > 0.5 * largest_integrator_error;
  } catch (const NumericalError&) {
    return true;
  }
}

}  // namespace

bool chooses_limit_step(const run::ResolvedRun& run, const run::Plan& plan) {
  return !run.deterministic() && !run.config.limit_step && plan.block > 1;
}

int choose_limit_step(const run::ResolvedRun& run, run::Plan& plan, const run::Progress& progress) {
  constexpr int most_halvings = 5;
  int halvings = 0;
  while (halvings < most_halvings && chooses_limit_step(run, plan) && are_too_long(run, plan, progress)) {
    plan.block /= 2;
    plan.limit_step *= 0.5;
    ++halvings;
  }
  return halvings;
}

double limit_step(const run::ResolvedRun& run, const run::Plan& plan) {
  if (run.deterministic()) return 0.0;
  std::int64_t longest = 0;
  for (std::size_t r = 1; r < plan.record_steps.size(); ++r) {
    const auto boundaries = run::block_boundaries(plan.record_steps[r - 1], plan.record_steps[r], plan.block);
    longest = std::max(longest, boundaries[1] - boundaries[0]);
  }
  return static_cast<double>(longest) / run.hyperparameters.slow_unit();
}

}  // namespace valleydrift::compare
