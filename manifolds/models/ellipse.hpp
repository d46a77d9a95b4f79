// Ellipse: a closed valley with two flattest points.
#pragma once

#include <cmath>

#include "manifolds/model.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "manifolds/numbers/portable_math.hpp"

namespace valleydrift::manifolds {

/// f = (x^2/a^2 + y^2/b^2 - 1)/2; tr H = x^2/a^4 + y^2/b^4, flattest at the ends of the long axis.
struct Ellipse {
  static constexpr int static_dimension = 2;
  static constexpr int static_residuals = 1;
  explicit Ellipse(const ParameterValues& parameters)
      : a_(parameters.at("a")),
        b_(parameters.at("b")),
        per_a2_(1.0 / (a_ * a_)),
        per_b2_(1.0 / (b_ * b_)) {}

  static ManifoldDescription describe() {
    return {.name = "ellipse",
            .formula = "f = (x^2/a^2 + y^2/b^2 - 1)/2",
            .coordinates = "x, y",
            .summary = "closed valley of dimension 1",
            .parameters = {{"a", "half axis along x", 1.5, 0.05, 20}, {"b", "half axis along y", 1.0, 0.05, 20}},
            .known = {"tr H = x^2/a^4 + y^2/b^4, flattest at the ends of the long axis",
                      "a > b, label noise: tau_Y = 2 a^2 b^4 / (c (a^2 - b^2))"},
            .awkward = {{"a", 6.0}, {"b", 0.5}},
            .invalid = {{"a", -1.0}}};
  }
  int dimension() const { return 2; }
  int residual_count() const { return 1; }
  double weight() const { return 1.0; }

  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    f[0] = 0.5 * (w[0] * w[0] * per_a2_ + w[1] * w[1] * per_b2_ - 1.0);
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    g[0] = w[0] * per_a2_ * r[0];
    g[1] = w[1] * per_b2_ * r[0];
  }

  /// At the parameter angle 1.1, away from both axes.
  std::vector<double> default_start() const { return {a_ * cos(1.1), b_ * sin(1.1)}; }
  std::vector<std::string> slow_coordinate_names() const { return {"angle"}; }
  /// The parameter angle atan2(y/b, x/a) in (-pi, pi], counted from the start so that it does not jump near it.
  void slow_coordinates(std::span<const double> y, std::span<const double> start, std::span<double> q) const {
    const double c0 = start[0] / a_, s0 = start[1] / b_, c = y[0] / a_, s = y[1] / b_;
    q[0] = atan2(s0, c0) + atan2(s * c0 - c * s0, c * c0 + s * s0);
  }
  double closed_trace_hessian(std::span<const double> y) const {
    return y[0] * y[0] * (per_a2_ * per_a2_) + y[1] * y[1] * (per_b2_ * per_b2_);
  }

 private:
  double a_, b_, per_a2_, per_b2_;
};

}  // namespace valleydrift::manifolds
