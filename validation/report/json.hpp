// What all JSON has in common: its version, and null with a reason for what does not exist or is not finite.
#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "manifolds/geometry.hpp"

namespace valleydrift::report {

/// Of the keys; it changes if one goes or changes its meaning.
inline constexpr int schema_version = 1;

/// The object with the versions of its keys and of the program.
nlohmann::json versioned(nlohmann::json object);

/// Text that is valid UTF-8 whatever it came from (a file name in a reason): JSON has no other.
std::string utf8(const std::string& text);

inline nlohmann::json json_number(double x) { return std::isfinite(x) ? nlohmann::json(x) : nlohmann::json(); }
inline nlohmann::json json_number(const std::optional<double>& x) { return x ? json_number(*x) : nlohmann::json(); }

inline nlohmann::json json_array(const manifolds::Vector& v) {
  nlohmann::json out = nlohmann::json::array();
  for (const double x : v) out.push_back(json_number(x));
  return out;
}
/// Row by row.
inline nlohmann::json json_array(const manifolds::Matrix& a) {
  nlohmann::json out = nlohmann::json::array();
  for (Eigen::Index i = 0; i < a.rows(); ++i) out.push_back(json_array(manifolds::Vector(a.row(i).transpose())));
  return out;
}

/// null, with its reason beside it under the same key with `_reason`.
template <class Object>
void put_null(Object& object, const std::string& key, const std::string& reason) {
  object[key] = nullptr;
  object[key + "_reason"] = reason;
}
/// The reason, if the value is null.
inline void explain(nlohmann::json& object, const std::string& key, const std::string& reason) {
  if (object[key].is_null()) object[key + "_reason"] = reason;
}

/// A number; null if it is not finite.
void put(nlohmann::json& object, const std::string& key, double value);
/// A series; single values that are not finite are null, and the reason names the first of them.
void put(nlohmann::json& object, const std::string& key, const std::vector<double>& values);
/// The same; null if there are none.
void put_or_null(nlohmann::json& object, const std::string& key, const std::vector<double>& values,
                 const std::string& reason);
template <class T>
void put_optional(nlohmann::json& object, const std::string& key, const std::optional<T>& value,
                  const std::string& reason) {
  if (!value) {
    put_null(object, key, reason);
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    object[key] = *value;
  } else {
    put(object, key, *value);
  }
}

}  // namespace valleydrift::report
