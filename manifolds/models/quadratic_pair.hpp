// Quadratic pair: two residuals, two different curvatures that turn along the valley.
#pragma once

#include "manifolds/model.hpp"

namespace valleydrift::manifolds {

/// f_1 = x_1 + (kappa/2)(x_3^2 - x_4^2), f_2 = lambda (x_2 + (kappa/2)(x_3^2 + x_3 x_4)): the graph of (x_1, x_2) over
/// (x_3, x_4). The two nonzero eigenvalues of H differ and vary along the valley, and their directions turn, so all
/// terms of DERIVATION (10), the commutator in (15) included, are excited by a full-rank sigma.
struct QuadraticPair {
  static constexpr int static_dimension = 4;
  static constexpr int static_residuals = 2;
  explicit QuadraticPair(const ParameterValues& parameters)
      : kappa_(parameters.at("kappa")),
        lambda_(parameters.at("lambda")) {}

  static ManifoldDescription describe() {
    return {.name = "quadratic-pair",
            .formula = "f1 = x1 + (kappa/2)(x3^2 - x4^2), f2 = lambda (x2 + (kappa/2)(x3^2 + x3 x4))",
            .coordinates = "x1, x2, x3, x4",
            .summary = "two residuals; the smallest case that shows the commutator term",
            .parameters = {{"kappa", "bending of the valley", 0.5, -4, 4},
                           {"lambda", "weight of the second residual", 1.5, 0.05, 10}},
            .known = {"a graph over (x3, x4): the rank of the Hessian is 2 everywhere",
                      "at x3 = x4 = 0 the spectrum is {1, lambda^2}"},
            .awkward = {{"kappa", 2.0}, {"lambda", 1.0}},
            .invalid = {{"lambda", 0.0}}};
  }
  int dimension() const { return 4; }
  int residual_count() const { return 2; }
  double weight() const { return 1.0; }

  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    f[0] = w[0] + (0.5 * kappa_) * (w[2] * w[2] - w[3] * w[3]);
    f[1] = lambda_ * (w[1] + (0.5 * kappa_) * (w[2] * (w[2] + w[3])));
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    const auto second = lambda_ * r[1];
    g[0] = T(r[0]);
    g[1] = T(second);
    g[2] = kappa_ * (w[2] * r[0] + (w[2] + 0.5 * w[3]) * second);
    g[3] = kappa_ * ((0.5 * w[2]) * second - w[3] * r[0]);
  }

  std::vector<double> default_start() const { return on_valley(0.8, 0.5); }
  std::vector<std::string> slow_coordinate_names() const { return {"x1", "x2", "x3", "x4"}; }
  void slow_coordinates(std::span<const double> y, std::span<const double> /*start*/, std::span<double> q) const {
    for (std::size_t i = 0; i < 4; ++i) q[i] = y[i];
  }

 private:
  std::vector<double> on_valley(double x3, double x4) const {
    return {-0.5 * kappa_ * (x3 * x3 - x4 * x4), -0.5 * kappa_ * x3 * (x3 + x4), x3, x4};
  }
  double kappa_, lambda_;
};

}  // namespace valleydrift::manifolds
