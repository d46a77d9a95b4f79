// What the user has set, by option: the command line first, a configuration file below it.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/arguments.hpp"
#include "manifolds/errors.hpp"

namespace valleydrift::cli {

/// What --start says instead of a point.
inline constexpr const char* random_word = "random";

/// Option names with what a file says of them.
using PlacedSettings = std::vector<std::pair<std::string, Setting>>;

/// The settings of the command line and, below them, those of the file.
class Settings {
 public:
  explicit Settings(Arguments arguments) : arguments_(std::move(arguments)) {}

  const Setting* find(const std::string& option) const {
    const auto found = arguments_.settings.find(option);
    return found == arguments_.settings.end() ? nullptr : &found->second;
  }
  bool flag(const std::string& option) const { return find(option) && find(option)->text == "true"; }
  /// Of an option that may be given several times, in order.
  const std::vector<Setting>& all(const std::string& option) const {
    static const std::vector<Setting> none;
    const auto found = arguments_.repeated.find(option);
    return found == arguments_.repeated.end() ? none : found->second;
  }
  /// The first of the options that is given, or nullptr.
  const Setting* first_of(const std::vector<std::string>& options) const {
    for (const std::string& option : options) {
      if (const Setting* s = find(option)) return s;
      if (!all(option).empty()) return &all(option).front();
    }
    return nullptr;
  }

  /// The command line wins. What it says about one thing also replaces what the file says about the same thing in
  /// other words: a time for steps, C for beta, another manifold for the parameters of the one in the file.
  void add_file(Arguments file) {
    const auto replace = [&](const std::string& given, const std::vector<std::string>& replaced) {
      if (!find(given)) return;
      for (const std::string& option : replaced) file.settings.erase(option);
    };
    replace("time", {"steps"});
    replace("steps", {"time"});
    replace("beta", {"C"});
    replace("C", {"beta"});
    replace("at", {"start", "start-scale"});
    if (find("start") && find("start")->text != random_word) replace("start", {"start-scale"});
    if (find("scheme") && find("scheme")->text == "sgd") {
      replace("scheme", {"beta", "C", "prefactor-eta", "prefactor-C", "prefactor-paths"});
      const auto in_file = file.settings.find("form");
      const Setting* form = find("form") ? find("form") : in_file != file.settings.end() ? &in_file->second : nullptr;
      if (!form || form->text != "asymptotic") file.settings.erase("gamma");
    }
    replace("no-prefactor", {"prefactor-eta", "prefactor-C", "prefactor-paths"});
    for (const char* option : {"prefactor-eta", "prefactor-C", "prefactor-paths"}) replace(option, {"no-prefactor"});
    if (find("noise") && find("noise")->text != "constant") replace("noise", {"sigma"});
    if (find("noise") && find("noise")->text != "label" && find("noise")->text != "minibatch") {
      replace("noise", {"batch", "draw"});
    }
    if (names_another_manifold(file)) {
      for (const char* option :
           {"manifold", "name", "variables", "weight", "start", "start-scale", "phase1", "strict", "sigma"}) {
        file.settings.erase(option);
      }
      file.repeated.clear();
    }
    arguments_.settings.merge(file.settings);
    for (const auto& [option, settings] : file.repeated) {
      auto& all = arguments_.repeated[option];
      all.insert(all.begin(), settings.begin(), settings.end());
    }
  }

  PlacedSettings from_file() const;

  void refuse_both(const std::string& one, const std::string& other, const std::string& why) const {
    if (find(one) && find(other)) {
      throw ConfigError(fmt::format("{} with {}: {}", find(one)->where, find(other)->where, why));
    }
  }

 private:
  bool names_another_manifold(const Arguments& file) const {
    if (first_of({"manifold-file", "variables", "residual"})) return true;
    const Setting* manifold = find("manifold");
    if (!manifold) return false;
    const auto in_file = file.settings.find("manifold");
    const std::string other = file.settings.contains("variables") ? ""
                              : in_file == file.settings.end()    ? "uv"
                                                                  : in_file->second.text;
    return other != manifold->text;
  }

  Arguments arguments_;
};

/// A message that begins with --OPTION, with the place in the file instead if that is where the option comes from.
std::string placed(const std::string& message, const PlacedSettings& from_file);

/// --param KEY=VALUE by key; the command line wins over the file. Throws ConfigError for another form, or a key twice.
std::map<std::string, std::string> read_parameters(const Settings& settings);

}  // namespace valleydrift::cli
