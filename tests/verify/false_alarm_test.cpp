// A/A repeats: a correct program raises no alarm and has uniform p-values, and what is not correct is seen.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "manifolds/errors.hpp"
#include "validation/report/false_alarm_report.hpp"
#include "validation/run/threads.hpp"
#include "validation/verify/false_alarms.hpp"

namespace valleydrift {

using namespace valleydrift::report;
using namespace valleydrift::run;
using namespace valleydrift::verify;

namespace {

FalseAlarmRun repeated(const std::vector<std::string>& only, std::int64_t repeats, const Flaw& flaw = {},
                       std::optional<std::string> manifold = {}) {
  return count_false_alarms({{.only = only, .manifold = std::move(manifold)}, repeats, flaw});
}

/// The statistics, as "S1-plateau: loss", whose p-values are not uniform.
std::set<std::string> not_uniform(const FalseAlarmRun& run) {
  std::set<std::string> out;
  for (const FalseAlarms& c : run.checks) {
    for (const Uniformity& u : c.statistics) {
      if (!u.holds()) out.insert(c.check->id + ": " + u.statistic);
    }
  }
  return out;
}

std::int64_t alarms(const FalseAlarmRun& run) {
  std::int64_t sum = 0;
  for (const FalseAlarms& c : run.checks) sum += c.alarms;
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(false_alarms)

BOOST_AUTO_TEST_CASE(one_row_is_repeated_with_fresh_seeds) {
  const FalseAlarmRun run = repeated({"S1"}, 40, {}, "uv");
  BOOST_TEST(run.passed(), false_alarm_text(run));
  BOOST_TEST(run.checks.size() == 1U);
  const FalseAlarms& c = run.checks.front();
  BOOST_TEST(c.rows == 1);
  BOOST_TEST(c.verdicts == 40);
  BOOST_TEST(c.statistics.size() == 2U);
  for (const Uniformity& u : c.statistics) BOOST_TEST(u.count == 40);
  // If two repeats shared their seeds, so many would be equal that the distance would show it; and another seed gives
  // other numbers.
  FalseAlarmRequest other = run.request;
  other.checks.seed = 2;
  BOOST_TEST(count_false_alarms(other).checks.front().statistics.front().smallest != c.statistics.front().smallest);
  BOOST_TEST(std::abs(run.false_alarm() - 42e-8) < 1e-15);  // 40 verdicts and two tests of uniformity
}

BOOST_AUTO_TEST_CASE(results_depend_neither_on_threads_nor_on_what_else_runs) {
  const int threads = thread_count();
  const auto of_uv = [](const FalseAlarmRun& run) { return false_alarm_json(run).at("checks").dump(); };
  set_thread_count(1);
  const std::string one = of_uv(repeated({"S1"}, 6, {}, "uv"));
  set_thread_count(3);
  BOOST_TEST(of_uv(repeated({"S1"}, 6, {}, "uv")) == one);
  const FalseAlarmRun more = repeated({"S4", "S1"}, 6, {}, "uv");
  BOOST_TEST(of_uv(more).find(one.substr(1, one.size() - 2)) != std::string::npos);
  set_thread_count(threads);
}

BOOST_AUTO_TEST_CASE(checks_that_do_not_sample_cannot_be_repeated) {
  BOOST_CHECK_THROW(repeated({"D4"}, 1), ConfigError);
  BOOST_CHECK_THROW(repeated({"S3"}, 1, {}, "uv"), ConfigError);  // samples, but not there
}

// By construction: the levels of all rows together, of the default and of the thorough suite; and no row that samples
// is without a level, or without A/A repeats.
BOOST_AUTO_TEST_CASE(levels_of_the_suite_add_up_to_less_than_1e_6) {
  for (const bool thorough : {false, true}) {
    const VerifyRequest request{.thorough = thorough};
    Verification v{request, {}};
    const std::vector<CheckSite> sites = check_sites(request);
    for (const Check* check : selected_checks(request)) {
      const bool samples = check->kind == CheckKind::statistical || check->id.starts_with("O2");
      BOOST_TEST(samples == (check->false_alarm() > 0.0), check->id);
      BOOST_TEST(samples == (check->claim.find("false alarm 1e-8") != std::string::npos), check->id);
    }
    for (const CheckRow& row : rows_of(selected_checks(request), sites))
      v.results.push_back({row.check, row.site_label(), {}});
    BOOST_TEST(v.false_alarm() > 4e-7);
    BOOST_TEST(v.false_alarm() < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(reports_name_what_failed) {
  static const Check made_up{
      "X1", CheckKind::statistical, "claim <1>", "(1)", "advice", [](const Manifold&) { return true; }, {}};
  FalseAlarmRun run{{{}, 50, {}}, {}};
  run.checks.push_back({&made_up, 2, 100, 0, "", {{"loss", 100, 0.05, 0.31, 0.01, "uv"}}});
  BOOST_TEST(run.passed());
  run.checks.push_back(
      {&made_up, 2, 100, 3, "on torus, repeat 7: 2 above 1, <x>", {{"slope & more", 100, 0.4, 0.31, 1e-9, "sphere"}}});
  BOOST_TEST(!run.passed());
  const std::string text = false_alarm_text(run);
  for (const char* part : {"3 of 100 verdicts call the same law different; the first on torus, repeat 7",
                           "100 p-values is 0.4 from uniform, bound 0.31; furthest on sphere", "what to look at",
                           "Verdict: fail\n  3 alarms in 200 verdicts"}) {
    BOOST_TEST(text.find(part) != std::string::npos, text);
  }
  const nlohmann::json object = nlohmann::json::parse(false_alarm_json(run).dump());
  BOOST_TEST(object.at("passed") == false);
  BOOST_TEST(object.at("checks").at(1).at("alarms") == 3);
  BOOST_TEST(object.at("checks").at(1).at("statistics").at(0).at("verdict") == "fail");
  const std::string junit = false_alarm_junit(run);
  BOOST_TEST(junit.find("tests=\"4\" failures=\"2\"") != std::string::npos, junit);
  // Nothing to say is not a pass.
  run.checks = {{&made_up, 2, 100, 0, "", {}}};
  BOOST_TEST(!run.passed());
  BOOST_TEST((!Uniformity{"loss", 1, std::nan(""), 1.0}.holds()));
}

BOOST_AUTO_TEST_CASE(the_same_law_raises_no_alarm, *boost::unit_test::label("slow")) {
  const FalseAlarmRun run = repeated({}, 40);
  BOOST_TEST(run.passed(), false_alarm_text(run));
  BOOST_TEST(run.checks.size() == 9U);  // two of O2, S1, four of S2, S3, S4
}

// --- What must be seen -----------------------------------------------------------------------------------------------

// One side 10 % further: the means under label noise, the covariances of the ensembles (the coupled limit keeps the
// iteration's clock) and the distributions tell it. A plateau and a slope have no clock.
BOOST_AUTO_TEST_CASE(another_clock_is_seen, *boost::unit_test::label("slow")) {
  FalseAlarmRun run = repeated({"S1", "S2"}, 300, {.clock = 1.1}, "quadratic-pair");
  const FalseAlarmRun distributions = repeated({"S3"}, 60, {.clock = 1.1});
  run.checks.insert(run.checks.end(), distributions.checks.begin(), distributions.checks.end());
  BOOST_TEST((not_uniform(run) == std::set<std::string>{"S2-law-label: against the theory", "S2-law-label: slope",
                                                        "S2-law-drawn: against the theory", "S2-law-drawn: slope",
                                                        "S2-law-isotropic: against its ensemble",
                                                        "S3-distribution: two samples"}),
             false_alarm_text(run));
  BOOST_TEST(alarms(run) > 500);
  BOOST_TEST(alarms(repeated({"S1"}, 60, {.clock = 1.1})) == 0);
}

// Standard errors a third too small, or half again too large, which no verdict would ever show: every statistic that
// has one is no longer uniform.
BOOST_AUTO_TEST_CASE(wrong_standard_errors_are_seen, *boost::unit_test::label("slow")) {
  const std::set<std::string> all = {"O2-euler-maruyama-strong: order",
                                     "O2-weak-order-two-strong: order",
                                     "S1-plateau: loss",
                                     "S1-plateau: variance",
                                     "S2-law-label: against the theory",
                                     "S2-law-label: slope",
                                     "S2-law-drawn: against the theory",
                                     "S2-law-drawn: slope",
                                     "S2-law-minibatch: against the theory",
                                     "S2-law-minibatch: slope",
                                     "S2-law-isotropic: against its ensemble",
                                     "S2-law-isotropic: against the theory",
                                     "S2-law-isotropic: slope",
                                     "S4-path-error: slope"};
  for (const double factor : {0.67, 1.5}) {
    // Two valleys, 800 p-values: the bound is 0.11, the distance some 0.18 with a scatter of 0.02.
    FalseAlarmRun run = repeated({"O2"}, 400, {.standard_error = factor});
    // On one valley each, often enough: what is wrong with a standard error does not depend on the valley.
    for (const FalseAlarmRun& one :
         {repeated({"S1", "S2-law-label", "S2-law-isotropic", "S4"}, 480, {.standard_error = factor}, "uv"),
          repeated({"S2-law-drawn", "S2-law-minibatch"}, 480, {.standard_error = factor}, "quadratic-pair")}) {
      run.checks.insert(run.checks.end(), one.checks.begin(), one.checks.end());
    }
    BOOST_TEST((not_uniform(run) == all), false_alarm_text(run));
    BOOST_TEST(alarms(run) == 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
