// What a typed formula costs beside the same valley compiled.
#include <memory>

#include "tests/benchmarks/runs.hpp"

namespace {

using namespace valleydrift;
using namespace valleydrift::benchmarks;

ResolvedRun typed_uv() {
  manifolds::FormulaSource source;
  source.variables = {"--variables", "u,v"};
  source.residuals = {{"--residual", "u*v - 1"}};
  source.start = manifolds::FormulaText{"--start", "2,0.5"};
  RunConfig config;
  config.formula = std::make_shared<const manifolds::FormulaSource>(std::move(source));
  config.manifold = "formula";
  return resolve(config);
}

/// The discrete ensemble under Gaussian label noise, on one thread.
void discrete_ensemble(benchmark::State& state, bool typed) {
  set_thread_count(1);
  const ResolvedRun run = typed ? typed_uv() : run_of("uv", NoiseKind::label, NoiseLaw::gaussian);
  constexpr std::int64_t paths = 4096, steps = 2000;
  const DiscreteRequest request = ensemble_of(run, paths, steps);
  measure(state, static_cast<double>(paths * steps), [&] { run_discrete(request); });
}

BENCHMARK_CAPTURE(discrete_ensemble, , false)->Name("formula/uv/compiled");
BENCHMARK_CAPTURE(discrete_ensemble, , true)->Name("formula/uv/typed");

}  // namespace
