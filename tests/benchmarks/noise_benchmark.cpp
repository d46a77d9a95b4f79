#include <benchmark/benchmark.h>

#include <cstdint>
#include <ctime>
#include <vector>

#include "manifolds/noise.hpp"

namespace {

using namespace valleydrift::manifolds;

constexpr int groups = 4;
constexpr int steps = 128;  // one Rademacher counter; the draws take 16 KB with AVX2, half of the nearest cache

// Nanoseconds of processor time per draw, one component. Other programs' share of the processor does not count.
void fill(benchmark::State& state, NoiseLaw law) {
  std::vector<Lanes> draws(steps * groups);
  std::uint64_t first_step = 0;
  const std::clock_t start = std::clock();
  for (auto _ : state) {
    fill_noise<groups>(law, {.seed = 1, .process = 0}, 0, first_step, steps, 1, draws.data());
    benchmark::DoNotOptimize(draws.data());
    benchmark::ClobberMemory();
    first_step += steps;
  }
  const double elapsed = 1e9 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const double path_steps = static_cast<double>(state.iterations()) * steps * groups * lane_count;
  state.counters["ns_per_path_step"] = elapsed / path_steps;
}

void gaussian(benchmark::State& state) { fill(state, NoiseLaw::gaussian); }
void rademacher(benchmark::State& state) { fill(state, NoiseLaw::rademacher); }
BENCHMARK(gaussian)->Name("noise/gaussian");
BENCHMARK(rademacher)->Name("noise/rademacher");

}  // namespace
