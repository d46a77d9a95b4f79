// Whatever is given is used, or refused.
#pragma once

#include "cli/options.hpp"
#include "cli/settings.hpp"

namespace valleydrift::cli {

/// Throws ConfigError for an option of the command line that would have no effect beside the others, with the option
/// that makes it so. What a configuration file says besides is a record of another run, and may be more than this one
/// needs. --dry-run and --print-config check a whole command line and stop, so they go with what they leave undone.
void refuse_unused(const Settings& settings, Command command);

}  // namespace valleydrift::cli
