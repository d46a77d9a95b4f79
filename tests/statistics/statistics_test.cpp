// Estimates, bounds and distances against hand calculation, tables and counting; and the clock's whole steps.
#include "validation/statistics/statistics.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "validation/run/schedule.hpp"

namespace valleydrift {

using namespace valleydrift::run;
using namespace valleydrift::statistics;

BOOST_AUTO_TEST_SUITE(statistics)

BOOST_AUTO_TEST_CASE(mean_and_standard_error_by_hand) {
  const Estimate e = estimate({1.0, 2.0, 3.0, 6.0});  // squares about 3: 4 + 1 + 0 + 9 = 14
  BOOST_TEST(e.mean == 3.0);
  BOOST_TEST(std::abs(e.standard_error - std::sqrt(14.0 / 3.0 / 4.0)) < 1e-15);
}

// Values of the tables of Student's t; 6.14 is what 128 batches need at 1e-8.
BOOST_AUTO_TEST_CASE(student_t_of_the_tables) {
  BOOST_TEST(std::abs(student_t(1, 0.5) - 1.0) < 1e-12);
  BOOST_TEST(std::abs(student_t(10, 0.05) - 2.228138852) < 1e-8);
  BOOST_TEST(std::abs(student_t(127, 1e-8) - 6.14) < 0.01);
}

// How often a mean of 128 normal numbers lies more than t standard errors off, against the probability asked for.
BOOST_AUTO_TEST_CASE(bounds_are_exceeded_as_often_as_they_say) {
  std::mt19937_64 engine(7);
  std::normal_distribution<double> normal;
  constexpr int trials = 20000;
  constexpr double probability = 0.05;
  const double bound = student_t(127, probability);
  int exceeded = 0, exceeded_half = 0;
  for (int i = 0; i < trials; ++i) {
    std::vector<double> x(128);
    for (double& value : x) value = normal(engine);
    const Estimate e = estimate(x);
    exceeded += std::abs(e.mean) > bound * e.standard_error ? 1 : 0;
    exceeded_half += std::abs(e.mean) > 0.5 * bound * e.standard_error ? 1 : 0;
  }
  // Binomial standard deviation 31; six of them.
  BOOST_TEST(std::abs(exceeded - probability * trials) < 6 * 31);
  BOOST_TEST(std::abs(exceeded_half - probability * trials) > 6 * 31);  // half the bound is another probability
}

BOOST_AUTO_TEST_CASE(p_values_are_those_of_the_tables) {
  BOOST_TEST(std::abs(exceedance({2.228138852, 1.0}, 10) - 0.05) < 1e-9);
  BOOST_TEST(std::abs(exceedance({-3.0, 3.0}, 1) - 0.5) < 1e-12);
  BOOST_TEST(exceedance({1.0, 0.0}, 10) == 0.0);
  BOOST_TEST(std::isnan(exceedance({0.0, 0.0}, 10)));
}

BOOST_AUTO_TEST_CASE(distances_by_hand) {
  BOOST_TEST(std::abs(distance_from_uniform({0.5}) - 0.5) < 1e-15);
  BOOST_TEST(std::abs(distance_from_uniform({0.9, 0.1, 0.3}) - (2.0 / 3.0 - 0.3)) < 1e-15);
  BOOST_TEST(distance_from_uniform({0.2, std::nan("")}) == 1.0);
  BOOST_TEST(std::abs(distance_bound(1e6, 1e-8) - 0.00309) < 1e-5);  // sqrt(log(2e8) / 2e6)
  // F steps at 1, 2, 5 and G at 3, 4, 6: after 1 and 2 F is ahead by 2/3.
  BOOST_TEST(std::abs(compare_samples({1.0, 2.0, 5.0}, {6.0, 3.0, 4.0}).distance - 2.0 / 3.0) < 1e-15);
}

// All orders in which two samples of 5 can be mixed are equally likely: by counting them.
BOOST_AUTO_TEST_CASE(distances_of_two_samples_have_their_exact_probabilities) {
  constexpr int n = 5;
  std::vector<double> distances;
  for (unsigned mask = 0; mask < 1U << (2 * n); ++mask) {
    std::vector<double> one, other;
    for (int i = 0; i < 2 * n; ++i) ((mask >> i & 1U) != 0 ? one : other).push_back(i);
    if (one.size() == n) distances.push_back(compare_samples(one, other).distance);
  }
  BOOST_TEST(distances.size() == 252U);
  for (const std::vector<double>& one : {std::vector{0.0, 2.0, 4.0, 6.0, 8.0},
                                         {0.0, 1.0, 4.0, 6.0, 8.0},
                                         {0.0, 1.0, 2.0, 6.0, 9.0},
                                         {5.0, 6.0, 7.0, 8.0, 9.0}}) {
    std::vector<double> other;
    for (double x = 0.0; x < 10.0; ++x) {
      if (std::find(one.begin(), one.end(), x) == one.end()) other.push_back(x);
    }
    const TwoSamples found = compare_samples(one, other);
    int at_least = 0, larger = 0;
    for (const double d : distances) {
      at_least += d > found.distance - 1e-9 ? 1 : 0;
      larger += d > found.distance + 1e-9 ? 1 : 0;
    }
    BOOST_TEST(std::abs(found.at_least - at_least / 252.0) < 1e-12);
    BOOST_TEST(std::abs(found.larger - larger / 252.0) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(records_are_whole_steps_and_end_with_the_run) {
  BOOST_TEST((record_steps(100, 4) == std::vector<std::int64_t>{0, 25, 50, 75, 100}));
  BOOST_TEST((record_steps(3, 20) == std::vector<std::int64_t>{0, 1, 2, 3}));
  BOOST_TEST((record_steps(10, 4) == std::vector<std::int64_t>{0, 3, 5, 8, 10}));
  const std::vector<std::int64_t> large = record_steps(999'999'999'999, 20);
  BOOST_TEST(large.size() == 21U);
  BOOST_TEST(large.back() == 999'999'999'999);
}

BOOST_AUTO_TEST_CASE(blocks_come_in_pairs_and_cover_the_steps_once) {
  for (const auto& [first, last, block] :
       {std::tuple<std::int64_t, std::int64_t, std::int64_t>{0, 98, 8}, {98, 195, 8}, {5, 6, 8}, {0, 1000, 1}}) {
    const std::vector<std::int64_t> cut = block_boundaries(first, last, block);
    BOOST_TEST(cut.size() % 2 == 1U);
    BOOST_TEST(cut.front() == first);
    BOOST_TEST(cut.back() == last);
    for (std::size_t i = 1; i < cut.size(); ++i) BOOST_TEST(cut[i] >= cut[i - 1]);
    if (last - first > 2 * block) {
      for (std::size_t i = 1; i < cut.size(); ++i) BOOST_TEST(std::abs(cut[i] - cut[i - 1] - block) <= 1);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
