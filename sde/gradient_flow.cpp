// dw/ds = -grad L by Dormand-Prince until Gauss-Newton steps take over; and its states at given times.
#include "sde/gradient_flow.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "manifolds/numbers/number_text.hpp"
#include "sde/dormand_prince.hpp"

namespace valleydrift::sde {
namespace {

constexpr double tolerance = 1e-12;  // of each step, of |w| and of the problem's size; over a run below 1e-10
constexpr double at_rest = 1e-15;  // of the gradient, or of the steepest slope if that is less: nothing moves any more
constexpr double first_step = 1e-3;  // Dormand-Prince finds its own from any first guess

/// tr s J^T J, the steepest curvature of L or more.
double gauss_newton_trace(const manifolds::Manifold& manifold, const manifolds::Vector& w) {
  return manifold.label_constant() * manifold.jacobian(w).squaredNorm();
}

/// ds of dw/ds = -grad L(w).
auto flow_of(const manifolds::Manifold& manifold) {
  return [&manifold](const State& x, State& dxds, double) {
    const manifolds::Vector g = manifold.gradient(view(x));
    for (std::size_t i = 0; i < x.size(); ++i) dxds[i] = -g[static_cast<Eigen::Index>(i)];
  };
}

/// What components that vanish are measured by: 1, or ten lengths of a smaller valley.
double size_of(const manifolds::Manifold& manifold, const manifolds::Vector& w) {
  return std::min(1.0, 10.0 * manifold.length(w));
}

}  // namespace

manifolds::Vector limit_map(const manifolds::Manifold& manifold, const manifolds::Vector& w) {
  if (manifold.scaled_residual(w) < manifolds::on_valley_tolerance) return w;

  constexpr double near =
      1e-7;  // of the scaled residual: from here Gauss-Newton's end point differs from the flow's by near^2
  constexpr double too_far = 1e10;  // 2 L / |grad L| is the distance to the valley, near it and in order of size
  constexpr int most_steps = 100000;
  constexpr int between_units = 64;  // steps between two looks at residuals that are measured by more than 1
  const double size = size_of(manifold, w);
  // Where f vanishes with its slope no point is near by its scale: then it ends where a fourth power has become 1e-32
  // of what it was, and w 1e-8.
  constexpr double vanished = 1e-32;
  const double nothing = vanished * manifold.valley_residual(w);
  auto stepper = dormand_prince(tolerance * size, tolerance);
  const std::int64_t most_gradients = manifold.most_flow_gradients(), units_cost = manifold.transverse_dimension();
  std::int64_t gradients = 0;
  const auto derivative = flow_of(manifold);
  const auto flow = [&](const State& x, State& dxds, double at) {
    ++gradients;
    derivative(x, dxds, at);
  };
  State x(w.data(), w.data() + w.size());
  State dxds(x.size());  // at x: the last stage of the step to x
  double s = 0.0, ds = std::min(first_step, 1.0 / gauss_newton_trace(manifold, w));
  flow(x, dxds, s);
  for (int step = 0; step < most_steps && gradients < most_gradients; ++step) {
    valleydrift::throw_if_interrupted();
    // The flow rests here, or has come along the stable directions alone to where its next move is below the tolerance.
    const double slope = view(dxds).cwiseAbs().maxCoeff();
    if (2.0 * manifold.loss(view(x)) > too_far * slope) {
      throw NumericalError(fmt::format(
          "{}: the gradient flow from {} ends at a saddle or maximum off the valley, {}: the gradient vanishes there "
          "and {}; choose another --start",
          manifold.name(), manifolds::format_point(w), manifolds::format_point(view(x)),
          manifold.residual_text(view(x), near)));
    }
    stepper.try_step(flow, x, dxds, s, ds);
    const manifolds::Vector point = view(x);
    if (!point.allFinite() || !(ds > 0.0)) break;
    if (manifold.valley_residual(point) < near || step % between_units == 0) {
      gradients += units_cost;
      if (manifold.scaled_residual(point) < near) return manifold.retract(point);
      if (manifold.valley_residual(point) <= nothing) return point;
    }
  }
  if (gradients >= most_gradients) {
    throw NumericalError(fmt::format(
        "{}: the gradient flow from {} was given up after {} gradients, the most work for a formula of this "
        "length; it had not failed, but is slow: at s = {:.3g} {}; choose a --start nearer to the valley",
        manifold.name(), manifolds::format_point(w), gradients, s, manifold.residual_text(view(x), near)));
  }
  throw NumericalError(fmt::format(
      "{}: the gradient flow from {} does not reach the valley: after s = {:.3g} {}; choose another --start",
      manifold.name(), manifolds::format_point(w), s, manifold.residual_text(view(x), near)));
}

std::vector<manifolds::Vector> gradient_flow(const manifolds::Manifold& manifold, const manifolds::Vector& w,
                                             const std::vector<double>& times) {
  const double size = size_of(manifold, w);
  auto stepper = dormand_prince(tolerance * size, tolerance);
  const auto flow = flow_of(manifold);
  State x(w.data(), w.data() + w.size());
  std::vector<manifolds::Vector> out;
  const double trace = gauss_newton_trace(manifold, w), steepest = std::min(1.0, size * trace);
  double s = 0.0, ds = std::min(first_step, 1.0 / trace);
  constexpr int most_steps = 1000000;
  int steps = 0;
  for (const double time : times) {
    while (s < time) {
      valleydrift::throw_if_interrupted();
      if (manifold.gradient(view(x)).cwiseAbs().maxCoeff() < at_rest * steepest) {
        s = time;
        break;
      }
      const double wanted = ds;
      ds = std::min(ds, time - s);
      const bool shortened = ds < wanted;
      const bool made = stepper.try_step(flow, x, s, ds) == boost::numeric::odeint::success;
      if (made && shortened) {  // to the time itself, and on with the step that was cut
        s = time;
        ds = wanted;
      }
      if (!view(x).allFinite() || !(ds > 0.0) || s + ds == s || ++steps == most_steps) {
        throw NumericalError(fmt::format("{}: the gradient flow from {} stops after s = {:.3g}", manifold.name(),
                                         manifolds::format_point(w), s));
      }
    }
    out.push_back(view(x));
  }
  return out;
}

}  // namespace valleydrift::sde
