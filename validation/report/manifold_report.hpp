// The manifolds of the list, as text and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace valleydrift::report {

/// A name and a line for each.
std::string manifolds_text();
nlohmann::json manifolds_json();

/// Formula, coordinates, parameters with their ranges, start and what is known exactly. Throws ConfigError for an
/// unknown name.
std::string manifold_text(const std::string& name);
nlohmann::json manifold_json(const std::string& name);

}  // namespace valleydrift::report
