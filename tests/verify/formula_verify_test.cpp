// Typed valleys get the whole battery of checks.
#include <boost/test/unit_test.hpp>
#include <memory>

#include "tests/formulas.hpp"
#include "validation/verify/verify.hpp"

namespace valleydrift {

using namespace valleydrift::verify;
using valleydrift::manifolds::FormulaSource;

namespace {

Verification verified(const FormulaSource& source, std::vector<std::string> only = {}) {
  VerifyRequest request;
  request.only = std::move(only);
  request.formula = std::make_shared<const FormulaSource>(source);
  return verify::verify(request);
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

// A flat valley's steps are long: noise of a size of its own must not throw its runs to infinity. A steep one's are
// short: runs that last two units of slow time would take hours.
BOOST_AUTO_TEST_CASE(the_weight_does_not_matter) {
  for (const char* weight : {"0.02", "200"}) {
    FormulaSource source = valleydrift::tests::ten_formulas().front();
    source.weight = valleydrift::manifolds::FormulaText{"--weight", weight};
    for (const CheckResult& r : verified(source, {"D1", "D4", "D12*", "S2-law-label"}).results) {
      BOOST_TEST((r.verdict == CheckVerdict::pass), weight << ", " << r.check->id << ": " << r.finding.where);
    }
  }
}

// On a straight valley nothing but the separation of time scales bounds epsilon: minibatch noise is judged all the
// same.
BOOST_AUTO_TEST_CASE(minibatch_noise_on_a_straight_valley_is_judged) {
  const FormulaSource source = valleydrift::tests::typed("straight", "x,y,z", {"y*sqrt(1 + x^2)", "z"}, "1,0,0");
  const Verification v = verified(source, {"S2-law-minibatch"});
  BOOST_TEST(v.results.size() == 1u);
  BOOST_TEST((v.results.front().verdict == CheckVerdict::pass), v.results.front().error);
}

// Nothing fails (that the deterministic checks pass is in tests/laws). What samples may be inconclusive, for one
// reason: an observable that hardly moves, or that has no mean to speak of (tr H where runs diffuse up an exponential
// wall), needs more paths than a default run has.
BOOST_AUTO_TEST_CASE(ten_formulas_fail_no_check_that_samples, *boost::unit_test::label("slow")) {
  int sampled = 0, inconclusive = 0;
  for (const FormulaSource& source : valleydrift::tests::ten_formulas()) {
    const Verification v = verified(source, {"O*", "S*"});
    BOOST_TEST(v.results.size() >= 3u, source.name->text);
    for (const CheckResult& r : v.results) {
      const bool samples = r.check->kind == CheckKind::statistical;
      const auto says = [&](const char* text) { return r.finding.inconclusive.find(text) != std::string::npos; };
      const bool open = samples && r.verdict == CheckVerdict::inconclusive && says("wider than a quarter");
      if (open) BOOST_TEST((says("--thorough") && !says("--paths")), r.finding.inconclusive);
      sampled += samples ? 1 : 0;
      inconclusive += open ? 1 : 0;
      BOOST_TEST((r.verdict == CheckVerdict::pass || open),
                 r.check->id << " on " << r.site << ": " << r.finding.statistic << " against " << r.finding.bound << " "
                             << r.finding.where << r.finding.inconclusive << r.error);
    }
  }
  BOOST_TEST_MESSAGE(inconclusive << " of " << sampled << " rows that sample are inconclusive");
  BOOST_TEST(10 * inconclusive < sampled);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
