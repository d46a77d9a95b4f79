// What the checks share: the points of a site, random numbers that do not change, the hyperparameters.
#pragma once

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "manifolds/hyperparameters.hpp"
#include "manifolds/interrupt.hpp"
#include "manifolds/manifold.hpp"
#include "validation/verify/check.hpp"

namespace valleydrift::verify::sites {

/// Numbers that depend on the seed alone, on every platform.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  double number() { return static_cast<double>(engine_() >> 11) * 0x1p-52 - 1.0; }  // uniform in [-1, 1)
  Matrix matrix(Eigen::Index rows, Eigen::Index columns) {
    Matrix a(rows, columns);
    for (double& x : a.reshaped()) x = number();
    return a;
  }
  Vector vector(Eigen::Index size) { return matrix(size, 1); }
  Vector direction(Eigen::Index size) { return vector(size).normalized(); }
  Matrix symmetric(Eigen::Index size) {
    const Matrix a = matrix(size, size);
    return a + a.transpose();
  }

 private:
  std::mt19937_64 engine_;
};

inline constexpr double infinite = std::numeric_limits<double>::infinity();

inline std::span<const double> view(const Vector& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }
inline std::span<double> view(Vector& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }

/// max |a_ij|, NaN if one of them is.
inline double largest(const Matrix& a) { return a.size() == 0 ? 0.0 : a.cwiseAbs().maxCoeff<Eigen::PropagateNaN>(); }

/// The first `few` points of the site, or the first `many` if it is thorough.
inline std::span<const Vector> used_points(const CheckSite& site, std::size_t few = 2, std::size_t many = 8) {
  return std::span(site.points).first(std::min(site.points.size(), site.thorough ? many : few));
}

/// A point in a finding: (2, 0.5), of more than four coordinates the first four.
inline std::string shown(const Vector& w) {
  if (w.size() <= 4) return manifolds::format_point(w);
  std::string text = manifolds::format_point(w.head(4));
  text.back() = ',';
  return text + " ...)";
}
/// One of the site's points: "point 0 (2, 0.5)".
inline std::string named(const CheckSite& site, const Vector& y) {
  return fmt::format("point {} {}", &y - site.points.data(), shown(y));
}

/// Calls body(y, random, where) at the points used. `random` starts with the same numbers for the same check and point.
template <class Body>
void for_points(const CheckSite& site, std::uint64_t check, const Body& body) {
  for (const Vector& y : used_points(site)) {
    throw_if_interrupted();
    Random random(1000 * check + static_cast<std::uint64_t>(&y - site.points.data()));
    body(y, random, "at " + named(site, y));
  }
}

/// As for_points, and at a point 0.15 of the valley's length away from each as well.
template <class Body>
void for_points_on_and_off(const CheckSite& site, std::uint64_t check, const Body& body) {
  for_points(site, check, [&](const Vector& y, Random& random, const std::string& where) {
    body(y, random, where);
    const Vector w = y + 0.15 * site.length * random.direction(y.size());
    body(w, random, "off the valley at " + shown(w));
  });
}

inline constexpr Scheme both_schemes[] = {Scheme::heavy_ball, Scheme::nesterov};
inline const std::vector<double> all_frictions = {1.0, 0.5, 0.1, 0.01};  ///< beta = 0, 0.5, 0.9, 0.99

/// With epsilon = 1, so that one unit of slow time (9) is (mu/eta)^2 steps.
inline Hyperparameters hyperparameters(Scheme scheme, double eta, double mu) { return {scheme, eta, mu, 1.0}; }

/// Both schemes with the given values of mu.
inline std::vector<Hyperparameters> all_momenta(double eta, const std::vector<double>& frictions = all_frictions) {
  std::vector<Hyperparameters> all;
  for (const Scheme scheme : both_schemes) {
    for (const double mu : frictions) all.push_back(hyperparameters(scheme, eta, mu));
  }
  return all;
}

/// The learning rate at which the stiffest mode at y has eta l = e.
inline double step_at(const Manifold& m, const Vector& y, double e) { return e / m.geometry(y).spectrum.maxCoeff(); }

/// The same with eta l = 0.4: the finite-step corrections are far from small, and every scheme is stable.
inline double visible_step(const Vector& spectrum) { return 0.4 / spectrum.maxCoeff(); }

inline std::string describe(const Hyperparameters& h) {
  return fmt::format("{}, beta {:g}, eta {:.3g}", name_of(h.scheme), h.beta(), h.eta);
}

/// A noise factor with D x D random entries: every block of Sigma is there, and Sigma has full rank. Beyond dimension
/// 20 two columns, each of which excites every block too.
inline Matrix full_sigma(Random& random, Eigen::Index dimension) {
  return random.matrix(dimension, dimension <= 20 ? dimension : 2);
}

/// |w| over the distance at which the valley bends, at least 1. Rounding w moves it by 1e-16 |w|, so that derivatives,
/// which change over that distance, are known to 1e-16 times this.
inline double rounding_of(const CheckSite& site, const Vector& w) { return std::max(1.0, w.norm() / site.length); }

/// max l / min l of the transverse modes.
inline double condition(const Vector& spectrum) { return spectrum.maxCoeff() / spectrum.minCoeff(); }

inline bool everywhere(const Manifold&) { return true; }
inline bool least_squares(const Manifold& m) { return m.is_least_squares(); }

}  // namespace valleydrift::verify::sites
