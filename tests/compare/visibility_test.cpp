// What a run says that it can see, against theories that are wrong by so much; and what it must not agree with.
#include "validation/compare/visibility.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "manifolds/errors.hpp"
#include "sde/drift_terms.hpp"
#include "tests/formulas.hpp"
#include "validation/compare/accuracy.hpp"
#include "validation/compare/compare.hpp"
#include "validation/compare/limit_step.hpp"

namespace valleydrift {

using namespace valleydrift::compare;
using namespace valleydrift::run;
using namespace valleydrift::statistics;

namespace {

/// Evidence with the theory that `wrong` has, driven by the draws that drove the right one.
Evidence told_by(const ResolvedRun& wrong, const Plan& plan, const Evidence& right) {
  Evidence evidence = right, other = gather(wrong, plan, {}, {});
  evidence.theories = std::move(other.theories);
  for (std::size_t k = 0; k < evidence.epsilon_rungs.size(); ++k) {
    Rung& rung = evidence.epsilon_rungs[k];
    rung.exact = std::move(other.epsilon_rungs[k].exact);
    rung.result.limit_fine = std::move(other.epsilon_rungs[k].result.limit_fine);
    rung.result.limit_coarse = std::move(other.epsilon_rungs[k].result.limit_coarse);
  }
  return evidence;
}

/// Of a theory on a clock that is wrong by this factor: the same draws, taken for noise of factor^(1/2) times the size.
Evidence told(const ResolvedRun& run, const Plan& plan, const Evidence& right, double factor) {
  ResolvedRun wrong = run;
  wrong.hyperparameters.epsilon *= std::sqrt(factor);
  Plan stretched = plan;
  for (double& t : stretched.times) t *= factor;
  for (double& epsilon : stretched.epsilons) epsilon *= std::sqrt(factor);
  return told_by(wrong, stretched, right);
}

Plan plan_of_one_form(const ResolvedRun& run) {
  Plan plan = plan_comparison(run);
  plan.forms = {Form::finite_step};
  return plan;
}

/// A run calls a theory on a clock that is wrong by what it says it sees a disagreement, either way; not by a fifth.
void sees_what_it_says(RunConfig config, std::optional<double> VisibleErrors::*error, double at_most) {
  for (config.seed = 1; config.seed <= 3; ++config.seed) {
    const ResolvedRun run = resolve(config);
    const Plan plan = plan_of_one_form(run);
    Evidence evidence = gather(run, plan, {}, {});
    evidence.sensitivity = sensitivity_of(run, plan);
    const Comparison c = conclude(evidence);
    BOOST_TEST((c.verdict != Verdict::disagree), c.reason);
    BOOST_REQUIRE((c.visible.*error).has_value());
    const double seen = *(c.visible.*error);
    BOOST_TEST(seen < at_most);
    for (const double sign : {-1.0, 1.0}) {
      const Comparison wrong = conclude(told(run, plan, evidence, 1.0 + sign * seen));
      BOOST_TEST((wrong.verdict == Verdict::disagree), "seed " << config.seed << ", " << sign * seen << " is not seen");
      const Comparison nearly = conclude(told(run, plan, evidence, 1.0 + 0.2 * sign * seen));
      BOOST_TEST((nearly.verdict != Verdict::disagree), "a fifth of " << seen << ": " << nearly.reason);
    }
  }
}

/// How often theories that are wrong by what the runs say they see, either way, go unseen in the observable that is
/// said to show it.
struct Unseen {
  int misses = 0, trials = 0;
  int denied = 0;     ///< of errors as if_coupled
  double mean = 0.0;  ///< of the stated errors
};

/// What would be stated if a wrong theory scattered about the run no more than the right one.
double if_coupled(const ObservableResult& o, const Sensitivity::Table& table, std::size_t column) {
  const double quantile = student_t(batch_count - 1, 2.0 * (1.0 - visible_with));
  double smallest = 1.0;
  for (std::size_t r = 1; r < table.size(); ++r) {
    if (!o.judged[r]) continue;
    const double reached = o.bound[r] + quantile * o.extrapolated_error[r];
    smallest = std::min(smallest, reached / std::abs(table[r][column].mean));
  }
  return smallest;
}

template <class Told>
Unseen unseen(RunConfig config, std::optional<double> VisibleErrors::*error, int seeds, Told told_wrong) {
  Unseen out;
  for (int i = 1; i <= seeds; ++i) {
    config.seed = static_cast<std::uint64_t>(i);
    const ResolvedRun run = resolve(config);
    const Plan plan = plan_of_one_form(run);
    Evidence evidence = gather(run, plan, {}, {});
    evidence.sensitivity = sensitivity_of(run, plan);
    const Comparison c = conclude(evidence);
    BOOST_REQUIRE((c.visible.*error).has_value());
    const double seen = *(c.visible.*error);
    out.mean += seen / seeds;
    const std::string& seen_in = error == &VisibleErrors::drift ? c.drift_seen_in : c.noise_seen_in;
    std::size_t shown = 0;
    while (c.observables[shown].name != seen_in) ++shown;
    const auto is_missed = [&](double error) {
      return conclude(told_wrong(run, plan, evidence, 1.0 + error)).observables[shown].verdict != Verdict::disagree;
    };
    const Sensitivity& s = *evidence.sensitivity;
    const double coupled = if_coupled(c.observables[shown], error == &VisibleErrors::drift ? s.drift : s.noise, shown);
    for (const double sign : {-1.0, 1.0}) {
      out.misses += is_missed(sign * seen);
      out.denied += !run.deterministic() && is_missed(sign * coupled);
      ++out.trials;
    }
  }
  return out;
}

/// Noise in the gorge y (2 + cos x), along it and across it: the noise across makes the drift, that along it the
/// diffusion.
RunConfig gorge(double along, double across, std::int64_t paths) {
  RunConfig config;
  config.formula = std::make_shared<manifolds::FormulaSource>(tests::typed("gorge", "x,y", {"y*(2+cos(x))"}, "1,0"));
  config.manifold = "gorge";
  config.noise = NoiseKind::constant;
  config.sigma = Vector{{along, across}}.asDiagonal();
  config.paths = paths;
  return config;
}

RunConfig sphere(double weight, std::int64_t paths) {
  RunConfig config;
  config.formula = std::make_shared<manifolds::FormulaSource>(
      tests::typed("ball", "x,y,z", {fmt::format("{}*(x^2+y^2+z^2-1)", weight)}, "0,0,1"));
  config.manifold = "ball";
  config.noise = NoiseKind::isotropic;
  config.eta = 0.05 / (weight * weight);
  config.paths = paths;
  return config;
}

RunConfig with_sigma(const char* manifold, const Matrix& sigma) {
  RunConfig config;
  config.manifold = manifold;
  config.noise = NoiseKind::constant;
  config.sigma = sigma;
  config.paths = 2048;
  return config;
}

Comparison result_of(const RunConfig& config) {
  const ResolvedRun resolved = resolve(config);
  return compare::compare(resolved, plan_of_one_form(resolved));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(visibility)

BOOST_AUTO_TEST_CASE(a_drift_off_by_what_is_said_to_be_seen_disagrees) {
  RunConfig config;
  config.paths = 2048;
  sees_what_it_says(config, &VisibleErrors::drift, 0.04);
}

// On the sphere nothing drifts: the clock is that of the noise alone.
BOOST_AUTO_TEST_CASE(a_noise_off_by_what_is_said_to_be_seen_disagrees, *boost::unit_test::label("slow")) {
  RunConfig config;
  config.manifold = "sphere";
  config.parameters = {{"D", "3"}};
  config.noise = NoiseKind::isotropic;
  config.paths = 2048;
  sees_what_it_says(config, &VisibleErrors::noise, 0.08);
}

// Of trials of probability 0.99 more than a fixed number are missed with probability below 2e-3.
BOOST_AUTO_TEST_CASE(what_is_said_to_be_seen_is_seen_as_often_as_said, *boost::unit_test::label("slow")) {
  const auto count = [](const char* what, const Unseen& u) {
    BOOST_TEST_MESSAGE(what << ": " << u.misses << " of " << u.trials << " unseen, stated " << u.mean << ", "
                            << u.denied << " if coupled");
    const double expected = (1.0 - visible_with) * u.trials, most = expected + 4.0 * std::sqrt(expected);
    BOOST_TEST(u.misses <= most, what << ": " << u.misses << " of " << u.trials);
  };
  constexpr int seeds = 16;
  RunConfig uv;
  uv.paths = 256;
  count("drift on uv", unseen(uv, &VisibleErrors::drift, seeds, told));
  RunConfig ball = sphere(1.0, 256);
  ball.eta = 0.2;
  ball.epsilon = 0.01;  // closely coupled: most of what a wrong theory scatters by comes from its error
  const Unseen noise = unseen(ball, &VisibleErrors::noise, seeds, told);
  count("noise on the sphere", noise);
  BOOST_TEST(noise.denied > 4, noise.denied);  // what the error itself adds is not to be left out
  const auto with_stronger_noise_across = [](const ResolvedRun& run, const Plan& plan, const Evidence& right,
                                             double factor) {
    ResolvedRun wrong = run;
    wrong.config.sigma.col(1) *= std::sqrt(factor);
    return told_by(wrong, plan, right);
  };
  count("drift in the gorge", unseen(gorge(0.3, 1.0, 512), &VisibleErrors::drift, seeds, with_stronger_noise_across));
}

// At small t the mean of q = u^2 - v^2 changes as t (grad q . drift + (1/2) tr (Hess q) Sigma_LL): each part is known.
// Noise that is four times as strong across the valley as along it, so that the drift stands out.
BOOST_AUTO_TEST_CASE(effects_of_drift_and_noise_are_told_apart) {
  const Vector across = Vector{{0.5, 2.0}}.normalized(), along = Vector{{2.0, -0.5}}.normalized();
  Matrix sigma(2, 2);
  sigma << 2.0 * across, 0.5 * along;
  RunConfig config = with_sigma("uv", sigma);
  config.time = 0.02;
  const ResolvedRun run = resolve(config);
  const Plan plan = plan_of_one_form(run);
  const Sensitivity s = sensitivity_of(run, plan);
  BOOST_TEST((s.drifts && s.diffuses));
  const auto terms = sde::drift_terms(run.manifold, run.manifold.geometry(run.start), run.noise_factor(run.start),
                                      sde::LyapunovOperator(Form::finite_step, run.hyperparameters));
  const Vector gradient{{2.0 * run.start[0], -2.0 * run.start[1]}};
  const double t = plan.times.back();
  const double drift = t * gradient.dot(terms.mixed + terms.transverse);
  const double noise = t * (gradient.dot(terms.curvature) + 0.25 * (along[0] * along[0] - along[1] * along[1]));
  const Estimate of_drift = s.drift.back()[0], of_noise = s.noise.back()[0];
  const double allowance = 0.05 * std::abs(drift);  // of order t, 4 % of the drift
  BOOST_TEST(std::abs(of_drift.mean - drift) < 5.0 * of_drift.standard_error + allowance);
  BOOST_TEST(std::abs(of_noise.mean - noise) < 5.0 * of_noise.standard_error + allowance);
  BOOST_TEST(of_drift.standard_error < 0.05 * std::abs(drift));
  BOOST_TEST(of_noise.standard_error < 0.1 * std::abs(drift));
}

// tr H is 4 weight^2 all along, and every residual scales: neither rounding nor agreement knows of it.
BOOST_AUTO_TEST_CASE(weights_of_a_typed_valley_do_not_change_the_verdict) {
  for (const double weight : {1e-4, 1.0, 10.0, 1e4}) {
    const Comparison c = result_of(sphere(weight, 1024));
    for (const ObservableResult& o : c.observables) {
      BOOST_TEST((o.verdict != Verdict::disagree), weight << ", " << o.name << ": " << o.reason);
      if (o.name == "trace_hessian") BOOST_TEST((o.verdict == Verdict::agree), weight << ": " << o.reason);
    }
    BOOST_TEST((c.visible.noise && *c.visible.noise < 0.2));
    BOOST_TEST(!c.visible.drift);
  }
}

// A trace off by 1e-8 of itself is no rounding, whatever the weight.
BOOST_AUTO_TEST_CASE(a_conserved_trace_is_judged_by_its_accuracy) {
  for (const double weight : {1.0, 10.0, 1e4}) {
    const ResolvedRun resolved = resolve(sphere(weight, 256));
    const Plan plan = plan_of_one_form(resolved);
    Evidence evidence = gather(resolved, plan, {}, {});
    const int column = evidence.columns.trace_hessian();
    const double trace = 4.0 * weight * weight;
    BOOST_TEST(accuracy_of(evidence).column[static_cast<std::size_t>(column)] < 1e-9 * trace);
    for (Rung& rung : evidence.epsilon_rungs) {
      for (int b = 0; b < batch_count; ++b) {
        for (int r = 1; r < evidence.records(); ++r) rung.result.discrete.at(b, r, column) += 1e-8 * trace;
      }
    }
    BOOST_TEST((conclude(evidence).observables[static_cast<std::size_t>(column)].verdict == Verdict::disagree));
  }
}

BOOST_AUTO_TEST_CASE(what_is_too_weak_to_be_seen_is_inconclusive) {
  const Matrix two = Matrix::Identity(2, 2), four = Matrix::Identity(4, 4) + 0.3 * Matrix::Ones(4, 4);
  for (const double size : {1e-4, 1e-6, 1e-10, 1e-14}) {
    const Comparison uv = result_of(with_sigma("uv", size * two));
    BOOST_TEST((uv.verdict == Verdict::inconclusive), size << ": " << uv.reason);
    BOOST_TEST(uv.reason.find("twice the theory's would not be seen") != std::string::npos, size << ": " << uv.reason);
    BOOST_TEST(uv.moves_along_valley);
    const Comparison pair = result_of(with_sigma("quadratic-pair", size * four));
    BOOST_TEST((pair.verdict == Verdict::inconclusive), size << ": " << pair.reason);
    BOOST_TEST(pair.reason.find("twice the theory's would not be seen") != std::string::npos, pair.reason);
  }
  const Comparison seen = result_of(with_sigma("uv", two));
  BOOST_TEST((seen.verdict != Verdict::disagree), seen.reason);
  BOOST_TEST(seen.visible.drift.has_value());
}

BOOST_AUTO_TEST_CASE(a_valley_on_which_nothing_moves_agrees_and_says_what_would_be_seen) {
  RunConfig config;
  config.manifold = "sphere";
  config.paths = 4096;
  const Comparison c = result_of(config);
  BOOST_TEST((c.verdict == Verdict::agree), c.reason);
  BOOST_TEST(!c.moves_along_valley);
  BOOST_TEST(c.reason.find("would be seen") != std::string::npos, c.reason);
  BOOST_TEST(!c.visible.drift.has_value());
  BOOST_TEST(c.drift_unseen.find("no drift") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(steps_of_the_limit_are_halved_until_they_are_fine) {
  RunConfig config;
  config.manifold = "torus";
  config.noise = NoiseKind::isotropic;
  config.eta = 0.02;
  config.paths = 256;  // as few as there may be: the trial's
  config.time = 8.0;
  ResolvedRun run = resolve(config);
  const Plan fine = plan_of_one_form(run);
  Plan plan = fine;
  choose_limit_step(run, plan);
  BOOST_TEST(plan.block == fine.block);  // 1/128 is fine
  // Paths are lost with two steps between records.
  const std::int64_t longest = plan.record_steps[1] / 2;
  plan.limit_step *= static_cast<double>(longest) / static_cast<double>(plan.block);
  plan.block = longest;
  const Plan coarse = plan;
  BOOST_CHECK_THROW(run_discrete(own_rung(run, coarse)), NumericalError);
  choose_limit_step(run, plan);
  BOOST_TEST(plan.block < coarse.block);
  BOOST_TEST(plan.limit_step / coarse.limit_step < 0.51);
  BOOST_CHECK_NO_THROW(run_discrete(own_rung(run, plan)));
  // A step that is given stays.
  run.config.limit_step = 0.02;
  plan = plan_of_one_form(run);
  BOOST_TEST(std::abs(limit_step(run, plan) / 0.02 - 1.0) < 0.25);
  BOOST_TEST(plan.limit_step == 0.08);
  const std::int64_t given = plan.block;
  choose_limit_step(run, plan);
  BOOST_TEST(plan.block == given);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
