// The lockstep loop against the plain reference path by path, and both against what is known without either.
#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <variant>
#include <vector>

#include "discrete/lockstep.hpp"
#include "discrete/lockstep_entry.hpp"
#include "discrete/reference.hpp"
#include "manifolds/catalogue.hpp"
#include "manifolds/random/noise.hpp"

using namespace valleydrift::discrete;
using valleydrift::manifolds::fill_noise;
using valleydrift::manifolds::lane;
using valleydrift::manifolds::lane_count;
using valleydrift::manifolds::Lanes;
using valleydrift::manifolds::Manifold;
using valleydrift::manifolds::ManifoldDescription;
using valleydrift::manifolds::Matrix;
using valleydrift::manifolds::NoiseKey;
using valleydrift::manifolds::NoiseLaw;
using valleydrift::manifolds::ParameterValues;
using valleydrift::manifolds::Vector;

namespace {

constexpr NoiseKey key = {20221031, 3};
const Scheme all_schemes[] = {Scheme::heavy_ball, Scheme::nesterov, Scheme::sgd};

double beta_to_mu(Scheme scheme, double mu) { return scheme == Scheme::sgd ? 1.0 : mu; }

/// The paths of `together` groups in lockstep from `first_path` on, after so many steps from the start at rest.
struct Paths {
  Paths(const Manifold& m, const Hyperparameters& h, const NoiseModel& noise, NoiseLaw law, std::uint64_t first_path,
        int together, int steps)
      : lockstep(make_lockstep(m, h, noise)) {
    const Vector start = m.default_start();
    for (int g = 0; g < together; ++g) {
      std::copy(start.begin(), start.end(), lockstep->w(g).begin());
      std::fill(lockstep->p(g).begin(), lockstep->p(g).end(), Lanes(0.0));
    }
    // In two calls, as ensembles do: a loop that kept something between steps would be found out.
    const int first = steps / 3, draws = lockstep->draw_count();
    for (const auto& [from, count] : {std::pair{0, first}, std::pair{first, steps - first}}) {
      std::vector<Lanes> xi(static_cast<std::size_t>(together * draws * count));
      const auto fill = [&]<int Groups>() {
        fill_noise<Groups>(law, key, first_path, static_cast<std::uint64_t>(from), count, draws, xi.data());
      };
      if (together == 4) fill.operator()<4>();
      if (together == 2) fill.operator()<2>();
      if (together == 1) fill.operator()<1>();
      lockstep->advance(0, together, xi.data(), count);
    }
  }
  double w(int path, int d) const { return of(lockstep->w(path / lane_count), path, d); }
  double p(int path, int d) const { return of(lockstep->p(path / lane_count), path, d); }
  static double of(std::span<const Lanes> x, int path, int d) {
    return lane(x[static_cast<std::size_t>(d)], path % lane_count);
  }
  std::unique_ptr<Lockstep> lockstep;
};

/// The numbers of groups that run interleaved.
std::vector<int> all_together(const Manifold& m) {
  const int most = make_lockstep(m, {}, LabelNoise{})->most_together();
  return most == 4 ? std::vector{1, 2, 4} : most == 2 ? std::vector{1, 2} : std::vector{1};
}

/// The largest difference of w and of eta p between the lockstep loop and the reference, over all paths.
double difference_from_reference(const Manifold& m, const Hyperparameters& h, const NoiseModel& noise,
                                 const ReferencePath::NoiseFactor& factor, NoiseLaw law, std::uint64_t first_path,
                                 int together, std::uint64_t reference_shift = 0) {
  constexpr int steps = 24;
  const Paths paths(m, h, noise, law, first_path, together, steps);
  double worst = 0.0;
  for (int path = 0; path < together * lane_count; ++path) {
    ReferencePath reference(m, h, factor, law, key, first_path + static_cast<std::uint64_t>(path) + reference_shift,
                            m.default_start());
    for (int i = 0; i < steps; ++i) reference.step();
    for (int d = 0; d < m.dimension(); ++d) {
      worst = std::max(worst, std::abs(paths.w(path, d) - reference.w()[d]));
      worst = std::max(worst, h.eta * std::abs(paths.p(path, d) - reference.p()[d]));
      if (!std::isfinite(paths.w(path, d))) worst = HUGE_VAL;
    }
  }
  return worst;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(iteration)

// The reference adds eps sigma(x) xi to the gradient, the loop moves labels, adds draws or adds columns: the same up to
// the order of additions, some 10 roundings of 1e-16 per step and component, which a stable iteration does not amplify.
BOOST_AUTO_TEST_CASE(lockstep_is_the_reference_path_by_path) {
  double worst = 0.0, worst_of_cosh = 0.0;
  for (const ManifoldDescription& d : valleydrift::manifolds::descriptions()) {
    const Manifold m(d.name, {});
    const Eigen::Index dimension = m.dimension();
    Matrix sigma(dimension, 3);
    for (Eigen::Index i = 0; i < sigma.size(); ++i) sigma.data()[i] = std::sin(1.0 + 2.3 * static_cast<double>(i));
    struct Noise {
      std::string name;
      NoiseModel model;
      ReferencePath::NoiseFactor factor;
      double bound;
    };
    // Of the cosh loss the noisy gradient is sinh(f - eps xi), of which the factor is the first order in s = eps xi.
    // Left out is f s^2/2 - s^3/6, below 1e-8 for f and s up to 4e-3 (4 standard deviations), eta/mu = 1/2 of that per
    // step.
    const bool curved_labels = !m.is_least_squares();
    const std::vector<Noise> noises = {
        {"label", LabelNoise{}, [&m](const Vector& w) { return m.label_noise_factor(w); },
         curved_labels ? 1e-8 : 1e-14},
        {"isotropic", IsotropicNoise{},
         [&m](const Vector&) { return Matrix(Matrix::Identity(m.dimension(), m.dimension())); }, 1e-14},
        {"constant", ConstantNoise(sigma), [&sigma](const Vector&) { return sigma; }, 1e-14}};
    for (const Noise& noise : noises) {
      for (const NoiseLaw law : {NoiseLaw::gaussian, NoiseLaw::rademacher}) {
        for (const Scheme scheme : all_schemes) {
          const double epsilon = curved_labels && noise.name == "label" ? 1e-3 : 0.1;
          const Hyperparameters h = {scheme, 0.05, beta_to_mu(scheme, 0.1), epsilon};
          BOOST_TEST_CONTEXT(d.name << ", " << noise.name << " noise, " << name_of(scheme) << ", law "
                                    << static_cast<int>(law)) {
            for (const int together : all_together(m)) {
              const double found = difference_from_reference(m, h, noise.model, noise.factor, law, 40, together);
              BOOST_TEST(found < noise.bound);
              double& largest = noise.bound == 1e-8 ? worst_of_cosh : worst;
              largest = std::max(largest, found);
            }
            // The noise of the next path is another one.
            BOOST_TEST(difference_from_reference(m, h, noise.model, noise.factor, law, 40, 1, 1) > 1e-3 * epsilon);
          }
        }
      }
    }
  }
  BOOST_TEST_MESSAGE("largest difference of lockstep and reference: " << worst << ", cosh loss " << worst_of_cosh);
}

// What is bit for bit the same: a path in one group or in several, in one lane or another.
BOOST_AUTO_TEST_CASE(a_path_has_the_same_bits_in_every_arrangement) {
  for (const ManifoldDescription& d : valleydrift::manifolds::descriptions()) {
    const Manifold m(d.name, {});
    constexpr int steps = 40;
    for (const Scheme scheme : all_schemes) {
      const Hyperparameters h = {scheme, 0.05, beta_to_mu(scheme, 0.1), 0.1};
      BOOST_TEST_CONTEXT(d.name << ", " << name_of(scheme)) {
        for (const int together : all_together(m)) {
          const Paths all(m, h, LabelNoise{}, NoiseLaw::gaussian, 0, together, steps);
          for (int path = 0; path < together * lane_count; ++path) {
            const Paths first(m, h, LabelNoise{}, NoiseLaw::gaussian, static_cast<std::uint64_t>(path), 1, steps);
            for (int k = 0; k < m.dimension(); ++k) {
              BOOST_TEST(all.w(path, k) == first.w(0, k));
              BOOST_TEST(all.p(path, k) == first.p(0, k));
            }
          }
          bool any_difference = false;
          for (int k = 0; k < m.dimension(); ++k) any_difference = any_difference || all.w(0, k) != all.w(1, k);
          BOOST_TEST((any_difference || d.name == "channel"));
        }
      }
    }
  }
}

// uv from (1, 3/2): all numbers are multiples of powers of 1/2, so the arithmetic is exact.
BOOST_AUTO_TEST_CASE(two_steps_by_hand) {
  const Manifold m("uv", {});
  const double eta = 0.25, mu = 0.5, epsilon = 0.5;  // beta = 1/2
  const auto two_steps = [&](Scheme scheme, const std::vector<double>& xi) {
    const auto lockstep = make_lockstep(m, {scheme, eta, mu, epsilon}, LabelNoise{});
    const std::span<Lanes> w = lockstep->w(0), p = lockstep->p(0);
    w[0] = Lanes(1.0), w[1] = Lanes(1.5), p[0] = p[1] = Lanes(0.0);
    const std::vector<Lanes> draws(xi.begin(), xi.end());  // the same in every lane
    lockstep->advance(0, 1, draws.data(), 2);
    return std::vector<double>{lane(w[0], 0), lane(w[1], 0), lane(p[0], 0), lane(p[1], 0)};
  };
  // xi = (1, -1). Step 1: f = 1/2, r = f - 1/2 = 0: nothing moves. Step 2: r = f + 1/2 = 1, p = -(3/2, 1).
  for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov}) {
    BOOST_TEST(two_steps(scheme, {1.0, -1.0}) == (std::vector<double>{0.625, 1.25, -1.5, -1.0}),
               boost::test_tools::per_element());
  }
  // xi = (-1, 1). Step 1: r = 1, p = -(3/2, 1), w = (5/8, 5/4).
  // Heavy ball, step 2: f = 25/32 - 1 = -7/32, r = -23/32, p = (-3/4, -1/2) + 23/32 (5/4, 5/8).
  // Nesterov, step 2: x = w + p/8 = (7/16, 9/8), f = 63/128 - 1 = -65/128, r = -129/128,
  //   p = (-3/4, -1/2) + 129/128 (9/8, 7/16).
  const double hb0 = -0.75 + 23.0 / 32 * 1.25, hb1 = -0.5 + 23.0 / 32 * 0.625;
  const double n0 = -0.75 + 129.0 / 128 * 1.125, n1 = -0.5 + 129.0 / 128 * 0.4375;
  BOOST_TEST(
      two_steps(Scheme::heavy_ball, {-1.0, 1.0}) == (std::vector<double>{0.625 + hb0 / 4, 1.25 + hb1 / 4, hb0, hb1}),
      boost::test_tools::per_element());
  BOOST_TEST(two_steps(Scheme::nesterov, {-1.0, 1.0}) == (std::vector<double>{0.625 + n0 / 4, 1.25 + n1 / 4, n0, n1}),
             boost::test_tools::per_element());
}

// Without noise: the noisy iteration with draws of zero, the noiseless one in lockstep, and the path of its own.
BOOST_AUTO_TEST_CASE(noiseless_iteration_is_the_noisy_one_with_zero_draws) {
  for (const ManifoldDescription& d : valleydrift::manifolds::descriptions()) {
    const Manifold m(d.name, {});
    for (const Scheme scheme : all_schemes) {
      BOOST_TEST_CONTEXT(d.name << ", " << name_of(scheme)) {
        const Hyperparameters h{scheme, 0.05, beta_to_mu(scheme, 0.1), 0.1};
        const Vector start = m.default_start();
        const auto noisy = make_lockstep(m, h, IsotropicNoise{}), plain = make_lockstep(m, h, NoNoise{});
        const auto alone = make_noiseless_path<double>(m, h);
        for (std::size_t k = 0; k < alone->w().size(); ++k) {
          alone->w()[k] = start[static_cast<Eigen::Index>(k)] + 0.1;
          alone->p()[k] = 0.2 - 0.1 * static_cast<double>(k);
          noisy->w(0)[k] = plain->w(0)[k] = Lanes(alone->w()[k]);
          noisy->p(0)[k] = plain->p(0)[k] = Lanes(alone->p()[k]);
        }
        constexpr int steps = 20;
        const std::vector<Lanes> none(static_cast<std::size_t>(steps * m.dimension()), Lanes(0.0));
        noisy->advance(0, 1, none.data(), steps);
        plain->advance_noiseless(0, steps);
        alone->advance(steps);
        // sinh in lanes is not the C library's; everything else is the same arithmetic.
        const double bound = m.is_least_squares() ? 0.0 : 1e-12;
        for (std::size_t k = 0; k < alone->w().size(); ++k) {
          BOOST_TEST(lane(noisy->w(0)[k], 0) == lane(plain->w(0)[k], 0));
          BOOST_TEST(lane(noisy->p(0)[k], 0) == lane(plain->p(0)[k], 0));
          BOOST_TEST(std::abs(alone->w()[k] - lane(plain->w(0)[k], 0)) <= bound);
          BOOST_TEST(std::abs(alone->p()[k] - lane(plain->p(0)[k], 0)) <= bound);
        }
      }
    }
  }
}

// A project compiled for another processor than the library would hand over lanes of another width.
BOOST_AUTO_TEST_CASE(loops_for_lanes_of_another_width_are_refused) {
  BOOST_CHECK_THROW(add_entry({typeid(Paths), 2 * lane_count, nullptr, nullptr, nullptr}), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
