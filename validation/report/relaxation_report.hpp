// Flattest points, for people and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "validation/run/relaxation.hpp"

namespace valleydrift::report {

/// tr H and the first of the slow coordinates, by name.
std::string text_of(const run::FlattestPoint& flattest, const std::vector<std::string>& names);
/// For people and as JSON, given the names of the slow coordinates.
std::string search_text(const run::FlattestSearch& search, const std::vector<std::string>& names);
nlohmann::json search_json(const run::FlattestSearch& search, const std::vector<std::string>& names);
nlohmann::json coordinates_json(const std::vector<std::string>& names, const Vector& values);

}  // namespace valleydrift::report
