// The manifolds by name, and their parameters as the user writes them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "manifolds/description.hpp"

namespace valleydrift::manifolds {

/// The descriptions in the order of the registry.
std::vector<ManifoldDescription> descriptions();
/// Description by name. Throws ConfigError with the nearest name if there is none.
ManifoldDescription description_of(const std::string& name);

/// Parameters as given by the user ("a" -> "1.5", "profile" -> "exp"), checked against the description, defaults
/// filled in. Throws ConfigError naming the parameter, the value and what is allowed.
ParameterValues resolve_parameters(const ManifoldDescription& description,
                                   const std::map<std::string, std::string>& given);
/// A parameter's value as the user writes it.
std::string format_parameter(const ParameterInfo& info, double value);

/// The candidate with the smallest edit distance to `given`, empty if none is near (more than half its letters differ).
std::string nearest_name(const std::string& given, const std::vector<std::string>& candidates);
/// A number written in full: no nan, inf or trailing characters. Throws ConfigError with `option`.
double parse_number(const std::string& option, const std::string& text);

}  // namespace valleydrift::manifolds
