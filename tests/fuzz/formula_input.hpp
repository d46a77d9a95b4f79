// What the fuzzer and the test of its corpus do with one input.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "manifolds/errors.hpp"
#include "manifolds/formula/formula.hpp"

namespace valleydrift::fuzz {

enum class Outcome { formula, refused };

/// NaNs count as the same number.
inline bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

/// Reads the text as a formula, a part in each line: its first letter says which (variables, residual, constant,
/// parameter, weight, start, name), the rest is the text. If it is a formula, residuals and pullback are computed at a
/// few points, for a path alone and among lanes, which must agree to the bit. Anything but a formula and a ConfigError
/// ends the program.
inline Outcome try_formula(std::string_view text) {
  using namespace manifolds;
  FormulaSource source;
  source.variables.where = "--variables";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    const FormulaText part{std::string("line ") + line.front(), std::string(line.substr(1))};
    switch (line.front()) {
      case 'v':
        source.variables = part;
        break;
      case 'r':
        source.residuals.push_back(part);
        break;
      case 'c':
        source.constants.push_back(part);
        break;
      case 'p':
        source.parameters.push_back(part);
        break;
      case 'w':
        source.weight = part;
        break;
      case 's':
        source.start = part;
        break;
      case 'n':
        source.name = part;
        break;
      default:
        break;
    }
  }
  Formula formula;
  try {
    description_of(source);
    formula = read_formula(source, {});
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    if (message.empty() || !(message.starts_with("line ") || message.starts_with("--variables"))) std::abort();
    return Outcome::refused;
  }
  const std::size_t dimension = formula.variables.size(), m = static_cast<std::size_t>(formula.residual_count);
  std::vector<Lanes> w(dimension), f(m), r(m), g(dimension);
  for (int l = 0; l < lane_count; ++l) {
    for (std::size_t i = 0; i < dimension; ++i) set_lane(w[i], l, 0.7 * l - 1.3 + 0.37 * static_cast<double>(i));
    for (std::size_t a = 0; a < m; ++a) set_lane(r[a], l, 1.0 - 0.6 * static_cast<double>(a) + l);
  }
  formula.residuals.run<Lanes, Lanes>(w, {}, f);
  formula.pullback.run<Lanes, Lanes>(w, r, g);
  for (int l = 0; l < lane_count; ++l) {
    std::vector<double> one(dimension), residuals(m), seeds(m), gradient(dimension);
    for (std::size_t i = 0; i < dimension; ++i) one[i] = lane(w[i], l);
    for (std::size_t a = 0; a < m; ++a) seeds[a] = lane(r[a], l);
    formula.residuals.run<double, double>(one, {}, residuals);
    formula.pullback.run<double, double>(one, seeds, gradient);
    for (std::size_t a = 0; a < m; ++a) {
      if (!same(lane(f[a], l), residuals[a])) std::abort();
    }
    for (std::size_t i = 0; i < dimension; ++i) {
      if (!same(lane(g[i], l), gradient[i])) std::abort();
    }
  }
  return Outcome::formula;
}

}  // namespace valleydrift::fuzz
