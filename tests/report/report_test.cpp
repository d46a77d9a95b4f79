// What is printed of a comparison.
#include "validation/report/report.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/report/made_up.hpp"
#include "validation/figures/figures.hpp"
#include "validation/report/comparison_files.hpp"

namespace valleydrift {

using namespace valleydrift::compare;
using namespace valleydrift::figures;
using namespace valleydrift::output;
using namespace valleydrift::report;
using namespace valleydrift::run;
using namespace valleydrift::output_test;

BOOST_AUTO_TEST_SUITE(output)

BOOST_AUTO_TEST_CASE(report_ends_with_the_verdict_and_fits_the_page) {
  Comparison c = made_up();
  c.eta_ladder.push_back(ladder("u^2-v^2", 1.0));
  for (const char* name : {"cov(x1,x1)", "cov(x1,x2)"}) c.observables.push_back(observable(name, c.times, 0.4));
  c.observables[1].independent = c.observables[1].extrapolated;
  c.observables[1].independent_error = c.observables[1].extrapolated_error;
  c.observables[1].independent_bound = c.observables[1].bound;
  const std::string report = report_text(c);
  for (const std::string& line : lines_of(report)) BOOST_TEST(line.size() <= 100U, line);
  for (const char* word : {"u^2-v^2", "trace_hessian", "cov(x1,x2)", "stability", "Ladder in epsilon", "Ladder in eta",
                           "independent noise"}) {
    BOOST_TEST(report.find(word) != std::string::npos, word);
  }
  const auto lines = lines_of(report);
  BOOST_TEST(lines[lines.size() - 2] == "Verdict: agree");
  BOOST_TEST(lines.back() == "  every observable agrees");
  BOOST_TEST(report.find("off") == std::string::npos);
  c.observables[0].extrapolated[7] = nan_value;  // what cannot be compared is not within its bound
  BOOST_TEST(report_text(c).find("off") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_paper_form_is_judged_at_eta_0) {
  Comparison c = made_up();
  c.observables[0].independent = c.observables[0].extrapolated;
  c.observables[0].independent_error = c.observables[0].extrapolated_error;
  c.observables[0].independent_bound = c.observables[0].bound;
  const std::vector<const ObservableResult*> shown = {&c.observables[0]};
  for (const auto& [form, right, wrong, drawn] : {std::array{"finite", "at eps = 0", "at eta = 0", "bound at ε = 0"},
                                                  std::array{"paper", "at eta = 0", "at eps = 0", "bound at η = 0"}}) {
    c.config.form = form == std::string("paper") ? sde::Form::paper : sde::Form::finite_step;
    const std::string report = report_text(c), script = time_figure("x", c, shown).script();
    BOOST_TEST(report.find(right) != std::string::npos, form);
    BOOST_TEST(report.find(wrong) == std::string::npos, form);
    BOOST_TEST(script.find(drawn) != std::string::npos, form);
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_judged_is_said_first_and_nothing_is_called_off) {
  Comparison c = made_up();
  c.verdict = Verdict::inconclusive;
  c.reason = c.obstacle = "not covered: batches";
  for (ObservableResult& o : c.observables) {
    o.verdict = Verdict::inconclusive;
    for (double& x : o.extrapolated) x += 1.0;
  }
  const std::string report = report_text(c);
  BOOST_TEST(lines_of(report).at(1) == "Nothing of it is judged: not covered: batches");
  BOOST_TEST(report.find("off") == std::string::npos);
  BOOST_TEST(report.find("all conditions hold") == std::string::npos);
  BOOST_TEST(summary_json(c)["not_judged"] == "not covered: batches");
}

BOOST_AUTO_TEST_CASE(visible_errors_are_printed_and_written) {
  Comparison c = made_up();
  c.visible = {0.019, {}};
  c.drift_seen_in = "u^2-v^2";
  c.noise_unseen = "the theory has no noise along the valley here";
  c.observables[0].visible.drift = 0.019;
  const std::string report = report_text(c);
  BOOST_TEST(report.find("Called a disagreement with probability 0.99: a drift off by 1.9 % (u^2-v^2)") !=
             std::string::npos);
  const nlohmann::json json = summary_json(c), run = json["visible_error"];
  BOOST_TEST(run["drift"] == 0.019);
  BOOST_TEST(run["drift_in"] == "u^2-v^2");
  BOOST_TEST(run["probability"] == 0.99);
  BOOST_TEST(run["noise_variance"].is_null());
  BOOST_TEST(run["noise_variance_reason"] == c.noise_unseen);
  BOOST_TEST(json["observables"][0]["visible_drift_error"] == 0.019);
  BOOST_TEST(json["observables"][1]["visible_drift_error"].is_null());
}

BOOST_AUTO_TEST_CASE(report_says_that_nothing_moves) {
  Comparison c = made_up();
  c.moves_along_valley = false;
  BOOST_TEST(report_text(c).find("either process moves along the valley") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(report_and_files_of_an_empty_comparison) {
  WorkingFolder working;
  Comparison c;
  BOOST_CHECK_NO_THROW(report_text(c));
  OutputFolder folder = reserve("results");
  BOOST_CHECK_NO_THROW(write_data(folder, c, "", {}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
