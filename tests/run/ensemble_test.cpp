// Ensembles: a path does not depend on how many others there are or beside which it runs.
#include "validation/run/ensemble.hpp"

#include <boost/test/unit_test.hpp>
#include <utility>
#include <vector>

#include "validation/run/plan.hpp"

namespace valleydrift {

using namespace valleydrift::run;

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

// With 128 paths batches of one path share groups of four registers, with 128 * 45 a batch is groups of four, one and
// one.
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

namespace {

/// How many entries of the first batches differ.
int differing(const BatchTable& one, const BatchTable& other, int batches) {
  int out = 0;
  for (int b = 0; b < batches; ++b) {
    for (int r = 0; r < one.records(); ++r) {
      for (int column = 0; column < one.columns(); ++column) {
        out += one.at(b, r, column) == other.at(b, r, column) ? 0 : 1;
      }
    }
  }
  return out;
}

}  // namespace

// Of 300 paths every batch has two or three of its own, and a unit of batches fills the lanes.
BOOST_AUTO_TEST_CASE(batches_that_share_lanes_keep_their_own_paths) {
  constexpr std::int64_t paths = 300;
  constexpr int few = 5;
  for (const char* manifold : {"uv", "torus"}) {
    RunConfig config;
    config.manifold = manifold;
    config.noise = NoiseKind::isotropic;
    const ResolvedRun run = resolve(config);
    const Plan plan = plan_comparison(run);
    DiscreteRequest request = own_rung(run, plan);
    request.record_steps = {0, 5, 150};
    request.paths = request.sampled_paths = paths;
    BatchTable squares(3, 1);
    request.sink = [&](const std::vector<PathRecord>& records) {
      for (const PathRecord& r : records) {
        int batch = 0;
        while (first_path_of(batch + 1, paths) <= r.path) ++batch;
        double square = 0.0;
        for (std::size_t i = 0; i < r.slow.size(); ++i) square += (r.slow[i] - r.limit[i]) * (r.slow[i] - r.limit[i]);
        squares.at(batch, r.record, 0) += square;
      }
    };
    const DiscreteResult all = run_discrete(request);
    for (int b = 0; b < batch_count; ++b) {
      const auto size = static_cast<double>(first_path_of(b + 1, paths) - first_path_of(b, paths));
      for (int r = 0; r < 3; ++r) squares.at(b, r, 0) /= size;
    }
    BOOST_TEST(differing(squares, all.path_error, batch_count) == 0);

    request.sink = {};
    request.batches = few;  // in a unit that ends earlier
    const DiscreteResult first = run_discrete(request);
    BOOST_TEST(differing(first.discrete, all.discrete, few) == 0);
    BOOST_TEST(differing(first.limit_fine, all.limit_fine, few) == 0);
    BOOST_TEST(differing(first.limit_coarse, all.limit_coarse, few) == 0);

    const std::vector<double> times = {0.0, 0.01, 0.02};
    const auto limit = [&](int batches) { return run_limit(run, request.form, times, 0.01, paths, {}, 0.0, batches); };
    BOOST_TEST(differing(limit(few), limit(batch_count), few) == 0);
    BOOST_TEST(all.discrete.at(0, 2, 0) != all.discrete.at(1, 2, 0));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
