// A linear network of 2000 weights and 200 samples, where matrices no longer fit the nearest caches; per path-step:
//   large/discrete            the iteration with its noise, as an ensemble runs it
//   large/limit-step/NOISE    the limiting diffusion: Euler-Maruyama and retraction; label: its drift in Euler's step
//   large/weak-order-2        a step of the scheme that ensembles take, isotropic noise
//   large/label-drift         the drift of label noise in double precision, as the flow takes it; per point
#include <cmath>
#include <vector>

#include "tests/benchmarks/runs.hpp"

namespace {

using namespace valleydrift;
using namespace valleydrift::benchmarks;
using sde::LyapunovOperator;

constexpr double large_step = 1.0 / 128.0;

ResolvedRun large_run_of(NoiseKind noise) {
  return run_of("linear-network", noise, NoiseLaw::gaussian, {{"features", "1000"}, {"samples", "200"}});
}
const ResolvedRun& large_run() {
  static const ResolvedRun run = large_run_of(NoiseKind::isotropic);
  return run;
}
LyapunovOperator large_operator() { return {Form::finite_step, large_run().hyperparameters}; }

void large_discrete(benchmark::State& state) {
  const ResolvedRun run = large_run_of(NoiseKind::label);
  const DiscreteRequest request = ensemble_of(run, batch_count, 1);
  DiscreteGroup group(request);
  group.start(0, lane_count);
  constexpr std::int64_t steps = 16;
  std::int64_t step = 0;
  measure(state, static_cast<double>(steps * group.paths()), [&] { group.run_to(step += steps); });
  // J v and J^T r: two products for each entry of J.
  state.counters["ns_per_product"] =
      state.counters["ns_per_path_step"] / (2.0 * run.manifold.dimension() / 2.0 * run.manifold.label_count());
}

/// A matrix of 200 columns with nothing special about it.
Matrix constant_noise(Eigen::Index dimension) {
  Matrix sigma(dimension, 200);
  for (Eigen::Index j = 0; j < sigma.cols(); ++j) {
    for (Eigen::Index i = 0; i < dimension; ++i) sigma(i, j) = 0.1 * std::cos(static_cast<double>(3 * i + i * j));
  }
  return sigma;
}

/// step(field, y, draws) from the start again and again.
template <class Step>
void large_limit(benchmark::State& state, const NoiseFactor& sigma, const Step& step) {
  const auto field = sde::make_field<Lanes>(large_run().manifold, large_operator(), sigma);
  std::vector<Lanes> y, draws(2 * static_cast<std::size_t>(field->noise_count()));
  manifolds::fill_noise<1>(NoiseLaw::gaussian, {.seed = 1, .process = 32}, 0, 0, 1, static_cast<int>(draws.size()),
                           draws.data());
  for (Lanes& x : draws) x = std::sqrt(large_step) * x;
  measure(state, lane_count, [&] {
    y.assign(large_run().start.begin(), large_run().start.end());
    step(*field, std::span<Lanes>(y), std::span<const Lanes>(draws));
    benchmark::DoNotOptimize(y.data());
  });
}

void large_euler(benchmark::State& state, const NoiseFactor& sigma) {
  sde::EulerMaruyama<Lanes> stepper(static_cast<int>(sigma.rows()), static_cast<int>(sigma.columns()));
  large_limit(state, sigma, [&](auto& field, std::span<Lanes> y, std::span<const Lanes> draws) {
    stepper.step(field, y, draws.first(draws.size() / 2), large_step);
  });
}

void large_label(benchmark::State& state) {
  const auto drift = sde::make_label_drift<Lanes>(large_run().manifold, large_operator());
  std::vector<Lanes> y, increment(2000);
  measure(state, lane_count, [&] {
    y.assign(large_run().start.begin(), large_run().start.end());
    drift->increment(y, Lanes(large_step), increment);
    for (std::size_t k = 0; k < y.size(); ++k) y[k] = y[k] + increment[k];
    drift->retract(y);
    benchmark::DoNotOptimize(y.data());
  });
}

void large_weak_order_two(benchmark::State& state) {
  sde::WeakOrderTwo<Lanes> stepper(2000, 2000);
  large_limit(state, NoiseFactor::isotropic(2000), [&](auto& field, std::span<Lanes> y, std::span<const Lanes> draws) {
    stepper.step(field, y, draws.first(draws.size() / 2), draws.subspan(draws.size() / 2), large_step);
  });
}

void large_label_drift(benchmark::State& state) {
  const auto field = sde::make_label_drift<double>(large_run().manifold, large_operator());
  std::vector<double> y(large_run().start.begin(), large_run().start.end()), drift(y.size());
  measure(state, 1.0, [&] {
    field->increment(y, 1.0, drift);
    benchmark::DoNotOptimize(drift.data());
  });
}

BENCHMARK(large_discrete)->Name("large/discrete");
BENCHMARK(large_label)->Name("large/limit-step/label")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(large_euler, , NoiseFactor::isotropic(2000))
    ->Name("large/limit-step/isotropic")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(large_euler, , constant_noise(2000))
    ->Name("large/limit-step/constant")
    ->Unit(benchmark::kMillisecond);
BENCHMARK(large_weak_order_two)->Name("large/weak-order-2")->Unit(benchmark::kMillisecond);
BENCHMARK(large_label_drift)->Name("large/label-drift")->Unit(benchmark::kMillisecond);

}  // namespace
