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
  with_loss(run, [&]<class Loss>(const Loss& loss) {
    constexpr int groups = interleaved_groups<Loss>;
    const discrete::StepConstants constants(run.hyperparameters);
    const discrete::LabelNoise noise;
    NoiseChunks<groups> chunks(NoiseLaw::gaussian, {.seed = 1, .process = 0}, noise.draw_count(loss));
    chunks.start(0, groups);
    const Lanes* draws = chunks.at(0);
    const int steps = static_cast<int>(chunks.available_until());
    discrete::Scratch<Lanes, Loss> scratch(loss);
    std::vector<discrete::State<Lanes, Loss>> states(groups, discrete::State<Lanes, Loss>(loss));
    // From the start again now and then: where weights decay to 0 they would end as denormal numbers, which are slow.
    constexpr int calls_from_start = 256;
    int calls = 0;
    measure(state, static_cast<double>(steps * groups * lane_count), [&] {
      if (calls++ % calls_from_start == 0) {
        for (auto& s : states) {
          for (int i = 0; i < loss.dimension(); ++i) s.w[i] = Lanes(run.start[i]), s.p[i] = Lanes(0.0);
        }
      }
      discrete::advance<groups>(loss, constants, noise, states.data(), draws, steps, scratch);
      benchmark::DoNotOptimize(states.data());
    });
  });
}

void ensemble(benchmark::State& state, const std::string& name, NoiseKind noise, NoiseLaw law) {
  set_thread_count(1);
  const ResolvedRun run = run_of(name, noise, law);
  const DiscreteRequest request = ensemble_of(run, 32 * batch_count, 1024);
  measure(state, static_cast<double>(request.paths * request.record_steps.back()), [&] { run_discrete(request); });
}

template <class Loss>
sde::LimitField<Lanes, typename Loss::model_type> field_of(const ResolvedRun& run, const Loss& loss) {
  return {loss.model(), sde::LimitForm(Form::finite_step, run.hyperparameters), run.noise_factor(run.start)};
}

std::vector<Lanes> start_of(const ResolvedRun& run) { return {run.start.begin(), run.start.end()}; }

void limit_step(benchmark::State& state, const std::string& name) {
  const ResolvedRun run = run_of(name, NoiseKind::isotropic, NoiseLaw::gaussian);
  with_loss(run, [&](const auto& loss) {
    constexpr int steps = 16;
    constexpr double dt = 1.0 / 128.0;
    auto field = field_of(run, loss);
    const auto draws = static_cast<std::size_t>(field.noise_count());
    sde::EulerMaruyama<Lanes> stepper(loss.dimension(), field.noise_count());
    std::vector<Lanes> y = start_of(run), dw(steps * draws);
    std::uint64_t first_step = 0;
    measure(state, static_cast<double>(steps * lane_count), [&] {
      manifolds::fill_noise<1>(NoiseLaw::gaussian, {.seed = 1, .process = 32}, 0, first_step, steps,
                               field.noise_count(), dw.data());
      first_step += steps;
      for (Lanes& x : dw) x = std::sqrt(dt) * x;
      for (std::size_t k = 0; k < steps; ++k) {
        stepper.step(field, std::span<Lanes>(y), std::span<const Lanes>(dw).subspan(draws * k, draws), dt);
      }
      benchmark::DoNotOptimize(y.data());
    });
  });
}

void retraction(benchmark::State& state, const std::string& name) {
  const ResolvedRun run = run_of(name, NoiseKind::label, NoiseLaw::gaussian);
  const Matrix normal = run.manifold.geometry(run.start).transverse;
  with_loss(run, [&](const auto& loss) {
    auto field = field_of(run, loss);
    std::vector<Lanes> away = start_of(run), w(away.size());
    for (std::size_t i = 0; i < away.size(); ++i) {
      away[i] += Lanes(run.applicability.cloud * normal(static_cast<Eigen::Index>(i), 0));
    }
    measure(state, lane_count, [&] {
      w = away;
      field.retract(std::span<Lanes>(w));
      benchmark::DoNotOptimize(w.data());
    });
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
