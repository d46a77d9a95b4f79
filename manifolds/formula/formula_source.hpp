// A valley as a user types it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace valleydrift::manifolds {

/// A text and where it stands: `--residual`, or `valley.ini, line 3: residual`. Messages begin with `where`.
struct FormulaText {
  std::string where;
  std::string text;
};

/// L = (weight/2) sum_a f_a^2 with residuals typed as formulas, DERIVATION (3), before anything of it is read.
struct FormulaSource {
  std::optional<FormulaText> name = {};      ///< default: formula
  FormulaText variables = {};                ///< u,v
  std::vector<FormulaText> residuals = {};   ///< u*v - a, one each
  std::vector<FormulaText> constants = {};   ///< a=2, each in terms of those before it
  std::vector<FormulaText> parameters = {};  ///< a=2 in 0.1:10, a constant that --param sets
  std::optional<FormulaText> weight = {};    ///< default: 1
  std::optional<FormulaText> start = {};     ///< 2,0.5; a formula has no start of its own otherwise
};

// What a formula may have. A residual is as long as a page and as deep as no one writes; everything together is so
// small that one point of the theory, D m derivatives of all residuals, takes a second.
inline constexpr std::size_t most_formula_length = 4096;  ///< characters of one expression
inline constexpr int most_formula_depth = 64;             ///< parentheses and powers within one another
inline constexpr std::size_t most_formula_variables = 128;
inline constexpr std::size_t most_formula_residuals = 64;
inline constexpr std::size_t most_formula_constants = 256;  ///< parameters included
inline constexpr std::size_t most_formula_operations = 10000;
/// What one gradient flow may cost, in additions (Tape::cost): they take 1 to 7 ns each, depending on how well the
/// processor foresees a tape, so below a second. Formulas of a line never get there, long ones after some thousand
/// steps; a flow that comes to the valley usually takes a hundred.
inline constexpr std::int64_t most_formula_flow_cost = 100'000'000;

}  // namespace valleydrift::manifolds
