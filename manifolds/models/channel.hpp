// Channel: a straight valley whose walls steepen along it.
#pragma once

#include <cmath>

#include "manifolds/model.hpp"
#include "manifolds/numbers/lane_math.hpp"

namespace valleydrift::manifolds {

/// f = y g(x), valley y = 0, tr H = g(x)^2. profile exp: g = e^x; sqrt: g = (1 + x^2)^(1/2); linear: g = x, whose
/// Hessian loses its rank at x = 0.
struct Channel {
  static constexpr int static_dimension = 2;
  static constexpr int static_residuals = 1;
  explicit Channel(const ParameterValues& parameters)
      : profile_(static_cast<Profile>(static_cast<int>(parameters.at("profile")))) {}

  static ManifoldDescription describe() {
    return {.name = "channel",
            .formula = "f = y g(x)",
            .coordinates = "x, y",
            .summary = "straight valley y = 0 with walls of height g(x)",
            .parameters = {{"profile",
                            "g(x): exp is e^x, sqrt is (1 + x^2)^(1/2), linear is x",
                            1,
                            0,
                            2,
                            true,
                            {"exp", "sqrt", "linear"}}},
            .known = {"tr H = g(x)^2; label noise: dx/dt = -(c/2) g g' in the paper form",
                      "exp: x = x0 - (1/2) log(1 + c t e^(2 x0)), no flattest point, so tau_Y does not exist",
                      "sqrt: x = x0 e^(-c t / 2), flattest at x = 0, tau_Y = 2/c",
                      "linear: x = x0 e^(-c t / 2) toward x = 0, where the rank of the Hessian changes"},
            .awkward = {{"profile", 0}},
            .invalid = {{"profile", 3}}};
  }
  int dimension() const { return 2; }
  int residual_count() const { return 1; }
  double weight() const { return 1.0; }

  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    f[0] = w[1] * profile(w[0]);
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    const T height = profile(w[0]);
    const T slope = profile_ == Profile::exp ? height : profile_ == Profile::sqrt ? w[0] / height : T(1.0);
    g[0] = w[1] * slope * r[0];
    g[1] = height * r[0];
  }

  std::vector<double> default_start() const { return {1.0, 0.0}; }
  std::vector<std::string> slow_coordinate_names() const { return {"x"}; }
  void slow_coordinates(std::span<const double> y, std::span<const double> /*start*/, std::span<double> q) const {
    q[0] = y[0];
  }

  double closed_trace_hessian(std::span<const double> y) const {
    const double height = profile(y[0]);
    return height * height;
  }
  void closed_label_flow(std::span<const double> y0, double ct, std::span<double> y) const {
    y[0] =
        profile_ == Profile::exp ? y0[0] - 0.5 * std::log1p(ct * std::exp(2.0 * y0[0])) : y0[0] * std::exp(-ct / 2.0);
    y[1] = 0.0;
  }

 private:
  enum class Profile { exp, sqrt, linear };

  template <class T>
  T profile(const T& x) const {
    return profile_ == Profile::exp ? exp(x) : profile_ == Profile::sqrt ? sqrt(x * x + 1.0) : x;
  }
  Profile profile_;
};

}  // namespace valleydrift::manifolds
