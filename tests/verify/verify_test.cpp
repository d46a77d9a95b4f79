// The checks themselves: those that sample pass, and those that concern no valley are always made.
#include "validation/verify/verify.hpp"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/formulas.hpp"

namespace valleydrift {

using namespace valleydrift::verify;

namespace {

void require_pass(const VerifyRequest& request) {
  const Verification v = verify::verify(request);
  BOOST_TEST(v.passed());
  for (const CheckResult& r : v.results) {
    BOOST_TEST((r.verdict == CheckVerdict::pass), r.check->id << " on " << r.site << ": " << r.finding.statistic
                                                              << " against " << r.finding.bound << " "
                                                              << r.finding.where << r.error << r.finding.inconclusive);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(verification)

// What concerns no valley is checked whatever valley is asked for, also where there is no point to check anything else.
BOOST_AUTO_TEST_CASE(what_needs_no_valley_is_checked_on_any_selection) {
  const std::vector<std::string> ids = {"D14-philox",  "D14-draws",  "D14-fill",      "D14-schedule",
                                        "D14-batches", "D15-ladder", "D15-statistics"};
  for (const auto& manifold : std::vector<std::optional<std::string>>{std::nullopt, "uv", "torus"}) {
    const Verification v = verify::verify({.only = ids, .manifold = manifold});
    BOOST_TEST(v.results.size() == ids.size());
    for (const CheckResult& r : v.results) {
      BOOST_TEST(r.site == no_site);
      BOOST_TEST((r.verdict == CheckVerdict::pass), r.check->id << ": " << r.finding.where << r.error);
    }
  }
  const auto nowhere = tests::typed("empty", "u,v", {"u^2 + v^2 + 1"}, "1,1");
  BOOST_TEST(
      verify::verify({.only = ids, .formula = std::make_shared<const manifolds::FormulaSource>(nowhere)}).passed());
}

// What is not told to use the seed finds the same with another, so that --seed can be refused there.
BOOST_AUTO_TEST_CASE(the_seed_changes_what_uses_it_alone) {
  const auto found = [](std::uint64_t seed) {
    return verify::verify({.only = {"D*", "O1"}, .manifold = "uv", .seed = seed}).results;
  };
  const std::vector<CheckResult> one = found(1), other = found(2);
  BOOST_REQUIRE(one.size() == other.size());
  int changed = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    const bool same =
        one[i].finding.statistic == other[i].finding.statistic && one[i].finding.where == other[i].finding.where;
    if (!one[i].check->uses_seed) BOOST_TEST(same, one[i].check->id);
    changed += same ? 0 : 1;
  }
  BOOST_TEST(changed >= 2);  // D12-identity, D15-ensembles
}

// The checks that sample; the others are the cases of tests/laws.
BOOST_AUTO_TEST_CASE(every_check_that_samples_holds, *boost::unit_test::label("slow")) {
  require_pass({.only = {"O2", "S*"}});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
