// What a comparison costs: the steps by counting, the time by a short trial of the real loops.
#pragma once

#include "validation/plan.hpp"

namespace valleydrift::validation {

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
/// The time as well.
Cost estimate_cost(const ResolvedRun& run, const Plan& plan);

}  // namespace valleydrift::validation
