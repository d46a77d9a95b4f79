// The limiting diffusion as `compare` runs it, on one thread.
#include <vector>

#include "tests/benchmarks/runs.hpp"

namespace {

using namespace valleydrift;
using namespace valleydrift::benchmarks;

/// The limiting diffusion with noise of its own, as `compare` runs it: weak order 2, eight evaluations per step.
void limit_ensemble(benchmark::State& state, const char* manifold) {
  set_thread_count(1);
  const ResolvedRun run = run_of(manifold, NoiseKind::isotropic, NoiseLaw::gaussian);
  const Plan plan = plan_comparison(run);
  const std::int64_t paths = 16 * batch_count;
  const std::vector<double> times{0.0, 1.0};
  measure(state, static_cast<double>(paths) / plan.limit_step,
          [&] { run_limit(run, own_rung(run, plan).form, times, plan.limit_step, paths); });
}

BENCHMARK_CAPTURE(limit_ensemble, , "sphere")->Name("limit-ensemble/sphere/isotropic");
BENCHMARK_CAPTURE(limit_ensemble, , "quadratic-pair")->Name("limit-ensemble/quadratic-pair/isotropic");

}  // namespace
