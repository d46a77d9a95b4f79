// The rank of J at the start and how far the start was moved; the gradients of the slow coordinates.
#include "validation/run/start_geometry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "manifolds/errors.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "manifolds/numbers/number_text.hpp"
#include "sde/kernel/symmetric_eigen.hpp"

namespace valleydrift::run {
namespace {

/// Of J at w with rows of length 1, so that weights do not count; m where it cannot be told.
int jacobian_rank(const Manifold& manifold, const Vector& w) {
  constexpr double zero = 1e-12;  // angles of 1e-6 between gradients; equal ones leave 1e-16
  Matrix j = manifold.jacobian(w);
  if (!j.allFinite()) return static_cast<int>(j.rows());
  for (Eigen::Index a = 0; a < j.rows(); ++a) j.row(a) /= std::max(j.row(a).stableNorm(), 1e-300);
  Matrix gram = j * j.transpose();
  const auto m = static_cast<std::size_t>(gram.rows());
  std::vector<double> vectors(m * m), values(m);
  sde::symmetric_eigen<double>(static_cast<int>(m), {gram.data(), m * m}, vectors, values);
  return static_cast<int>(std::count_if(values.begin(), values.end(), [](double l) { return l > zero; }));
}

[[noreturn]] void throw_no_valley(const Manifold& manifold, const Vector& y, int rank) {
  const int m = manifold.transverse_dimension();
  throw NumericalError(fmt::format(
      "{}: no valley at {}: the Jacobian of the {} has rank {} there, below {}; it is an isolated minimum, "
      "a crossing of valleys, or a residual that is a square; choose another --start or other residuals",
      manifold.name(), manifolds::format_point(y), m == 1 ? "residual" : fmt::format("{} residuals", m), rank, m));
}

}  // namespace

void require_independent_residuals(const Manifold& manifold, const Vector& point) {
  const int m = manifold.transverse_dimension();
  if (!manifold.is_least_squares() || m < 2) return;
  constexpr int points = 4;          // a rank that is low by chance at one of them is not at the others
  constexpr double distance = 0.01;  // of the size of the point
  int rank = 0;
  for (int i = 0; i < points && rank < m; ++i) {
    Vector w = point;
    const double size = i * distance * std::max(point.cwiseAbs().maxCoeff(), 1e-3);
    for (Eigen::Index k = 0; k < w.size(); ++k) w[k] += size * manifolds::sin(static_cast<double>((k + 1) * (k + i)));
    rank = std::max(rank, jacobian_rank(manifold, w));
  }
  if (rank == m) return;
  throw ConfigError(
      fmt::format("--residual: the {} residuals depend on each other: their Jacobian has rank {} at {} and around it, "
                  "so the valley is larger than {} residuals would make it; leave out {}",
                  m, rank, manifolds::format_point(point), m, m - rank));
}

manifolds::Geometry geometry_of_start(const Manifold& manifold, const Vector& y, double moved) {
  const Vector spectrum = manifold.spectrum(y);
  if (!spectrum.allFinite()) return manifold.geometry(y);  // which says so
  constexpr double zero = 1e-9;                            // the rank gap that is refused
  const double largest = spectrum[spectrum.size() - 1];
  const auto rank = static_cast<int>((spectrum.array() > zero * std::max(largest, 0.0)).count());
  if (rank < spectrum.size()) throw_no_valley(manifold, y, rank);

  // Gauss-Newton only comes ever nearer to a point where J has a lower rank, J falling with it. Then f is not linear
  // over a step that is still small beside all lengths of the problem: the curvature radius is below half of it.
  const manifolds::Geometry geometry = manifold.geometry(y);
  const double step = std::max({1e-6 * y.norm(), 1e-7 * moved, 1e-300});
  // Where f only falls towards 0 far away, as exp(-x) does, its zero stays as far.
  constexpr double far = 1e-3;  // of the size of the problem; Gauss-Newton comes within rounding of a zero
  const double away = geometry.pseudo_inverse(manifold.gradient(y)).norm();
  if (!(away <= far * std::max(y.norm(), moved))) {
    throw NumericalError(fmt::format(
        "{}: no valley at {}: max |f| = {} there, but by its slope the zero is still {} away: f only falls towards 0; "
        "choose another --start or other residuals",
        manifold.name(), manifolds::format_point(y), manifolds::number_text(manifold.valley_residual(y)),
        manifolds::number_text(away)));
  }
  const Vector here = manifold.residuals(y);
  const Matrix j = manifold.jacobian(y);
  int straight = 0;
  for (Eigen::Index i = 0; i < geometry.transverse.cols(); ++i) {
    const Vector linear = step * (j * geometry.transverse.col(i));
    const Vector bent = manifold.residuals(y + step * geometry.transverse.col(i)) - here - linear;
    straight += bent.norm() <= linear.norm() ? 1 : 0;
  }
  if (straight < spectrum.size()) throw_no_valley(manifold, y, straight);
  return geometry;
}

std::vector<double> slow_gradients(const Manifold& manifold, const Vector& y) {
  const double size = y.norm() > 0.0 ? y.norm() : 1.0, h = std::sqrt(std::numeric_limits<double>::epsilon()) * size;
  const Vector here = manifold.slow_coordinates(y, y);
  Vector squares = Vector::Zero(here.size()), moved = y;
  for (Eigen::Index k = 0; k < y.size(); ++k) {  // forward differences
    moved[k] = y[k] + h;
    squares += ((manifold.slow_coordinates(moved, y) - here) / h).cwiseAbs2();
    moved[k] = y[k];
  }
  const Vector norms = squares.cwiseSqrt();
  return {norms.begin(), norms.end()};
}

}  // namespace valleydrift::run
