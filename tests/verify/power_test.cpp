// What the checks that sample are said to see, measured: a theory that is told the wrong covariance of the noise, by
// the figure that the check states, or the wrong order of convergence, fails every row. The bounds lie evenly about
// the theory, so where a run is dear one sign stands for both.
#include <boost/test/unit_test.hpp>
#include <functional>
#include <set>

#include "validation/verify/verify.hpp"

namespace valleydrift {

using namespace valleydrift::verify;

namespace {

Verification told(const std::string& check, const Distortion& distortion, std::optional<std::string> manifold = {}) {
  return verify::verify({.only = {check}, .manifold = std::move(manifold), .distortion = distortion});
}

void require_failures(const Verification& v) {
  BOOST_TEST(!v.results.empty());
  for (const CheckResult& r : v.results) {
    BOOST_TEST((r.verdict == CheckVerdict::fail),
               r.check->id << " on " << r.site << " does not see a covariance of " << v.request.distortion.covariance
                           << ", order " << v.request.distortion.order << ": " << r.finding.statistic << " against "
                           << r.finding.bound << " " << r.finding.inconclusive << r.error);
  }
}

/// The rows of a verification on the sites that `keep` names true.
template <class Keep>
Verification only_sites(Verification v, const Keep& keep) {
  std::erase_if(v.results, [&](const CheckResult& r) { return !keep(r.site); });
  return v;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(power, *boost::unit_test::label("slow"))

BOOST_AUTO_TEST_CASE(plateaus_see_5_percent_and_10_beyond_32_dimensions) {
  std::set<std::string> beyond;
  for (const CheckSite& site : check_sites({})) {
    if (site.manifold.dimension() > 32) beyond.insert(site.label);
  }
  const auto large = [&](const std::string& site) { return beyond.count(site) > 0; };
  require_failures(only_sites(told("S1", {.covariance = 0.95}), std::not_fn(large)));
  require_failures(only_sites(told("S1", {.covariance = 1.1}), large));
}

BOOST_AUTO_TEST_CASE(means_under_label_noise_see_4_percent_of_the_drift) {
  // On the sphere there is no drift to be seen.
  const auto moves = [](const std::string& site) { return !site.starts_with("sphere"); };
  require_failures(only_sites(told("S2-law-label", {.covariance = 1.04}), moves));
}

BOOST_AUTO_TEST_CASE(means_under_drawn_batches_see_10_percent_of_the_drift) {
  require_failures(told("S2-law-drawn", {.covariance = 0.9}));
}

// A theory that moves, by this part of what label noise in the same batches would do.
BOOST_AUTO_TEST_CASE(rest_under_minibatch_noise_sees_2_percent_of_the_drift_of_label_noise) {
  require_failures(told("S2-law-minibatch", {.covariance = 1.02}));
}

BOOST_AUTO_TEST_CASE(laws_under_isotropic_noise_see_12_percent_of_the_clock_and_3_on_uv) {
  for (const double sign : {-1.0, 1.0}) {
    require_failures(told("S2-law-isotropic", {.covariance = 1.0 + 0.12 * sign}));
    require_failures(told("S2-law-isotropic", {.covariance = 1.0 + 0.03 * sign}, "uv"));
  }
}

BOOST_AUTO_TEST_CASE(path_errors_see_10_percent_of_the_increments) {
  require_failures(told("S4", {.covariance = 1.1 * 1.1}));
  require_failures(told("S4", {.covariance = 0.9 * 0.9}));
}

BOOST_AUTO_TEST_CASE(distributions_see_12_percent_on_the_sphere_and_25_on_the_ellipse) {
  for (const double sign : {-1.0, 1.0}) {
    require_failures(told("S3", {.covariance = 1.0 + 0.12 * sign}, "sphere"));
    require_failures(told("S3", {.covariance = 1.0 + 0.25 * sign}, "ellipse"));
  }
}

BOOST_AUTO_TEST_CASE(orders_are_told_from_those_half_an_order_off) {
  for (const double off : {-0.5, 0.5}) require_failures(told("O*", {.order = off}));
}

// Told right, the same rows pass: the whole suite does in verify_test.cpp.
BOOST_AUTO_TEST_CASE(told_right_they_pass) { BOOST_TEST(told("S3", {}, "sphere").passed()); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
