// Picks hierarchy or flow for a cell, and says where neither holds.
#include "validation/scan/prediction.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "manifolds/errors.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "manifolds/numbers/portable_math.hpp"
#include "sde/label_flow.hpp"
#include "validation/scan/drawn_relaxation.hpp"
#include "validation/scan/reading.hpp"
#include "validation/scan/transverse_energy.hpp"

namespace valleydrift::scan {
namespace {

/// The limiting flow is used, where there is no hierarchy, if tau_2 is this many tau_1.
constexpr double barely_separated = 10.0;
/// Then it is off by at most this over the separation: by up to 2 on matrix-sensing, 1.5 on cosh-pair.
constexpr double first_order = 3.0;
/// Below this friction over k_0^(1/3) the hierarchy would need more polynomials than it has.
constexpr double lowest_friction = 0.1;

/// Whether there is one transverse mode and one slow coordinate.
bool has_hierarchy(const Manifold& manifold, const manifolds::Geometry& geometry) {
  return geometry.spectrum.size() == 1 && manifold.slow_coordinate_names().size() == 1;
}

TimeScales time_scales(const ResolvedScan& scan, const run::ResolvedRun& run, double relaxation) {
  const Hyperparameters& h = run.hyperparameters;
  const manifolds::Geometry geometry = run.manifold.geometry(scan.flattest_point);
  TimeScales s;
  s.tau_1 = run::transverse_time(geometry.spectrum, h);
  s.tau_momentum = run::momentum_time(h);
  s.tau_2 = relaxation * h.slow_unit();
  if (!(s.tau_momentum > 0.0)) {
    s.scaled_friction = std::numeric_limits<double>::infinity();
    s.unit = s.tau_2;
    return s;
  }
  s.unit = manifolds::cbrt(s.tau_momentum * s.tau_momentum * s.tau_2);
  s.scaled_friction = s.unit / s.tau_momentum;
  if (has_hierarchy(run.manifold, geometry) && underdamped(geometry.spectrum[0], h))
    s.rates = {1.0 / s.tau_momentum, 2.0 / s.tau_1, 1.0 / s.tau_2};
  return s;
}

/// The limiting flow from the start, read as runs are: of several slow coordinates the mean is the excess along the
/// start's, the root mean square its size.
FigureValues read_flow(const ResolvedScan& scan, const run::ResolvedRun& run, Form form, double tau_2) {
  const Vector flattest = run.manifold.slow_coordinates(scan.flattest_point, run.start);
  const Vector excess = run.manifold.slow_coordinates(run.start, run.start) - flattest;
  const sde::LyapunovOperator limit(form, run.hyperparameters);
  const double delta = scan.config.delta, unit = run.hyperparameters.slow_unit();
  const double linear_estimate = tau_2 / unit * manifolds::log(1.0 / delta);
  // Straight between samples that are a fortieth of an e-fold apart, the curve is right to 1e-4.
  constexpr int most_spans = 4;
  const int samples = std::max(40, static_cast<int>(40.0 * manifolds::log(1.0 / delta)));
  std::vector<double> times;
  for (int i = 1; i <= samples; ++i) times.push_back(linear_estimate * i / samples);
  Curves curves;
  const auto arrived = [&](const std::vector<double>& ratio) {
    const auto time = last_crossing(curves.steps, ratio, delta);
    return time && curves.steps.back() >= 1.25 * *time;
  };
  Vector from = run.start;
  for (int span = 0; span < most_spans && !(arrived(curves.mean) && arrived(curves.rms)); ++span) {
    const std::vector<Vector> path = sde::label_path(run.manifold, limit, from, times, run.batch_noise());
    for (std::size_t i = 0; i < times.size(); ++i) {
      const Vector q = run.manifold.slow_coordinates(path[i], run.start) - flattest;
      curves.steps.push_back((span * linear_estimate + times[i]) * unit);
      curves.mean.push_back(q.dot(excess) / excess.squaredNorm());
      curves.rms.push_back(q.norm() / excess.norm());
    }
    from = path.back();
  }
  return read_figures(curves, scan.config.delta, {});
}

std::string why_outside(const run::ResolvedRun& run, const ResolvedScan& scan, const TimeScales& s) {
  if (s.scaled_friction < smallest_scaled_friction) {
    return fmt::format("mu is {:.3g} k0^(1/3), below {:g}", s.scaled_friction, smallest_scaled_friction);
  }
  const run::Applicability a = run::applicability_at(run, scan.flattest_point);
  for (const run::Condition& c : a.conditions) {
    if (!c.ok && c.name != "time-scale separation")
      return fmt::format("{} is {:.3g}, bound {:.3g}", c.name, c.value, c.bound);
  }
  return {};
}

/// The time in which the limiting flow of the run's own step takes the start to delta, over that of its linearisation
/// about the flattest point; none if it does not arrive.
std::optional<double> flow_stretch(const ResolvedScan& scan, const run::ResolvedRun& run, double tau_2) {
  const FigureValues flow = read_flow(scan, run, Form::finite_step, tau_2);
  const double stretch =
      flow[static_cast<std::size_t>(Figures::mean)] / (tau_2 * manifolds::log(1.0 / scan.config.delta));
  return std::isfinite(stretch) ? std::optional(stretch) : std::nullopt;
}

/// Of the hierarchy with the drift stretched: its own 0.5 %, and what is of the order of the transverse cloud squared
/// over the curvature radius, up to eight times that on uv.
double hierarchy_accuracy(const run::ResolvedRun& run, const ResolvedScan& scan) {
  constexpr double own = 0.005, curvature = 10.0;
  for (const run::Condition& c : run::applicability_at(run, scan.flattest_point).conditions) {
    if (c.name == "transverse cloud") return own + curvature * c.value * c.value;
  }
  return own;
}

}  // namespace

std::span<const manifolds::Named<Source>> names_of(Source) {
  static constexpr manifolds::Named<Source> names[] = {
      {Source::none, "none"}, {Source::limiting_flow, "limiting flow"}, {Source::hierarchy, "moment hierarchy"}};
  return names;
}

Prediction predict(const ResolvedScan& scan, const run::ResolvedRun& run) {
  Prediction p;
  // From the flattest point itself the flow has nowhere to go: only its linearisation is wanted.
  run::ResolvedRun there = run;
  there.start = scan.flattest_point;
  const run::Relaxation relaxation = run::relaxation_time(there, Form::finite_step);
  if (!relaxation.time.value) {
    p.reason = relaxation.time.reason;
    p.outside = "no time scale along the valley: " + p.reason;
    return p;
  }
  p.scales = time_scales(scan, run, *relaxation.time.value);
  TimeScales& s = p.scales;
  const double range = s.tau_1 + s.tau_2 + s.unit;  // at eta l = 1 tau_1 is 0
  if (!(std::isfinite(range) && s.tau_2 > 0.0 && s.unit > 0.0)) {
    p.scales = {};
    p.outside = p.reason = "a time scale is not a finite number of steps: eta, epsilon or 1 - beta is too extreme";
    return p;
  }
  const double delta = scan.config.delta;
  const manifolds::Geometry geometry = run.manifold.geometry(scan.flattest_point);
  if (run.batch_noise().spread > 0.0) {
    const TransverseRelaxation relaxation =
        drawn_relaxation(run.manifold, geometry, run.batch_noise(), run.hyperparameters, delta, s.tau_1);
    p.transverse = relaxation.convergence_time;
    s.tau_1 = relaxation.tau_1;
  } else {
    const TransverseEnergy energy(geometry, run.noise_factor(scan.flattest_point), run.hyperparameters);
    p.transverse = energy.convergence_time(delta, s.tau_1);
  }
  p.outside = why_outside(run, scan, s);
  if (!p.transverse)
    p.outside = "the transverse part does not come near its plateau in as many steps as can be looked at";

  const double separation = s.tau_2 / std::max(s.tau_1, s.tau_momentum);
  using sde::Moment;
  if (s.rates && s.scaled_friction < lowest_friction) {
    p.reason = "the friction is too low for a prediction";
  } else if (s.rates) {
    sde::HierarchyRates rates = *s.rates;
    const std::optional<double> stretch = flow_stretch(scan, run, s.tau_2);
    rates.drift /= stretch.value_or(1.0);
    p.mean = sde::convergence_time(rates, Moment::mean, delta);
    p.root_mean_square = sde::convergence_time(rates, Moment::root_mean_square, delta);
    p.decay_time = s.tau_2 * stretch.value_or(1.0);
    p.source = Source::hierarchy;
    if (stretch) p.accuracy = hierarchy_accuracy(run, scan);
    if (!scan.linear) p.reason = "the start is outside the linear range of the flattest point: the prediction is rough";
  } else if (separation >= barely_separated) {
    const FigureValues flow = read_flow(scan, run, Form::finite_step, s.tau_2);
    const auto reached = [&](Figures f) {
      const double x = flow[static_cast<std::size_t>(f)];
      return std::isnan(x) ? std::nullopt : std::optional(x);
    };
    p.mean = reached(Figures::mean);
    p.root_mean_square = reached(Figures::rms);
    p.decay_time = reached(Figures::tau_2);
    p.accuracy = first_order / separation;
    if (p.mean) p.source = Source::limiting_flow;
    if (!p.mean) p.reason = "the limiting flow has not arrived after four times its linear estimate";
  } else {
    p.reason = fmt::format(
        "tau_2 is {:.3g} tau_1, so the limiting flow does not apply, and the moment hierarchy is for one slow "
        "coordinate and one underdamped transverse mode",
        separation);
  }
  return p;
}

std::optional<double> decay_rate(const Prediction& prediction, sde::Moment moment) {
  switch (prediction.source) {
    case Source::none:
      return {};
    case Source::limiting_flow:
      return 1.0 / prediction.scales.tau_2;
    case Source::hierarchy:
      return sde::decay_rate(*prediction.scales.rates, moment);
  }
  return {};
}

}  // namespace valleydrift::scan
