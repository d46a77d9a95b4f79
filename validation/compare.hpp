// The main job: both processes on one clock, their differences on ladders, and the verdict.
#pragma once

#include <functional>

#include "validation/comparison.hpp"
#include "validation/ensemble.hpp"

namespace valleydrift::validation {

/// What a run will do, known before it starts.
struct Plan {
  std::vector<std::int64_t> record_steps;  ///< at the run's epsilon
  std::vector<double> times;               ///< slow time of the records
  std::vector<double> epsilons;            ///< rungs of the epsilon ladder, largest first
  std::vector<double> etas;                ///< rungs of the eta ladder, empty if it is not climbed
  double eta_ladder_epsilon = 0.0;
  std::int64_t eta_ladder_paths = 0;
  std::int64_t block = 0;   ///< steps per block of the coupled limit
  double limit_step = 0.0;  ///< slow time per step of the limiting diffusion with its own noise
  std::vector<Form> forms;  ///< forms in which the theory is computed
};
Plan plan_comparison(const ResolvedRun& run);

/// The price of a plan.
struct Cost {
  std::int64_t paths = 0;
  double discrete_steps = 0.0;  ///< path-steps of the discrete iteration, all rungs
  double limit_steps = 0.0;     ///< path-steps of the limiting diffusion
  double seconds = 0.0;         ///< on the present number of threads, from a short trial of the real loops
};
Cost estimate_cost(const ResolvedRun& run, const Plan& plan);

/// Called with the fraction of the work done.
using CompareProgress = std::function<void(double fraction)>;

/// Runs the plan. `saved` receives every path of the ensemble at the run's epsilon, in order, if it is set.
Comparison compare(const ResolvedRun& run, const Plan& plan, const CompareProgress& progress = {},
                   const PathSink& saved = {});

/// The request that replays a path of the run's own rung.
DiscreteRequest replay_request(const ResolvedRun& run, const Plan& plan);

}  // namespace valleydrift::validation
