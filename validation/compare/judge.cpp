// Verdicts on bounds, slopes and distances, and the words that say what a run could not see.
#include "validation/compare/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "validation/compare/limit_step.hpp"

namespace valleydrift::compare {

std::span<const manifolds::Named<Verdict>> names_of(Verdict) {
  static constexpr manifolds::Named<Verdict> names[] = {
      {Verdict::agree, "agree"}, {Verdict::disagree, "disagree"}, {Verdict::inconclusive, "inconclusive"}};
  return names;
}

namespace {

class Judge {
 public:
  Judge(const Evidence& evidence, const Accuracy& accuracy)
      : evidence_(evidence),
        accuracy_(accuracy),
        run_(*evidence.run),
        by_eta_(run_.config.form == Form::paper),
        rungs_(by_eta_ ? evidence.eta_rungs : evidence.epsilon_rungs),
        weights_(extrapolation_weights(rungs_.size(), by_eta_ ? 1 : 2)),
        own_ensemble_(!run_.deterministic() && !run_.config.shared_noise && !by_eta_) {
    int comparisons = 0;
    for (int r = 0; r < evidence.records(); ++r) comparisons += evidence.judged(r) ? evidence.columns.count : 0;
    if (own_ensemble_) comparisons *= 2;
    t_bound_ = statistics::student_t(run::batch_count - 1, false_alarm_probability / std::max(1, comparisons));
  }

  void judge(ObservableResult& o, int column, const LadderResult& ladder) const;
  bool moves_along_valley(const Comparison& c) const;
  std::string what_would_be_seen(const Comparison& c) const;
  double t_bound() const { return t_bound_; }
  const std::vector<LadderResult>& ladders(const Comparison& c) const {
    return by_eta_ ? c.eta_ladder : c.epsilon_ladder;
  }

 private:
  /// Compares one extrapolated difference with its bound t SE + allowance.
  struct Check {
    statistics::Estimate difference;
    double bound;
    bool holds() const { return std::abs(difference.mean) <= bound; }
  };
  Check check(const std::vector<double>& samples, int column) const {
    const statistics::Estimate e = statistics::estimate(samples);
    return {e, t_bound_ * e.standard_error + std::max(relative_allowance * evidence_.scale(column), same(column))};
  }
  double same(int column) const { return accuracy_.column[static_cast<std::size_t>(column)]; }
  double reach(int column) const { return accuracy_.reach[static_cast<std::size_t>(column)]; }
  std::vector<double> against_own_ensemble(int record, int column) const;
  double last_correction(const RungSamples& samples) const;
  void object(ObservableResult& o, int record, const Check& check, double correction, const char* against) const;

  const Evidence& evidence_;
  const Accuracy& accuracy_;
  const run::ResolvedRun& run_;
  bool by_eta_;  ///< the paper form is exact only as eta -> 0: the learning rates decide
  const std::vector<Rung>& rungs_;
  std::vector<double> weights_;
  bool own_ensemble_;  ///< judged against the theory's ensemble with noise of its own as well
  double t_bound_ = 0.0;
};

std::vector<double> Judge::against_own_ensemble(int record, int column) const {
  std::vector<double> out(run::batch_count);
  for (int b = 0; b < run::batch_count; ++b) {
    double x = 0.0;
    for (std::size_t k = 0; k < rungs_.size(); ++k) x += weights_[k] * rungs_[k].result.discrete.at(b, record, column);
    out[static_cast<std::size_t>(b)] = x - evidence_.own_theory().sample(b, record, column);
  }
  return out;
}

/// How far the last rung of three moved the extrapolation: the size of the error that is left. A wrong theory leaves a
/// difference that no rung moves; a ladder that starts too high still moves by more than what it leaves.
double Judge::last_correction(const RungSamples& samples) const {
  if (samples.size() < 3) return 0.0;
  const std::vector<double> finest = extrapolation_weights(2, by_eta_ ? 1 : 2);
  const double before = statistics::estimate(combine({samples[1], samples[2]}, finest)).mean;
  return std::abs(statistics::estimate(combine(samples, weights_)).mean - before);
}

void Judge::object(ObservableResult& o, int record, const Check& check, double correction, const char* against) const {
  const bool converged = std::abs(check.difference.mean) > correction;
  if (o.verdict == Verdict::disagree || (o.verdict == Verdict::inconclusive && !converged)) return;
  o.verdict = converged ? Verdict::disagree : Verdict::inconclusive;
  o.reason = fmt::format("at t = {:.4g} the difference to {} extrapolates to {:.3g} +- {:.2g}, bound {:.3g}",
                         evidence_.plan->times[static_cast<std::size_t>(record)], against, check.difference.mean,
                         check.difference.standard_error, check.bound);
  if (!converged) {
    o.reason += fmt::format("; the last rung moved it by {:.2g}, so the ladder has not converged: take a smaller {}",
                            correction, by_eta_ ? "--eta" : "--epsilon");
  }
}

void Judge::judge(ObservableResult& o, int column, const LadderResult& ladder) const {
  constexpr double largest_bound = 0.25;  // of range or spread: wider could not tell a wrong theory from a right one
  // What the theory holds in place must be seen to stay: against what the noise could do to it.
  const bool moves = evidence_.resolution(column) > same(column);
  const double resolution = moves ? evidence_.resolution(column) : reach(column);
  double widest = 0.0;
  o.verdict = Verdict::agree;
  for (int r = 0; r < evidence_.records(); ++r) {
    const bool judged = evidence_.judged(r);
    const RungSamples samples = difference_samples(rungs_, r, column);
    const double correction = last_correction(samples);
    const Check coupled = check(combine(samples, weights_), column);
    o.extrapolated.push_back(coupled.difference.mean);
    o.extrapolated_error.push_back(coupled.difference.standard_error);
    o.bound.push_back(coupled.bound);
    if (judged && !coupled.holds()) object(o, r, coupled, correction, "the theory");
    if (judged) widest = std::max(widest, coupled.bound);
    if (!own_ensemble_) continue;
    const Check own = check(against_own_ensemble(r, column), column);
    o.independent.push_back(own.difference.mean);
    o.independent_error.push_back(own.difference.standard_error);
    o.independent_bound.push_back(own.bound);
    if (judged && !own.holds()) object(o, r, own, correction, "the theory's own ensemble");
  }
  if (o.verdict != Verdict::agree) return;
  if (!evidence_.judged(evidence_.records() - 1)) {
    o.verdict = Verdict::inconclusive;
    o.reason = "no record is late enough to be judged";
  } else if (!(widest <= largest_bound * resolution)) {
    o.verdict = Verdict::inconclusive;
    o.reason = moves ? "the bound is wider than a quarter of the observable's range or spread"
                     : fmt::format("the noise could change it by {:.2g}, too little for this run to see: bound {:.2g}",
                                   resolution, widest);
    if (same(column) > largest_bound * resolution) {
      o.reason += fmt::format(", of which {:.2g} is how well the valley itself is known", same(column));
    } else {
      o.remedy = "raise --paths";
    }
  } else if (!ladder.consistent) {
    o.verdict = Verdict::inconclusive;
    o.reason = fmt::format("the ladder's slope {:.3g} in [{:.3g}, {:.3g}] is not the expected {:g}", *ladder.slope,
                           ladder.slope_low, ladder.slope_high, ladder.expected_slope);
  }
}

bool Judge::moves_along_valley(const Comparison& c) const {
  for (int column = 0; column < evidence_.columns.slow; ++column) {
    const ObservableResult& o = c.observables[static_cast<std::size_t>(column)];
    for (std::size_t r = 0; r < o.theory.size(); ++r) {
      const double moved = std::max(std::abs(o.theory[r] - o.theory[0]),
                                    std::abs(o.discrete[r] - o.theory[0]) - t_bound_ * o.standard_error[r]);
      if (moved > same(column)) return true;
    }
  }
  return false;
}

/// Of the slow coordinate that the noise could carry furthest beyond its bound, where nothing moves.
std::string Judge::what_would_be_seen(const Comparison& c) const {
  const ObservableResult* clearest = nullptr;
  double most = 0.0, seen = 0.0;
  for (int column = 0; column < evidence_.columns.slow; ++column) {
    const ObservableResult& o = c.observables[static_cast<std::size_t>(column)];
    const double bound = *std::max_element(o.bound.begin(), o.bound.end());
    if (clearest && !(reach(column) / bound > most / seen)) continue;
    clearest = &o;
    most = reach(column);
    seen = bound;
  }
  return fmt::format(
      "; neither process moves along the valley: noise of this strength, if it were free there, would carry {} by "
      "{:.2g}, and {:.2g} would be seen",
      clearest->name, most, seen);
}

/// The names of the observables with that verdict.
std::vector<std::string> names_with(Verdict verdict, const Comparison& c) {
  std::vector<std::string> names;
  for (const ObservableResult& o : c.observables) {
    if (o.verdict == verdict) names.push_back(o.name);
  }
  if (verdict == Verdict::inconclusive && c.path_error && !c.path_error->consistent) names.push_back("path_error");
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

/// Why the place of arrival, and with it the start of the limiting diffusion, is not what the theory says, DERIVATION
/// (83), (84); empty if it is.
std::string astray(const Evidence& evidence, const DescentResult& descent, double position_accuracy) {
  constexpr double largest_spread = 0.1;   // of the curvature radius: the square of it is what the ladder has to remove
  constexpr double smallest_order = 0.75;  // in epsilon; the theory's is 1
  const run::ResolvedRun& run = *evidence.run;
  const run::FirstPhase& phase = descent.phase;
  if (phase.steps == 0) return {};
  const double spread = descent.spread.front(), finer = descent.spread[1];
  const bool drawn = run.batch_noise().spread > 0.0;
  if (drawn && phase.noisy) {
    return fmt::format(
        "not covered: the sampling of batches during the descent is noise of the order of the gradients, not of "
        "epsilon, so that the runs arrive {:.3g} apart (root mean square from the noiseless arrival) however small "
        "epsilon is, and the limiting diffusion has no one start. Take --phase1 gd, or the full batch.",
        spread);
  }
  if (drawn && run.config.noise == run::NoiseKind::minibatch) {
    return fmt::format(
        "not covered: what is left of the descent, {:.3g}, is what the batches sample from, and no epsilon takes away "
        "where that leads. Take --phase1 none.",
        phase.distance);
  }
  if (!phase.noisy) return {};
  const double radius = run.applicability.curvature_radius;
  if (!(spread <= largest_spread * radius)) {
    return fmt::format(
        "not applicable: the noise of the first phase spreads the arrival by {:.3g}, allowed is {:g} of the valley's "
        "curvature radius {:.3g}: take a smaller --epsilon, or --phase1 gd.",
        spread, largest_spread, radius);
  }
  if (finer > position_accuracy && std::log2(spread / finer) < smallest_order) {
    return fmt::format(
        "not applicable: the arrival spreads by {:.3g} and at half the epsilon by {:.3g}, not in proportion to "
        "epsilon: runs end in different places. Take another start or a smaller --epsilon, or --phase1 gd.",
        spread, finer);
  }
  return {};
}

/// Why nothing in the run can be judged; empty if it can.
std::string obstacle(const Evidence& evidence, const Accuracy& accuracy, const Comparison& c) {
  const run::ResolvedRun& run = *evidence.run;
  if (!run.applicability.applies()) {
    return fmt::format("not applicable: {}. The theory makes no statement here.", run.applicability.failing());
  }
  if (c.descent) {
    if (const std::string reason = astray(evidence, *c.descent, accuracy.position); !reason.empty()) return reason;
  }
  if (!evidence.judged(evidence.records() - 1)) {
    return fmt::format(
        "the run ends before the transverse motion has relaxed (tau_1 = {:.3g} steps, eight of them are waited for): "
        "take a longer --time or a smaller --epsilon.",
        run.applicability.tau_1);
  }
  const double sampling = statistics::student_t(run::batch_count - 1, false_alarm_probability / evidence.columns.slow);
  if (c.integrator_error - sampling * c.integrator_standard_error > largest_integrator_error) {
    return fmt::format(
        "the steps of the limiting diffusion are too long: halving them moves it by {:.2g} +- {:.1g} of its range, "
        "allowed is {:g}; take a --limit-step below {:.2g}.",
        c.integrator_error, c.integrator_standard_error, largest_integrator_error,
        c.limit_step * largest_integrator_error / c.integrator_error);
  }
  return {};
}

/// What to do about a disagreement.
std::string remedy(const run::RunConfig& config) {
  if (config.form == Form::asymptotic) {
    // At 1/2 kappa is the paper form's, and what is left is the O(mu) of DERIVATION (15).
    return fmt::format(
        "This form is approached only as eta^{}, so at a given eta it may be the form that is off: compare with --form "
        "finite-step.",
        config.gamma == 0.5 ? "(1/2) at gamma = 1/2" : "|2 gamma - 1|");
  }
  return fmt::format("See the ladder plot; compare with {}{}.",
                     config.form == Form::finite_step ? "" : "--form finite-step, and with ",
                     config.ladder == run::Ladder::full ? "a smaller --epsilon" : "--ladder full");
}

/// What the theory says of the run and the run could not see wrong by a factor of 2; empty if it sees all.
std::string unseen(const Evidence& evidence, const Comparison& c) {
  if (!evidence.sensitivity) return {};
  const Sensitivity& s = *evidence.sensitivity;
  if (s.drifts && !c.visible.drift) return "a drift along the valley";
  return s.diffuses && !c.visible.noise ? "a noise along the valley" : "";
}

/// Where nothing can be judged nothing is called a disagreement.
void judge_nothing(Comparison& c) {
  c.verdict = Verdict::inconclusive;
  c.reason = c.obstacle;
  for (ObservableResult& o : c.observables) {
    o.verdict = Verdict::inconclusive;
    o.reason = "not judged, see above";
    o.remedy.clear();
    o.visible = {};
  }
  c.visible = {};
  c.drift_unseen = c.noise_unseen = "nothing is judged";
}

/// The run agrees if every observable agrees and disagrees if one disagrees.
void judge_run(const Evidence& evidence, const std::string& stillness, Comparison& c) {
  const run::ResolvedRun& run = *evidence.run;
  const std::string form = name_of(run.config.form);
  const std::vector<std::string> disagreeing = names_with(Verdict::disagree, c);
  const std::vector<std::string> open = names_with(Verdict::inconclusive, c);
  const std::string missed = unseen(evidence, c);
  if (!disagreeing.empty()) {
    c.verdict = Verdict::disagree;
    c.reason = fmt::format("{} do{} not extrapolate to the {} form. {}", listed(disagreeing),
                           disagreeing.size() == 1 ? "es" : "", form, remedy(run.config));
  } else if (!missed.empty()) {
    c.verdict = Verdict::inconclusive;
    c.reason = fmt::format(
        "nothing contradicts the theory, but {} that is twice the theory's would not be seen either: raise --paths, "
        "or take a longer --time{}{}.",
        missed, run.config.noise == run::NoiseKind::constant ? " or a larger noise factor" : "",
        evidence.columns.has_covariances() ? "" : "; of so many slow coordinates only the means are observables");
  } else if (!open.empty()) {
    c.verdict = Verdict::inconclusive;
    c.reason = fmt::format(
        "nothing contradicts the theory, but {} decide{} nothing; see the reason given there, raise --paths or take "
        "--ladder full.",
        listed(open), open.size() == 1 ? "s" : "");
  } else {
    c.verdict = Verdict::agree;
    c.reason =
        fmt::format("every observable extrapolates to the {} form within its bound at every time{}.", form, stillness);
  }
}

}  // namespace

void judge(const Evidence& evidence, const Accuracy& accuracy, Comparison& comparison) {
  const Judge judge(evidence, accuracy);
  const std::vector<LadderResult>& ladders = judge.ladders(comparison);
  for (int column = 0; column < evidence.columns.count; ++column) {
    const auto at = static_cast<std::size_t>(column);
    judge.judge(comparison.observables[at], column, ladders[at]);
  }
  const std::optional<Sensitivity>& s = evidence.sensitivity;
  comparison.moves_along_valley = (s && (s->drifts || s->diffuses)) || judge.moves_along_valley(comparison);
  comparison.obstacle = obstacle(evidence, accuracy, comparison);
  if (!comparison.obstacle.empty()) return judge_nothing(comparison);
  if (evidence.sensitivity) state_visible_errors(evidence, judge.t_bound(), comparison);
  judge_run(evidence, comparison.moves_along_valley ? "" : judge.what_would_be_seen(comparison), comparison);
}

}  // namespace valleydrift::compare
