// summary.json.
#include <boost/test/unit_test.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/report/made_up.hpp"
#include "validation/report/report.hpp"

namespace valleydrift {

using namespace valleydrift::compare;
using namespace valleydrift::report;
using namespace valleydrift::run;
using namespace valleydrift::output_test;

BOOST_AUTO_TEST_SUITE(output)

BOOST_AUTO_TEST_CASE(summary_has_its_keys) {
  const nlohmann::json summary = summary_json(made_up());
  for (const char* key : {"schema_version", "program_version", "seed", "config", "verdict", "reason", "observables",
                          "ladders", "applicability", "integrator_error"}) {
    BOOST_TEST(summary.contains(key), key);
  }
  BOOST_TEST(summary["verdict"] == "agree");
  BOOST_TEST(summary["seed"] == std::numeric_limits<std::uint64_t>::max());
  BOOST_REQUIRE_EQUAL(summary["observables"].size(), 4U);
  const auto& o = summary["observables"][0];
  BOOST_TEST(o["name"] == "u^2-v^2");
  BOOST_TEST(o["verdict"] == "agree");
  for (const char* key : {"times", "theory", "discrete", "standard_error", "difference", "extrapolated"}) {
    BOOST_TEST(o.at(key).size() == 21U, key);
  }
  const auto& l = summary["ladders"]["epsilon"][0];
  BOOST_TEST(l["observable"] == "u^2-v^2");
  BOOST_TEST(l["slope"] == 2.0);
  BOOST_TEST(l["interval"] == (nlohmann::json{1.9, 2.1}));
  for (const char* key : {"extrapolated", "standard_error"}) BOOST_TEST(l.contains(key), key);
  BOOST_TEST(summary["ladders"]["eta"].is_null());
  BOOST_TEST(summary["ladders"]["eta_reason"].get<std::string>().find("--ladder full") != std::string::npos);
  BOOST_TEST(o["theory_asymptotic"].is_null());
  BOOST_TEST(o["theory_asymptotic_reason"] == "not available without --gamma");
}

/// Every null has its reason beside it; elements of an array have it beside the array.
void check_nulls(const nlohmann::json& value) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      const bool holds_null =
          member.is_null() ||
          (member.is_array() && std::any_of(member.begin(), member.end(), [](const auto& x) { return x.is_null(); }));
      if (holds_null)
        BOOST_TEST((value.contains(key + "_reason") && !value[key + "_reason"].template get<std::string>().empty()),
                   key);
      check_nulls(member);
    }
  } else if (value.is_array()) {
    for (const auto& member : value) check_nulls(member);
  } else if (value.is_number_float()) {
    BOOST_TEST(std::isfinite(value.get<double>()));
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_is_null_with_a_reason) {
  Comparison c = made_up();
  c.applicability.curvature_radius = infinity;
  c.applicability.conditions[0].value = nan_value;
  c.integrator_error = nan_value;
  c.observables[1].theory[4] = nan_value;
  c.observables[1].standard_error[5] = infinity;
  c.observables[2].extrapolated.clear();
  c.epsilon_ladder[0].slope.reset();
  c.epsilon_ladder[0].note = "not resolved: below 5 SE";
  c.epsilon_ladder[1].extrapolated = -infinity;
  c.epsilon_ladder[1].difference[2] = nan_value;
  c.path_error = ladder("path error", 1.0);
  c.path_error->slope = nan_value;
  c.config.time.reset();
  const nlohmann::json summary = summary_json(c);
  check_nulls(summary);
  BOOST_TEST(summary["observables"][1]["theory"][4].is_null());
  BOOST_TEST(summary["observables"][1]["theory_reason"] == "not a number at record 4");
  BOOST_TEST(summary["ladders"]["epsilon"][0]["slope"].is_null());
  BOOST_TEST(summary["ladders"]["epsilon"][0]["slope_reason"] == "not resolved: below 5 SE");
  BOOST_TEST(summary["curvature_radius_reason"] == "infinite");
  const std::string text = summary.dump();
  for (const char* word : {"nan", "NaN", ":inf", "Infinity"}) BOOST_TEST(text.find(word) == std::string::npos, word);
}

BOOST_AUTO_TEST_CASE(summary_depends_on_results_alone) {
  Comparison a = made_up(), b = made_up();
  b.nanoseconds_per_step = 1.7;
  b.config.sigma_file = "/somewhere/else.csv";
  BOOST_TEST(summary_json(a).dump(2) == summary_json(b).dump(2));
}

BOOST_AUTO_TEST_CASE(text_that_is_not_utf8_does_not_stop_the_summary) {
  Comparison c = made_up();
  c.reason = "caf\xe9";
  BOOST_CHECK_NO_THROW(summary_json(c).dump(2));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
