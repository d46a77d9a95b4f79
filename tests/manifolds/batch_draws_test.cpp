// Drawn batches against all batches there are. Their frequencies, and lanes against single paths, are D14-batches.
#include "manifolds/random/batch_draws.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
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
