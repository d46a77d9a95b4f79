// Version, host, time, compiler, instructions, threads and durations as JSON.
#include "validation/output/run_facts.hpp"

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "manifolds/numbers/lanes.hpp"

namespace valleydrift::output {

nlohmann::ordered_json facts_of_run(const RunFacts& facts) {
  nlohmann::ordered_json run;
  run["program_version"] = VALLEYDRIFT_VERSION;
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  run["host"] = host;
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
  run["finished"] = stamp;
  run["compiler"] =
#ifdef __clang__
      "clang " __VERSION__;
#else
      "g++ " __VERSION__;
#endif
  run["instructions"] =
#if defined(__AVX512F__)
      "AVX-512";
#elif defined(__AVX2__)
      "AVX2";
#elif defined(__AVX__)
          "AVX";
#else
          "SSE2";
#endif
#ifdef NDEBUG
  run["assertions"] = false;
#else
  run["assertions"] = true;
#endif
#ifdef _OPENMP
  run["openmp"] = _OPENMP;
#else
  run["openmp"] = nullptr;
  run["openmp_reason"] = "built without OpenMP";
#endif
  run["lanes"] = manifolds::lane_count;
  run["threads"] = facts.threads;
  auto& seconds = run["seconds"] = nlohmann::ordered_json::object();
  for (const auto& [phase, duration] : facts.seconds) seconds[phase] = duration;
  return run;
}

std::string run_facts_json(const RunFacts& facts) {
  return facts_of_run(facts).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace valleydrift::output
