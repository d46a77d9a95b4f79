#include "validation/checks/iterated_map.hpp"

#include <fmt/format.h>

#include <limits>

#include "discrete/iteration.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/registry.hpp"

namespace valleydrift::validation {
namespace {

using manifolds::Hyperparameters;
using manifolds::Manifold;
using manifolds::Matrix;
using manifolds::Vector;

/// How far a kick moves the point along the valley, at most: s (eta/mu) |v|. With `length` the distance over which the
/// valley bends, Richardson leaves (travel/length)^4 / 4 of a drift, 4e-8 for a length of 0.1 and 2e-9 for 0.2;
/// rounding leaves 1e-18 / (travel/2)^2, 1e-12 times the units in the last place by which w may rest too early.
constexpr long double travel = 2e-3L;

/// Iterates until w no longer moves; false if it does not come to rest.
template <class Loss>
bool iterate_to_rest(const Loss& loss, const Hyperparameters& h, ExtendedVector& w, const ExtendedVector& p) {
  discrete::State<long double, Loss> state(loss);
  discrete::Scratch<long double, Loss> scratch(loss);
  const discrete::StepConstants constants(h);
  for (int i = 0; i < loss.dimension(); ++i) {
    state.w[i] = w[i];
    state.p[i] = p[i];
  }
  // Between two looks the momentum along the valley falls by e^-8. A mode overdamped so much that it is still moving
  // is seen moving: at eta l = 0.03, mu = 1 a third of what is left is gone.
  auto steps = static_cast<std::int64_t>(8.0 / h.mu) + 4;
  // In large dimensions w can end in a cycle of a few units in the last place: then the moves no longer fall.
  const long double last_place = std::numeric_limits<long double>::epsilon();
  // The looks are twice as far apart after every 200, so that modes whose eigenvalues are 1e-4 of the largest rest too.
  constexpr int most_looks = 2000, looks_before_doubling = 200;
  long double before_that = std::numeric_limits<long double>::infinity();
  for (int look = 1; look <= most_looks; ++look) {
    discrete::advance_noiseless<long double>(loss, constants, state, steps, scratch);
    const ExtendedVector before = w;
    for (int i = 0; i < loss.dimension(); ++i) w[i] = state.w[i];
    if (!w.allFinite()) return false;
    const long double moved = (w - before).cwiseAbs().maxCoeff() / std::max(1.0L, w.cwiseAbs().maxCoeff());
    if (moved <= 4.0L * last_place || (moved <= 100.0L * last_place && moved >= before_that)) return true;
    before_that = moved;
    if (look % looks_before_doubling == 0) steps *= 2;
  }
  return false;
}

/// Phi(y + s eta v, s v).
ExtendedVector kicked(const Manifold& manifold, const Hyperparameters& h, const Vector& y, const ExtendedVector& v,
                      long double s) {
  return iterated_limit(manifold, h, y.cast<long double>() + (s * h.eta) * v, s * v);
}

/// The s at which the kick along v moves the point by `travel`.
long double kick_size(const Hyperparameters& h, const ExtendedVector& v) {
  return travel * h.mu / (static_cast<long double>(h.eta) * v.norm());
}

}  // namespace

ExtendedVector iterated_limit(const Manifold& manifold, const Hyperparameters& h, const ExtendedVector& w,
                              const ExtendedVector& p) {
  ExtendedVector rest = w;
  const bool rests = std::visit([&](const auto& loss) { return iterate_to_rest(loss, h, rest, p); },  //
                                manifold.registered().loss);
  if (rests) return rest;
  throw NumericalError(fmt::format(
      "{}: the noiseless {} iteration with eta {:g}, beta {:g} from {} does not come to rest: its gradient is not that "
      "of a loss, or a mode is unstable",
      manifold.name(), name_of(h.scheme), h.eta, h.beta(), manifolds::format_point(w.cast<double>())));
}

Vector drift_of_iteration(const Manifold& manifold, const Hyperparameters& h, const Vector& y, const Matrix& sigma) {
  const ExtendedVector rest = kicked(manifold, h, y, ExtendedVector::Zero(y.size()), 0.0L);
  ExtendedVector sum = ExtendedVector::Zero(y.size());
  for (const auto& column : sigma.colwise()) {
    const ExtendedVector v = column.cast<long double>();
    if (v.norm() == 0.0L) continue;
    const auto second_difference = [&](long double s) {
      const ExtendedVector there = kicked(manifold, h, y, v, s), back = kicked(manifold, h, y, v, -s);
      return ExtendedVector((there + back - 2.0L * rest) / (2.0L * s * s));
    };
    const long double s = kick_size(h, v);
    sum += (4.0L * second_difference(s / 2.0L) - second_difference(s)) / 3.0L;
  }
  return (h.slow_unit() * h.epsilon * h.epsilon * sum).cast<double>();
}

Vector derivative_of_iteration(const Manifold& manifold, const Hyperparameters& h, const Vector& y, const Vector& v) {
  const ExtendedVector along = v.cast<long double>();
  const auto slope = [&](long double s) {
    return ExtendedVector((kicked(manifold, h, y, along, s) - kicked(manifold, h, y, along, -s)) / (2.0L * s));
  };
  const long double s = kick_size(h, along);
  return ((4.0L * slope(s / 2.0L) - slope(s)) / 3.0L).cast<double>();
}

}  // namespace valleydrift::validation
