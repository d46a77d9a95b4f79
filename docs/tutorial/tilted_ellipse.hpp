// The tutorial's valley: an ellipse whose axes are turned, as a model of one residual.
#pragma once

#include "manifolds/model.hpp"
#include "manifolds/numbers/lane_math.hpp"

namespace valleydrift::manifolds {

/// f = (p^2/a^2 + q^2/b^2 - 1)/2, where p and q are the coordinates along the axes, turned by 30 degrees.
class TiltedEllipse {
 public:
  static constexpr int static_dimension = 2, static_residuals = 1;  // `dynamic` where a parameter sets them
  explicit TiltedEllipse(const ParameterValues& parameters) : a_(parameters.at("a")), b_(parameters.at("b")) {}

  static ManifoldDescription describe() {
    return {.name = "tilted-ellipse",
            .formula = "f = (p^2/a^2 + q^2/b^2 - 1)/2, p and q along the axes, turned by 30 degrees",
            .coordinates = "x, y",
            .summary = "closed valley of dimension 1",
            .parameters = {{"a", "half axis along p", 2, 1, 10}, {"b", "half axis along q", 1, 0.1, 1}},
            .known = {"flattest at the ends of the long axis"},
            .awkward = {{"a", 6}, {"b", 0.5}},  // what the checks take besides the defaults
            .invalid = {{"a", -1}}};            // and what must be refused
  }
  int dimension() const { return 2; }
  int residual_count() const { return 1; }
  double weight() const { return 1.0; }  // L = (weight/2) f^2

  template <class T>  // numbers, lanes of several paths, dual numbers of both
  void residuals(std::span<const T> w, std::span<T> f) const {
    const T p = along(w), q = across(w);
    f[0] = 0.5 * (p * p / (a_ * a_) + q * q / (b_ * b_) - 1.0);
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {  // J(w)^T r
    const T p = along(w) / (a_ * a_) * r[0], q = across(w) / (b_ * b_) * r[0];
    g[0] = c_ * p - s_ * q;
    g[1] = s_ * p + c_ * q;
  }

  std::vector<double> default_start() const {
    const double p = a_ * cos(1.1), q = b_ * sin(1.1);
    return {c_ * p - s_ * q, s_ * p + c_ * q};
  }
  std::vector<std::string> slow_coordinate_names() const { return {"p"}; }  // what is compared
  void slow_coordinates(std::span<const double> y, std::span<const double> /*start*/, std::span<double> q) const {
    q[0] = along(y);
  }
  double closed_trace_hessian(std::span<const double> y) const {  // may be left out; if it is there, it is checked
    const double p = along(y) / (a_ * a_), q = across(y) / (b_ * b_);
    return p * p + q * q;
  }

 private:
  template <class T>
  T along(std::span<const T> w) const {
    return c_ * w[0] + s_ * w[1];
  }
  template <class T>
  T across(std::span<const T> w) const {
    return c_ * w[1] - s_ * w[0];
  }
  double a_, b_;
  double c_ = cos(0.5235987755982988), s_ = sin(0.5235987755982988);
};

}  // namespace valleydrift::manifolds
