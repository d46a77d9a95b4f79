// Counts lane groups and steps, times one unit of each kind, and meters the work as it is done.
#include "validation/compare/cost.hpp"

#include <algorithm>
#include <cmath>

#include "manifolds/numbers/lanes.hpp"
#include "sde/label_flow.hpp"
#include "validation/compare/limit_step.hpp"
#include "validation/compare/visibility.hpp"
#include "validation/run/batches.hpp"
#include "validation/run/theory.hpp"
#include "validation/run/threads.hpp"
#include "validation/run/trial.hpp"

namespace valleydrift::compare {
namespace {

/// Euler-Maruyama steps per block: one, and one per two blocks for the extrapolation.
constexpr double steps_per_block = 1.5;
/// A step of the weak order 2 scheme evaluates the fields eight times, one of Euler-Maruyama once.
constexpr double evaluations_of_weak_order_two = 8.0;

/// Groups of lanes that a unit of batches fills, of so many paths in all.
double groups_of_unit(std::int64_t paths) {
  const std::int64_t in_unit = (paths * run::batches_together(paths) + run::batch_count - 1) / run::batch_count;
  return std::ceil(static_cast<double>(in_unit) / manifolds::lane_count);
}
/// Groups of lanes that so many paths fill, unit by unit.
double groups_of(std::int64_t paths) {
  const int unit = run::batches_together(paths);
  return (run::batch_count + unit - 1) / unit * groups_of_unit(paths);
}

/// Seconds of one thread that one group of lanes takes, measured on one unit of few paths.
class UnitCosts {
 public:
  UnitCosts(const run::ResolvedRun& run, const run::Plan& plan);

  double step = 0.0;    ///< of the iteration
  double block = 0.0;   ///< of the coupled limiting diffusion, beside the iteration
  double record = 0.0;  ///< reading every process once
  double limit = 0.0;   ///< step of the limiting diffusion with noise of its own

 private:
  /// One unit of batches, as full as the plan's are, of at most `most_groups` groups.
  run::DiscreteRequest trial(bool coupled) const;

  static constexpr int most_groups = 4;  // as many as run interleaved
  const run::ResolvedRun& run_;
  const run::Plan& plan_;
  std::int64_t paths_;
};

run::DiscreteRequest UnitCosts::trial(bool coupled) const {
  run::DiscreteRequest out = run::own_rung(run_, plan_);
  out.coupled = coupled;
  out.first_phase.reset();  // its steps cost what the others do
  out.paths = paths_;
  out.batches = run::batches_together(paths_);
  return out;
}

UnitCosts::UnitCosts(const run::ResolvedRun& run, const run::Plan& plan)
    : run_(run),
      plan_(plan),
      paths_(std::min<std::int64_t>(run.config.paths, run::batch_count * most_groups * manifolds::lane_count)) {
  const double groups = groups_of_unit(paths_);
  const std::int64_t last = plan.record_steps.back();
  run::DiscreteRequest alone = trial(false);
  step = run::seconds_per_unit(last,
                               [&](std::int64_t n) {
                                 alone.record_steps = {n};
                                 run::run_discrete(alone);
                               }) /
         groups;

  const bool coupled = !run.deterministic();
  run::DiscreteRequest both = trial(coupled);
  if (coupled) {
    // Blocks long enough that their own steps do not hide what is looked for.
    constexpr double longest = 1e-3;  // seconds of the iteration
    both.block = std::clamp<std::int64_t>(std::llround(longest / (step * groups)), 1, plan.block);
    const double whole = run::seconds_per_unit(std::max<std::int64_t>(1, last / both.block), [&](std::int64_t n) {
      both.record_steps = {n * both.block};
      run::run_discrete(both);
    });
    block = std::max(0.0, whole / groups - step * static_cast<double>(both.block));
  }
  // Away from the start, where nothing is left to project.
  constexpr std::int64_t under_way = 64;
  both.block = last;
  record = run::seconds_per_unit(1000,
                                 [&](std::int64_t n) {
                                   both.record_steps.assign(static_cast<std::size_t>(n), std::min(under_way, last));
                                   run::run_discrete(both);
                                 }) /
           groups;
  if (!coupled) return;

  constexpr double dear = 0.05;  // seconds: then a step is told from a block's
  limit = evaluations_of_weak_order_two * block / steps_per_block;
  if (limit * groups < dear) {
    const auto most = static_cast<std::int64_t>(std::max(1.0, plan.times.back() / plan.limit_step));
    limit = run::seconds_per_unit(most,
                                  [&](std::int64_t n) {
                                    run::run_limit(run, both.form, {0.0, static_cast<double>(n) * plan.limit_step},
                                                   plan.limit_step, paths_, {}, 0.0, run::batches_together(paths_));
                                  }) /
            groups;
  }
}

/// Seconds for an exact curve of a run in which nothing diffuses.
double seconds_of_exact_theory(const run::ResolvedRun& run, const run::Plan& plan) {
  const sde::LyapunovOperator form(run.config.form, run.hyperparameters, run.config.gamma);
  const run::Columns columns(run.manifold, false);
  const auto records = static_cast<double>(plan.times.size());
  const double reading = run::seconds_of_trial([&] { run::exact_theory(run, form, columns, {run.start}); });
  // Between two records the adaptive method takes one step or two, of six evaluations each (measured: 3 to 12).
  constexpr double evaluations = 9.0;
  return records * (1.0 + evaluations) * reading;
}

}  // namespace

Cost count_steps(const run::ResolvedRun& run, const run::Plan& plan) {
  Cost cost;
  cost.paths = run.config.paths;
  const auto paths = static_cast<double>(cost.paths);
  const double blocks = plan.times.back() * run.hyperparameters.slow_unit() / static_cast<double>(plan.block);
  const double coupled = run.deterministic() ? 0.0 : steps_per_block * blocks;
  const double descent = run.first_phase ? static_cast<double>(run.first_phase->steps) : 0.0;
  double refinement = 1.0;
  for (std::size_t r = 0; r < plan.epsilons.size(); ++r, refinement *= 4.0) {
    cost.discrete_steps += (refinement * static_cast<double>(plan.record_steps.back()) + descent) * paths;
    cost.coupled_steps += refinement * coupled * paths;
  }
  Hyperparameters h = run.hyperparameters;
  h.epsilon = plan.eta_ladder_epsilon;
  for (double eta : plan.etas) {
    h.eta = eta;
    const auto eta_paths = static_cast<double>(plan.eta_ladder_paths);
    cost.discrete_steps += plan.times.back() * h.slow_unit() * eta_paths;
    cost.coupled_steps += coupled * eta_paths;
  }
  if (!run.deterministic()) {
    cost.limit_steps = static_cast<double>(plan.forms.size()) * paths * plan.times.back() / plan.limit_step;
  }
  return cost;
}

Cost estimate_cost(const run::ResolvedRun& run, const run::Plan& plan) {
  Cost cost = count_steps(run, plan);
  const UnitCosts unit(run, plan);
  const auto paths = static_cast<double>(cost.paths);
  const double groups = groups_of(cost.paths) / paths;  // per path
  const auto records = static_cast<double>(plan.times.size()), steps = static_cast<double>(plan.record_steps.back());
  double read = records * static_cast<double>(plan.epsilons.size()) * groups_of(cost.paths);
  if (!plan.etas.empty()) {
    read += records * static_cast<double>(plan.etas.size()) * groups_of(plan.eta_ladder_paths);
  }
  const double rungs = groups * (cost.discrete_steps * unit.step + cost.coupled_steps / steps_per_block * unit.block) +
                       read * unit.record;
  cost.step_seconds = rungs / (groups * cost.discrete_steps);
  cost.limit_seconds = unit.limit;
  double seconds = rungs + groups * cost.limit_steps * unit.limit;
  cost.picture_seconds =
      groups_of(run::batch_count * run::pictured_paths) *
      (steps * unit.step + steps / static_cast<double>(plan.block) * unit.block + run::pictured_records * unit.record);
  seconds += cost.picture_seconds;
  if (run.deterministic()) {
    cost.curve_seconds = seconds_of_exact_theory(run, plan) * run::thread_count();  // on one thread
    seconds += static_cast<double>(plan.forms.size() + plan.etas.size() + wrong_curves) * cost.curve_seconds;
  } else {
    const double of_theory = cost.limit_steps / (static_cast<double>(plan.forms.size()) * paths) * unit.limit;
    seconds += wrong_ensembles * groups_of(std::min(cost.paths, most_sensitivity_paths)) * of_theory;
    if (chooses_limit_step(run, plan)) seconds += groups_of(limit_step_trial_paths) * steps * cost.step_seconds;
  }
  cost.seconds = seconds / run::thread_count();
  return cost;
}

WorkMeter::WorkMeter(const Cost& cost, std::function<void(double)> show)
    : cost_(cost),
      work_(std::make_shared<Work>(Work{std::move(show), cost.seconds * run::thread_count()})) {}

void WorkMeter::done(double Cost::*part) const {
  if (work_) work_->add(cost_.*part);
}

run::Progress WorkMeter::counted(std::int64_t paths, double group_seconds) const {
  if (!work_) return {};
  const double per_step = groups_of(paths) / static_cast<double>(paths) * group_seconds;
  return [work = work_, per_step](double path_steps) { work->add(path_steps * per_step); };
}

void WorkMeter::Work::add(double seconds) {
  done += seconds;
  show(std::min(1.0, done / total));
}

}  // namespace valleydrift::compare
