// Every check of `valleydrift verify` that draws no samples, one test case for each place where it is made: on every
// valley of the registry and on ten formulas, or once. --run_test=D5-lyapunov/uv is one of them, --run_test='D5*' all
// of D5. Those that sample, with their levels, are in tests/verify.
#include <boost/test/unit_test.hpp>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tests/formulas.hpp"
#include "validation/verify/verify.hpp"

namespace valleydrift {

using namespace valleydrift::verify;
namespace ut = boost::unit_test;

namespace {

std::vector<CheckSite> all_sites() {
  std::vector<CheckSite> sites = check_sites({});
  for (const manifolds::FormulaSource& source : tests::ten_formulas()) {
    std::vector<CheckSite> typed = check_sites({.formula = std::make_shared<const manifolds::FormulaSource>(source)});
    std::move(typed.begin(), typed.end(), std::back_inserter(sites));
  }
  return sites;
}

/// Takes more than 0.1 s: the weak orders, and the checks that come to rest by iteration, or draw every batch, where
/// there are many modes or a formula is read.
bool is_slow(const CheckRow& row) {
  if (row.check->kind == CheckKind::order) return true;
  if (!row.site || (row.site->manifold.dimension() < 8 && !row.site->manifold.description().source)) return false;
  const std::string& id = row.check->id;
  return id.starts_with("D4-") || id == "D3-flow" || id == "D3-derivative" || id == "D5-drawn";
}

/// "ellipse (a = 6, b = 0.5)" as a name that --run_test takes: "ellipse(a=6;b=0.5)".
std::string name_of_case(const CheckRow& row) {
  std::string name;
  for (const char c : row.site_label()) {
    if (c != ' ') name += c == ',' ? ';' : c;
  }
  return name;
}

/// Bounds of rounding leave room for valleys that users type; those of the program need no more than a tenth of it.
/// Derivatives, geometry, the three terms and invariances.
double part_of_bound(const Check& check) {
  for (const char* family : {"D1-", "D2-", "D3-", "D4-", "D10-"}) {
    if (check.id.starts_with(family)) return 0.1;
  }
  return 1.0;
}

ut::test_case* make_case(const CheckRow& row) {
  const auto body = [row] {
    const CheckResult r = made(row, VerifyRequest{}.seed);
    const double bound = part_of_bound(*r.check) * r.finding.bound;
    BOOST_TEST((r.verdict == CheckVerdict::pass && r.finding.statistic <= bound),
               r.check->claim << " " << r.check->equation << " on " << r.site << ": " << r.finding.statistic
                              << " against " << bound << " " << r.finding.where << r.finding.inconclusive << r.error
                              << "; what to look at: " << r.check->advice);
  };
  ut::test_case* made_case = ut::make_test_case(body, name_of_case(row), __FILE__, __LINE__);
  if (is_slow(row)) made_case->add_label("slow");
  return made_case;
}

/// A suite for each check; made when main has begun, not before.
class Laws : public ut::test_unit_generator {
 public:
  ut::test_unit* next() const override {
    static const std::vector<CheckSite> sites = all_sites();
    while (next_ < all_checks().size()) {
      const Check& check = all_checks()[next_++];
      if (check.same_law) continue;                                    // it samples
      auto* suite = new ut::test_suite(check.id, __FILE__, __LINE__);  // which the framework deletes
      for (const CheckRow& row : rows_of({&check}, sites)) suite->add(make_case(row));
      return suite;
    }
    return nullptr;
  }

 private:
  mutable std::size_t next_ = 0;
};

const ut::ut_detail::auto_test_unit_registrar registrar(boost::shared_ptr<ut::test_unit_generator>(new Laws),
                                                        ut::decorator::collector_t::instance());

}  // namespace

// A check that applies nowhere, by a misspelt name of a valley for instance, would be missed by nobody.
BOOST_AUTO_TEST_CASE(verify_makes_every_row_that_its_page_tells_of) {
  const std::vector<CheckSite> sites = check_sites({});
  std::vector<const Check*> checks;
  for (const Check& check : all_checks()) {
    checks.push_back(&check);
    BOOST_TEST(!rows_of({&check}, sites).empty(), check.id);
  }
  BOOST_TEST(checks.size() == 64U);
  BOOST_TEST(rows_of(checks, sites).size() == 932U);
}

}  // namespace valleydrift
