// The options of scan and advise, and the configuration they make.
#pragma once

#include <string>

#include "cli/options.hpp"
#include "cli/settings.hpp"

namespace valleydrift::cli {

/// Reads what the scan, or the advice, is run with into `options`. With --resume the configuration in the output folder
/// lies below the command line. Throws ConfigError.
void read_scan(Settings& settings, Options& options);

/// A configuration in the format of --config that runs the same scan again; numbers read back to the same bits.
std::string scan_config_text(const scan::ScanConfig& config);

}  // namespace valleydrift::cli
