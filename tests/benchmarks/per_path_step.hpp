// Every benchmark reports the counter ns_per_path_step.
#pragma once

#include <benchmark/benchmark.h>

#include <ctime>

namespace valleydrift::benchmarks {

/// Nanoseconds of processor time per path and step of body(), which does `path_steps` of them. Other programs' share
/// of the processor does not count.
template <class Body>
void measure(benchmark::State& state, double path_steps, const Body& body) {
  const std::clock_t start = std::clock();
  for (auto _ : state) {
    body();
    benchmark::ClobberMemory();
  }
  const double elapsed = 1e9 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  state.counters["ns_per_path_step"] = elapsed / (static_cast<double>(state.iterations()) * path_steps);
}

}  // namespace valleydrift::benchmarks
