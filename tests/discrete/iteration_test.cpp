// The lockstep loop against the plain reference path by path, and both against what is known without either.
#include "discrete/iteration.hpp"

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <variant>
#include <vector>

#include "discrete/reference.hpp"
#include "manifolds/catalogue.hpp"
#include "manifolds/random/noise.hpp"
#include "typed_losses.hpp"

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

using valleydrift::tests::visit_loss;

constexpr NoiseKey key = {20221031, 3};
const Scheme all_schemes[] = {Scheme::heavy_ball, Scheme::nesterov, Scheme::sgd};

double beta_to_mu(Scheme scheme, double mu) { return scheme == Scheme::sgd ? 1.0 : mu; }

/// w and p of path `path` after the given steps in lockstep, of Groups groups from `first_path` on.
template <int Groups, class Loss>
struct Lockstep {
  Lockstep(const Loss& the_loss, const Hyperparameters& h, const NoiseModel& noise, NoiseLaw law,
           std::uint64_t first_path, const Vector& start, int steps)
      : states(Groups, State<Lanes, Loss>(the_loss)) {
    for (auto& state : states) {
      for (int d = 0; d < the_loss.dimension(); ++d) {
        state.w[d] = Lanes(start[d]);
        state.p[d] = Lanes(0.0);
      }
    }
    Scratch<Lanes, Loss> scratch(the_loss);
    std::visit(
        [&](const auto& model) {
          const int draws = model.draw_count(the_loss);
          // In two calls, as ensembles do: a loop that kept something between steps would be found out.
          const int first = steps / 3;
          for (const auto& [from, count] : {std::pair{0, first}, std::pair{first, steps - first}}) {
            std::vector<Lanes> xi(static_cast<std::size_t>(Groups * draws * count));
            fill_noise<Groups>(law, key, first_path, static_cast<std::uint64_t>(from), count, draws, xi.data());
            advance<Groups>(the_loss, StepConstants(h), model, states.data(), xi.data(), count, scratch);
          }
        },
        noise);
  }
  double w(int path, int d) const {
    return lane(states[static_cast<std::size_t>(path / lane_count)].w[d], path % lane_count);
  }
  double p(int path, int d) const {
    return lane(states[static_cast<std::size_t>(path / lane_count)].p[d], path % lane_count);
  }
  std::vector<State<Lanes, Loss>> states;
};

/// The largest difference of w and of eta p between the lockstep loop and the reference, over all paths.
template <int Groups, class Loss>
double difference_from_reference(const Manifold& m, const Loss& loss, const Hyperparameters& h, const NoiseModel& noise,
                                 const ReferencePath::NoiseFactor& factor, NoiseLaw law, std::uint64_t first_path,
                                 std::uint64_t reference_shift = 0) {
  constexpr int steps = 24;
  const Vector start = m.default_start();
  const Lockstep<Groups, Loss> lockstep(loss, h, noise, law, first_path, start, steps);
  double worst = 0.0;
  for (int path = 0; path < Groups * lane_count; ++path) {
    ReferencePath reference(m, h, factor, law, key, first_path + static_cast<std::uint64_t>(path) + reference_shift,
                            start);
    for (int i = 0; i < steps; ++i) reference.step();
    for (int d = 0; d < loss.dimension(); ++d) {
      worst = std::max(worst, std::abs(lockstep.w(path, d) - reference.w()[d]));
      worst = std::max(worst, h.eta * std::abs(lockstep.p(path, d) - reference.p()[d]));
      if (!std::isfinite(lockstep.w(path, d))) worst = HUGE_VAL;
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
            visit_loss(m, [&](const auto& loss) {
              const double one = difference_from_reference<1>(m, loss, h, noise.model, noise.factor, law, 40);
              const double two = difference_from_reference<2>(m, loss, h, noise.model, noise.factor, law, 40);
              BOOST_TEST(one < noise.bound);
              BOOST_TEST(two < noise.bound);
              if (noise.bound == 1e-8) worst_of_cosh = std::max({worst_of_cosh, one, two});
              if (noise.bound == 1e-14) worst = std::max({worst, one, two});
              // The noise of the next path is another one.
              BOOST_TEST(difference_from_reference<1>(m, loss, h, noise.model, noise.factor, law, 40, 1) >
                         1e-3 * epsilon);
            });
          }
        }
      }
    }
  }
  BOOST_TEST_MESSAGE("largest difference of lockstep and reference: " << worst << ", cosh loss " << worst_of_cosh);
}

// What is bit for bit the same: a path in one group or in two, in lanes or alone, next to other paths or not.
BOOST_AUTO_TEST_CASE(a_path_has_the_same_bits_in_every_arrangement) {
  for (const ManifoldDescription& d : valleydrift::manifolds::descriptions()) {
    const Manifold m(d.name, {});
    const Vector start = m.default_start();
    constexpr int steps = 40;
    for (const Scheme scheme : all_schemes) {
      const Hyperparameters h = {scheme, 0.05, beta_to_mu(scheme, 0.1), 0.1};
      BOOST_TEST_CONTEXT(d.name << ", " << name_of(scheme)) {
        visit_loss(m, [&]<class Loss>(const Loss& loss) {
          const NoiseModel noise = LabelNoise{};
          const auto law = NoiseLaw::gaussian;
          const Lockstep<2, Loss> two(loss, h, noise, law, 0, start, steps);
          const Lockstep<1, Loss> first(loss, h, noise, law, 0, start, steps);
          const Lockstep<1, Loss> second(loss, h, noise, law, lane_count, start, steps);
          const Lockstep<1, Loss> shifted(loss, h, noise, law, 1, start, steps);
          for (int path = 0; path < 2 * lane_count; ++path) {
            const auto& one = path < lane_count ? first : second;
            State<double, Loss> alone(loss);
            for (int k = 0; k < loss.dimension(); ++k) alone.w[k] = start[k], alone.p[k] = 0.0;
            std::vector<double> xi;
            for (int i = 0; i < steps; ++i) {
              for (int c = 0; c < loss.label_count(); ++c) {
                xi.push_back(valleydrift::manifolds::noise(law, key, static_cast<std::uint64_t>(path),
                                                           static_cast<std::uint64_t>(i),
                                                           static_cast<std::uint32_t>(c)));
              }
            }
            Scratch<double, Loss> scratch(loss);
            advance<1>(loss, StepConstants(h), LabelNoise{}, &alone, xi.data(), steps, scratch);
            for (int k = 0; k < loss.dimension(); ++k) {
              BOOST_TEST(two.w(path, k) == one.w(path % lane_count, k));
              BOOST_TEST(two.p(path, k) == one.p(path % lane_count, k));
              if (path >= 1 && path <= lane_count) BOOST_TEST(two.w(path, k) == shifted.w(path - 1, k));
              // sinh in lanes is not the C library's; everything else is the same arithmetic.
              const double bound = m.is_least_squares() ? 0.0 : 1e-12;
              BOOST_TEST(std::abs(alone.w[k] - two.w(path, k)) <= bound);
              BOOST_TEST(std::abs(alone.p[k] - two.p(path, k)) <= bound);
            }
          }
          bool any_difference = false;
          for (int k = 0; k < loss.dimension(); ++k) any_difference = any_difference || two.w(0, k) != two.w(1, k);
          BOOST_TEST((any_difference || d.name == "channel"));
        });
      }
    }
  }
}

// uv from (1, 3/2): all numbers are multiples of powers of 1/2, so the arithmetic is exact.
BOOST_AUTO_TEST_CASE(two_steps_by_hand) {
  const Manifold m("uv", {});
  const double eta = 0.25, mu = 0.5, epsilon = 0.5;  // beta = 1/2
  visit_loss(m, [&]<class Loss>(const Loss& loss) {
    const auto two_steps = [&](Scheme scheme, const std::vector<double>& xi) {
      State<double, Loss> state(loss);
      state.w[0] = 1.0, state.w[1] = 1.5, state.p[0] = state.p[1] = 0.0;
      Scratch<double, Loss> scratch(loss);
      advance<1>(loss, StepConstants(Hyperparameters{scheme, eta, mu, epsilon}), LabelNoise{}, &state, xi.data(), 2,
                 scratch);
      return std::vector<double>{state.w[0], state.w[1], state.p[0], state.p[1]};
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
  });
}

// Without noise, `advance` with draws of zero and `advance_noiseless` are the same.
BOOST_AUTO_TEST_CASE(noiseless_iteration_is_the_noisy_one_with_zero_draws) {
  for (const ManifoldDescription& d : valleydrift::manifolds::descriptions()) {
    const Manifold m(d.name, {});
    for (const Scheme scheme : all_schemes) {
      BOOST_TEST_CONTEXT(d.name << ", " << name_of(scheme)) {
        visit_loss(m, [&]<class Loss>(const Loss& loss) {
          const StepConstants constants(Hyperparameters{scheme, 0.05, beta_to_mu(scheme, 0.1), 0.1});
          const Vector start = m.default_start();
          State<double, Loss> noisy(loss), plain(loss);
          for (int k = 0; k < loss.dimension(); ++k) {
            noisy.w[k] = plain.w[k] = start[k] + 0.1;
            noisy.p[k] = plain.p[k] = 0.2 - 0.1 * k;
          }
          Scratch<double, Loss> scratch(loss);
          constexpr int steps = 20;
          const std::vector<double> none(static_cast<std::size_t>(steps * loss.dimension()), 0.0);
          advance<1>(loss, constants, IsotropicNoise{}, &noisy, none.data(), steps, scratch);
          advance_noiseless<double>(loss, constants, plain, steps, scratch);
          for (int k = 0; k < loss.dimension(); ++k) {
            BOOST_TEST(noisy.w[k] == plain.w[k]);
            BOOST_TEST(noisy.p[k] == plain.p[k]);
          }
        });
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
