// Every option of the program, written once: the parser, the help and the configuration file all read this table.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace valleydrift::cli {

enum class Command { manifolds, inspect, compare, verify, scan, advise };

std::string name_of(Command command);
std::vector<Command> all_commands();

struct OptionInfo {
  std::string_view name;
  std::string_view argument;  ///< what its value is called in the help; empty for a flag
  std::string_view group;     ///< heading in the help
  unsigned commands;          ///< the commands it belongs to, a bit for each
  bool decides_results;       ///< may stand in a configuration file
  bool repeatable;
  std::string_view help;
};

/// In the order of the help.
std::span<const OptionInfo> option_table();
/// The entry with this name (without dashes): the command's own if it has one, else the first; or nullptr. --json takes
/// a file with verify and is a flag elsewhere.
const OptionInfo* find_option(std::string_view name, std::optional<Command> command = {});
bool belongs_to(const OptionInfo& option, Command command);
/// The names of the commands that have an option of this name.
std::vector<std::string> owners_of(std::string_view name);

/// What this program calls what other programs call `name` (without dashes), as in lr: "eta", "scheme nesterov"; empty
/// if it is no such word.
std::string_view own_name(std::string_view name);

/// What the user may have meant: the name with other capitals, or the only one that begins with `given`, or else the
/// one with the fewest letters changed; empty if none is near.
std::string suggestion(const std::string& given, const std::vector<std::string>& candidates);

}  // namespace valleydrift::cli
