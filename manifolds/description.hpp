// What a manifold says about itself: name, formula, parameters, what is known exactly.
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

}  // namespace valleydrift::manifolds
