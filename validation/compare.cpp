#include "validation/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "manifolds/errors.hpp"
#include "sde/label_flow.hpp"
#include "validation/judge.hpp"
#include "validation/schedule.hpp"

namespace valleydrift::validation {
namespace {

/// The stationary transverse observables are judged after this many relaxation times of w: their squares have then
/// come within e^-16 of the plateau.
constexpr double relaxed_after = 8.0;

/// The theory's columns at the records: exact where nothing diffuses, else batch means.
struct Theory {
  std::vector<std::vector<double>> curve;  ///< records x columns
  std::vector<BatchTable> ensemble;        ///< empty if exact

  double sample(int batch, int record, int column) const {
    return ensemble.empty() ? curve[static_cast<std::size_t>(record)][static_cast<std::size_t>(column)]
                            : ensemble.front().at(batch, record, column);
  }
  double mean(int record, int column) const {
    return curve[static_cast<std::size_t>(record)][static_cast<std::size_t>(column)];
  }
};

sde::LimitForm form_of(const ResolvedRun& run, Form form, const Hyperparameters& h) {
  return sde::LimitForm(form, h, run.config.gamma);
}

/// Columns along the exact path Y(t) of a noise without diffusion.
Theory deterministic_theory(const ResolvedRun& run, const sde::LimitForm& form, const Columns& columns,
                            const std::vector<Vector>& path) {
  Theory theory;
  for (const Vector& y : path) {
    const manifolds::Geometry geometry = run.manifold.geometry(y);
    const sde::TransversePlateau plateau = sde::transverse_plateau(geometry, run.noise_factor(y), form);
    const Vector q = run.manifold.slow_coordinates(y, run.start);
    std::vector<double> row(q.data(), q.data() + q.size());
    row.insert(row.end(), {geometry.trace_hessian(), plateau.variance, plateau.loss});
    row.resize(static_cast<std::size_t>(columns.count), 0.0);
    theory.curve.push_back(row);
  }
  return theory;
}

std::vector<Vector> deterministic_limit(const ResolvedRun& run, const sde::LimitForm& form,
                                        const std::vector<double>& times) {
  return sde::deterministic_path(
      run.manifold, [&](const Vector& y) { return run.noise_factor(y); }, form, run.start, times);
}

std::vector<double> batch_samples(const BatchTable& table, int record, int column) {
  std::vector<double> out;
  for (int b = 0; b < batch_count; ++b) out.push_back(table.at(b, record, column));
  return out;
}

Theory ensemble_theory(BatchTable table) {
  Theory theory;
  for (int r = 0; r < table.records(); ++r) {
    std::vector<double> row;
    for (int c = 0; c < table.columns(); ++c) row.push_back(estimate(batch_samples(table, r, c)).mean);
    theory.curve.push_back(row);
  }
  theory.ensemble.push_back(std::move(table));
  return theory;
}

/// One rung of a ladder: what ran, and what it is compared with batch by batch.
struct Rung {
  double parameter;  ///< epsilon or eta
  DiscreteResult result;
  const Theory* exact = nullptr;  ///< without diffusion

  /// Discrete minus theory: the exact curve, or the coupled limit 2 E q(Y_h) - E q(Y_2h), DERIVATION (37).
  double difference(int batch, int record, int column) const {
    const double theory =
        exact ? exact->mean(record, column)
              : 2.0 * result.limit_fine.at(batch, record, column) - result.limit_coarse.at(batch, record, column);
    return result.discrete.at(batch, record, column) - theory;
  }
};

RungSamples difference_samples(const std::vector<Rung>& rungs, int record, int column) {
  RungSamples out;
  for (const Rung& rung : rungs) {
    std::vector<double> samples;
    for (int b = 0; b < batch_count; ++b) samples.push_back(rung.difference(b, record, column));
    out.push_back(std::move(samples));
  }
  return out;
}

std::vector<double> rung_parameters(const std::vector<Rung>& rungs) {
  std::vector<double> out;
  for (const Rung& rung : rungs) out.push_back(rung.parameter);
  return out;
}

/// Everything between the plan and the verdict.
class Comparer {
 public:
  Comparer(const ResolvedRun& run, const Plan& plan, const CompareProgress& progress)
      : run_(run),
        plan_(plan),
        columns_(run.manifold, !run.deterministic()),
        progress_(progress) {
    const Cost cost = estimate_work();
    total_work_ = cost.discrete_steps + limit_weight * cost.limit_steps;
  }

  Comparison run(const PathSink& saved) {
    Comparison c;
    c.config = run_.config;
    c.applicability = run_.applicability;
    c.times = plan_.times;
    c.steps = plan_.record_steps;
    c.false_alarm = false_alarm_probability;
    compute_theory();
    climb_epsilon(saved);
    if (!plan_.etas.empty()) climb_eta();
    fill_observables(c);
    fill_ladders(c);
    judge(c);
    c.samples = sample_paths();
    const DiscreteResult& own = epsilon_rungs_.front().result;
    c.nanoseconds_per_step =
        own.seconds * 1e9 / (static_cast<double>(run_.config.paths) * static_cast<double>(plan_.record_steps.back()));
    return c;
  }

  Cost estimate_work() const;

 private:
  /// A step of the limiting diffusion costs about this many discrete steps (measured on sphere and quadratic pair).
  static constexpr double limit_weight = 20.0;

  Progress counted(double weight) {
    return [this, weight](double path_steps) {
      done_work_ += weight * path_steps;
      if (progress_) progress_(std::min(1.0, done_work_ / total_work_));
    };
  }
  void compute_theory();
  void climb_epsilon(const PathSink& saved);
  void climb_eta();
  void fill_observables(Comparison& c) const;
  void fill_ladders(Comparison& c) const;
  void judge_observable(ObservableResult& o, int column, double t_bound) const;
  void judge(Comparison& c) const;
  std::vector<SampledPath> sample_paths() const;
  DiscreteRequest request(const Hyperparameters& h, Form form) const;
  bool judged(int record, int column) const;
  double scale_of(int column) const;
  double allowance_of(int column) const { return std::max(relative_allowance * scale_of(column), absolute_allowance); }
  /// The rungs whose extrapolation decides: learning rates for the paper form, which is exact only as eta -> 0.
  bool judges_eta() const { return run_.config.form == Form::paper; }
  const std::vector<Rung>& judged_rungs() const { return judges_eta() ? eta_rungs_ : epsilon_rungs_; }
  std::vector<double> judged_weights() const {
    return extrapolation_weights(judged_rungs().size(), judges_eta() ? 1 : 2);
  }
  const Theory& theory(Form form) const {
    const auto at = std::find(plan_.forms.begin(), plan_.forms.end(), form) - plan_.forms.begin();
    return theories_[static_cast<std::size_t>(at)];
  }

  const ResolvedRun& run_;
  const Plan& plan_;
  Columns columns_;
  CompareProgress progress_;
  double done_work_ = 0.0, total_work_ = 1.0;
  std::vector<Theory> theories_;  ///< in the order of plan_.forms
  std::vector<Vector> exact_path_;
  std::vector<Theory> eta_theories_;
  std::vector<Rung> epsilon_rungs_, eta_rungs_;
};

Cost Comparer::estimate_work() const {
  Cost cost;
  cost.paths = run_.config.paths;
  const auto paths = static_cast<double>(cost.paths);
  const bool coupled = !run_.deterministic();
  double factor = 1.0;
  for (std::size_t r = 0; r < plan_.epsilons.size(); ++r, factor *= 4.0) {
    const double steps = factor * static_cast<double>(plan_.record_steps.back()) * paths;
    cost.discrete_steps += steps;
    if (coupled) cost.limit_steps += 1.5 * steps / static_cast<double>(plan_.block);
  }
  Hyperparameters h = run_.hyperparameters;
  h.epsilon = plan_.eta_ladder_epsilon;
  for (double eta : plan_.etas) {
    h.eta = eta;
    const double steps = plan_.times.back() * h.slow_unit() * static_cast<double>(plan_.eta_ladder_paths);
    cost.discrete_steps += steps;
    if (coupled) {
      cost.limit_steps += 1.5 * plan_.times.back() * static_cast<double>(plan_.eta_ladder_paths) *
                          run_.hyperparameters.slow_unit() / static_cast<double>(plan_.block);
    }
  }
  if (coupled) {  // a step of the weak order 2 scheme takes eight evaluations of the fields
    cost.limit_steps += 8.0 * static_cast<double>(plan_.forms.size()) * paths * plan_.times.back() / plan_.limit_step;
  }
  return cost;
}

DiscreteRequest Comparer::request(const Hyperparameters& h, Form form) const {
  return {.run = &run_,
          .hyperparameters = h,
          .record_steps = plan_.record_steps,
          .paths = run_.config.paths,
          .process = static_cast<std::uint32_t>(Process::discrete_rung),
          .coupled = !run_.deterministic(),
          .form = form_of(run_, form, h),
          .block = plan_.block};
}

void Comparer::compute_theory() {
  for (Form form : plan_.forms) {
    const sde::LimitForm limit = form_of(run_, form, run_.hyperparameters);
    if (run_.deterministic()) {
      const std::vector<Vector> path = deterministic_limit(run_, limit, plan_.times);
      if (form == run_.config.form) exact_path_ = path;
      theories_.push_back(deterministic_theory(run_, limit, columns_, path));
    } else {
      theories_.push_back(ensemble_theory(
          run_limit(run_, limit, plan_.times, plan_.limit_step, run_.config.paths, counted(8.0 * limit_weight))));
    }
  }
}

void Comparer::climb_epsilon(const PathSink& saved) {
  std::int64_t refinement = 1;
  for (std::size_t r = 0; r < plan_.epsilons.size(); ++r, refinement *= 4) {
    Hyperparameters h = run_.hyperparameters;
    h.epsilon = plan_.epsilons[r];
    DiscreteRequest rung = request(h, run_.config.form);
    for (std::int64_t& step : rung.record_steps) step *= refinement;
    rung.process += static_cast<std::uint32_t>(r);
    rung.deterministic_limit = exact_path_;
    if (r == 0 && saved) {
      rung.sampled_paths = rung.paths;
      rung.sink = saved;
    }
    epsilon_rungs_.push_back(
        {h.epsilon, run_discrete(rung, counted(1.0)), run_.deterministic() ? &theory(run_.config.form) : nullptr});
  }
}

/// At fixed beta and one small epsilon: eta, eta/2, eta/4 against the paper form.
void Comparer::climb_eta() {
  eta_theories_.reserve(plan_.etas.size());
  Hyperparameters h = run_.hyperparameters;
  h.epsilon = plan_.eta_ladder_epsilon;
  const double first_unit = h.slow_unit();
  std::int64_t refinement = 1;
  for (std::size_t r = 0; r < plan_.etas.size(); ++r, refinement *= 4) {
    h.eta = plan_.etas[r];
    DiscreteRequest rung = request(h, Form::paper);
    std::vector<double> times;
    for (std::size_t k = 0; k < rung.record_steps.size(); ++k) {
      const std::int64_t first_rung_step = std::llround(plan_.times[k] * first_unit);
      times.push_back(static_cast<double>(first_rung_step) / first_unit);
      rung.record_steps[k] = first_rung_step * refinement;
    }
    rung.paths = plan_.eta_ladder_paths;
    rung.process = static_cast<std::uint32_t>(Process::eta_rung) + static_cast<std::uint32_t>(r);
    rung.block = std::max<std::int64_t>(
        1, std::llround(static_cast<double>(plan_.block) * h.slow_unit() / run_.hyperparameters.slow_unit()));
    if (run_.deterministic()) {
      const sde::LimitForm paper = form_of(run_, Form::paper, h);
      eta_theories_.push_back(deterministic_theory(run_, paper, columns_, deterministic_limit(run_, paper, times)));
    }
    eta_rungs_.push_back(
        {h.eta, run_discrete(rung, counted(1.0)), run_.deterministic() ? &eta_theories_.back() : nullptr});
  }
}

bool Comparer::judged(int record, int column) const {
  if (record == 0) return false;
  const bool plateau = column == columns_.variance() || column == columns_.loss();
  return !plateau || static_cast<double>(plan_.record_steps[static_cast<std::size_t>(record)]) >=
                         relaxed_after * run_.applicability.tau_1;
}

/// The range along the run; for the plateaus, which need not move, the plateau itself.
double Comparer::scale_of(int column) const {
  double low = 0.0, high = 0.0;
  const Theory& own = theory(run_.config.form);
  for (int r = 0; r < static_cast<int>(plan_.times.size()); ++r) {
    const double x = own.mean(r, column);
    if (r == 0) low = high = x;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  const bool plateau = column == columns_.variance() || column == columns_.loss();
  return plateau ? high : high - low;
}

void Comparer::fill_observables(Comparison& c) const {
  const Rung& own = epsilon_rungs_.front();
  const int records = static_cast<int>(plan_.times.size());
  const bool coupled_theory = run_.config.shared_noise && !run_.deterministic();
  for (int column = 0; column < columns_.count; ++column) {
    ObservableResult o;
    o.name = columns_.names[static_cast<std::size_t>(column)];
    o.meaning = columns_.meanings[static_cast<std::size_t>(column)];
    for (int r = 0; r < records; ++r) {
      std::vector<double> difference, shown;
      for (int b = 0; b < batch_count; ++b) {
        const double reference =
            coupled_theory ? own.result.limit_fine.at(b, r, column) : theory(run_.config.form).sample(b, r, column);
        shown.push_back(reference);
        difference.push_back(own.result.discrete.at(b, r, column) - reference);
      }
      const Estimate e = estimate(difference);
      o.theory.push_back(estimate(shown).mean);
      o.discrete.push_back(estimate(batch_samples(own.result.discrete, r, column)).mean);
      o.difference.push_back(e.mean);
      o.standard_error.push_back(e.standard_error);
      o.judged.push_back(judged(r, column));
    }
    for (Form form : plan_.forms) {
      std::vector<double>& line = form == Form::finite_step ? o.theory_finite_step
                                  : form == Form::paper     ? o.theory_paper
                                                            : o.theory_asymptotic;
      for (int r = 0; r < records; ++r) line.push_back(theory(form).mean(r, column));
    }
    c.observables.push_back(std::move(o));
  }
}

void Comparer::fill_ladders(Comparison& c) const {
  const auto climb = [&](const std::vector<Rung>& rungs, double slope, std::vector<LadderResult>& out) {
    for (int column = 0; column < columns_.count; ++column) {
      // Where the coarsest rung's difference stands out most clearly.
      int best = 1;
      double clearest = -1.0;
      for (int r = 1; r < static_cast<int>(plan_.times.size()); ++r) {
        if (!judged(r, column)) continue;
        const Estimate e = estimate(difference_samples(rungs, r, column).front());
        const double clear = std::abs(e.mean) / (e.standard_error + absolute_allowance);
        if (clear > clearest) {
          clearest = clear;
          best = r;
        }
      }
      out.push_back(fit_ladder(columns_.names[static_cast<std::size_t>(column)],
                               plan_.times[static_cast<std::size_t>(best)], rung_parameters(rungs),
                               difference_samples(rungs, best, column), slope));
    }
  };
  climb(epsilon_rungs_, 2.0, c.epsilon_ladder);
  if (!eta_rungs_.empty()) climb(eta_rungs_, 1.0, c.eta_ladder);

  const int last = static_cast<int>(plan_.times.size()) - 1;
  if (run_.config.shared_noise) {
    RungSamples samples;
    for (const Rung& rung : epsilon_rungs_) {
      // Batch samples of the rms, to first order about its mean: rms_b = (rms^2 + squared_b) / (2 rms).
      const std::vector<double> squares = batch_samples(rung.result.path_error, last, 0);
      const double rms = std::sqrt(estimate(squares).mean);
      std::vector<double> batch;
      for (double s : squares) batch.push_back(rms > 0.0 ? 0.5 * (rms + s / rms) : 0.0);
      samples.push_back(std::move(batch));
    }
    c.path_error = fit_ladder("path_error", plan_.times.back(), plan_.epsilons, samples, 1.0);
  }
  if (!run_.deterministic()) {
    const Rung& own = epsilon_rungs_.front();
    for (int column = 0; column < columns_.slow; ++column) {
      std::vector<double> change;
      for (int b = 0; b < batch_count; ++b) {
        change.push_back(own.result.limit_fine.at(b, last, column) - own.result.limit_coarse.at(b, last, column));
      }
      const double scale = scale_of(column);
      if (scale > 0.0) c.integrator_error = std::max(c.integrator_error, std::abs(estimate(change).mean) / scale);
    }
  }
}

/// |extrapolated difference| <= t SE + allowance at every judged time, against the coupled theory and, where there is
/// diffusion, against the ensemble with noise of its own as well; DERIVATION (39).
void Comparer::judge_observable(ObservableResult& o, int column, double t_bound) const {
  const std::vector<Rung>& rungs = judged_rungs();
  const std::vector<double> weights = judged_weights();
  const double allowance = allowance_of(column), scale = scale_of(column);
  constexpr double largest_bound = 0.25;  // of the scale: a wider bound could not tell a wrong theory from a right one
  o.verdict = Verdict::agree;
  bool weak = false;
  const auto check = [&](int r, const std::vector<double>& samples, const char* against) {
    const Estimate e = estimate(samples);
    const double bound = t_bound * e.standard_error + allowance;
    if (judged(r, column)) {
      if (!(std::abs(e.mean) <= bound) && o.verdict != Verdict::disagree) {
        o.verdict = Verdict::disagree;
        o.reason = fmt::format("at t = {:.4g} the difference to {} extrapolates to {:.3g} +- {:.2g}, bound {:.3g}",
                               plan_.times[static_cast<std::size_t>(r)], against, e.mean, e.standard_error, bound);
      }
    }
    return std::pair{e, bound};
  };
  for (int r = 0; r < static_cast<int>(plan_.times.size()); ++r) {
    const auto [e, bound] = check(r, combine(difference_samples(rungs, r, column), weights), "the theory");
    o.extrapolated.push_back(e.mean);
    o.extrapolated_error.push_back(e.standard_error);
    o.bound.push_back(bound);
    weak = weak || (judged(r, column) && scale > absolute_allowance && bound > largest_bound * scale);
    if (run_.deterministic() || run_.config.shared_noise || judges_eta()) continue;
    std::vector<double> independent(batch_count);
    for (int b = 0; b < batch_count; ++b) {
      double x = 0.0;
      for (std::size_t k = 0; k < rungs.size(); ++k) x += weights[k] * rungs[k].result.discrete.at(b, r, column);
      independent[static_cast<std::size_t>(b)] = x - theory(run_.config.form).sample(b, r, column);
    }
    const auto [other, other_bound] = check(r, independent, "the theory's own ensemble");
    o.independent.push_back(other.mean);
    o.independent_error.push_back(other.standard_error);
    o.independent_bound.push_back(other_bound);
  }
  if (o.verdict == Verdict::agree && weak) {
    o.verdict = Verdict::inconclusive;
    o.reason = "the bound is wider than a quarter of the observable's range: raise --paths";
  }
}

void Comparer::judge(Comparison& c) const {
  int comparisons = 0;
  const bool two_theories = !(run_.deterministic() || run_.config.shared_noise || judges_eta());
  for (int column = 0; column < columns_.count; ++column) {
    for (int r = 0; r < static_cast<int>(plan_.times.size()); ++r) comparisons += judged(r, column) ? 1 : 0;
  }
  if (two_theories) comparisons *= 2;
  const double t_bound = student_t(batch_count - 1, false_alarm_probability / std::max(1, comparisons));
  const std::vector<LadderResult>& ladder = judges_eta() ? c.eta_ladder : c.epsilon_ladder;

  std::string disagreeing, open;
  for (int column = 0; column < columns_.count; ++column) {
    ObservableResult& o = c.observables[static_cast<std::size_t>(column)];
    judge_observable(o, column, t_bound);
    const LadderResult& rung = ladder[static_cast<std::size_t>(column)];
    if (o.verdict == Verdict::agree && !rung.consistent) {
      o.verdict = Verdict::inconclusive;
      o.reason = fmt::format("the ladder's slope {:.3g} in [{:.3g}, {:.3g}] is not the expected {:g}", *rung.slope,
                             rung.slope_low, rung.slope_high, rung.expected_slope);
    }
    if (o.verdict == Verdict::disagree) disagreeing += (disagreeing.empty() ? "" : ", ") + o.name;
    if (o.verdict == Verdict::inconclusive) open += (open.empty() ? "" : ", ") + o.name;
  }
  if (c.path_error && !c.path_error->consistent) open += std::string(open.empty() ? "" : ", ") + "path_error";

  c.moves_along_valley = false;
  for (int column = 0; column < columns_.slow; ++column) {
    const ObservableResult& o = c.observables[static_cast<std::size_t>(column)];
    for (std::size_t r = 0; r < o.theory.size(); ++r) {
      const double moved = std::max(std::abs(o.theory[r] - o.theory[0]),
                                    std::abs(o.discrete[r] - o.theory[0]) - t_bound * o.standard_error[r]);
      c.moves_along_valley = c.moves_along_valley || moved > absolute_allowance;
    }
  }
  if (!run_.applicability.applies()) {
    c.verdict = Verdict::inconclusive;
    c.reason = "not applicable: " + run_.applicability.failing() +
               ". The theory makes no statement here; take a smaller --epsilon, or leave it out.";
  } else if (!disagreeing.empty()) {
    c.verdict = Verdict::disagree;
    c.reason = fmt::format(
        "{} do{} not extrapolate to the {} form. See the ladder plot; compare with --form "
        "finite-step, and with --ladder full.",
        disagreeing, disagreeing.find(',') == std::string::npos ? "es" : "", name_of(run_.config.form));
  } else if (!open.empty()) {
    c.verdict = Verdict::inconclusive;
    c.reason =
        fmt::format("nothing contradicts the theory, but {} decide{} nothing; raise --paths or take --ladder full.",
                    open, open.find(',') == std::string::npos ? "s" : "");
  } else {
    c.verdict = Verdict::agree;
    c.reason = fmt::format("every observable extrapolates to the {} form within its bound at every time{}",
                           name_of(run_.config.form),
                           c.moves_along_valley ? "." : "; neither process moves along the valley.");
  }
}

/// A few paths with many records, for the pictures.
std::vector<SampledPath> Comparer::sample_paths() const {
  constexpr int records = 240, shown = 2;
  DiscreteRequest fine = request(run_.hyperparameters, run_.config.form);
  fine.record_steps = record_steps(plan_.record_steps.back(), records);
  fine.paths = batch_count * shown;
  fine.sampled_paths = shown;
  if (run_.deterministic()) {
    std::vector<double> times;
    for (std::int64_t k : fine.record_steps) times.push_back(static_cast<double>(k) / run_.hyperparameters.slow_unit());
    fine.deterministic_limit = deterministic_limit(run_, fine.form, times);
  }
  std::vector<SampledPath> out;
  const auto vector_of = [](std::span<const double> x) {
    return Vector(Eigen::Map<const Vector>(x.data(), static_cast<Eigen::Index>(x.size())));
  };
  fine.sink = [&](const std::vector<PathRecord>& rows) {
    for (const PathRecord& row : rows) {
      if (out.empty() || out.back().path != row.path) out.push_back({row.path, {}, {}, {}});
      out.back().discrete.push_back(vector_of(row.weights));
      out.back().slow.push_back(vector_of(row.slow));
      out.back().limit.push_back(vector_of(row.limit));
    }
  };
  run_discrete(fine);
  return out;
}

}  // namespace

Plan plan_comparison(const ResolvedRun& run) {
  constexpr int records = 20;
  constexpr double default_time = 2.0;
  /// Coupled blocks: slow time h = 1/128 at the run's epsilon. The extrapolated Euler-Maruyama error is O(h^2) = 6e-5,
  /// a hundredth of the allowance.
  constexpr double blocks_per_unit = 128.0;
  /// Weak order 2 with h = 1/32: error O(h^2) = 1e-3 of the curvature scale.
  constexpr double limit_steps_per_unit = 32.0;
  constexpr double most_steps = 1e12;

  Plan plan;
  const Hyperparameters& h = run.hyperparameters;
  const double unit = h.slow_unit();
  const double steps = run.config.steps ? static_cast<double>(*run.config.steps)
                                        : std::round(run.config.time.value_or(default_time) * unit);
  if (!(steps >= 1.0)) {
    throw ConfigError(fmt::format("--time {:g}: shorter than one step, which is {:.3g} of slow time",
                                  run.config.time.value_or(default_time), 1.0 / unit));
  }
  if (!(steps < most_steps)) {
    throw ConfigError(fmt::format("--time {:g}: {:.3g} steps, allowed are fewer than {:g}; take a larger --epsilon",
                                  run.config.time.value_or(default_time), steps, most_steps));
  }
  plan.record_steps = record_steps(static_cast<std::int64_t>(steps), records);
  for (std::int64_t k : plan.record_steps) plan.times.push_back(static_cast<double>(k) / unit);
  plan.epsilons = {h.epsilon, h.epsilon / 2.0};
  if (run.config.ladder == Ladder::full) plan.epsilons.push_back(h.epsilon / 4.0);
  if (run.config.ladder == Ladder::full || run.config.form == Form::paper) {
    plan.etas = {h.eta, h.eta / 2.0, h.eta / 4.0};
    plan.eta_ladder_epsilon = h.epsilon / 4.0;
    plan.eta_ladder_paths = std::min<std::int64_t>(run.config.paths, 2048);
  }
  plan.block = std::max<std::int64_t>(1, std::llround(unit / blocks_per_unit));
  plan.limit_step = 1.0 / limit_steps_per_unit;
  plan.forms = {Form::finite_step, Form::paper};
  if (run.config.gamma) plan.forms.push_back(Form::asymptotic);
  return plan;
}

Cost estimate_cost(const ResolvedRun& run, const Plan& plan) {
  Cost cost = Comparer(run, plan, {}).estimate_work();
  // A trial of the real loops: the same problem over a short time, long enough (1e5 path-steps) to be timed.
  DiscreteRequest trial = replay_request(run, plan);
  const std::int64_t steps = std::clamp<std::int64_t>(100000 / (2 * batch_count), 16, plan.record_steps.back());
  trial.record_steps = {0, steps};
  trial.paths = 16 * batch_count;
  if (run.deterministic()) trial.deterministic_limit.clear();
  const double seconds = run_discrete(trial).seconds;
  const double per_step = seconds / (static_cast<double>(trial.paths) * static_cast<double>(steps));
  cost.seconds = per_step * cost.discrete_steps;
  if (!run.deterministic()) {
    // The coupled limit is part of the trial; the ensemble with its own noise is not.
    const double trial_limit_steps = 1.5 / static_cast<double>(plan.block) * static_cast<double>(trial.paths * steps);
    const double share =
        trial_limit_steps * 20.0 / (trial_limit_steps * 20.0 + static_cast<double>(trial.paths * steps));
    const double per_limit_step = share * seconds / trial_limit_steps;
    const double own = 8.0 * static_cast<double>(plan.forms.size()) * static_cast<double>(cost.paths) *
                       plan.times.back() / plan.limit_step;
    cost.seconds += per_limit_step * own;
  }
  return cost;
}

Comparison compare(const ResolvedRun& run, const Plan& plan, const CompareProgress& progress, const PathSink& saved) {
  return Comparer(run, plan, progress).run(saved);
}

DiscreteRequest replay_request(const ResolvedRun& run, const Plan& plan) {
  return {.run = &run,
          .hyperparameters = run.hyperparameters,
          .record_steps = plan.record_steps,
          .paths = run.config.paths,
          .process = static_cast<std::uint32_t>(Process::discrete_rung),
          .coupled = !run.deterministic(),
          .form = form_of(run, run.config.form, run.hyperparameters),
          .block = plan.block};
}

}  // namespace valleydrift::validation
