// The grammar of formulas.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "manifolds/formula/expression.hpp"
#include "manifolds/formula/formula_source.hpp"

namespace valleydrift::manifolds {

/// What a name stands for.
using FormulaNames = std::map<std::string, ExpressionGraph::Node>;

/// Adds an expression to the graph and returns its node. Numbers, names, + - * / ^, parentheses and the functions exp
/// log sqrt sin cos tan tanh atan sinh cosh. ^ binds strongest and to the right, a sign weaker than ^ and stronger than
/// *: -u^2 = -(u^2), 2^-1 = 1/2, a^b^c = a^(b^c). pi and e are numbers unless `names` has them. Throws ConfigError with
/// `where`, the column and what was expected; length and depth are checked before anything is parsed.
ExpressionGraph::Node parse_expression(const FormulaText& text, const FormulaNames& names, ExpressionGraph& graph);

/// Throws ConfigError: where, column `column` + 1, the message, and the line with a mark under the column.
[[noreturn]] void refuse_formula(const FormulaText& text, std::size_t column, const std::string& message);

/// Whether the text is a name that an expression can use: a letter or _, then letters, digits and _.
bool is_formula_name(const std::string& text);
/// exp, log, ...
const std::vector<std::string>& formula_functions();

}  // namespace valleydrift::manifolds
