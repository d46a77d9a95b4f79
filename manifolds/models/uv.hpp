// UV model: the smallest network with a valley, two weights in series.
#pragma once

#include <cmath>

#include "manifolds/model.hpp"

namespace valleydrift::manifolds {

/// f = u v - 1. The valley is a pair of hyperbola branches, tr H = u^2 + v^2, flattest at u = v = +-1.
struct Uv {
  static constexpr int static_dimension = 2;
  static constexpr int static_residuals = 1;
  explicit Uv(const ParameterValues& = {}) {}

  static ManifoldDescription describe() {
    return {.name = "uv",
            .formula = "f = u v - 1",
            .coordinates = "u, v",
            .summary = "two weights in series; a pair of hyperbola branches",
            .known = {"tr H = u^2 + v^2 on the valley, flattest at u = v = +-1",
                      "label noise: u^2 - v^2 = (u0^2 - v0^2) exp(-c t) in the paper form, tau_Y = 1/c",
                      "gradient flow conserves u^2 - v^2"}};
  }
  int dimension() const { return 2; }
  int residual_count() const { return 1; }
  double weight() const { return 1.0; }

  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    f[0] = w[0] * w[1] - 1.0;
  }
  template <class T>
  void closed_laplacian(std::span<const T> /*w*/, std::span<T> out) const {
    out[0] = T(0.0);
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    g[0] = w[1] * r[0];
    g[1] = w[0] * r[0];
  }

  std::vector<double> default_start() const { return {2.0, 0.5}; }
  std::vector<std::string> slow_coordinate_names() const { return {"u^2-v^2"}; }
  void slow_coordinates(std::span<const double> y, std::span<const double> /*start*/, std::span<double> q) const {
    q[0] = (y[0] - y[1]) * (y[0] + y[1]);
  }

  double closed_trace_hessian(std::span<const double> y) const { return y[0] * y[0] + y[1] * y[1]; }
  void closed_limit_map(std::span<const double> w, std::span<double> y) const {
    on_branch((w[0] - w[1]) * (w[0] + w[1]), w[0] + w[1] > 0.0, y);
  }
  void closed_label_flow(std::span<const double> y0, double ct, std::span<double> y) const {
    on_branch((y0[0] - y0[1]) * (y0[0] + y0[1]) * std::exp(-ct), y0[0] > 0.0, y);
  }

 private:
  /// The point of the valley with u^2 - v^2 = x: u^2 + v^2 = sqrt(x^2 + 4).
  static void on_branch(double x, bool positive, std::span<double> y) {
    const double larger = std::sqrt((std::hypot(x, 2.0) + std::abs(x)) / 2.0) * (positive ? 1.0 : -1.0);
    y[0] = x >= 0.0 ? larger : 1.0 / larger;
    y[1] = x >= 0.0 ? 1.0 / larger : larger;
  }
};

}  // namespace valleydrift::manifolds
