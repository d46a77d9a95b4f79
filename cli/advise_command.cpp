// advise: which momentum to take at a learning rate, from the theory alone, printed or as JSON.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/commands.hpp"
#include "validation/report/advice_report.hpp"

namespace valleydrift::cli {

int advise_command(const Options& options, std::ostream& out) {
  // The flattest point and the start are the paper form's, which knows no eta; whether a step is stable is judged for
  // each momentum, at its own start.
  constexpr double stable_anywhere = 1e-9;
  scan::ScanConfig config = options.scan;
  config.etas = {std::min(config.run.eta, stable_anywhere)};
  config.prefactor = false;
  scan::ResolvedScan scan = scan::resolve_scan(config);
  scan.config.run.eta = options.scan.run.eta;
  const scan::Advice advice = scan::advise(scan, options.search);
  if (options.json) {
    out << report::advice_json(scan, advice).dump(2) << '\n';
  } else {
    out << report::advice_text(scan, advice);
  }
  return success;
}

}  // namespace valleydrift::cli
