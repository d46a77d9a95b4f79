// How long work is said to take, on a clock that the test sets.
#include "validation/run/trial.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>

#include "validation/compare/compare.hpp"
#include "validation/compare/cost.hpp"
#include "validation/compare/limit_step.hpp"

namespace valleydrift {

namespace {

using valleydrift::run::seconds_per_unit;

/// Work on a clock of its own: so many seconds for a unit and beside it, and another program's pause in two of three.
struct MadeUpWork {
  double per_unit, beside, pause = 0.0;
  double now = 0.0;
  std::int64_t calls = 0, largest = 0;

  double measured(std::int64_t most) {
    return seconds_per_unit(
        most,
        [this](std::int64_t n) {
          now += beside + per_unit * static_cast<double>(n) + (++calls % 3 == 0 ? 0.0 : pause);
          largest = std::max(largest, n);
        },
        [this] { return now; });
  }
};

BOOST_AUTO_TEST_SUITE(trial)

BOOST_AUTO_TEST_CASE(a_unit_costs_what_more_of_them_take) {
  for (const double per_unit : {1e-9, 1e-6, 1e-3}) {
    for (const double beside : {0.0, 1e-6, 3e-3}) {
      BOOST_TEST_CONTEXT(per_unit << " s a unit, " << beside << " s beside") {
        MadeUpWork work{per_unit, beside};
        BOOST_TEST(work.measured(std::int64_t{1} << 40) == per_unit, boost::test_tools::tolerance(1e-6));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(no_more_units_than_there_are) {
  MadeUpWork work{1e-9, 1e-6};
  BOOST_TEST(work.measured(1000) == 1e-9, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(work.largest == 1000);
}

BOOST_AUTO_TEST_CASE(the_shortest_of_three_counts) {
  MadeUpWork work{1e-6, 0.0, 1e-2};
  // The first call of all is made once: it decides how many units are taken, not what they cost.
  BOOST_TEST(work.measured(1 << 20) == 1e-6, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(a_dear_unit_is_tried_once) {
  MadeUpWork work{5.0, 0.0};
  BOOST_TEST(work.measured(100) == 5.0);
  BOOST_TEST(work.calls == 1);
}

// By count, whatever the durations are: every part of the work that is estimated tells when it is done.
BOOST_AUTO_TEST_CASE(a_comparison_tells_all_of_its_work) {
  using namespace valleydrift::compare;
  using namespace valleydrift::run;
  RunConfig uv, full, torus, paper;
  uv.paths = full.paths = torus.paths = paper.paths = 512;
  full.ladder = Ladder::full;
  torus.manifold = "torus";
  torus.noise = paper.noise = NoiseKind::isotropic;
  paper.manifold = "sphere";
  paper.form = Form::paper;
  full.epsilon = paper.epsilon = torus.epsilon = 0.1;
  for (const RunConfig& config : {uv, full, torus, paper}) {
    const ResolvedRun run = resolve(config);
    Plan plan = plan_comparison(run);
    double told = 0.0;
    bool falls = false;
    const WorkMeter meter(estimate_cost(run, plan), [&](double fraction) {
      falls = falls || fraction < told;
      told = fraction;
    });
    BOOST_TEST(choose_limit_step(run, plan, meter.of_steps(limit_step_trial_paths)) == 0);
    BOOST_TEST_MESSAGE(told);
    compare::compare(run, plan, meter);
    BOOST_TEST(told > 0.97, config.manifold << ": " << told);
    BOOST_TEST(!falls);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

}  // namespace valleydrift
