// The reports of a verification that is made up, and the selection of checks.
#include "validation/report/verify_report.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "manifolds/errors.hpp"

namespace valleydrift {

using namespace valleydrift::report;
using namespace valleydrift::verify;

namespace {

const Check made_up_check{"X1-made-up",
                          CheckKind::deterministic,
                          "1 < 2 & \"so on\"",
                          "(10)",
                          "look <here>",
                          [](const Manifold&) { return true; },
                          [](const CheckSite&) { return Finding{}; }};

Verification made_up_verification() {
  Verification v;
  v.results.push_back({&made_up_check, "uv", {1e-9, 1e-6, "", ""}, "", CheckVerdict::pass, 0.25});
  v.results.push_back(
      {&made_up_check, "torus (r = 0.9)", {2e-3, 1e-6, "at (1, 0), beta 0.9", ""}, "", CheckVerdict::fail, 0.5});
  v.results.push_back({&made_up_check,
                       "sphere",
                       {std::numeric_limits<double>::quiet_NaN(), 1e-6, "at (1, 0, 0)", ""},
                       "",
                       CheckVerdict::fail,
                       0.0});
  v.results.push_back({&made_up_check, "ellipse", {}, "ellipse: the rank <changes>", CheckVerdict::fail, 0.0});
  v.results.push_back(
      {&made_up_check, "channel", {0.0, 1.0, "", "too few paths"}, "", CheckVerdict::inconclusive, 0.0});
  return v;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(verify_reports)

BOOST_AUTO_TEST_CASE(what_is_not_a_number_does_not_hold) {
  BOOST_TEST((Finding{1.0, 1.0, "", ""}).holds());
  BOOST_TEST(!(Finding{1.0 + 1e-15, 1.0, "", ""}).holds());
  BOOST_TEST(!(Finding{std::nan(""), 1.0, "", ""}).holds());
  BOOST_TEST(!(Finding{0.0, 1.0, "", "too few"}).holds());
  BOOST_TEST(!Worst(1.0).finding().holds());  // nothing compared is nothing shown
  BOOST_TEST(!WorstRatio().finding().holds());
  Worst worst(1.0);
  worst.add(0.5, "first");
  worst.add(0.2, "second");
  BOOST_TEST(worst.finding().where == "first");
  worst.add(std::nan(""), "third");
  worst.add(7.0, "fourth");
  BOOST_TEST(worst.finding().where == "third");
  BOOST_TEST(!worst.finding().holds());
}

BOOST_AUTO_TEST_CASE(a_failure_is_not_hidden_by_another_case) {
  WorstRatio worst;
  worst.add(0.2, 0.5, "first");
  worst.cannot_tell("too few");
  BOOST_TEST(worst.finding().inconclusive == "too few");
  BOOST_TEST(worst.finding().where == "first");
  worst.add(0.1, 1.0, "second");
  BOOST_TEST(!worst.finding().holds());
  worst.add(0.9, 0.5, "third");
  worst.cannot_tell("still too few");
  BOOST_TEST(worst.finding().where == "third");
  BOOST_TEST(worst.finding().inconclusive == "");
  BOOST_TEST(!worst.finding().holds());

  WorstRatio unknown;
  unknown.add(0.0, 0.0, "exact");
  BOOST_TEST(unknown.finding().holds());
  unknown.add(std::nan(""), 1.0, "first");
  unknown.add(0.1, 1.0, "second");
  unknown.add(7.0, 1.0, "third");
  BOOST_TEST(unknown.finding().where == "first");
  BOOST_TEST(!unknown.finding().holds());
}

BOOST_AUTO_TEST_CASE(text_names_every_failure_with_what_to_look_at) {
  const std::string text = verification_text(made_up_verification());
  BOOST_TEST(contains(text, "X1-made-up on torus (r = 0.9): fail"));
  BOOST_TEST(contains(text, "0.002 is above the bound 1e-06, worst at: at (1, 0), beta 0.9"));
  BOOST_TEST(contains(text, "what to look at: look <here>"));
  BOOST_TEST(contains(text, "X1-made-up on channel: inconclusive"));
  BOOST_TEST(contains(text, "Verdict: fail\n  1 of 5 checks pass, 3 fail, 1 inconclusive"));
}

BOOST_AUTO_TEST_CASE(what_was_interrupted_has_not_passed) {
  Verification v;
  v.results.push_back(made_up_verification().results.front());
  BOOST_TEST(v.passed());
  v.unfinished = 3;
  BOOST_TEST(!v.passed());
  BOOST_TEST(contains(verification_text(v), "interrupted: 3 checks have not been made"));
  BOOST_TEST(verification_json(v).at("unfinished") == 3);
}

BOOST_AUTO_TEST_CASE(json_has_its_keys_and_no_nan) {
  const nlohmann::json object = nlohmann::json::parse(verification_json(made_up_verification()).dump());
  BOOST_TEST(object.at("passed") == false);
  BOOST_TEST(object.at("checks").size() == 5U);
  for (const auto& row : object.at("checks")) {
    for (const char* key : {"id", "claim", "equation", "manifold", "statistic", "bound", "verdict", "seconds"}) {
      BOOST_TEST(row.contains(key), key);
      if (row.at(key).is_null()) BOOST_TEST(row.contains(std::string(key) + "_reason"), key);
    }
  }
}

BOOST_AUTO_TEST_CASE(junit_is_valid_against_its_schema) {
  const auto path = std::filesystem::temp_directory_path() / "valleydrift-verify-report-test.xml";
  std::ofstream(path) << verification_junit(made_up_verification());
  const std::string command =
      "xmllint --noout --schema " VALLEYDRIFT_SOURCE_DIR "/tests/data/junit.xsd " + path.string() + " 2> /dev/null";
  BOOST_TEST(std::system(command.c_str()) == 0);
  // The denial: a number of tests that is none.
  std::string broken = verification_junit(made_up_verification());
  broken.replace(broken.find("tests=\"5\""), 9, "tests=\"x\"");
  std::ofstream(path) << broken;
  BOOST_TEST(std::system(command.c_str()) != 0);
  std::filesystem::remove(path);
}

BOOST_AUTO_TEST_CASE(checks_have_unique_ids_and_say_what_they_mean) {
  std::set<std::string> ids;
  for (const Check& check : all_checks()) {
    BOOST_TEST(ids.insert(check.id).second, check.id);
    BOOST_TEST((!check.claim.empty() && !check.equation.empty() && !check.advice.empty()), check.id);
  }
  BOOST_TEST(ids.size() >= 30U);
}

BOOST_AUTO_TEST_CASE(checks_are_selected_by_pattern) {
  const auto ids = [](std::vector<std::string> only) {
    std::set<std::string> out;
    for (const Check* check : selected_checks({.only = std::move(only)})) out.insert(check->id);
    return out;
  };
  BOOST_TEST(ids({}).size() == all_checks().size());
  for (const std::string& id : ids({"D4"})) BOOST_TEST(id.starts_with("D4-"));
  BOOST_TEST(!ids({"D4"}).empty());
  BOOST_TEST((ids({"d?-*"}) == ids({"D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9"})));
  BOOST_TEST((ids({"D1-pullback"}) == std::set<std::string>{"D1-pullback"}));
  BOOST_CHECK_EXCEPTION(selected_checks({.only = {"D1-pulback"}}), ConfigError,
                        [](const ConfigError& e) { return contains(e.what(), "did you mean D1-pullback?"); });
  BOOST_CHECK_THROW(selected_checks({.only = {"D4", "Z9"}}), ConfigError);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
