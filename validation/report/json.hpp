// Numbers and arrays as JSON, which knows neither infinity nor NaN: they become null.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "manifolds/geometry.hpp"

namespace valleydrift::report {

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

}  // namespace valleydrift::report
