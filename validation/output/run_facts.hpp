// run.json: what a result does not depend on.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace valleydrift::output {

/// What depends on the machine and the moment, and therefore goes to run.json alone.
struct RunFacts {
  int threads = 1;
  std::vector<std::pair<std::string, double>> seconds = {};  ///< by phase: "limit", "discrete", ...
};

/// Host, compiler, processor features, threads, durations.
nlohmann::ordered_json facts_of_run(const RunFacts& facts);
/// As the text of run.json.
std::string run_facts_json(const RunFacts& facts);

}  // namespace valleydrift::output
