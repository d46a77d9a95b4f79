// Runs the theory with drift, diffusion and clock slightly wrong, and inverts the bound for the error that fails it.
#include "validation/compare/visibility.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "manifolds/errors.hpp"
#include "sde/drift_terms.hpp"
#include "validation/compare/comparison.hpp"
#include "validation/compare/evidence.hpp"
#include "validation/run/random_start.hpp"

namespace valleydrift::compare {
namespace {

/// Relative errors of the theory whose effects are taken for proportional: central differences leave the square of the
/// one, one-sided ones 2 %, which is less than they scatter.
constexpr double deterministic_error = 0.01, sampled_error = 0.02;

std::vector<double> on_wrong_clock(const std::vector<double>& times, double error) {
  std::vector<double> out;
  for (const double t : times) out.push_back((1.0 + error) * t);
  return out;
}

/// (above - below) / change, record by record, batch by batch.
Sensitivity::Table difference(const run::Theory& above, const run::Theory& below, double change, int columns) {
  Sensitivity::Table out;
  for (std::size_t r = 0; r < above.curve.size(); ++r) {
    out.emplace_back();
    for (int c = 0; c < columns; ++c) {
      const int record = static_cast<int>(r);
      if (above.ensemble.empty()) {
        out.back().push_back({(above.mean(record, c) - below.mean(record, c)) / change, 0.0});
        continue;
      }
      std::vector<double> samples;
      for (int b = 0; b < run::batch_count; ++b) {
        samples.push_back((above.sample(b, record, c) - below.sample(b, record, c)) / change);
      }
      out.back().push_back(statistics::estimate(samples));
    }
  }
  return out;
}

/// Whether the theory has a drift and a diffusion along the valley, beside rounding: where the run begins, and where a
/// diffusion may lead it also at a tenth of the distance from the origin away.
void find_motion(const run::ResolvedRun& run, const sde::LyapunovOperator& form, Sensitivity& out) {
  constexpr double rounding = 1e-9;  // of what the noise could do: the terms are sums of some products of J and Hess f
  constexpr int most_points = 8;
  const Vector& start = run.start;
  const double size = start.norm() > 0.0 ? start.norm() : 1.0;
  const int dimension = static_cast<int>(start.size());
  for (int k = 0; k < (run.deterministic() ? 1 : most_points); ++k) {
    try {
      const double away = k == 0 ? 0.0 : 0.1 * size / std::sqrt(static_cast<double>(dimension));
      const Vector y =
          k == 0 ? start
                 : run.manifold.retract(
                       start + run::random_start(run.config.seed, static_cast<std::uint64_t>(k), away, dimension));
      const auto terms = sde::drift_terms(run.manifold, run.manifold.geometry(y), run.noise_factor(y, form), form);
      const double strength = noise_strength(run, y);
      out.drifts = out.drifts || (terms.mixed + terms.transverse).norm() * size > rounding * strength;
      out.diffuses = out.diffuses || terms.diffusion_rate > rounding * strength;
    } catch (const NumericalError&) {  // no valley there
    }
  }
  if (run.deterministic()) out.diffuses = false;
}

/// What the bound is made of, DERIVATION (39), and how far a wrong theory is driven apart from the run that shares its
/// draws: of that theory's standard errors, as they were computed, this part comes to the run's.
struct Judgement {
  double t_bound;
  double decoupling;
};

/// The smallest error x whose effect reaches, at one judged record, the bound and what sampling may take away of it,
/// DERIVATION (39c). An effect that might be none does not count, lest the record be chosen by chance.
std::optional<double> visible_error(const ObservableResult& o, const Sensitivity::Table& table, std::size_t column,
                                    const Judgement& judgement) {
  constexpr double missed_effect = 1e-3;
  constexpr int halvings = 40;
  const double quantile = statistics::student_t(run::batch_count - 1, 2.0 * (1.0 - visible_with));
  const double sampling =
      statistics::student_t(run::batch_count - 1, 2.0 * missed_effect / static_cast<double>(table.size()));
  std::optional<double> smallest;
  for (std::size_t r = 0; r < table.size(); ++r) {
    const statistics::Estimate& effect = table[r][column];
    if (!o.judged[r] || !(std::abs(effect.mean) > sampling * effect.standard_error)) continue;
    const double t = judgement.t_bound, allowance = o.bound[r] - t * o.extrapolated_error[r];
    const double apart = judgement.decoupling * effect.standard_error;
    const auto is_seen = [&](double x) {
      const double scatter = std::hypot(o.extrapolated_error[r], x * apart);
      return x * std::abs(effect.mean) >=
             allowance + t * scatter + quantile * std::hypot(scatter, x * effect.standard_error);
    };
    double unseen = 0.0, seen = smallest.value_or(1.0);  // what is seen minus the rest is concave in x
    if (!is_seen(seen)) continue;
    for (int k = 0; k < halvings; ++k) {
      const double middle = 0.5 * (unseen + seen);
      (is_seen(middle) ? seen : unseen) = middle;
    }
    smallest = seen;
  }
  return smallest;
}

/// The theory's draws are those of every rung, all of them independent, on this many paths.
Judgement judgement_of(const Evidence& evidence, double t_bound) {
  const run::ResolvedRun& run = *evidence.run;
  if (run.deterministic()) return {t_bound, 0.0};
  const bool by_eta = run.config.form == Form::paper;
  const std::int64_t paths = by_eta ? evidence.plan->eta_ladder_paths : run.config.paths;
  const auto rungs = by_eta ? evidence.eta_rungs.size() : evidence.epsilon_rungs.size();
  double squares = 0.0;
  for (const double w : extrapolation_weights(rungs, by_eta ? 1 : 2)) squares += w * w;
  return {t_bound, std::sqrt(squares * static_cast<double>(evidence.sensitivity->paths) / static_cast<double>(paths))};
}

}  // namespace

void state_visible_errors(const Evidence& evidence, double t_bound, Comparison& c) {
  const Sensitivity& s = *evidence.sensitivity;
  const Judgement judgement = judgement_of(evidence, t_bound);
  const auto state = [&](bool exists, const Sensitivity::Table& table, std::optional<double> VisibleErrors::*error,
                         const char* what, std::string& seen_in, std::string& why_not) {
    if (!exists) {
      why_not = fmt::format("the theory has no {} along the valley here", what);
      return;
    }
    for (std::size_t k = 0; k < c.observables.size(); ++k) {
      ObservableResult& o = c.observables[k];
      o.visible.*error = visible_error(o, table, k, judgement);
      if (!(o.visible.*error) || (c.visible.*error && *(c.visible.*error) <= *(o.visible.*error))) continue;
      c.visible.*error = o.visible.*error;
      seen_in = o.name;
    }
    if (!(c.visible.*error)) why_not = fmt::format("not even twice the theory's {} would be seen", what);
  };
  state(s.drifts, s.drift, &VisibleErrors::drift, "drift", c.drift_seen_in, c.drift_unseen);
  state(s.diffuses, s.noise, &VisibleErrors::noise, "noise", c.noise_seen_in, c.noise_unseen);
}

double noise_strength(const run::ResolvedRun& run, const Vector& y) {
  const double weight = run.manifold.label_constant();
  switch (run.config.noise) {
    case run::NoiseKind::isotropic:
      return static_cast<double>(y.size());
    case run::NoiseKind::constant:
      return run.config.sigma.squaredNorm();
    case run::NoiseKind::label:
    case run::NoiseKind::minibatch:
      return weight * weight * run.manifold.jacobian(y).squaredNorm();
  }
  return 0.0;
}

Sensitivity sensitivity_of(const run::ResolvedRun& run, const run::Plan& plan, const WorkMeter& meter) {
  const sde::LyapunovOperator form(run.config.form, run.hyperparameters, run.config.gamma);
  const run::Columns columns(run.manifold, !run.deterministic());
  Sensitivity out;
  find_motion(run, form, out);
  if (run.deterministic()) {
    const auto curve = [&](double error) {
      run::Theory theory =
          run::exact_theory(run, form, columns, run::exact_path(run, form, on_wrong_clock(plan.times, error)));
      meter.done(&Cost::curve_seconds);
      return theory;
    };
    out.drift =
        difference(curve(deterministic_error), curve(-deterministic_error), 2.0 * deterministic_error, columns.count);
    return out;
  }
  out.paths = std::min(run.config.paths, most_sensitivity_paths);
  const auto ensemble = [&](double clock, double drift) {
    return run::ensemble_theory(run::run_limit(run, form, on_wrong_clock(plan.times, clock),
                                               (1.0 + clock) * plan.limit_step, out.paths, meter.of_limit(out.paths),
                                               drift));
  };
  // The drift is stronger, or slower by as much on a clock that is faster: then the noise alone.
  const run::Theory right = ensemble(0.0, 0.0);
  out.drift = difference(ensemble(0.0, sampled_error), right, sampled_error, columns.count);
  out.noise =
      difference(ensemble(sampled_error, -sampled_error / (1.0 + sampled_error)), right, sampled_error, columns.count);
  return out;
}

}  // namespace valleydrift::compare
