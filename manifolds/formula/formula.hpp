// A typed valley, read and checked.
#pragma once

#include <string>
#include <vector>

#include "manifolds/catalogue.hpp"
#include "manifolds/formula/formula_source.hpp"
#include "manifolds/formula/tape.hpp"

namespace valleydrift::manifolds {

/// The residuals f and their pullback J^T r as tapes of the variables, the latter of the m numbers r as well.
struct Formula {
  std::vector<std::string> variables;
  int residual_count = 0;
  double weight = 1.0;
  std::vector<double> start;  ///< empty if there is none
  Tape residuals, pullback;
};

/// Name, parameters and the text of the formula, which `manifolds` would print. Throws ConfigError for what of these
/// cannot be read.
ManifoldDescription description_of(const FormulaSource& source);

/// The formula at these parameters; those not given have their defaults. Throws ConfigError that begins with where the
/// fault stands: names that are taken, formulas that are none, sizes beyond those of formula_source.hpp, no residual,
/// as many residuals as variables, or a residual without variables.
Formula read_formula(const FormulaSource& source, const ParameterValues& parameters);

}  // namespace valleydrift::manifolds
