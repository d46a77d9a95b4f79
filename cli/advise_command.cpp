#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/commands.hpp"
#include "validation/scan/advice_report.hpp"

namespace valleydrift::cli {

int advise_command(const Options& options, std::ostream& out) {
  // The flattest point and the start are the paper form's, which knows no eta; whether a step is stable is judged for
  // each momentum, at its own start.
  constexpr double stable_anywhere = 1e-9;
  validation::ScanConfig config = options.scan;
  config.etas = {std::min(config.run.eta, stable_anywhere)};
  config.prefactor = false;
  validation::ResolvedScan scan = validation::resolve_scan(config);
  scan.config.run.eta = options.scan.run.eta;
  const validation::Advice advice = validation::advise(scan, options.search);
  if (options.json) {
    out << validation::advice_json(scan, advice).dump(2) << '\n';
  } else {
    out << validation::advice_text(scan, advice);
  }
  return success;
}

}  // namespace valleydrift::cli
