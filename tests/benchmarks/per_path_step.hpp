// Every benchmark reports the counter ns_per_path_step.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <ctime>

namespace valleydrift::benchmarks {

/// Runs body(), which does `path_steps` of them per call, and reports nanoseconds per path and step by `seconds()`.
template <class Seconds, class Body>
void measure_by(const Seconds& seconds, benchmark::State& state, double path_steps, const Body& body) {
  const double start = seconds();
  for (auto _ : state) {
    body();
    benchmark::ClobberMemory();
  }
  const double elapsed = 1e9 * (seconds() - start);
  state.counters["ns_per_path_step"] = elapsed / (static_cast<double>(state.iterations()) * path_steps);
}

/// Processor time, summed over the threads. Other programs' share of the processor does not count.
template <class Body>
void measure(benchmark::State& state, double path_steps, const Body& body) {
  measure_by([] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }, state, path_steps, body);
}

/// Time on the wall, for what runs on several threads.
template <class Body>
void measure_on_the_wall(benchmark::State& state, double path_steps, const Body& body) {
  const auto now = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  measure_by(now, state, path_steps, body);
}

}  // namespace valleydrift::benchmarks
