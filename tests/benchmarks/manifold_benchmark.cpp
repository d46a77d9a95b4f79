// What every manifold of the registry costs on one thread, with its default parameters:
//   update/NAME                the update of the iteration alone, label noise
//   discrete/NAME/gaussian     the ensemble as `compare` runs it, label noise; /rademacher, and /isotropic (Gaussian)
//   limit-step/NAME/isotropic  the limiting diffusion by the general theorem: draws, all terms, Euler-Maruyama,
//   retraction retraction/NAME            of a point off the valley by the size of the transverse cloud geometry/NAME
//   spectrum and projectors in double precision; per point
#include <vector>

#include "tests/benchmarks/runs.hpp"

namespace {

using namespace valleydrift;
using namespace valleydrift::benchmarks;

/// The same draws again and again, from the nearest cache.
void update(benchmark::State& state, const std::string& name) {
  const ResolvedRun run = run_of(name, NoiseKind::label, NoiseLaw::gaussian);
  const discrete::NoiseModel noise = discrete::LabelNoise{};
  const auto lockstep = discrete::make_lockstep(run.manifold, run.hyperparameters, noise);
  const int groups = lockstep->most_together();
  NoiseChunks chunks(noise, lockstep->draw_count(), NoiseLaw::gaussian, {.seed = 1, .process = 0}, groups);
  chunks.start(0, groups);
  const Lanes* draws = chunks.at(0);
  const int steps = static_cast<int>(chunks.available_until());
  // From the start again now and then: where weights decay to 0 they would end as denormal numbers, which are slow.
  constexpr int calls_from_start = 256;
  int calls = 0;
  measure(state, static_cast<double>(steps * groups * lane_count), [&] {
    if (calls++ % calls_from_start == 0) {
      for (int g = 0; g < groups; ++g) {
        std::copy(run.start.begin(), run.start.end(), lockstep->w(g).begin());
        std::fill(lockstep->p(g).begin(), lockstep->p(g).end(), Lanes(0.0));
      }
    }
    lockstep->advance(0, groups, draws, steps);
    benchmark::DoNotOptimize(lockstep->w(0).data());
  });
}

void ensemble(benchmark::State& state, const std::string& name, NoiseKind noise, NoiseLaw law) {
  set_thread_count(1);
  const ResolvedRun run = run_of(name, noise, law);
  const DiscreteRequest request = ensemble_of(run, 32 * batch_count, 1024);
  measure(state, static_cast<double>(request.paths * request.record_steps.back()), [&] { run_discrete(request); });
}

std::vector<Lanes> start_of(const ResolvedRun& run) { return {run.start.begin(), run.start.end()}; }

void limit_step(benchmark::State& state, const std::string& name) {
  const ResolvedRun run = run_of(name, NoiseKind::isotropic, NoiseLaw::gaussian);
  constexpr int steps = 16;
  constexpr double dt = 1.0 / 128.0;
  const auto field = sde::make_field<Lanes>(run.manifold, sde::LyapunovOperator(Form::finite_step, run.hyperparameters),
                                            run.noise_factor(run.start));
  const auto draws = static_cast<std::size_t>(field->noise_count());
  sde::EulerMaruyama<Lanes> stepper(field->dimension(), field->noise_count());
  std::vector<Lanes> y = start_of(run), dw(steps * draws);
  std::uint64_t first_step = 0;
  measure(state, static_cast<double>(steps * lane_count), [&] {
    manifolds::fill_noise<1>(NoiseLaw::gaussian, {.seed = 1, .process = 32}, 0, first_step, steps, field->noise_count(),
                             dw.data());
    first_step += steps;
    for (Lanes& x : dw) x = std::sqrt(dt) * x;
    for (std::size_t k = 0; k < steps; ++k) {
      stepper.step(*field, std::span<Lanes>(y), std::span<const Lanes>(dw).subspan(draws * k, draws), dt);
    }
    benchmark::DoNotOptimize(y.data());
  });
}

void retraction(benchmark::State& state, const std::string& name) {
  const ResolvedRun run = run_of(name, NoiseKind::label, NoiseLaw::gaussian);
  const Matrix normal = run.manifold.geometry(run.start).transverse;
  const auto geometry = sde::make_geometry<Lanes>(run.manifold);
  std::vector<Lanes> away = start_of(run), w(away.size());
  for (std::size_t i = 0; i < away.size(); ++i) {
    away[i] += Lanes(run.applicability.cloud * normal(static_cast<Eigen::Index>(i), 0));
  }
  measure(state, lane_count, [&] {
    w = away;
    geometry->retract(std::span<Lanes>(w));
    benchmark::DoNotOptimize(w.data());
  });
}

void geometry(benchmark::State& state, const std::string& name) {
  const ResolvedRun run = run_of(name, NoiseKind::label, NoiseLaw::gaussian);
  measure(state, 1.0, [&] { benchmark::DoNotOptimize(run.manifold.geometry(run.start).rank_gap); });
}

const bool registered = [] {
  const auto add = [](const std::string& name, const auto& body) { benchmark::RegisterBenchmark(name.c_str(), body); };
  for (const manifolds::ManifoldDescription& d : manifolds::descriptions()) {
    const std::string name = d.name;
    const auto add_ensemble = [&](const char* suffix, NoiseKind noise, NoiseLaw law) {
      add("discrete/" + name + suffix, [=](benchmark::State& state) { ensemble(state, name, noise, law); });
    };
    add("update/" + name, [=](benchmark::State& state) { update(state, name); });
    add_ensemble("/gaussian", NoiseKind::label, NoiseLaw::gaussian);
    add_ensemble("/rademacher", NoiseKind::label, NoiseLaw::rademacher);
    add_ensemble("/isotropic", NoiseKind::isotropic, NoiseLaw::gaussian);
    add("limit-step/" + name + "/isotropic", [=](benchmark::State& state) { limit_step(state, name); });
    add("retraction/" + name, [=](benchmark::State& state) { retraction(state, name); });
    add("geometry/" + name, [=](benchmark::State& state) { geometry(state, name); });
  }
  return true;
}();

}  // namespace
