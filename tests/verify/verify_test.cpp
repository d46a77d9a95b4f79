// The checks themselves: all pass, and a wrong manifold is named.
#include "validation/verify/verify.hpp"

#include <boost/test/unit_test.hpp>

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

BOOST_AUTO_TEST_CASE(derivatives_geometry_and_noise_hold) { require_pass({.only = {"D1", "D2", "D14"}}); }

BOOST_AUTO_TEST_CASE(every_check_holds, *boost::unit_test::label("slow")) { require_pass({}); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
