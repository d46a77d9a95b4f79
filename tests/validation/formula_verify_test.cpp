// Typed valleys get the whole battery of checks.
#include <boost/test/unit_test.hpp>
#include <memory>

#include "tests/formulas.hpp"
#include "validation/verify.hpp"

using namespace valleydrift::validation;
using valleydrift::manifolds::FormulaSource;

namespace {

Verification verified(const FormulaSource& source, std::vector<std::string> only = {}) {
  VerifyRequest request;
  request.only = std::move(only);
  request.formula = std::make_shared<const FormulaSource>(source);
  return verify(request);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(formula_verify)

BOOST_AUTO_TEST_CASE(a_typed_valley_gets_every_check_that_concerns_a_valley) {
  const Verification v = verified(valleydrift::tests::ten_formulas().front(), {"D1", "D4"});
  BOOST_TEST(v.results.size() >= 8u);
  for (const CheckResult& r : v.results) {
    BOOST_TEST(r.site == "typed-uv");
    BOOST_TEST((r.verdict == CheckVerdict::pass), r.check->id);
  }
}

BOOST_AUTO_TEST_CASE(ten_formulas_pass_every_check, *boost::unit_test::label("slow")) {
  for (const FormulaSource& source : valleydrift::tests::ten_formulas()) {
    const Verification v = verified(source);
    BOOST_TEST(v.results.size() > 35u, source.name->text);
    for (const CheckResult& r : v.results) {
      BOOST_TEST((r.verdict == CheckVerdict::pass),
                 r.check->id << " on " << r.site << ": " << r.finding.statistic << " against " << r.finding.bound << " "
                             << r.finding.where << r.finding.inconclusive << r.error);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
