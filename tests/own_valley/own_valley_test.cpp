// A valley that is not the program's own gets the whole battery from its line in the registry; and one wrong factor in
// it is named by check, manifold and point.
#include <boost/test/unit_test.hpp>
#include <set>

#include "manifolds/registry.hpp"
#include "validation/report/verify_report.hpp"

using namespace valleydrift;
using namespace valleydrift::manifolds;
using namespace valleydrift::report;
using namespace valleydrift::verify;
using manifolds::Fault;

namespace {

/// Verifies with a fault in the model, which is whole again afterwards.
Verification verified(Fault fault, const std::vector<std::string>& only) {
  manifolds::fault = fault;
  Verification v = verify::verify({.only = only});
  manifolds::fault = Fault::none;
  return v;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The IDs of the rows that do not pass, each of which names the manifold, and in the text the point.
std::set<std::string> named_failures(const Verification& v) {
  std::set<std::string> ids;
  const std::string text = verification_text(v);
  for (const CheckResult& r : v.results) {
    if (r.verdict == CheckVerdict::pass) continue;
    ids.insert(r.check->id);
    BOOST_TEST(r.site == "hyperbola");
    BOOST_TEST(contains(text, r.check->id + " on hyperbola: fail\n"), text);
    BOOST_TEST((contains(r.finding.where, "point 0 (4, 0.5)") || contains(r.finding.where, "point 1 (") ||
                contains(r.finding.where, "off the valley at (")),
               r.finding.where);
    BOOST_TEST(contains(text, "worst at: " + r.finding.where));
  }
  return ids;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(own_valley)

// All that do not ask for a manifold by name: those are D12-identity and D14-clock (uv), O1, O2 and S3 (ellipse,
// sphere), and D11-finite-step, which needs coordinates of its own.
BOOST_AUTO_TEST_CASE(one_line_in_the_registry_gets_the_whole_battery) {
  const Verification v = verified(Fault::none, {"D*", "S1", "S2-law-label"});
  std::set<std::string> ids, parts;
  for (const CheckResult& r : v.results) {
    BOOST_TEST((r.verdict == CheckVerdict::pass), r.check->id << ": " << r.finding.where << r.error);
    ids.insert(r.check->id);
    parts.insert(r.check->id.substr(0, r.check->id.find('-')));
  }
  BOOST_TEST(v.passed());
  BOOST_TEST((parts == std::set<std::string>{"D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "D10", "D11", "D12",
                                             "D13", "D14", "D15", "S1", "S2"}));
  for (const char* id : {"D11-trace", "D11-label-flow", "D11-limit-map"}) BOOST_TEST(ids.count(id) == 1U, id);
}

BOOST_AUTO_TEST_CASE(a_wrong_closed_form_is_named_and_nothing_else) {
  const std::vector<std::string> all = {"D*"};
  BOOST_TEST((named_failures(verified(Fault::trace, all)) == std::set<std::string>{"D11-trace"}));
  BOOST_TEST((named_failures(verified(Fault::flow, all)) == std::set<std::string>{"D11-label-flow"}));
  BOOST_TEST((named_failures(verified(Fault::limit_map, all)) == std::set<std::string>{"D11-limit-map"}));
}

BOOST_AUTO_TEST_CASE(a_wrong_pullback_is_named_first_among_what_rests_on_it) {
  const Verification v = verified(Fault::pullback, {"D1", "D2", "D3-flow"});
  BOOST_TEST(named_failures(v).count("D1-pullback") == 1U);
  BOOST_TEST((v.results.front().check->id == "D1-pullback" && v.results.front().verdict == CheckVerdict::fail));
  const std::string text = verification_text(v);
  BOOST_TEST(contains(text, "what to look at: The model's pullback is not the derivative of its residuals"));
  BOOST_TEST(contains(text, "Verdict: fail"));
}

BOOST_AUTO_TEST_SUITE_END()
