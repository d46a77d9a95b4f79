// What the user wrote, before anything is understood: names and texts from the command line or a configuration file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/option_table.hpp"
#include "manifolds/errors.hpp"

namespace valleydrift::cli {

/// A value as text, and where it stands: `--eta`, or `run.ini, line 3: eta`. Messages begin with `where`.
struct Setting {
  std::string where;
  std::string text;
  bool from_file = false;
};

struct Arguments {
  std::vector<std::string> words;                        ///< what is not an option: the command, and the name it takes
  std::map<std::string, std::string> word_after;         ///< a word, and the option whose value stands before it
  std::map<std::string, Setting> settings;               ///< by option name; a flag's text is "true" or "false"
  std::map<std::string, std::vector<Setting>> repeated;  ///< --param, --residual, ..., each in order
};

/// Options and words of a command line without the program's name. Throws ConfigError for an unknown or abbreviated
/// option (with the nearest name), one given twice, a missing value, and a value given to a flag.
Arguments read_command_line(const std::vector<std::string>& tokens);

/// The settings of a configuration file in Program_options' format. Throws FileError if it cannot be read, ConfigError
/// with file and line for what is no setting, unknown, given twice, of another command, or has no influence on results
/// and so does not belong in a file.
Arguments read_config_file(const std::string& path, Command command);
/// The same for a file that --manifold-file names, which has the keys of a formula and no others.
Arguments read_manifold_file(const std::string& path);

/// The whole text of a file of at most 64 MiB: a regular file, or standard input under one of its names. Throws
/// FileError with the path and the reason, for a pipe or a device too, which may have no end.
std::string read_text_file(const std::string& path);

}  // namespace valleydrift::cli
