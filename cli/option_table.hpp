// Every option of the program, one row each: the parser, the help and the configuration file all walk this table.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"

namespace valleydrift::cli {

struct Options;

/// What an option takes and where it goes; the kinds of values are in values.hpp.
struct OptionValue {
  /// From text into its field. Throws ConfigError that begins with `where` for what is not allowed.
  std::function<void(const Setting& setting, Options& options)> read;
  /// Its field as a configuration file has it, a text for each line; none if it is not set.
  std::function<std::vector<std::string>(const Options& options)> written = {};
  /// Whether a configuration has it beside the others; always if empty.
  std::function<bool(const Options& options)> applies = {};
  std::string range = {};  ///< what is allowed, as in "> 0", for {range} in the help
  /// The names it takes with what they mean, which may be empty, for {choices} in the help.
  std::vector<std::pair<std::string, std::string>> choices = {};
  bool repeatable = false;

  /// The same, in a configuration only where this is so.
  OptionValue where(std::function<bool(const Options&)> condition) &&;
};

struct OptionInfo {
  std::string_view name;
  std::string_view argument;  ///< what its value is called in the help; empty for a flag
  std::string_view group;     ///< heading in the help
  unsigned commands;          ///< the commands it belongs to, a bit for each
  bool decides_results;       ///< may stand in a configuration file
  OptionValue value;
  std::string_view help;  ///< {range}, {choices} and {default} stand for those of its value
};

/// A command in a set of commands.
constexpr unsigned bit(Command command) { return 1U << static_cast<unsigned>(command); }

/// In the order of the help.
std::span<const OptionInfo> option_table();
/// The entry with this name (without dashes): the command's own if it has one, else the first; or nullptr. --json takes
/// a file with verify and is a flag elsewhere.
const OptionInfo* find_option(std::string_view name, std::optional<Command> command = {});
bool belongs_to(const OptionInfo& option, Command command);
/// The entry by which `command` reads this name, of a configuration file too: inspect reads that of a comparison.
const OptionInfo* reader_of(std::string_view name, Command command);
/// The names of the commands that have an option of this name.
std::vector<std::string> owners_of(std::string_view name);
/// The help with the value's range, choices and default in it.
std::string help_text(const OptionInfo& option, Command command);

/// What this program calls what other programs call `name` (without dashes), as in lr: "eta", "scheme nesterov"; empty
/// if it is no such word.
std::string_view own_name(std::string_view name);

/// What the user may have meant: the name with other capitals, or the only one that begins with `given`, or else the
/// one with the fewest letters changed; empty if none is near.
std::string suggestion(const std::string& given, const std::vector<std::string>& candidates);

}  // namespace valleydrift::cli
