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

/// The settings of the command line and, below them, those of the file.
class Settings {
 public:
  explicit Settings(Arguments arguments) : arguments_(std::move(arguments)) {}

  const Setting* find(const std::string& option) const {
    const auto found = arguments_.settings.find(option);
    return found == arguments_.settings.end() ? nullptr : &found->second;
  }
  bool flag(const std::string& option) const { return find(option) && find(option)->text == "true"; }
  const std::vector<Setting>& parameters() const { return arguments_.parameters; }

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
    replace("at", {"start"});
    if (find("scheme") && find("scheme")->text == "sgd") replace("scheme", {"beta", "C"});
    if (find("noise") && find("noise")->text != "constant") replace("noise", {"sigma"});
    if (find("noise") && find("noise")->text != "label" && find("noise")->text != "minibatch") {
      replace("noise", {"batch", "draw"});
    }
    const Setting* manifold = find("manifold");
    const auto in_file = file.settings.find("manifold");
    if (manifold && (in_file == file.settings.end() ? "uv" : in_file->second.text) != manifold->text) {
      replace("manifold", {"start", "sigma"});
      file.parameters.clear();
    }
    arguments_.settings.merge(file.settings);
    arguments_.parameters.insert(arguments_.parameters.begin(), file.parameters.begin(), file.parameters.end());
  }

  void refuse_both(const std::string& one, const std::string& other, const std::string& why) const {
    if (find(one) && find(other)) {
      throw ConfigError(fmt::format("{} with {}: {}", find(one)->where, find(other)->where, why));
    }
  }

 private:
  Arguments arguments_;
};

/// --param KEY=VALUE by key; the command line wins over the file. Throws ConfigError for another form, or a key twice.
std::map<std::string, std::string> read_parameters(const Settings& settings);

}  // namespace valleydrift::cli
