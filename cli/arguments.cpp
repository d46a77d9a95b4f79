// Reads the command line and config.ini into texts by option, through Boost.Program_options; names places in messages.
#include "cli/arguments.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/program_options/cmdline.hpp>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/option.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <string_view>

#include "cli/option_table.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/formula/formula_source.hpp"
#include "validation/output/text_file.hpp"

namespace valleydrift::cli {
namespace {

namespace po = boost::program_options;

/// All values are read as text: Program_options' own conversions accept nan, hex and negative counts.
po::options_description program_options(std::optional<Command> command = {}) {
  po::options_description description;
  for (const OptionInfo& option : option_table()) {
    if (find_option(option.name, command) != &option) continue;  // another command's option of the same name
    const std::string name(option.name);
    if (option.argument.empty()) {
      description.add_options()(name.c_str(), po::bool_switch());
    } else {
      description.add_options()(name.c_str(), po::value<std::string>());
    }
  }
  return description;
}

[[noreturn]] void throw_unknown(const std::string& where, const std::string& dashes, const std::string& name) {
  std::vector<std::string> names;
  for (const OptionInfo& option : option_table()) {
    if (find_option(option.name) == &option) names.emplace_back(option.name);  // each name once
  }
  const std::string_view own = own_name(name);
  const std::string near = own.empty() ? suggestion(name, names) : std::string(own);
  throw ConfigError(fmt::format(
      "{}: unknown{}", where,
      near.empty() ? "; `valleydrift --help` lists the options" : fmt::format(", did you mean {}{}?", dashes, near)));
}

void store(Settings& settings, const OptionInfo& option, Setting setting) {
  constexpr std::size_t most = manifolds::most_formula_constants;  // of the others there are fewer
  std::vector<Setting>& all = settings.by_option[std::string(option.name)];
  if (option.value.repeatable && all.size() == most) {
    throw ConfigError(fmt::format("{}: given more than {} times", setting.where, most));
  }
  if (!option.value.repeatable && !all.empty()) {
    throw ConfigError(fmt::format("{}: given twice, '{}' and '{}'", setting.where, all.front().text, setting.text));
  }
  all.push_back(std::move(setting));
}

/// The first word that is the name of a command.
std::optional<Command> command_of(const std::vector<std::string>& tokens) {
  for (const std::string& token : tokens) {
    for (const manifolds::Named<Command>& command : names_of(Command{})) {
      if (command.name == token) return command.value;
    }
  }
  return {};
}

std::string without_dashes(const std::string& token) {
  const std::size_t first = token.find_first_not_of('-');
  return first == std::string::npos ? std::string() : token.substr(first, token.find('=') - first);
}

/// Whether the text that Program_options took for the value is an option, the value having been forgotten. After = it
/// is a value whatever it is, and a formula may begin with two signs, as in --residual "--u*v - 1".
bool is_next_option(const OptionInfo& option, const std::vector<std::string>& tokens, const std::string& text,
                    std::optional<Command> command) {
  if (!text.starts_with("--") || tokens.front().find('=') != std::string::npos) return false;
  return option.argument != "FORMULA" || find_option(without_dashes(text), command);
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::span<const manifolds::Named<Command>> names_of(Command) {
  static constexpr manifolds::Named<Command> names[] = {
      {Command::manifolds, "manifolds", "list the built-in problems, or show one"},
      {Command::inspect, "inspect",
       "what the theory says about a point: spectrum, drift, time scales, limits of validity"},
      {Command::compare, "compare", "run the iteration and the limiting diffusion, and judge whether they agree"},
      {Command::verify, "verify", "check every formula of the derivation on every manifold: a regression test for CI"},
      {Command::scan, "scan",
       "measure convergence times over learning rate and momentum: the two-thirds law, the best prefactor"},
      {Command::advise, "advise", "the fastest momentum for a learning rate and noise scale, and what it gains"}};
  return names;
}

Settings read_command_line(const std::vector<std::string>& tokens) {
  namespace style = po::command_line_style;
  const std::optional<Command> command = command_of(tokens);
  const po::options_description description = program_options(command);
  po::parsed_options parsed(&description);
  try {
    parsed = po::command_line_parser(tokens)
                 .options(description)
                 .style(style::allow_long | style::long_allow_adjacent | style::long_allow_next)  // no allow_guessing
                 .run();
  } catch (const po::unknown_option& error) {
    const std::string name = without_dashes(error.get_option_name());
    throw_unknown("--" + name, "--", name);
  } catch (const po::invalid_command_line_syntax& error) {
    const std::string name = without_dashes(error.get_option_name());
    const bool extra = error.kind() == po::invalid_syntax::extra_parameter;
    if (extra) throw ConfigError(fmt::format("--{}: takes no value", name));
    const OptionInfo* option = find_option(name, command);
    throw ConfigError(
        fmt::format("--{}: a value is missing, write --{} {}", name, name, option ? option->argument : "VALUE"));
  } catch (const po::error& error) {
    throw ConfigError(error.what());
  }

  Settings settings;
  std::string before;  // the option whose value has just been read
  for (const po::option& given : parsed.options) {
    if (given.position_key >= 0) {
      for (const std::string& word : given.value) {
        if (word.starts_with("--")) throw ConfigError(fmt::format("{}: an option cannot follow a lone --", word));
        if (word.size() > 1 && word.front() == '-') throw_unknown(word, "--", without_dashes(word));
        settings.words.push_back(word);
        if (!before.empty()) settings.word_after.emplace(word, before);
      }
      continue;
    }
    const OptionInfo& option = *find_option(given.string_key, command);
    const std::string where = fmt::format("--{}", option.name);
    const std::string text = option.argument.empty() ? "true" : given.value.at(0);
    if (is_next_option(option, given.original_tokens, text, command)) {
      throw ConfigError(fmt::format("{}: a value is missing before {}", where, text));
    }
    store(settings, option, {where, text});
    before = option.argument.empty() ? "" : option.name;
  }
  return settings;
}

namespace {

/// Moves on to the first character that is no blank; `number` is the number of its line.
void skip_blank_lines(std::string_view& text, int& number) {
  std::size_t i = 0;
  for (; i < text.size() && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r'); ++i) {
    number += text[i] == '\n';
  }
  text.remove_prefix(i);
}

/// The text of the file that the option `option_name` names, without a byte order mark.
std::string read_settings_text(const std::string& option_name, const std::string& path) {
  std::string text;
  try {
    text = output::read_text_file(path);
  } catch (const FileError& error) {
    throw FileError(fmt::format("{}: {}", option_name, error.what()));
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (text.find('\0') != std::string::npos) {
    throw ConfigError(fmt::format("{}: {}: not a text file", option_name, path));
  }
  return text;
}

/// Lines `key = value` as Program_options has them: # begins a comment, blanks around key and value do not count.
/// `option_of(where, key)` tells what a key sets, or throws.
template <class OptionOf>
Settings read_settings(const std::string& text, const std::string& path, const OptionOf& option_of) {
  Settings settings;
  constexpr std::size_t longest = std::size_t{1} << 20;  // a start of as many numbers as the largest manifolds have
  std::string_view rest = text;
  for (int number = 1; skip_blank_lines(rest, number), !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view whole = rest.substr(0, end);
    rest.remove_prefix(end);
    const std::string_view line = trimmed(whole.substr(0, whole.find('#')));
    if (line.empty()) continue;
    const std::string place = fmt::format("{}, line {}", path, number);
    if (line.size() > longest) {
      throw ConfigError(fmt::format("{}: {} characters, allowed are up to {}", place, line.size(), longest));
    }
    if (line.front() == '[') throw ConfigError(fmt::format("{}: sections are not used: '{}'", place, line));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      throw ConfigError(fmt::format("{}: '{}' is not of the form key = value", place, line));
    }
    const std::string key(trimmed(line.substr(0, equals)));
    const std::string value(trimmed(line.substr(equals + 1)));
    const std::string where = fmt::format("{}: {}", place, key);
    const OptionInfo& option = option_of(where, key);
    if (option.argument.empty() && value != "true" && value != "false") {
      throw ConfigError(fmt::format("{}: '{}' given, allowed is true or false", where, value));
    }
    store(settings, option, {where, value, path});
  }
  return settings;
}

}  // namespace

Settings read_config_file(const std::string& path, Command command) {
  return read_settings(
      read_settings_text("--config", path), path,
      [command](const std::string& where, const std::string& key) -> const OptionInfo& {
        const OptionInfo* option = reader_of(key, command);
        if (!option) throw_unknown(where, "", key);
        if (!option->decides_results) {
          throw ConfigError(fmt::format("{}: does not belong in a configuration file; give --{} on the command line",
                                        where, option->name));
        }
        const bool of_comparison = command == Command::inspect && belongs_to(*option, Command::compare);
        if (!belongs_to(*option, command) && !of_comparison) {
          throw ConfigError(fmt::format("{}: does not belong to {}; it is a setting of {}", where, name_of(command),
                                        fmt::join(owners_of(key), " and ")));
        }
        return *option;
      });
}

Settings read_manifold_file(const std::string& path) {
  static const std::vector<std::string> keys = {"name",      "variables", "residual", "constant",
                                                "parameter", "weight",    "start"};
  return read_settings(read_settings_text("--manifold-file", path), path,
                       [](const std::string& where, const std::string& key) -> const OptionInfo& {
                         if (std::find(keys.begin(), keys.end(), key) != keys.end()) return *find_option(key);
                         const std::string near = suggestion(key, keys);
                         throw ConfigError(fmt::format(
                             "{}: does not belong in a manifold's file{}; allowed are {}", where,
                             near.empty() ? "" : fmt::format(", did you mean {}?", near), fmt::join(keys, ", ")));
                       });
}

PlacedSettings Settings::from_file() const {
  PlacedSettings out;
  for (const auto& [option, settings] : by_option) {
    for (const Setting& setting : settings) {
      if (setting.file) out.emplace_back(option, setting);
    }
  }
  return out;
}

std::string placed(const std::string& message, const PlacedSettings& from_file) {
  if (!message.starts_with("--")) return message;
  const std::size_t end = std::min(message.find_first_of(" :,="), message.size());
  const std::string option = message.substr(2, end - 2), rest = message.substr(end);
  for (const auto& [name, setting] : from_file) {
    if (name != option) continue;
    // Of --param there are several: the one with the key that follows.
    const std::string key = setting.text.substr(0, setting.text.find('='));
    if (name == "param" && !rest.starts_with(" " + key)) continue;
    return setting.where + rest;
  }
  return message;
}

}  // namespace valleydrift::cli
