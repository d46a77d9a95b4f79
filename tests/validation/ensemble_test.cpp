// Ensembles: a path does not depend on how many others there are or beside which it runs.
#include "validation/ensemble.hpp"

#include <boost/test/unit_test.hpp>
#include <utility>
#include <vector>

#include "validation/plan.hpp"

using namespace valleydrift::validation;

BOOST_AUTO_TEST_SUITE(ensembles)

namespace {

/// Weights, slow variable and limit of the first `shown` of `paths` paths at all records.
std::vector<double> first_paths(const ResolvedRun& run, std::int64_t paths, std::int64_t shown) {
  std::vector<double> all;
  DiscreteRequest request = own_rung(run, plan_comparison(run));
  request.record_steps = {0, 5, 150};
  request.paths = paths;
  request.sampled_paths = shown;
  request.sink = [&](const std::vector<PathRecord>& records) {
    for (const PathRecord& r : records) {
      for (const auto& numbers : {r.weights, r.slow, r.limit}) all.insert(all.end(), numbers.begin(), numbers.end());
    }
  };
  run_discrete(request);
  return all;
}

}  // namespace

// With 128 paths every batch is one path, with 128 * 45 a batch is groups of four, one and one registers of paths.
BOOST_AUTO_TEST_CASE(paths_are_the_same_bits_in_groups_of_any_size) {
  for (const auto& [manifold, noise] : {std::pair{"uv", NoiseKind::label},
                                        {"uv", NoiseKind::isotropic},
                                        {"torus", NoiseKind::isotropic},
                                        {"linear-network", NoiseKind::label}}) {
    for (const NoiseLaw law : {NoiseLaw::gaussian, NoiseLaw::rademacher}) {
      RunConfig config;
      config.manifold = manifold;
      config.noise = noise;
      config.noise_law = law;
      const ResolvedRun run = resolve(config);
      constexpr std::int64_t shown = 60;
      const std::vector<double> alone = first_paths(run, batch_count, shown);
      BOOST_TEST(alone.size() > 0U);
      for (const std::int64_t together : {13, 20, 45}) {
        BOOST_TEST((first_paths(run, together * batch_count, shown) == alone),
                   manifold << ", " << name_of(noise) << ", " << name_of(law) << ", batches of " << together);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
