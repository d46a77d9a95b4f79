// The verdict on evidence that is made up: discrete = theory + c eps^2 + noise, with one thing wrong at a time.
#include "validation/compare/judge.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>

#include "validation/compare/compare.hpp"

namespace valleydrift {

using namespace valleydrift::compare;
using namespace valleydrift::run;

namespace {

struct Flaw {
  double offset = 0.0;      ///< added to the discrete slow coordinate on every rung, as a part of its range
  double noise = 1e-3;      ///< standard deviation of a batch mean
  double order = 2.0;       ///< of the difference in epsilon
  double difference = 0.1;  ///< at the largest epsilon
};

/// A UV run with label noise, whose theory is exact.
struct Made {
  ResolvedRun run;
  Plan plan;
  Evidence evidence;
};

RunConfig uv_config(Form form) {
  RunConfig config;
  config.form = form;
  config.ladder = Ladder::full;
  return config;
}

std::unique_ptr<Made> make(const Flaw& flaw, std::uint64_t seed, Form form = Form::finite_step) {
  const ResolvedRun run = resolve(uv_config(form));
  auto made = std::make_unique<Made>(
      Made{run, plan_comparison(run), {nullptr, nullptr, Columns(run.manifold, false), {}, {}, {}}});
  Evidence& e = made->evidence;
  e.run = &made->run;
  e.plan = &made->plan;
  const int records = e.records();
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal(0.0, flaw.noise);
  for (const Form each : made->plan.forms) {
    const valleydrift::sde::LyapunovOperator limit(each, run.hyperparameters);
    e.theories.push_back(exact_theory(run, limit, e.columns, exact_path(run, limit, made->plan.times)));
  }
  const auto climb = [&](const std::vector<double>& parameters, double order, std::vector<Rung>& rungs) {
    for (std::size_t r = 0; r < parameters.size(); ++r) {
      DiscreteResult result{BatchTable(records, e.columns.count), BatchTable(records, 0), BatchTable(records, 0),
                            BatchTable(records, 1)};
      const double difference = flaw.difference * std::pow(0.5, order * static_cast<double>(r));
      for (int batch = 0; batch < batch_count; ++batch) {
        for (int record = 0; record < records; ++record) {
          for (int column = 0; column < e.columns.count; ++column) {
            const double wrong = column == 0 && record > 0 ? flaw.offset * e.scale(0) : 0.0;
            const double bias = column == 0 && record > 0 ? difference : 0.0;
            result.discrete.at(batch, record, column) =
                e.own_theory().mean(record, column) + bias + wrong + (record > 0 ? normal(engine) : 0.0);
          }
        }
      }
      rungs.push_back({parameters[r], std::move(result), {e.own_theory()}});
    }
  };
  climb(made->plan.epsilons, flaw.order, e.epsilon_rungs);
  climb(made->plan.etas, flaw.order / 2.0, e.eta_rungs);
  return made;
}

/// What `compare` makes of the evidence.
Comparison judged(const Made& made) { return conclude(made.evidence); }

Verdict verdict_of(const Flaw& flaw, Form form = Form::finite_step) { return judged(*make(flaw, 1, form)).verdict; }

}  // namespace

BOOST_AUTO_TEST_SUITE(judging)

BOOST_AUTO_TEST_CASE(a_difference_that_falls_as_it_should_agrees) {
  for (const Form form : {Form::finite_step, Form::paper}) {
    const Comparison c = judged(*make({}, 1, form));
    BOOST_TEST((c.verdict == Verdict::agree), c.reason);
    BOOST_TEST(c.moves_along_valley);
    for (const ObservableResult& o : c.observables) BOOST_TEST((o.verdict == Verdict::agree), o.name);
  }
}

// The allowance is 0.5 % of the range and the standard error 1e-4: 2 % is a wrong theory; 0.2 % is below the allowance,
// but the ladder's slope still tells it.
BOOST_AUTO_TEST_CASE(a_difference_that_no_rung_moves_disagrees) {
  for (const Form form : {Form::finite_step, Form::paper}) {
    const Comparison c = judged(*make({.offset = 0.02}, 1, form));
    BOOST_TEST((c.verdict == Verdict::disagree));
    BOOST_TEST((c.observables[0].verdict == Verdict::disagree));
    BOOST_TEST((c.observables[1].verdict == Verdict::agree));
    BOOST_TEST(c.reason.find("u^2-v^2") == 0U, c.reason);
    BOOST_TEST((verdict_of({.offset = 0.002}, form) == Verdict::inconclusive));
    BOOST_TEST((verdict_of({.offset = -0.02}, form) == Verdict::disagree));
  }
}

BOOST_AUTO_TEST_CASE(too_few_paths_decide_nothing) {
  const Comparison c = judged(*make({.noise = 3.0}, 1));
  BOOST_TEST((c.verdict == Verdict::inconclusive));
  BOOST_TEST(c.observables[0].remedy == "raise --paths");
  BOOST_TEST(explanation(c.observables[0]).find("range or spread: raise --paths") != std::string::npos);
}

// Falls as eps instead of eps^2: the extrapolation leaves more than its bound, but the last rung still moves it.
BOOST_AUTO_TEST_CASE(a_difference_of_the_wrong_order_is_not_an_agreement) {
  BOOST_TEST((verdict_of({.order = 1.0, .difference = 0.02}) == Verdict::inconclusive));
  BOOST_TEST((verdict_of({.order = 0.5, .difference = 0.5}) != Verdict::agree));
}

BOOST_AUTO_TEST_CASE(a_ladder_that_has_not_converged_decides_nothing) {
  // In eta: D(h) = 1 / (1 + 8 h) - 1 at h = 1, 1/2, 1/4, a series that does not converge there.
  const auto made = make({.difference = 0.0}, 1, Form::paper);
  double h = 1.0;
  for (Rung& rung : made->evidence.eta_rungs) {
    for (int b = 0; b < batch_count; ++b) {
      for (int r = 1; r < made->evidence.records(); ++r)
        rung.result.discrete.at(b, r, 0) += 1.0 / (1.0 + 8.0 * h) - 1.0;
    }
    h /= 2.0;
  }
  const Comparison c = judged(*made);
  BOOST_TEST((c.observables[0].verdict != Verdict::agree));
}

BOOST_AUTO_TEST_CASE(where_the_theory_does_not_apply_nothing_is_judged) {
  for (const double offset : {0.0, 0.02}) {
    const auto made = make({.offset = offset}, 1);
    made->run.applicability.conditions.push_back(
        {"time-scale separation", "", 2.0, 10.0, false, "a smaller --epsilon"});
    const Comparison c = judged(*made);
    BOOST_TEST((c.verdict == Verdict::inconclusive));
    BOOST_TEST(c.reason.find("not applicable: time-scale separation is 2, bound 10") == 0U, c.reason);
    BOOST_TEST(c.obstacle == c.reason);
    for (const ObservableResult& o : c.observables) BOOST_TEST((o.verdict == Verdict::inconclusive), o.name);
  }
}

// |2 gamma - 1| is 0 at 1/2: there the form is the paper's, off by O(mu).
BOOST_AUTO_TEST_CASE(the_remedy_for_the_asymptotic_form_knows_its_order) {
  for (const auto& [gamma, order] : {std::pair{0.5, "eta^(1/2) at gamma = 1/2"}, {0.4, "eta^|2 gamma - 1|,"}}) {
    const auto made = make({.offset = 0.02}, 1);
    made->run.config.form = valleydrift::sde::Form::asymptotic;
    made->run.config.gamma = gamma;
    made->plan.forms.push_back(Form::asymptotic);
    made->evidence.theories.push_back(made->evidence.theories.front());
    const Comparison c = judged(*made);
    BOOST_TEST((c.verdict == Verdict::disagree));
    BOOST_TEST(c.reason.find(order) != std::string::npos, c.reason);
  }
}

// Halving the steps moves the limit by 30 % of its range, but for the sampling noise of that number.
BOOST_AUTO_TEST_CASE(the_integrator_is_judged_with_its_standard_error) {
  RunConfig config;
  config.noise = NoiseKind::isotropic;
  config.paths = 256;
  const ResolvedRun run = resolve(config);
  Plan plan = plan_comparison(run);
  plan.forms = {Form::finite_step};
  const Evidence right = gather(run, plan, {}, {});
  const double scale = right.resolution(0);
  const int last = right.records() - 1;
  std::mt19937_64 engine(1);
  for (const double noise : {0.0, 3.0}) {  // of the scale, in a batch mean: 0.27 in the mean of all
    Evidence evidence = right;
    std::normal_distribution<double> normal(0.3 * scale, std::max(noise, 1e-3) * scale);
    for (Rung& rung : evidence.epsilon_rungs) {
      for (int b = 0; b < batch_count; ++b) {
        rung.result.limit_coarse.at(b, last, 0) = rung.result.limit_fine.at(b, last, 0) + normal(engine);
      }
    }
    const Comparison c = conclude(evidence);
    BOOST_TEST(c.obstacle.empty() == (noise > 0.0), c.obstacle);
    BOOST_TEST(c.integrator_standard_error > noise / 12.0 * 0.8);
  }
}

// A/A: the same law on both sides, 200 times. One alarm would already be 1e-6 times 200 unlikely.
BOOST_AUTO_TEST_CASE(no_false_alarm) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const auto made = make({.noise = 0.02, .difference = 0.0}, seed);
    BOOST_TEST((judged(*made).verdict != Verdict::disagree));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
