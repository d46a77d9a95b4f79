// Torus: a valley of dimension 2 whose flattest places form a circle.
#pragma once

#include <cmath>
#include <stdexcept>

#include "manifolds/model.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "manifolds/numbers/portable_math.hpp"

namespace valleydrift::manifolds {

/// f = ((|w|^2 + R^2 - r^2)^2 - 4 R^2 (x^2 + y^2)) / (8 R^2 r), polynomial of degree 4. With rho = (x^2 + y^2)^(1/2) =
/// R + r cos theta on the valley, tr H = (rho/R)^2: steep on the outer equator, flattest on the inner one.
struct Torus {
  static constexpr int static_dimension = 3;
  static constexpr int static_residuals = 1;
  explicit Torus(const ParameterValues& parameters) : major_(parameters.at("R")), minor_(parameters.at("r")) {
    if (!(minor_ <= 0.9 * major_)) {  // the inner equator, where the Hessian would lose its rank, stays away from 0
      throw std::invalid_argument("r must be at most 0.9 R");
    }
  }

  static ManifoldDescription describe() {
    return {
        .name = "torus",
        .formula = "f = ((|w|^2 + R^2 - r^2)^2 - 4 R^2 (x^2 + y^2)) / (8 R^2 r)",
        .coordinates = "x, y, z",
        .summary = "valley of dimension 2 whose flattest points form the inner equator",
        .parameters = {{"R", "radius of the centre circle", 1.0, 0.1, 10}, {"r", "radius of the tube", 0.5, 0.02, 9}},
        .known = {"tr H = (rho/R)^2 with rho = (x^2 + y^2)^(1/2), flattest at rho = R - r",
                  "label noise: d theta/dt = (c/(2 r R^2)) (R + r cos theta) sin theta, the azimuth is conserved",
                  "tau_Y = 2 r R^2 / (c (R - r)), up to rotation about the axis"},
        .awkward = {{"R", 1.0}, {"r", 0.9}},
        .invalid = {{"R", 1.0}, {"r", 1.5}}};
  }
  int dimension() const { return 3; }
  int residual_count() const { return 1; }
  double weight() const { return 1.0; }

  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    const T rho2 = w[0] * w[0] + w[1] * w[1];
    const T s = rho2 + w[2] * w[2] + (major_ * major_ - minor_ * minor_);
    f[0] = (s * s - (4.0 * major_ * major_) * rho2) * scale();
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    const T s = w[0] * w[0] + w[1] * w[1] + w[2] * w[2] + (major_ * major_ - minor_ * minor_);
    const T factor = (4.0 * scale()) * (s - 2.0 * major_ * major_);
    g[0] = factor * w[0] * r[0];
    g[1] = factor * w[1] * r[0];
    g[2] = (4.0 * scale()) * s * w[2] * r[0];
  }

  /// Near the outer equator, at theta = 0.6 and azimuth 0.4.
  std::vector<double> default_start() const {
    const double rho = major_ + minor_ * cos(0.6);
    return {rho * cos(0.4), rho * sin(0.4), minor_ * sin(0.6)};
  }
  std::vector<std::string> slow_coordinate_names() const { return {"rho", "z", "azimuth"}; }
  /// The azimuth is counted from the start's, in (-pi, pi].
  void slow_coordinates(std::span<const double> y, std::span<const double> start, std::span<double> q) const {
    q[0] = hypot(y[0], y[1]);
    q[1] = y[2];
    q[2] = atan2(y[1] * start[0] - y[0] * start[1], y[0] * start[0] + y[1] * start[1]);
  }
  double closed_trace_hessian(std::span<const double> y) const {
    return (y[0] * y[0] + y[1] * y[1]) / (major_ * major_);
  }

 private:
  double scale() const { return 1.0 / (8.0 * major_ * major_ * minor_); }
  double major_, minor_;
};

}  // namespace valleydrift::manifolds
