#include "cli/settings.hpp"

namespace valleydrift::cli {

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
