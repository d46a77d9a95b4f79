// Sphere: the null case, a valley on which no place is flatter than another.
#pragma once

#include <cmath>

#include "manifolds/model.hpp"

namespace valleydrift::manifolds {

/// f = (|w|^2 - 1)/2 in R^D; tr H = 1 everywhere, so label noise gives no drift. N: D, if it is known to the compiler.
template <int N>
struct SphereOf {
  static constexpr int static_dimension = N;
  static constexpr int static_residuals = 1;
  explicit SphereOf(const ParameterValues& parameters) : dimension_(static_cast<int>(parameters.at("D"))) {}
  static bool serves(const ParameterValues& parameters) { return N == dynamic || parameters.at("D") == N; }

  static ManifoldDescription describe() {
    return {.name = "sphere",
            .formula = "f = (|w|^2 - 1)/2",
            .coordinates = "w_1..w_D",
            .summary = "unit sphere in R^D, the null case of label noise",
            .parameters = {{"D", "dimension of the surrounding space", 3, 2, 4096, true}},
            .known = {"tr H = 1 on the valley: label noise moves nothing along it",
                      "isotropic noise: Brownian motion, E[Y_t . y0] = exp(-(D-1) t / 2)"},
            .awkward = {{"D", 17}},
            .invalid = {{"D", 1}}};
  }
  int dimension() const { return N == dynamic ? dimension_ : N; }
  int residual_count() const { return 1; }
  double weight() const { return 1.0; }

  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    T sum = w[0] * w[0];
    for (std::size_t i = 1; i < w.size(); ++i) sum = sum + w[i] * w[i];
    f[0] = 0.5 * (sum - 1.0);
  }
  template <class T>
  void closed_laplacian(std::span<const T> /*w*/, std::span<T> out) const {
    out[0] = T(static_cast<double>(dimension()));
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    for (std::size_t i = 0; i < w.size(); ++i) g[i] = w[i] * r[0];
  }

  std::vector<double> default_start() const {
    std::vector<double> w(static_cast<std::size_t>(dimension()), 0.0);
    w[0] = 1.0;
    return w;
  }
  std::vector<std::string> slow_coordinate_names() const { return {"y.y0"}; }
  void slow_coordinates(std::span<const double> y, std::span<const double> start, std::span<double> q) const {
    q[0] = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) q[0] += y[i] * start[i];
  }
  double closed_trace_hessian(std::span<const double> /*y*/) const { return 1.0; }
  void closed_limit_map(std::span<const double> w, std::span<double> y) const {
    double norm = 0.0;
    for (double x : w) norm = std::hypot(norm, x);
    for (std::size_t i = 0; i < w.size(); ++i) y[i] = w[i] / norm;
  }
  void closed_label_flow(std::span<const double> y0, double /*ct*/, std::span<double> y) const {
    for (std::size_t i = 0; i < y0.size(); ++i) y[i] = y0[i];
  }

 private:
  int dimension_;
};

using Sphere = SphereOf<dynamic>;
using SphereInSpace = SphereOf<3>;  ///< the default: its loops in registers

}  // namespace valleydrift::manifolds
