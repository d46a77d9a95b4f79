// What the user wrote, before anything is understood: texts by option, from the command line or from a file.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "manifolds/enum_names.hpp"

namespace valleydrift::cli {

enum class Command { manifolds, inspect, compare, verify, scan, advise };

using manifolds::name_of;
std::span<const manifolds::Named<Command>> names_of(Command);

/// What --start says instead of a point.
inline constexpr const char* random_word = "random";

/// A value as text, and where it stands: `--eta`, or `run.ini, line 3: eta`. Messages begin with `where`.
struct Setting {
  std::string where;
  std::string text;
  std::optional<std::string> file = {};  ///< the path of the file it stands in
};

/// Option names with what a file says of them.
using PlacedSettings = std::vector<std::pair<std::string, Setting>>;

/// The settings of the command line and, below them, those of a file.
struct Settings {
  std::vector<std::string> words;                         ///< no options: the command, and the name it takes
  std::map<std::string, std::string> word_after;          ///< a word, and the option whose value stands before it
  std::map<std::string, std::vector<Setting>> by_option;  ///< in order; one each but of --param, --residual, ...

  /// Of an option that may be given several times, in order.
  const std::vector<Setting>& all(const std::string& option) const {
    static const std::vector<Setting> none;
    const auto found = by_option.find(option);
    return found == by_option.end() ? none : found->second;
  }
  const Setting* find(const std::string& option) const { return all(option).empty() ? nullptr : &all(option).front(); }
  /// Whether it is given, with this text or any (""); a flag of a file that is false is not.
  const Setting* given(const std::string& option, const std::string& text = {}) const {
    const Setting* s = find(option);
    return s && s->text != "false" && (text.empty() || s->text == text) ? s : nullptr;
  }
  /// The first of the options that is given, or nullptr.
  const Setting* first_of(const std::vector<std::string>& options) const {
    for (const std::string& option : options) {
      if (const Setting* s = find(option)) return s;
    }
    return nullptr;
  }

  /// The command line wins. What it says about one thing also replaces what the file says about the same thing in
  /// other words: a time for steps, C for beta, another manifold for the parameters of the one in the file.
  void add_file(Settings file);
  PlacedSettings from_file() const;
};

/// Options and words of a command line without the program's name. Throws ConfigError for an unknown or abbreviated
/// option (with the nearest name), one given twice, a missing value, and a value given to a flag.
Settings read_command_line(const std::vector<std::string>& tokens);

/// The settings of a configuration file in Program_options' format. Throws FileError if it cannot be read, ConfigError
/// with file and line for what is no setting, unknown, given twice, of another command, or has no influence on results
/// and so does not belong in a file.
Settings read_config_file(const std::string& path, Command command);
/// The same for a file that --manifold-file names, which has the keys of a formula and no others.
Settings read_manifold_file(const std::string& path);

/// Without the blanks before and behind.
std::string_view trimmed(std::string_view text);

/// A message that begins with --OPTION, with the place in the file instead if that is where the option comes from.
std::string placed(const std::string& message, const PlacedSettings& from_file);

}  // namespace valleydrift::cli
