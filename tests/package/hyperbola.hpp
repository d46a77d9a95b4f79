// A valley of a user's own, which can be broken, to see who notices.
#pragma once

#include <cmath>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "manifolds/catalogue.hpp"

/// Which factor is wrong, from the environment: pullback, trace, flow or limit-map; none if it is not set.
inline const std::string fault = std::getenv("HYPERBOLA_FAULT") ? std::getenv("HYPERBOLA_FAULT") : "";

/// f = u v / 2 - 1: on the valley tr H = (u^2 + v^2) / 4, and label noise multiplies u^2 - v^2 by e^(-ct/4).
struct Hyperbola {
  static constexpr int static_dimension = 2;
  static constexpr int static_residuals = 1;
  explicit Hyperbola(const valleydrift::manifolds::ParameterValues& = {}) {}

  static valleydrift::manifolds::ManifoldDescription describe() {
    return {.name = "hyperbola",
            .formula = "f = u v / 2 - 1",
            .coordinates = "u, v",
            .summary = "two branches of a hyperbola",
            .known = {}};
  }
  int dimension() const { return 2; }
  int residual_count() const { return 1; }
  double weight() const { return 1.0; }

  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    f[0] = 0.5 * w[0] * w[1] - 1.0;
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    g[0] = 0.5 * w[1] * r[0];
    g[1] = wrong("pullback", 0.5) * w[0] * r[0];
  }

  std::vector<double> default_start() const { return {4.0, 0.5}; }
  std::vector<std::string> slow_coordinate_names() const { return {"u^2-v^2"}; }
  void slow_coordinates(std::span<const double> y, std::span<const double>, std::span<double> q) const {
    q[0] = y[0] * y[0] - y[1] * y[1];
  }

  double closed_trace_hessian(std::span<const double> y) const {
    return wrong("trace", 0.25) * (y[0] * y[0] + y[1] * y[1]);
  }
  void closed_limit_map(std::span<const double> w, std::span<double> y) const {
    on_branch(wrong("limit-map", 1.0) * (w[0] * w[0] - w[1] * w[1]), w[0] + w[1] > 0.0, y);
  }
  void closed_label_flow(std::span<const double> y0, double ct, std::span<double> y) const {
    on_branch((y0[0] * y0[0] - y0[1] * y0[1]) * std::exp(wrong("flow", -0.25) * ct), y0[0] > 0.0, y);
  }

 private:
  /// The factor, 1 % off if it is the broken one.
  static double wrong(const char* where, double factor) { return fault == where ? 1.01 * factor : factor; }
  /// u^2 - v^2 = x and u v = 2: u^2 + v^2 = (x^2 + 16)^(1/2).
  static void on_branch(double x, bool positive, std::span<double> y) {
    const double sign = positive ? 1.0 : -1.0, sum = std::hypot(x, 4.0);
    y[0] = sign * std::sqrt((sum + x) / 2.0);
    y[1] = 2.0 / y[0];
  }
};
