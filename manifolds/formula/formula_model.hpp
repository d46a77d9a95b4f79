// A typed valley as a model like any other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "manifolds/errors.hpp"
#include "manifolds/formula/formula.hpp"
#include "manifolds/model.hpp"

namespace valleydrift::manifolds {

/// f and J^T r by tapes (tape.hpp). It is no entry of the list of manifolds: there are as many as texts.
class FormulaModel {
 public:
  static constexpr int static_dimension = dynamic;
  static constexpr int static_residuals = dynamic;

  explicit FormulaModel(Formula formula) : formula_(std::move(formula)) {}
  /// Throws ConfigError for a text that is no formula.
  static FormulaModel read(const FormulaSource& source, const ParameterValues& parameters) {
    return FormulaModel(read_formula(source, parameters));
  }

  int dimension() const { return static_cast<int>(formula_.variables.size()); }
  int residual_count() const { return formula_.residual_count; }
  double weight() const { return formula_.weight; }

  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    formula_.residuals.run<T, T>(w, {}, f);
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    formula_.pullback.run<T, R>(w, r, g);
  }

  std::int64_t most_flow_gradients() const { return most_formula_flow_cost / gradient_cost(); }
  /// Cost of one gradient in additions, what calls and vectors around the tapes take included.
  std::int64_t gradient_cost() const {
    constexpr std::int64_t around = 100, for_each_variable = 10;  // measured
    return around + for_each_variable * dimension() + formula_.residuals.cost() + formula_.pullback.cost();
  }

  /// Throws ConfigError if the text names none.
  std::vector<double> default_start() const {
    if (formula_.start.empty()) {
      throw ConfigError(
          "--start is missing: a formula has no start of its own; give --start A,B,..., or a line start = "
          "A,B,... in the manifold's file");
    }
    return formula_.start;
  }
  /// The components of Y, the first ones of many: covariances of all pairs are followed.
  std::vector<std::string> slow_coordinate_names() const {
    return {formula_.variables.begin(), formula_.variables.begin() + slow_count()};
  }
  void slow_coordinates(std::span<const double> y, std::span<const double> /*start*/, std::span<double> q) const {
    std::copy_n(y.begin(), slow_count(), q.begin());
  }

 private:
  std::ptrdiff_t slow_count() const { return std::min<std::ptrdiff_t>(dimension(), 16); }
  Formula formula_;
};

}  // namespace valleydrift::manifolds
