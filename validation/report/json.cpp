// Numbers that JSON does not know, and texts that are no UTF-8, put into words.
#include "validation/report/json.hpp"

#include <fmt/format.h>

namespace valleydrift::report {
namespace {

const char* why_not_finite(double value) {
  return std::isnan(value) ? "not a number" : value > 0.0 ? "infinite" : "minus infinite";
}

}  // namespace

nlohmann::json versioned(nlohmann::json object) {
  object["schema_version"] = schema_version;
  object["program_version"] = VALLEYDRIFT_VERSION;
  return object;
}

std::string utf8(const std::string& text) {
  const nlohmann::json copy = text;
  return nlohmann::json::parse(copy.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)).get<std::string>();
}

void put(nlohmann::json& object, const std::string& key, double value) {
  if (!std::isfinite(value)) return put_null(object, key, why_not_finite(value));
  object[key] = value;
}

void put(nlohmann::json& object, const std::string& key, const std::vector<double>& values) {
  nlohmann::json array = nlohmann::json::array();
  std::string reason;
  for (std::size_t i = 0; i < values.size(); ++i) {
    array.push_back(json_number(values[i]));
    if (reason.empty() && !std::isfinite(values[i])) {
      reason = fmt::format("{} at record {}", why_not_finite(values[i]), i);
    }
  }
  object[key] = std::move(array);
  if (!reason.empty()) object[key + "_reason"] = reason;
}

void put_or_null(nlohmann::json& object, const std::string& key, const std::vector<double>& values,
                 const std::string& reason) {
  if (values.empty()) {
    put_null(object, key, reason);
  } else {
    put(object, key, values);
  }
}

}  // namespace valleydrift::report
