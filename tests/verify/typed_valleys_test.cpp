// Right theories are not called wrong: the deterministic checks on the valleys of tests/data/valleys.ini.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <memory>
#include <set>

#include "tests/formulas.hpp"
#include "validation/verify/verify.hpp"

namespace valleydrift {

using namespace valleydrift::verify;
using valleydrift::manifolds::FormulaSource;
using valleydrift::manifolds::FormulaText;

namespace {

/// The valleys of the file: each begins with its name.
std::vector<FormulaSource> typed_valleys() {
  std::vector<FormulaSource> all;
  std::ifstream file(VALLEYDRIFT_SOURCE_DIR "/tests/data/valleys.ini");
  for (std::string line; std::getline(file, line);) {
    const std::size_t equals = line.find(" = ");
    if (equals == std::string::npos || line.front() == '#') continue;
    const std::string key = line.substr(0, equals);
    const FormulaText text{"valleys.ini", line.substr(equals + 3)};
    if (key == "name") all.emplace_back();
    FormulaSource& valley = all.back();
    if (key == "name") valley.name = text;
    if (key == "variables") valley.variables = text;
    if (key == "residual") valley.residuals.push_back(text);
    if (key == "weight") valley.weight = text;
    if (key == "start") valley.start = text;
  }
  return all;
}

Verification verification_of(const FormulaSource& source, std::vector<std::string> only) {
  VerifyRequest request;
  request.only = std::move(only);
  request.formula = std::make_shared<const FormulaSource>(source);
  return verify::verify(request);
}

void require_pass(const FormulaSource& source, std::vector<std::string> only) {
  for (const CheckResult& r : verification_of(source, std::move(only)).results) {
    BOOST_TEST((r.verdict == CheckVerdict::pass), r.check->id << " on " << r.site << ": " << r.finding.statistic
                                                              << " against " << r.finding.bound << " "
                                                              << r.finding.where << r.finding.inconclusive << r.error);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(typed_valleys_of_others)

BOOST_AUTO_TEST_CASE(quick_checks_pass_on_some_of_every_kind) {
  const std::set<std::string> some = {"line",      "flat-in-six", "helix",     "circle-bundle", "circle",   "quartic",
                                      "gentle-uv", "large-uv",    "two-equal", "so-2",          "far-apart"};
  int found = 0;
  for (const FormulaSource& source : typed_valleys()) {
    if (some.count(source.name->text) == 0) continue;
    ++found;
    require_pass(source, {"D1", "D2", "D3-retraction", "D5", "D6", "D7", "D8", "D10", "D12", "D13"});
  }
  BOOST_TEST(found == static_cast<int>(some.size()));
}

BOOST_AUTO_TEST_CASE(every_deterministic_check_passes_on_all, *boost::unit_test::label("slow")) {
  const std::vector<FormulaSource> all = typed_valleys();
  BOOST_TEST(all.size() >= 40u);
  for (const FormulaSource& source : all) require_pass(source, {"D*"});
}

// What a check cannot see it does not pass: modes 5000 times as gentle as others, which gradient descent would follow
// for minutes.
BOOST_AUTO_TEST_CASE(a_descent_that_takes_too_long_is_inconclusive) {
  const FormulaSource source =
      valleydrift::tests::typed("far-apart", "a,b,c,d", {"a*b - 1", "0.01*(c*d - 1)"}, "1,1,2,0.5");
  const Verification v = verification_of(source, {"D3-flow"});
  BOOST_REQUIRE(v.results.size() == 1u);
  BOOST_TEST((v.results.front().verdict == CheckVerdict::inconclusive));
  BOOST_TEST(v.results.front().finding.inconclusive.find("times the smallest") != std::string::npos);
}

// Eigenvalues that the asymptotic form tells apart, however near: steps are small enough for their orders.
BOOST_AUTO_TEST_CASE(orders_are_seen_between_near_eigenvalues) {
  for (const char* factor : {"(1 + 1e-2)", "(1 + 1e-4)", "(1 + 1e-8)"}) {
    require_pass(valleydrift::tests::typed("near", "a,b,c,d,e", {"a*b*e - 1", std::string(factor) + "*(c*d*e - 1)"},
                                           "1,1,1,1,1"),
                 {"D7"});
  }
}

// Where paths and their limit are the same, their distance is rounding, which has no order.
BOOST_AUTO_TEST_CASE(a_path_error_of_rounding_is_none) {
  require_pass(valleydrift::tests::typed("line", "x,y", {"x - y"}, "1,1"), {"S4"});
}

// Noise must not throw a gentle valley's runs to infinity, whose steps are long.
BOOST_AUTO_TEST_CASE(plateaus_of_a_gentle_valley) {
  FormulaSource source = valleydrift::tests::typed("gentle", "u,v", {"u*v - 1"}, "2,0.5");
  source.weight = FormulaText{"--weight", "1e-4"};
  require_pass(source, {"S1"});
}

// Small valleys are moved about by less, and what residuals count as 0 goes by their slope times the point.
BOOST_AUTO_TEST_CASE(the_size_of_a_valley_does_not_matter) {
  for (const char* scale : {"1e-6", "1", "1e6"}) {
    const auto times = [&](const std::string& residual) { return std::string(scale) + "*(" + residual + ")"; };
    require_pass(valleydrift::tests::typed("tiny-circle", "x,y", {times("x^2 + y^2 - 0.0001")}, "0.01,0"),
                 {"D1", "D2", "D3-fixed", "D3-retraction", "D4", "D8", "D10", "D12", "D13", "D15-ensembles"});
    require_pass(valleydrift::tests::typed("huge-uv", "u,v", {times("u*v - 1e8")}, "2e4,5e3"),
                 {"D1", "D2", "D3-fixed", "D3-retraction", "D4", "D8", "D10", "D12", "D13", "D15-ensembles"});
  }
}

// Noise takes paths along a valley to where eta l is beyond the stability limit: what happens there says nothing.
BOOST_AUTO_TEST_CASE(a_valley_too_steep_for_diffusing_paths_is_inconclusive) {
  const Verification v =
      verification_of(valleydrift::tests::typed("quartic", "x,y", {"y - x^4"}, "0,0"), {"S2-law-isotropic"});
  BOOST_REQUIRE(v.results.size() == 1u);
  BOOST_TEST((v.results.front().verdict == CheckVerdict::inconclusive));
  BOOST_TEST(v.results.front().finding.inconclusive.find("so steep") != std::string::npos);
}

// One check that throws is one that fails; the others are made. Here f has no zero.
BOOST_AUTO_TEST_CASE(a_check_that_throws_has_failed_and_says_why) {
  const Verification v =
      verification_of(valleydrift::tests::typed("empty", "u,v", {"u^2 + v^2 + 1"}, "1,1"), {"D1", "D6"});
  BOOST_TEST(v.results.size() >= 6u);
  BOOST_TEST(!v.passed());
  for (const CheckResult& r : v.results) {
    BOOST_TEST((r.verdict == CheckVerdict::fail));
    BOOST_TEST(r.error.find("off the valley") != std::string::npos, r.error);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
