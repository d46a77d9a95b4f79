// Runs the theories and the rungs, and takes their differences batch by batch.
#include "validation/compare/evidence.hpp"

#include <algorithm>
#include <cmath>

#include "validation/compare/cost.hpp"

namespace valleydrift::compare {
namespace {

class Gatherer {
 public:
  Gatherer(const run::ResolvedRun& run, const run::Plan& plan, const WorkMeter& meter)
      : run_(run),
        plan_(plan),
        meter_(meter),
        evidence_{&run, &plan, run::Columns(run.manifold, !run.deterministic()), {}, {}, {}} {}

  Evidence run(const run::PathSink& saved) {
    compute_theory();
    climb_epsilon(saved);
    climb_eta();
    return std::move(evidence_);
  }

 private:
  void compute_theory() {
    for (Form form : plan_.forms) {
      const sde::LyapunovOperator limit(form, run_.hyperparameters, run_.config.gamma);
      if (run_.deterministic()) {
        const std::vector<Vector> path = run::exact_path(run_, limit, plan_.times);
        if (form == run_.config.form) own_path_ = path;
        evidence_.theories.push_back(run::exact_theory(run_, limit, evidence_.columns, path));
        meter_.done(&Cost::curve_seconds);
      } else {
        const std::int64_t paths = run_.config.paths;
        evidence_.theories.push_back(run::ensemble_theory(
            run::run_limit(run_, limit, plan_.times, plan_.limit_step, paths, meter_.of_limit(paths))));
      }
    }
  }

  void climb_epsilon(const run::PathSink& saved) {
    for (std::size_t r = 0; r < plan_.epsilons.size(); ++r) {
      run::DiscreteRequest rung = run::epsilon_rung(run_, plan_, r);
      rung.deterministic_limit = own_path_;
      if (r == 0 && saved) {
        rung.sampled_paths = rung.paths;
        rung.sink = saved;
      }
      Rung climbed{plan_.epsilons[r], run::run_discrete(rung, meter_.of_steps(rung.paths)), {}};
      if (run_.deterministic()) climbed.exact.push_back(evidence_.own_theory());
      evidence_.epsilon_rungs.push_back(std::move(climbed));
    }
  }

  /// At fixed beta and one small epsilon: eta, eta/2, eta/4 against the paper form. All begin at the run's start on the
  /// valley: where a first phase arrives depends on eta by itself, DERIVATION (81).
  void climb_eta() {
    Hyperparameters h = run_.hyperparameters;
    h.epsilon = plan_.eta_ladder_epsilon;
    const double first_unit = h.slow_unit();
    std::int64_t refinement = 1;
    for (std::size_t r = 0; r < plan_.etas.size(); ++r, refinement *= 4) {
      h.eta = plan_.etas[r];
      run::DiscreteRequest rung = run::own_rung(run_, plan_);
      rung.hyperparameters = h;
      rung.first_phase.reset();
      rung.form = sde::LyapunovOperator(Form::paper, h);
      std::vector<double> times;
      for (std::size_t k = 0; k < rung.record_steps.size(); ++k) {
        const std::int64_t first_rung_step = std::llround(plan_.times[k] * first_unit);
        times.push_back(static_cast<double>(first_rung_step) / first_unit);
        rung.record_steps[k] = first_rung_step * refinement;
      }
      rung.paths = plan_.eta_ladder_paths;
      rung.process = run::process::eta_rung + static_cast<std::uint32_t>(r);
      rung.block = std::max<std::int64_t>(
          1, std::llround(static_cast<double>(plan_.block) * h.slow_unit() / run_.hyperparameters.slow_unit()));
      Rung climbed{h.eta, run::run_discrete(rung, meter_.of_steps(rung.paths)), {}};
      if (run_.deterministic()) {
        climbed.exact.push_back(
            run::exact_theory(run_, rung.form, evidence_.columns, run::exact_path(run_, rung.form, times)));
        meter_.done(&Cost::curve_seconds);
      }
      evidence_.eta_rungs.push_back(std::move(climbed));
    }
  }

  const run::ResolvedRun& run_;
  const run::Plan& plan_;
  const WorkMeter& meter_;
  std::vector<Vector> own_path_;  ///< Y in the run's form where nothing diffuses
  Evidence evidence_;
};

}  // namespace

double Rung::difference(int batch, int record, int column) const {
  const double theory =
      exact.empty() ? 2.0 * result.limit_fine.at(batch, record, column) - result.limit_coarse.at(batch, record, column)
                    : exact.front().sample(batch, record, column);
  return result.discrete.at(batch, record, column) - theory;
}

RungSamples difference_samples(const std::vector<Rung>& rungs, int record, int column) {
  RungSamples out;
  for (const Rung& rung : rungs) {
    std::vector<double> samples;
    for (int b = 0; b < run::batch_count; ++b) samples.push_back(rung.difference(b, record, column));
    out.push_back(std::move(samples));
  }
  return out;
}

const run::Theory& Evidence::theory(Form form) const {
  const auto at = std::find(plan->forms.begin(), plan->forms.end(), form) - plan->forms.begin();
  return theories[static_cast<std::size_t>(at)];
}

bool Evidence::judged(int record) const {
  /// Relaxation times of w: its squares have then come within e^-16 of the plateau.
  constexpr double relaxed_after = 8.0;
  /// Without noise on the valley they decay to 0, by the sampling noise up to a third more slowly: to e^-32.
  constexpr double at_rest_after = 24.0;
  const bool decays = run->config.noise == run::NoiseKind::minibatch;
  const run::Applicability& a = run->applicability;
  return static_cast<double>(plan->record_steps[static_cast<std::size_t>(record)]) >=
         (decays ? at_rest_after : relaxed_after) * std::max(a.tau_1, a.tau_momentum);
}

double Evidence::scale(int column) const {
  double low = own_theory().mean(0, column), high = low;
  for (int r = 1; r < records(); ++r) {
    const double x = own_theory().mean(r, column);
    low = std::min(low, x);
    high = std::max(high, x);
  }
  return columns.is_plateau(column) ? high : high - low;
}

double Evidence::largest_variance(int slow_coordinate) const {
  double largest = 0.0;
  for (int r = 0; r < records(); ++r) {
    largest = std::max(largest, own_theory().mean(r, columns.covariance(slow_coordinate, slow_coordinate)));
  }
  return largest;
}

double Evidence::resolution(int column) const {
  double spread = 0.0;
  if (!columns.has_covariances() && column < columns.slow && !own_theory().ensemble.empty()) {
    // Batch means of n paths each scatter by the spread over n^(1/2).
    for (int r = 0; r < records(); ++r) {
      const statistics::Estimate e = statistics::estimate(run::batch_samples(own_theory().ensemble.front(), r, column));
      spread = std::max(spread, e.standard_error * std::sqrt(static_cast<double>(run->config.paths)));
    }
  } else if (columns.has_covariances()) {
    if (column < columns.slow) spread = std::sqrt(largest_variance(column));
    for (int i = 0; i < columns.slow; ++i) {
      for (int j = i; j < columns.slow; ++j) {
        if (column == columns.covariance(i, j)) spread = std::sqrt(largest_variance(i) * largest_variance(j));
      }
    }
  }
  return std::max(scale(column), spread);
}

Evidence gather(const run::ResolvedRun& run, const run::Plan& plan, const WorkMeter& meter,
                const run::PathSink& saved) {
  return Gatherer(run, plan, meter).run(saved);
}

}  // namespace valleydrift::compare
