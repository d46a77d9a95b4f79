// What a draw of the noise costs, by law.
#include <cstdint>
#include <vector>

#include "manifolds/random/noise.hpp"
#include "tests/benchmarks/per_path_step.hpp"

namespace {

using namespace valleydrift::manifolds;

constexpr int groups = 4;
constexpr int steps = 128;  // one Rademacher counter; the draws take 16 KB with AVX2, half of the nearest cache

// One draw of one component.
void fill(benchmark::State& state, NoiseLaw law) {
  std::vector<Lanes> draws(steps * groups);
  std::uint64_t first_step = 0;
  valleydrift::benchmarks::measure(state, steps * groups * lane_count, [&] {
    fill_noise<groups>(law, {.seed = 1, .process = 0}, 0, first_step, steps, 1, draws.data());
    benchmark::DoNotOptimize(draws.data());
    first_step += steps;
  });
}

void gaussian(benchmark::State& state) { fill(state, NoiseLaw::gaussian); }
void rademacher(benchmark::State& state) { fill(state, NoiseLaw::rademacher); }
BENCHMARK(gaussian)->Name("noise/gaussian");
BENCHMARK(rademacher)->Name("noise/rademacher");

}  // namespace
