// What --help prints, from the table of options.
#pragma once

#include <string>

#include "cli/arguments.hpp"

namespace valleydrift::cli {

std::string general_help();
std::string help_for(Command command);
std::string version_text();

}  // namespace valleydrift::cli
