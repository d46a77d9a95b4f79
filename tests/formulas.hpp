// Ten valleys as a user would type them: built-in ones again, random cubics, and one with every function.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "manifolds/formula/formula.hpp"

namespace valleydrift::tests {

using manifolds::FormulaSource;
using manifolds::FormulaText;

/// A formula that a user might have typed, every part by its option.
inline FormulaSource typed(const std::string& name, const std::string& variables,
                           const std::vector<std::string>& residuals, const std::string& start,
                           const std::vector<std::string>& constants = {},
                           const std::vector<std::string>& parameters = {}) {
  FormulaSource source;
  source.name = FormulaText{"--name", name};
  source.variables = {"--variables", variables};
  for (const std::string& text : residuals) source.residuals.push_back({"--residual", text});
  for (const std::string& text : constants) source.constants.push_back({"--constant", text});
  for (const std::string& text : parameters) source.parameters.push_back({"--parameter", text});
  source.start = FormulaText{"--start", start};
  return source;
}

/// A polynomial of degree 3 in four variables as a list of coefficients, the constant first, then those of w_i, w_i w_j
/// and w_i w_j w_k with i <= j <= k: near the start (0.6, -0.4, 0.3, 0.5) one of its variables is a function of the
/// others. Both residuals vanish there.
struct Cubic {
  explicit Cubic(int which) {
    std::mt19937_64 engine(static_cast<std::uint64_t>(20 + which));
    for (int i = 0; i < count; ++i) {
      const double size = i <= 4 ? 0.3 : 0.2;
      coefficients.push_back(size * (static_cast<double>(engine() >> 11) * 0x1p-52 - 1.0));
    }
    coefficients[static_cast<std::size_t>(1 + which)] += 1.0;
    coefficients[0] = 0.0;
    coefficients[0] = -value(start);
  }
  double value(const std::vector<double>& w) const {
    double sum = coefficients[0];
    std::size_t at = 1;
    for (std::size_t i = 0; i < 4; ++i) sum += coefficients[at++] * w[i];
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = i; j < 4; ++j) sum += coefficients[at++] * w[i] * w[j];
    }
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = i; j < 4; ++j) {
        for (std::size_t k = j; k < 4; ++k) sum += coefficients[at++] * w[i] * w[j] * w[k];
      }
    }
    return sum;
  }
  /// The same polynomial, its powers written as powers.
  std::string text() const {
    const char* names[] = {"a", "b", "c", "d"};
    std::string out = fmt::format("{}", coefficients[0]);
    std::size_t at = 1;
    const auto term = [&](const std::vector<std::size_t>& factors) {
      out += fmt::format(" + {}", coefficients[at++]);
      for (std::size_t i = 0; i < factors.size();) {
        std::size_t end = i;
        while (end < factors.size() && factors[end] == factors[i]) ++end;
        out += fmt::format("*{}", names[factors[i]]);
        if (end - i > 1) out += fmt::format("^{}", end - i);
        i = end;
      }
    };
    for (std::size_t i = 0; i < 4; ++i) term({i});
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = i; j < 4; ++j) term({i, j});
    }
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = i; j < 4; ++j) {
        for (std::size_t k = j; k < 4; ++k) term({i, j, k});
      }
    }
    return out;
  }

  static constexpr int count = 1 + 4 + 10 + 20;
  inline static const std::vector<double> start = {0.6, -0.4, 0.3, 0.5};
  std::vector<double> coefficients;
};

inline std::vector<FormulaSource> ten_formulas() {
  std::vector<FormulaSource> all = {
      typed("typed-uv", "u,v", {"u*v - 1"}, "2,0.5"),
      typed("typed-vector-uv", "u1, u2, v1, v2", {"u1*v1 + u2*v2 - 1"}, "2,0.5,0.25,1"),
      typed("typed-channel-sqrt", "x,y", {"y*sqrt(1 + x^2)"}, "1,0"),
      typed("typed-channel-exp", "x,y", {"y*exp(x)"}, "1,0"),
      typed("typed-ellipse", "x,y", {"(x^2/a^2 + y^2/b^2 - 1)/2"},
            fmt::format("{},{}", 1.5 * std::cos(1.1), std::sin(1.1)), {}, {"a=1.5 in 0.05:20", "b = 1 in 0.05:20"}),
      typed("typed-sphere", "x,y,z", {"(x^2 + y^2 + z^2 - 1)/2"}, "1,0,0"),
      typed("typed-torus", "x,y,z", {"((x^2 + y^2 + z^2 + R^2 - r^2)^2 - 4*R^2*(x^2 + y^2))/(8*R^2*r)"},
            fmt::format("{},{},{}", (1.0 + 0.5 * std::cos(0.6)) * std::cos(0.4),
                        (1.0 + 0.5 * std::cos(0.6)) * std::sin(0.4), 0.5 * std::sin(0.6)),
            {"R=1", "r = R/2"}),
      typed("typed-pair", "x1,x2,x3,x4", {"x1 + kappa/2*(x3^2 - x4^2)", "lambda*(x2 + kappa/2*(x3^2 + x3*x4))"},
            fmt::format("{},{},0.8,0.5", -0.25 * (0.64 - 0.25), -0.25 * 0.8 * 1.3), {},
            {"kappa=0.5 in -4:4", "lambda=3/2 in 0.05:10"}),
      typed("random-cubics", "a,b,c,d", {Cubic(0).text(), Cubic(1).text()}, "0.6,-0.4,0.3,0.5"),
      typed("every-function", "u,v,x",
            {"tanh(u) + atan(v)*sin(x) + sinh(u/2)*cos(v)/2 + log(2 + x^2)/sqrt(3 + v) - tan(u/4)*exp(-x^2) + "
             "cosh(v)^-2/4 + (1 + x^2)^0.75/8 + 2^(u/3)/4 - level"},
            "0.5,0.3,0.7",
            {"level = tanh(0.5) + atan(0.3)*sin(0.7) + sinh(0.5/2)*cos(0.3)/2 + log(2 + 0.7^2)/sqrt(3 + 0.3) - "
             "tan(0.5/4)*exp(-0.7^2) + cosh(0.3)^-2/4 + (1 + 0.7^2)^0.75/8 + 2^(0.5/3)/4"}),
  };
  all.back().weight = FormulaText{"--weight", "2"};
  return all;
}

}  // namespace valleydrift::tests
