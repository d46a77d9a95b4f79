// What a manifold says about itself, the manifolds by name, and their parameters as the user writes them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace valleydrift::manifolds {

struct FormulaSource;  // formula_source.hpp

/// Values of a manifold's parameters by name; a choice is held as its index.
using ParameterValues = std::map<std::string, double>;

/// One parameter: its meaning, default and allowed range [lowest, highest]; whole numbers and named choices on request.
struct ParameterInfo {
  std::string name;
  std::string meaning;
  double default_value;
  double lowest;
  double highest;
  bool integer = false;
  std::vector<std::string> choices = {};
};

/// The text that `valleydrift manifolds NAME` prints, and the parameter sets that every law test runs on.
struct ManifoldDescription {
  std::string name;
  std::string formula;
  std::string coordinates;
  std::string summary;
  std::vector<ParameterInfo> parameters = {};
  std::vector<std::string> known = {};
  ParameterValues awkward = {};                      ///< allowed, but hard on the numerics
  ParameterValues invalid = {};                      ///< must be refused; empty if there are no parameters
  std::shared_ptr<const FormulaSource> source = {};  ///< of a typed manifold, nothing for those of the list
};

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
