// What the benchmarks run: resolved runs of `compare`, and what is behind them.
#pragma once

#include <map>
#include <string>

#include "tests/benchmarks/per_path_step.hpp"
#include "validation/run/discrete_group.hpp"
#include "validation/run/plan.hpp"
#include "validation/run/threads.hpp"

namespace valleydrift::benchmarks {

using namespace valleydrift::run;
using manifolds::lane_count;

/// A run as `compare` would resolve it.
inline ResolvedRun run_of(const std::string& manifold, NoiseKind noise, NoiseLaw law,
                          const std::map<std::string, std::string>& parameters = {}) {
  RunConfig config;
  config.manifold = manifold;
  config.parameters = parameters;
  config.noise = noise;
  config.noise_law = law;
  return resolve(config);
}

/// The discrete ensemble of a run with records at both ends, not coupled to the limit.
inline DiscreteRequest ensemble_of(const ResolvedRun& run, std::int64_t paths, std::int64_t steps) {
  DiscreteRequest request = own_rung(run, plan_comparison(run));
  request.record_steps = {0, steps};
  request.paths = paths;
  request.coupled = false;
  return request;
}

}  // namespace valleydrift::benchmarks
