// Vector UV model: a two-layer linear network with one input and one output.
#pragma once

#include "manifolds/model.hpp"

namespace valleydrift::manifolds {

/// f = u . v - 1 with u, v in R^d. w = (u_1..u_d, v_1..v_d); tr H = |u|^2 + |v|^2, smallest, 2, where u = v, |u| = 1.
struct VectorUv {
  static constexpr int static_dimension = dynamic;
  static constexpr int static_residuals = 1;
  explicit VectorUv(const ParameterValues& parameters) : d_(static_cast<int>(parameters.at("d"))) {}

  static ManifoldDescription describe() {
    return {.name = "vector-uv",
            .formula = "f = u . v - 1",
            .coordinates = "u_1..u_d, v_1..v_d",
            .summary = "two-layer linear network, one input, one output, d hidden units",
            .parameters = {{"d", "hidden units", 2, 1, 4096, true}},
            .known = {"tr H = |u|^2 + |v|^2, flattest (tr H = 2) where u = v and |u| = 1",
                      "label noise: |u|^2 - |v|^2 decays as exp(-c t) in the paper form"},
            .awkward = {{"d", 64}},
            .invalid = {{"d", 0}}};
  }
  int dimension() const { return 2 * d_; }
  int residual_count() const { return 1; }
  double weight() const { return 1.0; }

  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    T sum = w[0] * w[index(0)];
    for (int i = 1; i < d_; ++i) sum = sum + w[static_cast<std::size_t>(i)] * w[index(i)];
    f[0] = sum - 1.0;
  }
  template <class T>
  void closed_laplacian(std::span<const T> /*w*/, std::span<T> out) const {
    out[0] = T(0.0);
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    for (int i = 0; i < d_; ++i) {
      g[static_cast<std::size_t>(i)] = w[index(i)] * r[0];
      g[index(i)] = w[static_cast<std::size_t>(i)] * r[0];
    }
  }

  /// u = (2, 1/2, 0, ...), v = (1/4, 1, 0, ...): unbalanced, u . v = 1. For d = 1, u = 2, v = 1/2.
  std::vector<double> default_start() const {
    std::vector<double> w(static_cast<std::size_t>(2 * d_), 0.0);
    w[0] = 2.0;
    w[index(0)] = d_ == 1 ? 0.5 : 0.25;
    if (d_ > 1) {
      w[1] = 0.5;
      w[index(1)] = 1.0;
    }
    return w;
  }
  std::vector<std::string> slow_coordinate_names() const { return {"|u|^2-|v|^2", "|u|^2"}; }
  void slow_coordinates(std::span<const double> y, std::span<const double> /*start*/, std::span<double> q) const {
    double u2 = 0.0, v2 = 0.0;
    for (int i = 0; i < d_; ++i) {
      u2 += y[static_cast<std::size_t>(i)] * y[static_cast<std::size_t>(i)];
      v2 += y[index(i)] * y[index(i)];
    }
    q[0] = u2 - v2;
    q[1] = u2;
  }
  double closed_trace_hessian(std::span<const double> y) const {
    double sum = 0.0;
    for (double x : y) sum += x * x;
    return sum;
  }

 private:
  std::size_t index(int i) const { return static_cast<std::size_t>(d_ + i); }
  int d_;
};

}  // namespace valleydrift::manifolds
