// Runs the noiseless iteration to rest, and finds when it is within a distance of its arrival.
#include "validation/run/first_phase.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "discrete/lockstep.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "manifolds/numbers/number_text.hpp"

namespace valleydrift::run {
namespace {

/// The noiseless iteration from (w_0, 0): calls look(k, w, p) after every `stride` steps, k = 0 included, until it
/// returns false or `most` steps are made.
template <class Look>
void iterate(const Manifold& manifold, const Hyperparameters& h, const Vector& initial, std::int64_t most,
             std::int64_t stride, const Look& look) {
  const auto path = discrete::make_noiseless_path<double>(manifold, h);
  std::copy(initial.begin(), initial.end(), path->w().begin());
  std::fill(path->p().begin(), path->p().end(), 0.0);
  const auto view = [](std::span<const double> x) {
    return Vector(Eigen::Map<const Vector>(x.data(), static_cast<Eigen::Index>(x.size())));
  };
  for (std::int64_t k = 0; look(k, view(path->w()), view(path->p())) && k < most; k += stride) {
    throw_if_interrupted();
    path->advance(stride);
  }
}

}  // namespace

FirstPhase descend(const Manifold& manifold, const Hyperparameters& h, const Vector& initial) {
  constexpr std::int64_t stride = 32;         // how often the end is looked for,
  constexpr std::int64_t long_stride = 2048;  // and where residuals are measured by more than 1
  constexpr double near =
      1e-10;  // of the scaled residual: what the retraction then adds to the end point is of its square,
  constexpr double at_rest = 1e-12;  // and the momentum that is left, (27), of this part of |w|
  const double size = std::min(1.0, 10.0 * manifold.length(initial));  // where w vanishes: 1e-11 of a small valley's
  const double reach = h.eta * h.beta() / h.mu;
  const std::int64_t most = std::min(most_descent_steps, manifold.most_flow_gradients());
  FirstPhase phase{.initial = initial, .arrival = initial};
  bool arrived = false;
  double residual = 0.0;
  Vector last = initial;
  iterate(manifold, h, initial, most, stride, [&](std::int64_t k, const Vector& w, const Vector& p) {
    if (!w.allFinite() || !p.allFinite()) {
      throw NumericalError(fmt::format(
          "{}: the first phase from {} diverges: the noiseless iteration is no longer finite after {} steps; last "
          "finite state {}; take a smaller --eta, a start nearer to the valley (a smaller --start-scale), or --phase1 "
          "none",
          manifold.name(), manifolds::format_point(initial), k, manifolds::format_point(last)));
    }
    last = w;
    phase.rest = k;
    if (!(manifold.valley_residual(w) < near) && k % long_stride != 0) return true;
    residual = manifold.scaled_residual(w);
    arrived = residual < near && reach * p.cwiseAbs().maxCoeff() < at_rest * (size + w.cwiseAbs().maxCoeff());
    return !arrived;
  });
  if (!arrived) {
    throw NumericalError(
        fmt::format("{}: the first phase from {} does not reach the valley: after {} steps, at {}, {}; choose another "
                    "--start or --seed, a larger --eta, or --phase1 none",
                    manifold.name(), manifolds::format_point(initial), most, manifolds::format_point(last),
                    manifold.residual_text(last, near)));
  }
  phase.arrival = residual < manifolds::on_valley_tolerance ? last : manifold.retract(last);
  return phase;
}

void set_distance(FirstPhase& phase, const Manifold& manifold, const Hyperparameters& h, double distance) {
  phase.distance = distance;
  phase.steps = 0;
  iterate(manifold, h, phase.initial, phase.rest, 1, [&](std::int64_t k, const Vector& w, const Vector&) {
    if (!((w - phase.arrival).norm() <= distance)) phase.steps = k + 1;
    return true;
  });
}

std::vector<Vector> noiseless_points(const Manifold& manifold, const Hyperparameters& h, const Vector& initial,
                                     const std::vector<std::int64_t>& steps) {
  std::vector<Vector> out;
  iterate(manifold, h, initial, steps.back(), 1, [&](std::int64_t k, const Vector& w, const Vector&) {
    if (out.size() < steps.size() && k == steps[out.size()]) out.push_back(w);
    return true;
  });
  return out;
}

}  // namespace valleydrift::run
