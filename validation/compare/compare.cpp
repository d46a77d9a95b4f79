// Evidence gathered, summarised by observable and fitted on the ladders; paths for the pictures.
#include "validation/compare/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "manifolds/errors.hpp"
#include "validation/compare/accuracy.hpp"
#include "validation/compare/descent.hpp"
#include "validation/compare/judge.hpp"
#include "validation/compare/limit_step.hpp"
#include "validation/run/schedule.hpp"

namespace valleydrift::compare {
namespace {

/// One observable of the run's own rung beside the theory in every form; verdict and bounds are left to `judge`.
ObservableResult summarise(const Evidence& evidence, int column) {
  const run::ResolvedRun& run = *evidence.run;
  const run::DiscreteResult& own = evidence.epsilon_rungs.front().result;
  const bool coupled_theory = run.config.shared_noise && !run.deterministic();
  ObservableResult o;
  o.name = evidence.columns.names[static_cast<std::size_t>(column)];
  o.meaning = evidence.columns.meanings[static_cast<std::size_t>(column)];
  for (int r = 0; r < evidence.records(); ++r) {
    std::vector<double> difference, shown;
    for (int b = 0; b < run::batch_count; ++b) {
      shown.push_back(coupled_theory ? own.limit_fine.at(b, r, column) : evidence.own_theory().sample(b, r, column));
      difference.push_back(own.discrete.at(b, r, column) - shown.back());
    }
    const statistics::Estimate e = statistics::estimate(difference);
    o.theory.push_back(statistics::estimate(shown).mean);
    o.discrete.push_back(statistics::estimate(run::batch_samples(own.discrete, r, column)).mean);
    o.difference.push_back(e.mean);
    o.standard_error.push_back(e.standard_error);
    o.judged.push_back(evidence.judged(r));
  }
  for (Form form : evidence.plan->forms) {
    std::vector<double>& line = form == Form::finite_step ? o.theory_finite_step
                                : form == Form::paper     ? o.theory_paper
                                                          : o.theory_asymptotic;
    for (int r = 0; r < evidence.records(); ++r) line.push_back(evidence.theory(form).mean(r, column));
  }
  return o;
}

/// The judged record where the coarsest rung's difference stands out most clearly; the last if none is judged.
int clearest_record(const Evidence& evidence, const std::vector<Rung>& rungs, int column, double accuracy) {
  int best = evidence.records() - 1;
  double clearest = -1.0;
  for (int r = 1; r < evidence.records(); ++r) {
    if (!evidence.judged(r)) continue;
    const statistics::Estimate e = statistics::estimate(difference_samples(rungs, r, column).front());
    const double clear = std::abs(e.mean) / (e.standard_error + accuracy);
    if (clear > clearest) {
      clearest = clear;
      best = r;
    }
  }
  return best;
}

std::vector<LadderResult> fit_ladders(const Evidence& evidence, const Accuracy& accuracy,
                                      const std::vector<Rung>& rungs, double slope) {
  std::vector<LadderResult> out;
  if (rungs.empty()) return out;
  std::vector<double> parameters;
  for (const Rung& rung : rungs) parameters.push_back(rung.parameter);
  for (int column = 0; column < evidence.columns.count; ++column) {
    const double same = accuracy.column[static_cast<std::size_t>(column)];
    const int best = clearest_record(evidence, rungs, column, same);
    out.push_back(fit_ladder(evidence.columns.names[static_cast<std::size_t>(column)],
                             evidence.plan->times[static_cast<std::size_t>(best)], parameters,
                             difference_samples(rungs, best, column), slope, evidence.columns.count + 1, same));
  }
  return out;
}

/// The rms distance between the slow variable and Y at the end, path by path, against epsilon.
LadderResult fit_path_error(const Evidence& evidence, double accuracy) {
  RungSamples samples;
  for (const Rung& rung : evidence.epsilon_rungs) {
    // Batch samples of the rms, to first order about its mean: rms_b = (rms^2 + squared_b) / (2 rms).
    const std::vector<double> squares = run::batch_samples(rung.result.path_error, evidence.records() - 1, 0);
    const double rms = std::sqrt(statistics::estimate(squares).mean);
    std::vector<double> batch;
    for (double s : squares) batch.push_back(rms > 0.0 ? 0.5 * (rms + s / rms) : 0.0);
    samples.push_back(std::move(batch));
  }
  return fit_ladder("path_error", evidence.plan->times.back(), evidence.plan->epsilons, samples, 1.0,
                    evidence.columns.count + 1, accuracy);
}

/// Of the coupled limit at the end, in units of what the slow coordinate ranges or spreads over.
statistics::Estimate integrator_error_of(const Evidence& evidence, const Accuracy& accuracy) {
  if (evidence.run->deterministic()) return {};
  const auto scale = [&](int column) {
    const double resolution = evidence.resolution(column);
    return resolution > accuracy.column[static_cast<std::size_t>(column)] ? resolution : 0.0;
  };
  const int slow = evidence.columns.slow;
  return integrator_error(evidence.epsilon_rungs.front().result, slow, evidence.records() - 1, scale,
                          statistics::student_t(run::batch_count - 1, false_alarm_probability / slow));
}

/// A few paths with many records, for the pictures.
std::vector<SampledPath> sample_paths(const run::ResolvedRun& run, const run::Plan& plan, const WorkMeter& meter) {
  run::DiscreteRequest fine = run::own_rung(run, plan);
  fine.record_steps = run::record_steps(plan.record_steps.back(), run::pictured_records);
  fine.paths = run::batch_count * run::pictured_paths;
  fine.sampled_paths = run::pictured_paths;
  if (run.deterministic()) {
    std::vector<double> times;
    for (std::int64_t k : fine.record_steps) times.push_back(static_cast<double>(k) / run.hyperparameters.slow_unit());
    fine.deterministic_limit = run::exact_path(run, fine.form, times);
  }
  std::vector<SampledPath> out;
  const auto vector_of = [](std::span<const double> x) {
    return Vector(Eigen::Map<const Vector>(x.data(), static_cast<Eigen::Index>(x.size())));
  };
  fine.sink = [&](const std::vector<run::PathRecord>& rows) {
    for (const run::PathRecord& row : rows) {
      if (out.empty() || out.back().path != row.path) out.push_back({row.path, {}, {}, {}});
      out.back().discrete.push_back(vector_of(row.weights));
      out.back().slow.push_back(vector_of(row.slow));
      out.back().limit.push_back(vector_of(row.limit));
    }
  };
  run::run_discrete(fine);
  meter.done(&Cost::picture_seconds);
  return out;
}

}  // namespace

Comparison conclude(const Evidence& evidence) {
  const run::ResolvedRun& run = *evidence.run;
  const run::Plan& plan = *evidence.plan;
  Comparison c;
  c.config = run.config;
  c.start = run.start;
  c.distance_moved = run.distance_moved;
  c.initial = run.initial;
  c.applicability = run.applicability;
  c.times = plan.times;
  c.steps = plan.record_steps;
  c.false_alarm = false_alarm_probability;
  for (int column = 0; column < evidence.columns.count; ++column) {
    c.observables.push_back(summarise(evidence, column));
  }
  const Accuracy accuracy = accuracy_of(evidence);
  c.epsilon_ladder = fit_ladders(evidence, accuracy, evidence.epsilon_rungs, 2.0);
  c.eta_ladder = fit_ladders(evidence, accuracy, evidence.eta_rungs, 1.0);
  if (run.config.shared_noise) c.path_error = fit_path_error(evidence, accuracy.position);
  const statistics::Estimate integrator = integrator_error_of(evidence, accuracy);
  c.integrator_error = integrator.mean;
  c.integrator_standard_error = integrator.standard_error;
  c.limit_step = limit_step(run, plan);
  if (run.first_phase) c.descent = arrival_of(evidence);
  judge(evidence, accuracy, c);
  const run::DiscreteResult& own = evidence.epsilon_rungs.front().result;
  c.nanoseconds_per_step = own.processor_seconds * 1e9 /
                           (static_cast<double>(run.config.paths) * static_cast<double>(plan.record_steps.back()));
  return c;
}

Comparison compare(const run::ResolvedRun& run, const run::Plan& plan, const WorkMeter& meter,
                   const run::PathSink& saved) {
  Evidence evidence = gather(run, plan, meter, saved);
  std::string unknown;
  try {
    evidence.sensitivity = sensitivity_of(run, plan, meter);
  } catch (const NumericalError& error) {  // a wrong theory need not exist as long as the right one does
    unknown = fmt::format("a theory that is wrong does not last: {}", error.what());
  }
  Comparison c = conclude(evidence);
  if (!unknown.empty()) c.drift_unseen = c.noise_unseen = unknown;
  c.samples = sample_paths(run, plan, meter);
  if (c.descent) describe_descent(run, plan, *c.descent);
  return c;
}

}  // namespace valleydrift::compare
