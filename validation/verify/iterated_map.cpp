// Iterates in long double until w rests, and takes differences with one Richardson step.
#include "validation/verify/iterated_map.hpp"

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <limits>

#include "discrete/lockstep.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"

namespace valleydrift::verify {
namespace {

/// How far a kick moves the point along the valley, at most, in valley lengths: s (eta/mu) |v|. Richardson leaves
/// travel^4 / 4 of a drift, 4e-8 where the valley bends over a tenth of that length and 2e-9 over a fifth; rounding
/// leaves 1e-19 |w| / (travel/2)^2, 1e-13 |w| over the length, times the units in the last place by which w may rest
/// too early.
constexpr long double travel = 2e-3L;

/// Iterates until w no longer moves; false if it does not come to rest. `slowest` is the least eigenvalue of the
/// transverse modes: it says how often to look; `length`, what w is measured by where it is smaller.
bool iterate_to_rest(const Manifold& manifold, const Hyperparameters& h, double slowest, double length,
                     ExtendedVector& w, const ExtendedVector& p) {
  const auto path = discrete::make_noiseless_path<long double>(manifold, h);
  std::copy(w.begin(), w.end(), path->w().begin());
  std::copy(p.begin(), p.end(), path->p().begin());
  // Between two looks the momentum along the valley falls by e^-8, and the slowest overdamped mode by e^-3: what is
  // left is a twentieth of what was seen moving.
  const double of_momentum = 8.0 / h.mu, of_slowest = 3.0 * h.mu / (h.eta * slowest), longest = 1e6;
  auto steps = static_cast<std::int64_t>(of_momentum + std::min(of_slowest, longest)) + 4;
  // In large dimensions w can end in a cycle of a few units in the last place: then the moves no longer fall.
  const long double last_place = std::numeric_limits<long double>::epsilon();
  constexpr int most_looks = 400;  // e^-19 is reached after some 15
  long double before_that = std::numeric_limits<long double>::infinity();
  for (int look = 0; look < most_looks; ++look) {
    throw_if_interrupted();
    path->advance(steps);
    const ExtendedVector before = w;
    std::copy(path->w().begin(), path->w().end(), w.begin());
    if (!w.allFinite()) return false;
    const long double moved =
        (w - before).cwiseAbs().maxCoeff() / std::max<long double>(length, w.cwiseAbs().maxCoeff());
    if (moved <= 4.0L * last_place || (moved <= 100.0L * last_place && moved >= before_that)) return true;
    before_that = moved;
  }
  return false;
}

/// Phi(y + s eta v, s v).
ExtendedVector kicked(const Manifold& manifold, const Hyperparameters& h, const Vector& y, const ExtendedVector& v,
                      long double s, double length) {
  return iterated_limit(manifold, h, y.cast<long double>() + (s * h.eta) * v, s * v, length);
}

/// The s at which the kick along v moves the point by `travel` lengths.
long double kick_size(const Hyperparameters& h, const ExtendedVector& v, double length) {
  return travel * length * h.mu / (static_cast<long double>(h.eta) * v.norm());
}

}  // namespace

ExtendedVector iterated_limit(const Manifold& manifold, const Hyperparameters& h, const ExtendedVector& w,
                              const ExtendedVector& p, double length) {
  ExtendedVector rest = w;
  const Matrix j = manifold.jacobian(w.cast<double>());
  const double slowest =
      manifold.label_constant() *
      Eigen::SelfAdjointEigenSolver<Matrix>(j * j.transpose(), Eigen::EigenvaluesOnly).eigenvalues().minCoeff();
  if (iterate_to_rest(manifold, h, slowest, length, rest, p)) return rest;
  throw NumericalError(fmt::format(
      "{}: the noiseless {} iteration with eta {:g}, beta {:g} from {} does not come to rest: its gradient is not that "
      "of a loss, or a mode is unstable",
      manifold.name(), name_of(h.scheme), h.eta, h.beta(), manifolds::format_point(w.cast<double>())));
}

Vector drift_of_iteration(const Manifold& manifold, const Hyperparameters& h, const Vector& y, const Matrix& sigma,
                          double length) {
  const ExtendedVector rest = kicked(manifold, h, y, ExtendedVector::Zero(y.size()), 0.0L, length);
  ExtendedVector sum = ExtendedVector::Zero(y.size());
  for (const auto& column : sigma.colwise()) {
    const ExtendedVector v = column.cast<long double>();
    if (v.norm() == 0.0L) continue;
    const auto second_difference = [&](long double s) {
      const ExtendedVector there = kicked(manifold, h, y, v, s, length), back = kicked(manifold, h, y, v, -s, length);
      return ExtendedVector((there + back - 2.0L * rest) / (2.0L * s * s));
    };
    const long double s = kick_size(h, v, length);
    sum += (4.0L * second_difference(s / 2.0L) - second_difference(s)) / 3.0L;
  }
  return (h.slow_unit() * h.epsilon * h.epsilon * sum).cast<double>();
}

Vector derivative_of_iteration(const Manifold& manifold, const Hyperparameters& h, const Vector& y, const Vector& v,
                               double length) {
  const ExtendedVector along = v.cast<long double>();
  const auto slope = [&](long double s) {
    return ExtendedVector((kicked(manifold, h, y, along, s, length) - kicked(manifold, h, y, along, -s, length)) /
                          (2.0L * s));
  };
  const long double s = kick_size(h, along, length);
  return ((4.0L * slope(s / 2.0L) - slope(s)) / 3.0L).cast<double>();
}

}  // namespace valleydrift::verify
