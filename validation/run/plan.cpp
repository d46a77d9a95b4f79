// Records, blocks, rungs, paths and the theory's forms; the requests of the run's rung and of the ladder's.
#include "validation/run/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "manifolds/errors.hpp"
#include "validation/run/schedule.hpp"

namespace valleydrift::run {
namespace {

/// The step that was given for the coupled limit, and that of weak order 2 in the same proportion as by default.
void set_limit_step(const ResolvedRun& run, Plan& plan) {
  const double given = *run.config.limit_step, unit = run.hyperparameters.slow_unit();
  const double longest = 0.5 * plan.times[1];
  if (!(given * unit >= 1.0 && given <= longest)) {
    throw ConfigError(fmt::format(
        "--limit-step {:g}: allowed is {:.3g}, a step of the iteration, to {:.3g}, half the time between records",
        given, 1.0 / unit, longest));
  }
  plan.limit_step = 4.0 * given;  // as 1/32 to 1/128
  plan.block = std::llround(given * unit);
}

}  // namespace

Plan plan_comparison(const ResolvedRun& run) {
  constexpr int records = 20;
  /// Coupled blocks: h = 1/128 of the time of the motion along the valley at the run's epsilon. The extrapolated
  /// Euler-Maruyama error is O(h^2) = 6e-5, a hundredth of the allowance.
  constexpr double blocks_per_unit = 128.0;
  /// Weak order 2 with h = 1/32 of it: error O(h^2) = 1e-3.
  constexpr double limit_steps_per_unit = 32.0;
  constexpr double most_steps = 1e12;
  /// The eta ladder's rungs have 16, 64 and 256 times the steps of the run's own: as many paths as keep it payable.
  constexpr std::int64_t most_eta_ladder_paths = 4096;

  Plan plan;
  const Hyperparameters& h = run.hyperparameters;
  const double unit = h.slow_unit();
  const double steps =
      run.config.steps ? static_cast<double>(*run.config.steps) : std::round(run.config.time.value() * unit);
  if (!(steps >= 1.0)) {
    throw ConfigError(fmt::format("--time {:g}: shorter than one step, which is {:.3g} of slow time",
                                  run.config.time.value_or(0.0), 1.0 / unit));
  }
  if (!(steps <= most_steps)) {
    throw ConfigError(
        run.config.steps
            ? fmt::format("--steps {}: allowed is 1 to {:g}", *run.config.steps, most_steps)
            : fmt::format("--time {:g}: {} steps, allowed is at most {:g}; take a larger --epsilon",
                          run.config.time.value_or(0.0),
                          std::isfinite(steps) ? fmt::format("{:.3g}", steps) : "more than can be counted, 1e308,",
                          most_steps));
  }
  plan.record_steps = record_steps(static_cast<std::int64_t>(steps), records);
  for (std::int64_t k : plan.record_steps) plan.times.push_back(static_cast<double>(k) / unit);
  plan.epsilons = {h.epsilon, h.epsilon / 2.0};
  if (run.config.ladder == Ladder::full) plan.epsilons.push_back(h.epsilon / 4.0);
  if (run.config.ladder == Ladder::full || run.config.form == Form::paper) {
    plan.etas = {h.eta, h.eta / 2.0, h.eta / 4.0};
    plan.eta_ladder_epsilon = h.epsilon / 4.0;
    plan.eta_ladder_paths = std::min(run.config.paths, most_eta_ladder_paths);
  }
  const double rate = std::max(1.0, run.applicability.valley_rate);
  plan.block = std::max<std::int64_t>(1, std::llround(unit / (blocks_per_unit * rate)));
  plan.limit_step = 1.0 / (limit_steps_per_unit * rate);
  if (run.config.limit_step) set_limit_step(run, plan);
  plan.forms = {Form::finite_step, Form::paper};
  if (run.config.gamma) plan.forms.push_back(Form::asymptotic);
  return plan;
}

DiscreteRequest own_rung(const ResolvedRun& run, const Plan& plan) {
  return {.run = &run,
          .hyperparameters = run.hyperparameters,
          .record_steps = plan.record_steps,
          .paths = run.config.paths,
          .process = process::discrete_rung,
          .first_phase = run.first_phase,
          .coupled = !run.deterministic(),
          .form = sde::LyapunovOperator(run.config.form, run.hyperparameters, run.config.gamma),
          .block = plan.block};
}

DiscreteRequest epsilon_rung(const ResolvedRun& run, const Plan& plan, std::size_t r) {
  DiscreteRequest rung = own_rung(run, plan);
  rung.hyperparameters.epsilon = plan.epsilons[r];
  rung.form = sde::LyapunovOperator(run.config.form, rung.hyperparameters, run.config.gamma);
  for (std::int64_t& step : rung.record_steps) step <<= 2 * r;
  rung.process += static_cast<std::uint32_t>(r);
  return rung;
}

}  // namespace valleydrift::run
