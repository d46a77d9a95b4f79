// Drawn batches against all batches there are, against frequencies, and lanes against single paths.
#include "manifolds/random/batch_draws.hpp"

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <stdexcept>
#include <vector>

using namespace valleydrift::manifolds;

namespace {

constexpr NoiseKey key = {20221031, 64};
const Draw both_draws[] = {Draw::without_replacement, Draw::with_replacement};

/// Every sequence of draws that the law allows, all equally likely, as counts.
std::vector<std::vector<int>> all_batches(const BatchLaw& law) {
  std::vector<std::vector<int>> batches = {std::vector<int>(static_cast<std::size_t>(law.samples))};
  for (int draw = 0; draw < law.size; ++draw) {
    std::vector<std::vector<int>> longer;
    for (const auto& batch : batches) {
      for (std::size_t a = 0; a < batch.size(); ++a) {
        if (law.draw == Draw::without_replacement && batch[a] > 0) continue;
        longer.push_back(batch);
        ++longer.back()[a];
      }
    }
    batches = std::move(longer);
  }
  return batches;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch_draws)

BOOST_AUTO_TEST_CASE(ratio_and_spread_are_those_of_all_batches) {
  for (const Draw draw : both_draws) {
    for (const BatchLaw& law :
         {BatchLaw{4, 1, draw}, BatchLaw{4, 2, draw}, BatchLaw{5, 3, draw}, BatchLaw{3, 3, draw}}) {
      const auto batches = all_batches(law);
      const double n = law.samples, all = static_cast<double>(batches.size());
      for (std::size_t a = 0; a < static_cast<std::size_t>(law.samples); ++a) {
        double mean = 0.0, label = 0.0;
        for (const auto& batch : batches) {
          const double m = law.ratio() * batch[a];
          mean += m / all;
          if (batch[a] > 0) label += m * m / batch[a] / all;
        }
        BOOST_TEST(mean == 1.0, boost::test_tools::tolerance(1e-13));
        BOOST_TEST(label == law.ratio(), boost::test_tools::tolerance(1e-13));  // n/b of DERIVATION (48)
        for (std::size_t c = 0; c < static_cast<std::size_t>(law.samples); ++c) {
          double covariance = 0.0;
          for (const auto& batch : batches) {
            covariance += (law.ratio() * batch[a] - 1.0) * (law.ratio() * batch[c] - 1.0) / all;
          }
          BOOST_TEST(std::abs(covariance - law.spread() * ((a == c ? 1.0 : 0.0) - 1.0 / n)) < 1e-13);
        }
      }
    }
  }
}

// Pearson's statistic over all batches, two-sided, at a level of 1e-6 in each direction.
BOOST_AUTO_TEST_CASE(every_batch_is_as_frequent_as_it_should_be) {
  constexpr int draws = 60000;
  const auto frequencies_fit = [&](const BatchLaw& law, int shown_samples) {
    std::map<std::vector<int>, double> expected, seen;
    const auto batches = all_batches(law);
    for (const auto& batch : batches) expected[batch] += draws / static_cast<double>(batches.size());
    BatchLaw drawn = law;
    drawn.samples = shown_samples;
    for (int i = 0; i < draws; ++i) {
      auto counts = batch_counts(drawn, key, static_cast<std::uint64_t>(i % 300), static_cast<std::uint64_t>(i / 300));
      counts.resize(static_cast<std::size_t>(law.samples));
      ++seen[counts];
    }
    double statistic = 0.0;
    for (const auto& [batch, count] : expected) statistic += std::pow(seen[batch] - count, 2) / count;
    const boost::math::chi_squared law_of_it(static_cast<double>(expected.size() - 1));
    const double p = boost::math::cdf(law_of_it, statistic);
    return p > 1e-6 && p < 1.0 - 1e-6;
  };
  for (const Draw draw : both_draws) {
    BOOST_TEST(frequencies_fit({5, 1, draw}, 5));
    BOOST_TEST(frequencies_fit({5, 2, draw}, 5));
    BOOST_TEST(frequencies_fit({6, 4, draw}, 6));
    BOOST_TEST(!frequencies_fit({5, 2, draw}, 6));  // negative control: one sample more to draw from
  }
}

BOOST_AUTO_TEST_CASE(lanes_hold_the_batches_of_single_paths) {
  const auto compare = []<int Groups>(const BatchLaw& law) {
    constexpr int steps = 9;
    constexpr std::uint64_t first_path = 40, first_step = (std::uint64_t{1} << 32) - 4;
    const int row = law.samples + 2;
    std::vector<Lanes> out(static_cast<std::size_t>(steps * row * Groups), Lanes(-7.0));
    BatchDraws(law, key).fill<Groups>(first_path, first_step, steps, row, out.data());
    for (int i = 0; i < steps; ++i) {
      for (int g = 0; g < Groups; ++g) {
        for (int l = 0; l < lane_count; ++l) {
          const auto path = first_path + static_cast<std::uint64_t>(g * lane_count + l);
          const auto counts = batch_counts(law, key, path, first_step + static_cast<std::uint64_t>(i));
          for (int a = 0; a < row; ++a) {
            const double expected = a < law.samples ? counts[static_cast<std::size_t>(a)] : -7.0;
            BOOST_REQUIRE(lane(out[static_cast<std::size_t>((i * row + a) * Groups + g)], l) == expected);
          }
        }
      }
    }
  };
  for (const Draw draw : both_draws) {
    for (const BatchLaw& law : {BatchLaw{2, 1, draw}, BatchLaw{7, 3, draw}, BatchLaw{10, 9, draw}}) {
      compare.operator()<1>(law);
      compare.operator()<2>(law);
      compare.operator()<4>(law);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_argument_changes_the_batch) {
  const BatchLaw law{64, 20, Draw::without_replacement};
  const auto of = [&](NoiseKey k, std::uint64_t path, std::uint64_t step) { return batch_counts(law, k, path, step); };
  const auto first = of(key, 3, 5);
  BOOST_TEST((first == of(key, 3, 5)));
  BOOST_TEST((first != of(key, 4, 5)));
  BOOST_TEST((first != of(key, 3, 6)));
  BOOST_TEST((first != of({key.seed + 1, key.process}, 3, 5)));
  BOOST_TEST((first != of({key.seed, key.process + 1}, 3, 5)));
  BOOST_TEST((first != of(key, 3 + (std::uint64_t{1} << 32), 5)));
  BOOST_TEST((first != of(key, 3, 5 + (std::uint64_t{1} << 32))));
  BOOST_CHECK_THROW(of(key, std::uint64_t{1} << 56, 5), std::out_of_range);
}

BOOST_AUTO_TEST_SUITE_END()
