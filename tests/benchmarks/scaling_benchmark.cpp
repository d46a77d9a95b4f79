// How the cost per path-step depends on the size of the problem and of the run.
#include <algorithm>

#include "tests/benchmarks/runs.hpp"

namespace {

using namespace valleydrift;
using namespace valleydrift::benchmarks;

/// The iteration of one group of paths with its noise, as an ensemble runs it between two records. Linear in d.
void vector_uv(benchmark::State& state) {
  const ResolvedRun run =
      run_of("vector-uv", NoiseKind::label, NoiseLaw::gaussian, {{"d", std::to_string(state.range(0))}});
  const DiscreteRequest request = ensemble_of(run, batch_count, 1);
  DiscreteGroup group(request);
  group.start(0, lane_count);
  constexpr std::int64_t steps = 64;
  std::int64_t step = 0;
  measure(state, static_cast<double>(steps * group.paths()), [&] { group.run_to(step += steps); });
  state.counters["ns_per_component"] = state.counters["ns_per_path_step"] / static_cast<double>(2 * state.range(0));
}

void ensemble(benchmark::State& state, std::int64_t paths, std::int64_t steps) {
  set_thread_count(1);
  const ResolvedRun run = run_of("uv", NoiseKind::label, NoiseLaw::gaussian);
  const DiscreteRequest request = ensemble_of(run, paths, steps);
  measure(state, static_cast<double>(paths * steps), [&] { run_discrete(request); });
}
void paths(benchmark::State& state) { ensemble(state, state.range(0), 1000); }
void steps(benchmark::State& state) { ensemble(state, 32 * batch_count, state.range(0)); }

/// Nanoseconds of the clock on the wall: halved by a second thread.
void threads(benchmark::State& state, const char* manifold) {
  set_thread_count(static_cast<int>(state.range(0)));
  const ResolvedRun run = run_of(manifold, NoiseKind::label, NoiseLaw::gaussian);
  const DiscreteRequest request = ensemble_of(run, 256 * batch_count, 1024);
  measure_on_the_wall(state, static_cast<double>(request.paths * request.record_steps.back()),
                      [&] { run_discrete(request); });
}

/// Spectrum and projectors at a point, D m^2 + m^3: m residuals in D = 2 F dimensions; per point.
void geometry(benchmark::State& state) {
  const Manifold manifold("linear-network", {{"samples", static_cast<double>(state.range(0))},
                                             {"features", static_cast<double>(state.range(1))},
                                             {"sparsity", 1.0}});
  const Vector y = manifold.default_start();
  measure(state, 1.0, [&] { benchmark::DoNotOptimize(manifold.geometry(y).rank_gap); });
}

BENCHMARK(vector_uv)->Name("discrete/vector-uv")->ArgName("d")->RangeMultiplier(2)->Range(2, 4096);
BENCHMARK(paths)->Name("scaling/uv")->ArgName("paths")->RangeMultiplier(10)->Range(1000, 1000000);
BENCHMARK(steps)->Name("scaling/uv")->ArgName("steps")->RangeMultiplier(10)->Range(1000, 100000);
BENCHMARK_CAPTURE(threads, , "uv")->Name("scaling/uv")->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK_CAPTURE(threads, , "linear-network")
    ->Name("scaling/linear-network")
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime();
BENCHMARK(geometry)
    ->Name("scaling/geometry")
    ->ArgNames({"m", "F"})
    ->ArgsProduct({{1, 2, 4, 8, 16, 32, 64}, {128}})
    ->ArgsProduct({{8}, {16, 32, 64, 256}});

}  // namespace
