// Which settings stand in the file, how a message names their place, and --param as names and values.
#include "cli/settings.hpp"

#include <algorithm>

namespace valleydrift::cli {

PlacedSettings Settings::from_file() const {
  PlacedSettings out;
  const auto add = [&](const std::string& option, const Setting& setting) {
    if (setting.from_file) out.emplace_back(option, setting);
  };
  for (const auto& [option, setting] : arguments_.settings) add(option, setting);
  for (const auto& [option, settings] : arguments_.repeated) {
    for (const Setting& setting : settings) add(option, setting);
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

std::map<std::string, std::string> read_parameters(const Settings& settings) {
  std::map<std::string, std::string> values;
  std::map<std::string, bool> from_file;
  for (const Setting& setting : settings.all("param")) {
    const std::size_t equals = setting.text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw ConfigError(fmt::format("{}: '{}' is not of the form KEY=VALUE", setting.where, setting.text));
    }
    const std::string key = setting.text.substr(0, equals);
    if (values.contains(key) && from_file[key] == setting.from_file) {
      throw ConfigError(fmt::format("{} {}: given twice, '{}' and '{}'", setting.where, key, values[key],
                                    setting.text.substr(equals + 1)));
    }
    values[key] = setting.text.substr(equals + 1);
    from_file[key] = setting.from_file;
  }
  return values;
}

}  // namespace valleydrift::cli
