// What a comparison will run, known before it starts.
#pragma once

#include "validation/run/ensemble.hpp"

namespace valleydrift::run {

/// The paths that the pictures show: so many of each batch, at so many records.
inline constexpr int pictured_paths = 2, pictured_records = 240;

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

}  // namespace valleydrift::run
