// S2: means and covariances of the slow variable against the limiting diffusion, on a ladder in epsilon.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "manifolds/errors.hpp"
#include "validation/compare/compare.hpp"
#include "validation/verify/sampling.hpp"

namespace valleydrift::verify {
namespace {

using namespace sampling;

/// |extrapolated| / bound of every judged number of a comparison, DERIVATION (39), with the bound at this suite's level
/// in place of one comparison's 1e-6; and what leaves the comparison without a verdict, the slope (40) at that level
/// too. `runs` comparisons make the row.
class Judgement {
 public:
  Judgement(const compare::Evidence& evidence, const compare::Comparison& comparison, double runs)
      : columns_(evidence.columns),
        c_(comparison) {
    double numbers = 0.0;
    for (const compare::ObservableResult& o : c_.observables) {
      const double series = o.independent.empty() ? 1.0 : 2.0;
      for (const bool judged : o.judged) numbers += judged ? series : 0.0;
    }
    judges_any_ = numbers > 0.0;
    if (!judges_any_) return;
    const double slopes = static_cast<double>(c_.observables.size());
    level_ = row_false_alarm / runs / (numbers + slopes);
    wider_ = statistics::student_t(run::batch_count - 1, level_) -
             statistics::student_t(run::batch_count - 1, c_.false_alarm / numbers);
  }

  /// Judged here are the slow variable's means and covariances; the plateaus are S1's, more sharply.
  bool judges(std::size_t observable, std::size_t record) const {
    return !columns_.is_plateau(static_cast<int>(observable)) && c_.observables[observable].judged[record];
  }

  void add(WorstRatio& worst, const std::string& run, bool thorough) const {
    if (!c_.applicability.applies()) {
      worst.cannot_tell(run + ": not applicable: " + c_.applicability.failing());
      return;
    }
    if (!judges_any_) return worst.cannot_tell(run + ": ends before it has relaxed");
    for (std::size_t k = 0; k < c_.observables.size(); ++k) {
      if (columns_.is_plateau(static_cast<int>(k))) continue;
      const compare::ObservableResult& o = c_.observables[k];
      for (std::size_t r = 0; r < c_.times.size(); ++r) {
        if (!judges(k, r)) continue;
        add_number(worst, o.extrapolated[r], o.extrapolated_error[r], o.bound[r], run, o.name, c_.times[r]);
        if (o.independent.empty()) continue;
        add_number(worst, o.independent[r], o.independent_error[r], o.independent_bound[r], run,
                   o.name + " (own ensemble)", c_.times[r]);
      }
      const compare::LadderResult& ladder = c_.epsilon_ladder[k];
      if (o.verdict == compare::Verdict::inconclusive && (ladder.consistent || refuses(ladder))) {
        const bool more = !thorough && !o.remedy.empty();
        worst.cannot_tell(fmt::format("{}: {}: {}{}", run, o.name, o.reason,
                                      more ? ": take --thorough, which has four times the paths" : ""));
      }
    }
  }

  /// The ladder's slope is not the expected one, at this suite's level.
  bool refuses(const compare::LadderResult& ladder) const {
    return ladder.slope && !(std::abs(*ladder.slope - ladder.expected_slope) <= slope_bound(ladder));
  }
  double slope_bound(const compare::LadderResult& ladder) const {
    return statistics::student_t(run::batch_count - 1, level_) * ladder.slope_error + ladder.slope_next_order;
  }

 private:
  void add_number(WorstRatio& worst, double difference, double error, double bound, const std::string& run,
                  const std::string& name, double time) const {
    const double widened = bound + wider_ * error;
    worst.add(std::abs(difference) / widened, 1.0,
              fmt::format("{}: {} at t = {:.3g} extrapolates to {:.2g} +- {:.2g} off the theory, bound {:.2g}", run,
                          name, time, difference, error, widened));
  }

  const run::Columns& columns_;
  const compare::Comparison& c_;
  bool judges_any_ = false;
  double level_ = 0.0, wider_ = 0.0;
};

struct Law {
  run::NoiseKind noise;
  std::int64_t paths;
  double time;
  bool drawn = false;  ///< batches of all samples but one
};

run::ResolvedRun resolved(const CheckSite& site, const Vector& y, Scheme scheme, const Law& law) {
  const Pace& pace = law.noise == run::NoiseKind::isotropic ? usual : swift;
  run::RunConfig config = config_at(site, y, scheme, law.noise, pace, law.drawn);
  config.paths = law.paths;
  run::ResolvedRun run = run::resolve(config);
  if (law.noise == run::NoiseKind::minibatch) {
    // Of this run nothing but the start depends on epsilon: a larger one, up to a quarter of the steps, as long as half
    // of the records come after its squares have decayed.
    const run::Applicability& a = run.applicability;
    const double room = a.slow_unit / (48.0 * std::max(a.tau_1, a.tau_momentum));
    config.epsilon = std::clamp(std::sqrt(room), 1.0, 1.9) * run.hyperparameters.epsilon;
    run = run::resolve(config);
  }
  run.config.time = run.applicability.span(law.time, run.deterministic());
  return run;
}

std::string name_of_run(const CheckSite& site, const Vector& y, const run::ResolvedRun& run) {
  return fmt::format("{}, {}, eta {:.3g}, epsilon {:g}", sites::named(site, y), name_of(run.config.scheme),
                     run.config.eta, run.hyperparameters.epsilon);
}

/// Replaces the theory by that of a covariance larger by this factor: the same draws at the same steps, taken for noise
/// of size epsilon factor^(1/2), whose slow time is that much longer.
void distort(compare::Evidence& evidence, double factor) {
  const run::ResolvedRun& run = *evidence.run;
  run::ResolvedRun wrong = run;
  wrong.hyperparameters.epsilon *= std::sqrt(factor);
  run::Plan plan = *evidence.plan;
  for (double& t : plan.times) t *= factor;
  if (run.config.noise ==
      run::NoiseKind::minibatch) {  // a theory that moves, by the excess of the covariance of label noise
    wrong.config.noise = run::NoiseKind::label;
    for (double& t : plan.times) t *= (factor - 1.0) / factor;
  }
  for (double& epsilon : plan.epsilons) epsilon *= std::sqrt(factor);
  compare::Evidence other = compare::gather(wrong, plan, {}, {});
  evidence.theories = std::move(other.theories);
  for (std::size_t k = 0; k < evidence.epsilon_rungs.size(); ++k) {
    evidence.epsilon_rungs[k].exact = std::move(other.epsilon_rungs[k].exact);
    evidence.epsilon_rungs[k].result.limit_fine = std::move(other.epsilon_rungs[k].result.limit_fine);
    evidence.epsilon_rungs[k].result.limit_coarse = std::move(other.epsilon_rungs[k].result.limit_coarse);
  }
}

/// How many times fewer paths are enough where one is dear: the power is measured with these.
int dearness(const Manifold& manifold, const Law& law) {
  const int dimension = manifold.dimension();
  if (law.noise == run::NoiseKind::isotropic) return dimension > 2 ? 2 : 1;
  if (law.drawn) return 1;
  return dimension > 32 ? 2 : dimension > 8 ? 4 : 1;
}

/// Two rungs, at the applicability report's epsilon (of minibatch noise up to twice that) and half of it.
Finding run_law(const CheckSite& site, Law law) {
  WorstRatio worst;
  law.paths = (site.thorough ? 4 : 1) * law.paths / dearness(site.manifold, law);
  const double runs = 2.0 * static_cast<double>(start_points(site).size());
  for (const Vector& y : start_points(site)) {
    for (const Scheme scheme : sites::both_schemes) {
      const run::ResolvedRun run = resolved(site, y, scheme, law);
      run::Plan plan = run::plan_comparison(run);
      plan.forms = {Form::finite_step};
      try {
        compare::Evidence evidence = compare::gather(run, plan, {}, {});
        if (site.distortion.covariance != 1.0) distort(evidence, site.distortion.covariance);
        const compare::Comparison comparison = compare::conclude(evidence);
        Judgement(evidence, comparison, runs).add(worst, name_of_run(site, y, run), site.thorough);
      } catch (const NumericalError&) {
        const std::string steep = run.deterministic() ? "" : steep_within_reach(run);
        if (steep.empty()) throw;
        worst.cannot_tell(name_of_run(site, y, run) + ": " + steep);
      }
    }
  }
  return worst.finding();
}

// --- A/A -------------------------------------------------------------------------------------------------------------

struct PreparedLaw {
  run::ResolvedRun run;
  run::Plan plan;
  std::vector<run::Theory> exact;  ///< one, where nothing diffuses
  std::string name;
};

PreparedLaw prepared(const CheckSite& site, Scheme scheme, const Law& law) {
  const Vector& y = site.points.front();
  const run::ResolvedRun run = short_run(site, y, scheme, law.noise, law.drawn);
  run::Plan plan = run::plan_comparison(run);
  plan.forms = {Form::finite_step};
  // The last record and two before it; steps of the limit as long as they may be: their error is on both sides.
  constexpr std::size_t kept = 3;
  const auto drop = static_cast<std::ptrdiff_t>(plan.times.size() - std::min(kept, plan.times.size() - 1));
  plan.record_steps.erase(plan.record_steps.begin() + 1, plan.record_steps.begin() + drop);
  plan.times.erase(plan.times.begin() + 1, plan.times.begin() + drop);
  plan.block *= 32;
  plan.limit_step *= 16.0;
  PreparedLaw out{run, plan, {}, name_of_run(site, y, run)};
  if (run.deterministic()) {
    const sde::LyapunovOperator form(Form::finite_step, run.hyperparameters);
    const run::Columns columns(run.manifold, false);
    out.exact.push_back(run::exact_theory(run, form, columns, run::exact_path(run, form, plan.times)));
  }
  return out;
}

/// What `gather` would find, with the exact theory computed before.
compare::Evidence gathered(const run::ResolvedRun& run, const run::Plan& plan, const std::vector<run::Theory>& exact) {
  compare::Evidence evidence{&run, &plan, run::Columns(run.manifold, !run.deterministic()), exact, {}, {}};
  if (exact.empty()) {
    const sde::LyapunovOperator form(Form::finite_step, run.hyperparameters);
    evidence.theories.push_back(
        run::ensemble_theory(run::run_limit(run, form, plan.times, plan.limit_step, run.config.paths)));
  }
  for (std::size_t k = 0; k < plan.epsilons.size(); ++k) {
    evidence.epsilon_rungs.push_back({plan.epsilons[k], run::run_discrete(run::epsilon_rung(run, plan, k)), exact});
  }
  return evidence;
}

/// Calls use(batch, record, column) for all.
template <class Use>
void for_samples(const compare::Evidence& e, const Use& use) {
  for (int b = 0; b < run::batch_count; ++b) {
    for (int r = 0; r < e.records(); ++r) {
      for (int column = 0; column < e.columns.count; ++column) use(b, r, column);
    }
  }
}

/// Adds to the theory of `one` what `other`, the same process with other noise, finds the theory to be off, batch by
/// batch. Then every difference that is judged is one's less other's, and its mean is exactly 0.
void displace_theory(compare::Evidence& one, const compare::Evidence& other) {
  const std::vector<double> weights = compare::extrapolation_weights(one.plan->epsilons.size(), 2);
  const bool diffuses = !one.run->deterministic();
  run::BatchTable own(one.records(), one.columns.count);
  for_samples(one, [&](int b, int r, int column) {
    double extrapolated = 0.0;
    for (std::size_t k = 0; k < weights.size(); ++k) {
      extrapolated += weights[k] * other.epsilon_rungs[k].result.discrete.at(b, r, column);
    }
    own.at(b, r, column) =
        one.own_theory().sample(b, r, column) + extrapolated - other.own_theory().sample(b, r, column);
  });
  for (std::size_t k = 0; k < weights.size(); ++k) {
    compare::Rung& rung = one.epsilon_rungs[k];
    run::BatchTable displaced(one.records(), one.columns.count);
    for_samples(one, [&](int b, int r, int column) {
      const double off = other.epsilon_rungs[k].difference(b, r, column);
      if (diffuses) {
        rung.result.limit_fine.at(b, r, column) += off;  // 2 fine - coarse moves by as much
        rung.result.limit_coarse.at(b, r, column) += off;
      } else {
        displaced.at(b, r, column) = one.own_theory().sample(b, r, column) + off;
      }
    });
    if (!diffuses) rung.exact = {run::ensemble_theory(std::move(displaced))};
  }
  if (diffuses) one.theories = {run::ensemble_theory(std::move(own))};
}

/// Beside the judged numbers, one of which in turn gives the p-value, the slope of a ladder that has the noise of this
/// one and falls exactly as epsilon^2, from 40 standard errors at the finer rung: there its logarithm is linear.
Repeated judge_same_law(const PreparedLaw& law, const compare::Evidence& evidence, std::size_t turn,
                        const SameLaw& same) {
  constexpr double runs = 2.0, clear = 40.0;
  const compare::Comparison comparison = compare::conclude(evidence);
  const Judgement judgement(evidence, comparison, runs);
  WorstRatio worst;
  judgement.add(worst, law.name, true);

  std::vector<std::pair<std::size_t, std::size_t>> numbers;
  for (std::size_t k = 0; k < comparison.observables.size(); ++k) {
    for (std::size_t r = 0; r < comparison.times.size(); ++r) {
      if (judgement.judges(k, r)) numbers.emplace_back(k, r);
    }
  }
  Repeated out;
  if (!numbers.empty()) {
    const auto [k, r] = numbers[turn % numbers.size()];
    const compare::ObservableResult& o = comparison.observables[k];
    const double size =
        sites::largest(Eigen::Map<const Vector>(o.theory.data(), static_cast<Eigen::Index>(o.theory.size())));
    add_p_value(out, "against the theory", {o.extrapolated[r], o.extrapolated_error[r]}, 0.0, run::batch_count, same,
                size);
    if (!o.independent.empty()) {
      add_p_value(out, "against its ensemble", {o.independent[r], o.independent_error[r]}, 0.0, run::batch_count, same,
                  size);
    }
    compare::RungSamples samples =
        compare::difference_samples(evidence.epsilon_rungs, static_cast<int>(r), static_cast<int>(k));
    double planted = clear * statistics::estimate(samples.back()).standard_error;
    for (std::size_t rung = samples.size(); rung-- > 0; planted *= 4.0) {
      for (double& x : samples[rung]) x += planted;
    }
    const compare::LadderResult ladder =
        compare::fit_ladder(o.name, comparison.times[r], evidence.plan->epsilons, samples, 2.0);
    if (ladder.slope) {
      add_p_value(out, "slope", {*ladder.slope, ladder.slope_error}, 2.0, run::batch_count, same);
      worst.add(std::abs(*ladder.slope - 2.0), judgement.slope_bound(ladder),
                fmt::format("{}: slope of {}", law.name, o.name));
    }
  }
  out.finding = worst.finding();
  out.finding.inconclusive.clear();  // at this size a bound may be too wide to tell; that is no alarm
  return out;
}

Repeater repeat_law(const CheckSite& site, const Law& kind) {
  std::vector<PreparedLaw> laws;
  for (const Scheme scheme : sites::both_schemes) laws.push_back(prepared(site, scheme, kind));
  return [laws = std::move(laws)](const SameLaw& same) {
    const auto repeat = static_cast<std::size_t>(same.repeat);
    const PreparedLaw& law = laws[repeat % laws.size()];
    const run::ResolvedRun run = with_seed(law.run, same.seed), other_run = with_seed(law.run, same.other_seed);
    run::Plan other_plan = law.plan;
    for (std::int64_t& step : other_plan.record_steps) {
      step = std::llround(same.flaw.clock * static_cast<double>(step));
    }
    compare::Evidence evidence = gathered(run, law.plan, law.exact);
    displace_theory(evidence, gathered(other_run, other_plan, law.exact));
    return judge_same_law(law, evidence, repeat / laws.size(), same);
  };
}

/// Once for each manifold: these runs are the longest, and parameters change nothing about drawing.
bool can_draw(const Manifold& m) { return m.label_count() > 1 && has_default_parameters(m); }

Check law_check(const char* id, const char* claim, const char* equation, bool (*applies)(const Manifold&),
                const Law& law) {
  return {id,
          CheckKind::statistical,
          claim,
          equation,
          "if D4 and D5 hold the iteration or the averages are wrong, not the theorem: discrete/iteration.hpp, "
          "validation/run/observer.hpp (slow variable), validation/run/discrete_group.cpp (coupling), "
          "sde/steppers.hpp; the "
          "page of `valleydrift compare` for the same manifold and noise shows the curves",
          applies,
          [law](const CheckSite& site) { return run_law(site, law); },
          [law](const CheckSite& site) { return repeat_law(site, law); }};
}

}  // namespace

std::vector<Check> law_checks() {
  return {
      law_check("S2-law-label",
                "under label noise the slow variable extrapolates to the limit as epsilon -> 0 (false alarm 1e-8; "
                "sees 4 % of the drift)",
                "(10), (22), (38), (39)", sites::everywhere, {run::NoiseKind::label, 1024, 1.0}),
      law_check("S2-law-drawn",
                "under label noise in drawn batches it extrapolates to the limit with the sampling's own noise (false "
                "alarm 1e-8; sees 10 % of the drift)",
                "(48), (49), (50)", can_draw, {run::NoiseKind::label, 256, 1.0, true}),
      law_check("S2-law-minibatch",
                "drawn batches with exact labels cause no motion along the valley at order epsilon^2 (false alarm "
                "1e-8; sees 2 % of the drift that label noise in the same batches would cause)",
                "(48), (50)", can_draw, {run::NoiseKind::minibatch, 256, 1.0, true}),
      law_check("S2-law-isotropic",
                "under isotropic noise means and covariances of the slow variable extrapolate to the limiting "
                "diffusion's as epsilon -> 0 (false alarm 1e-8; sees 12 % of the clock, of drift and diffusion "
                "together, on uv 3 %)",
                "(10), (37), (38), (39)", can_diffuse, {run::NoiseKind::isotropic, 4096, 0.4})};
}

}  // namespace valleydrift::verify
