#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/commands.hpp"
#include "validation/scan/advice.hpp"

namespace valleydrift::cli {

int advise_command(const Options& options, std::ostream& out) {
  validation::ScanConfig config = options.scan;
  config.etas = {config.run.eta};
  config.prefactor = false;
  validation::ResolvedScan scan = validation::resolve_scan(config);
  scan.config.run.eta = options.scan.run.eta;
  const validation::Advice advice = validation::advise(scan);
  if (options.json) {
    out << validation::advice_json(scan, advice).dump(2) << '\n';
  } else {
    out << validation::advice_text(scan, advice);
  }
  return success;
}

}  // namespace valleydrift::cli
