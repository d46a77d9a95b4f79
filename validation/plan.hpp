// What a comparison will run, and what that costs, known before it starts.
#pragma once

#include "validation/ensemble.hpp"

namespace valleydrift::validation {

/// Records, rungs and step sizes of a comparison.
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

/// The discrete ensemble at the run's own epsilon, with the limiting diffusion coupled to it.
DiscreteRequest own_rung(const ResolvedRun& run, const Plan& plan);
/// That on rung r of the epsilon ladder: epsilon/2^r, 4^r times the steps, noise of its own.
DiscreteRequest epsilon_rung(const ResolvedRun& run, const Plan& plan, std::size_t r);

/// The price of a plan.
struct Cost {
  std::int64_t paths = 0;
  double discrete_steps = 0.0;  ///< path-steps of the discrete iteration, all rungs
  double coupled_steps = 0.0;   ///< path-steps of the limiting diffusion coupled to it
  double limit_steps = 0.0;     ///< path-steps of the limiting diffusion with noise of its own
  double seconds = 0.0;         ///< on the present number of threads; 0 before estimate_cost
};
/// The steps alone.
Cost count_steps(const ResolvedRun& run, const Plan& plan);
/// The time as well, from a short trial of the real loops.
Cost estimate_cost(const ResolvedRun& run, const Plan& plan);

}  // namespace valleydrift::validation
