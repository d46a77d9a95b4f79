// Both processes as `compare` runs them, on one thread.
#include <vector>

#include "manifolds/registry.hpp"
#include "tests/benchmarks/per_path_step.hpp"
#include "validation/ensemble_kernel.hpp"
#include "validation/plan.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace {

using namespace valleydrift;
using namespace valleydrift::validation;
using benchmarks::measure;

void one_thread() {
#ifdef _OPENMP
  omp_set_num_threads(1);
#endif
}

RunConfig config_of(const char* manifold, NoiseKind noise, NoiseLaw law) {
  RunConfig config;
  config.manifold = manifold;
  config.noise = noise;
  config.noise_law = law;
  return config;
}

/// The noisy iteration with its noise, records at both ends: what run_discrete costs per path and step.
void discrete(benchmark::State& state, const char* manifold, NoiseKind noise, NoiseLaw law) {
  one_thread();
  const ResolvedRun run = resolve(config_of(manifold, noise, law));
  const Plan plan = plan_comparison(run);
  DiscreteRequest request = own_rung(run, plan);
  request.record_steps = {0, 1024};
  request.paths = 32 * batch_count;
  request.coupled = false;
  measure(state, static_cast<double>(request.paths * request.record_steps.back()), [&] { run_discrete(request); });
}

/// The update alone: the same draws again and again, from the nearest cache.
void update_uv(benchmark::State& state) {
  using Loss = manifolds::LeastSquares<manifolds::Uv>;
  constexpr int groups = interleaved_groups<Loss>, steps = 128;
  const ResolvedRun run = resolve(config_of("uv", NoiseKind::label, NoiseLaw::gaussian));
  const Loss& loss = std::get<Loss>(run.manifold.registered().loss);
  const discrete::StepConstants constants(run.hyperparameters);
  discrete::Scratch<Lanes, Loss> scratch(loss);
  std::vector<Lanes> draws(steps * groups);
  manifolds::fill_noise<groups>(NoiseLaw::gaussian, {.seed = 1, .process = 0}, 0, 0, steps, 1, draws.data());
  std::vector<discrete::State<Lanes, Loss>> states(groups, discrete::State<Lanes, Loss>(loss));
  for (auto& s : states) {
    for (int i = 0; i < 2; ++i) s.w[i] = Lanes(run.start[i]), s.p[i] = Lanes(0.0);
  }
  measure(state, static_cast<double>(steps * groups * lane_count), [&] {
    discrete::advance<groups>(loss, constants, discrete::LabelNoise{}, states.data(), draws.data(), steps, scratch);
    benchmark::DoNotOptimize(states.data());
  });
}

/// The limiting diffusion with noise of its own, as `compare` runs it: weak order 2, eight evaluations per step.
void limit_ensemble(benchmark::State& state, const char* manifold) {
  one_thread();
  const ResolvedRun run = resolve(config_of(manifold, NoiseKind::isotropic, NoiseLaw::gaussian));
  const Plan plan = plan_comparison(run);
  const std::int64_t paths = 16 * batch_count;
  const std::vector<double> times{0.0, 1.0};
  measure(state, static_cast<double>(paths) / plan.limit_step,
          [&] { run_limit(run, own_rung(run, plan).form, times, plan.limit_step, paths); });
}

BENCHMARK(update_uv)->Name("update/uv");
BENCHMARK_CAPTURE(discrete, , "uv", NoiseKind::label, NoiseLaw::gaussian)->Name("discrete/uv/gaussian");
BENCHMARK_CAPTURE(discrete, , "uv", NoiseKind::label, NoiseLaw::rademacher)->Name("discrete/uv/rademacher");
BENCHMARK_CAPTURE(discrete, , "sphere", NoiseKind::isotropic, NoiseLaw::gaussian)->Name("discrete/sphere/gaussian");
BENCHMARK_CAPTURE(discrete, , "torus", NoiseKind::isotropic, NoiseLaw::gaussian)->Name("discrete/torus/gaussian");
BENCHMARK_CAPTURE(discrete, , "quadratic-pair", NoiseKind::isotropic, NoiseLaw::gaussian)
    ->Name("discrete/quadratic-pair/gaussian");
BENCHMARK_CAPTURE(limit_ensemble, , "sphere")->Name("limit-ensemble/sphere/isotropic");
BENCHMARK_CAPTURE(limit_ensemble, , "quadratic-pair")->Name("limit-ensemble/quadratic-pair/isotropic");

}  // namespace
