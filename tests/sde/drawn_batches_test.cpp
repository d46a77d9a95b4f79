// The sampling's strength where the second moments of the random linear map, over all batches, cease to settle; the
// theorem where they do is D5-drawn.
#include "sde/drawn_batches.hpp"

#include <Eigen/Dense>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "manifolds/catalogue.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/random/batch_draws.hpp"

using namespace valleydrift::sde;
using valleydrift::NumericalError;
using valleydrift::manifolds::BatchLaw;
using valleydrift::manifolds::Draw;
using valleydrift::manifolds::Scheme;

namespace {

Manifold example(const std::string& name) {
  return Manifold(name, valleydrift::manifolds::resolve_parameters(valleydrift::manifolds::description_of(name), {}));
}

Hyperparameters step_settings(Scheme scheme, double eta, double mu) {
  Hyperparameters h;
  h.scheme = scheme;
  h.eta = eta;
  h.mu = mu;
  h.epsilon = 1.0;
  return h;
}

/// The covariance of (w - y, p), per epsilon^2, that the linearised iteration settles to: each step averaged over every
/// sequence of draws, DERIVATION (48) and nothing of what follows from it.
Matrix settled_covariance(const Manifold& m, const Vector& y, const BatchLaw& law, const Hyperparameters& h,
                          int most_steps) {
  const Matrix j = m.jacobian(y);
  const auto n = static_cast<int>(j.rows()), d = static_cast<int>(j.cols());
  const double s = m.label_constant();
  struct Outcome {
    Matrix step, noise;
  };
  std::vector<Outcome> outcomes;
  std::vector<std::vector<int>> batches = {std::vector<int>(static_cast<std::size_t>(n))};
  for (int k = 0; k < law.size; ++k) {
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
  for (const auto& batch : batches) {
    Vector weight(n), label(n);
    for (int a = 0; a < n; ++a) {
      const double count = batch[static_cast<std::size_t>(a)];
      weight[a] = count * n / law.size;
      label[a] = count > 0.0 ? weight[a] * weight[a] / count : 0.0;
    }
    const Matrix g = s * j.transpose() * weight.asDiagonal() * j;
    const Matrix q = s * s * j.transpose() * label.asDiagonal() * j;
    const double ahead = h.scheme == Scheme::nesterov ? h.eta * h.beta() : 0.0;
    Matrix p(d, 2 * d), w(d, 2 * d);  // the new p and w from the old (w, p)
    p << -g, h.beta() * Matrix::Identity(d, d) - ahead * g;
    w << Matrix::Identity(d, d), Matrix::Zero(d, d);
    w += h.eta * p;
    Matrix step(2 * d, 2 * d), enters(2 * d, d);
    step << w, p;
    enters << h.eta * Matrix::Identity(d, d), Matrix::Identity(d, d);
    outcomes.push_back({step, enters * q * enters.transpose()});
  }
  Matrix c = Matrix::Zero(2 * d, 2 * d);
  for (int k = 0; k < most_steps; ++k) {
    Matrix next = Matrix::Zero(2 * d, 2 * d);
    for (const Outcome& o : outcomes) next += o.step * c * o.step.transpose() + o.noise;
    next /= static_cast<double>(outcomes.size());
    const double change = (next - c).norm();
    c = next;
    if (!(c.norm() < 1e12)) break;
    if (change < 1e-15 * c.norm()) break;
  }
  return c;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(drawn_batches)

BOOST_AUTO_TEST_CASE(full_batches_without_replacement_add_nothing) {
  const Manifold m = example("quadratic-pair");
  const Vector y = m.retract(m.default_start());
  const LyapunovOperator form(Form::finite_step, step_settings(Scheme::heavy_ball, 0.05, 0.1));
  const BatchLaw all{2, 2, Draw::without_replacement};
  const Matrix sigma = drawn_noise_factor(m, y, {all.ratio(), all.spread()}, form);
  BOOST_TEST((sigma - m.label_noise_factor(y)).norm() < 1e-15);
}

// (51): just below strength 1 the second moments settle, just above they grow without bound.
BOOST_AUTO_TEST_CASE(strength_one_is_where_the_mean_square_grows) {
  const Manifold m = example("quadratic-pair");
  const Vector y = m.retract(m.default_start());
  const Geometry geometry = m.geometry(y);
  const BatchLaw law{2, 1, Draw::with_replacement};
  const BatchNoise noise{law.ratio(), law.spread()};
  const auto with_eta = [](double eta) { return step_settings(Scheme::heavy_ball, eta, 0.1); };
  double low = 1e-4, high = 1.0;
  for (int i = 0; i < 60; ++i) {
    const double middle = std::sqrt(low * high);
    (sampling_strength(m, geometry, noise, with_eta(middle)) < 1.0 ? low : high) = middle;
  }
  BOOST_TEST_MESSAGE("the limit of eta is " << low);
  const Hyperparameters below = with_eta(0.97 * low), above = with_eta(1.03 * low);
  BOOST_TEST(settled_covariance(m, y, law, below, 20000).norm() < 1e6);
  BOOST_TEST(!(settled_covariance(m, y, law, above, 20000).norm() < 1e12));
  BOOST_CHECK_THROW(drawn_noise_factor(m, y, noise, LyapunovOperator(Form::finite_step, above)), NumericalError);
}

BOOST_AUTO_TEST_SUITE_END()
