// Extrapolation and slopes on ladders against samples whose powers of epsilon are known.
#include "validation/compare/ladder.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>

#include "validation/compare/limit_step.hpp"
#include "validation/run/ensemble.hpp"

namespace valleydrift {

using namespace valleydrift::compare;
using namespace valleydrift::run;

namespace {

/// Batch samples about `mean` on each rung with that standard error of their mean.
RungSamples samples_about(const std::vector<double>& means, double standard_error, std::uint64_t seed = 1) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  const double deviation = standard_error * std::sqrt(static_cast<double>(batch_count));
  RungSamples out;
  for (double mean : means) {
    std::vector<double> rung(batch_count);
    for (double& x : rung) x = mean + deviation * normal(engine);
    out.push_back(rung);
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ladders)

// The weights must send the powers they are made for to 0 and keep a constant; one power further they must fail.
BOOST_AUTO_TEST_CASE(extrapolation_removes_its_powers_and_no_more) {
  for (const int power : {1, 2}) {
    for (const std::size_t rungs : {std::size_t{2}, std::size_t{3}}) {
      const std::vector<double> weights = extrapolation_weights(rungs, power);
      const auto applied = [&](int p) {
        double sum = 0.0;
        for (std::size_t r = 0; r < rungs; ++r) {
          sum += weights[r] * std::pow(0.5, static_cast<double>(p) * static_cast<double>(r));
        }
        return sum;
      };
      const int removed = static_cast<int>(rungs) - 1;
      BOOST_TEST(std::abs(applied(0) - 1.0) < 1e-14);
      for (int k = 1; k <= removed; ++k) BOOST_TEST(std::abs(applied(k * power)) < 1e-14);
      BOOST_TEST(std::abs(applied((removed + 1) * power)) > 1e-2);
    }
  }
}

BOOST_AUTO_TEST_CASE(slope_of_a_power_is_found_and_another_one_refused) {
  for (const double order : {1.0, 2.0, 3.0}) {
    const std::vector<double> d = {0.1, 0.1 * std::pow(0.5, order), 0.1 * std::pow(0.25, order)};
    for (const std::size_t rungs : {std::size_t{2}, std::size_t{3}}) {
      const std::vector<double> means(d.begin(), d.begin() + static_cast<std::ptrdiff_t>(rungs));
      const std::vector<double> eps = rungs == 2 ? std::vector<double>{0.2, 0.1} : std::vector<double>{0.2, 0.1, 0.05};
      const LadderResult fit = fit_ladder("x", 1.0, eps, samples_about(means, 2e-5), 2.0);
      BOOST_REQUIRE(fit.slope.has_value());
      BOOST_TEST(std::abs(*fit.slope - order) < 0.02 + (fit.slope_high - *fit.slope));
      BOOST_TEST(fit.consistent == (order == 2.0), "order " << order << ", " << rungs << " rungs");
    }
  }
}

// With an error of the next order the interval of three rungs must still cover.
BOOST_AUTO_TEST_CASE(slope_interval_covers_the_next_order) {
  for (const double next : {-0.3, 0.3}) {
    std::vector<double> means;
    for (const double h : {1.0, 0.5, 0.25}) means.push_back(0.1 * h * h * (1.0 + next * h * h));
    BOOST_TEST(fit_ladder("x", 1.0, {0.2, 0.1, 0.05}, samples_about(means, 1e-6), 2.0).consistent);
  }
}

BOOST_AUTO_TEST_CASE(what_noise_hides_is_not_resolved) {
  const LadderResult hidden = fit_ladder("x", 1.0, {0.2, 0.1}, samples_about({0.01, 0.0025}, 0.01), 2.0);
  BOOST_TEST(!hidden.slope.has_value());
  BOOST_TEST(hidden.consistent);
  BOOST_TEST(hidden.note.find("not resolved") == 0U);
  const LadderResult crossing = fit_ladder("x", 1.0, {0.2, 0.1}, samples_about({0.1, -0.02}, 1e-4), 2.0);
  BOOST_TEST(!crossing.slope.has_value());
  BOOST_TEST(crossing.note.find("changes sign") != std::string::npos);
  const LadderResult none = fit_ladder("x", 1.0, {0.2, 0.1}, samples_about({0.0, 0.0}, 0.0), 2.0);
  BOOST_TEST(!none.slope.has_value());
}

// The stated standard error of the extrapolation against the scatter over repeats.
BOOST_AUTO_TEST_CASE(extrapolated_standard_error_is_the_scatter) {
  double squares = 0.0, stated = 0.0;
  constexpr int repeats = 400;
  for (int i = 0; i < repeats; ++i) {
    const LadderResult fit = fit_ladder("x", 1.0, {0.2, 0.1, 0.05},
                                        samples_about({0.16, 0.04, 0.01}, 1e-3, 100 + static_cast<unsigned>(i)), 2.0);
    squares += fit.extrapolated * fit.extrapolated;
    stated += fit.extrapolated_error * fit.extrapolated_error;
  }
  // Relative standard deviation of a variance from 400 repeats: (2/400)^(1/2) = 7 %; five of them.
  BOOST_TEST(std::abs(squares / stated - 1.0) < 0.35);
}

// A column that scatters has the larger mean by chance; one whose scale is 0 has nothing to be judged by.
BOOST_AUTO_TEST_CASE(the_surest_error_of_the_limits_steps_is_told) {
  const BatchTable zero(1, 3);
  DiscreteResult coupled{zero, zero, zero, zero};
  for (int b = 0; b < batch_count; ++b) {
    const double sign = b % 2 == 0 ? 1.0 : -1.0;
    coupled.limit_fine.at(b, 0, 0) = 0.2 + sign;
    coupled.limit_fine.at(b, 0, 1) = -0.1 + 0.01 * sign;
    coupled.limit_coarse.at(b, 0, 2) = 7.0;
  }
  const auto scale = [](int column) { return column == 2 ? 0.0 : 2.0; };
  const statistics::Estimate told = integrator_error(coupled, 3, 0, scale, 3.0);
  BOOST_TEST(std::abs(told.mean - 0.05) < 1e-15);
  BOOST_TEST(told.standard_error < 0.002);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
