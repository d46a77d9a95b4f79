// The iteration against torch.optim.SGD as PyTorch documents it, on MSELoss with moved labels: what `--help` says of
// the translation of learning rate and momentum.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "discrete/lockstep.hpp"
#include "manifolds/manifold.hpp"

using namespace valleydrift::discrete;
using valleydrift::manifolds::lane;
using valleydrift::manifolds::Manifold;
using valleydrift::manifolds::Vector;

namespace {

/// torch.optim.SGD with dampening 0 and weight_decay 0 on MSELoss, (1/n) sum (f_a - epsilon xi_a)^2.
struct TorchSgd {
  double lr, momentum;
  bool nesterov;
  Vector parameters, buffer;

  void step(const Manifold& m, const Vector& moved_labels) {
    const Vector f = m.residuals(parameters) - moved_labels;
    const Vector g = 2.0 / static_cast<double>(f.size()) * m.jacobian(parameters).transpose() * f;
    buffer = momentum * buffer + g;
    parameters -= lr * (nesterov ? Vector(g + momentum * buffer) : buffer);
  }
};

/// The largest difference between the iteration and PyTorch's over 60 steps of label noise, with learning rate
/// `ratio` * eta and the iteration read at the point where `look_ahead` takes it.
double difference(const char* name, Scheme scheme, double ratio, bool look_ahead) {
  const Manifold m(name, {});
  const double eta = 0.02, mu = 0.2, epsilon = 0.1;
  const Vector start = m.default_start();
  TorchSgd torch = {ratio * eta, scheme == Scheme::sgd ? 0.0 : 1.0 - mu, scheme == Scheme::nesterov, start,
                    Vector::Zero(start.size())};
  const Hyperparameters h{scheme, eta, scheme == Scheme::sgd ? 1.0 : mu, epsilon};
  double worst = 0.0;
  const auto lockstep = make_lockstep(m, h, LabelNoise{});
  std::copy(start.begin(), start.end(), lockstep->w(0).begin());
  std::fill(lockstep->p(0).begin(), lockstep->p(0).end(), Lanes(0.0));
  const double ahead = look_ahead ? StepConstants(h).look_ahead : 0.0;
  for (int k = 0; k < 60; ++k) {
    Vector xi(m.label_count());
    for (Eigen::Index a = 0; a < xi.size(); ++a) xi[a] = std::sin(1.0 + 1.7 * k + 2.9 * static_cast<double>(a));
    const std::vector<Lanes> draws(xi.begin(), xi.end());  // the same in every lane
    lockstep->advance(0, 1, draws.data(), 1);
    torch.step(m, epsilon * xi);
    for (std::size_t d = 0; d < lockstep->w(0).size(); ++d) {
      const double read = lane(lockstep->w(0)[d], 0) + ahead * lane(lockstep->p(0)[d], 0);
      worst = std::max(worst, std::abs(read - torch.parameters[static_cast<Eigen::Index>(d)]));
    }
  }
  return worst;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pytorch)

// Rounding alone: 60 steps, weights of order 1.
BOOST_AUTO_TEST_CASE(learning_rate_is_half_of_eta_for_the_mean_of_squares) {
  constexpr double rounding = 1e-13;
  // uv has one residual, the network n with s = 1/n: in both MSELoss is 2 L.
  for (const char* name : {"uv", "linear-network"}) {
    for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov, Scheme::sgd}) {
      BOOST_TEST(difference(name, scheme, 0.5, scheme == Scheme::nesterov) < rounding);
      BOOST_TEST(difference(name, scheme, 1.0, scheme == Scheme::nesterov) > 1e-3);  // L itself is not MSELoss
    }
    BOOST_TEST(difference(name, Scheme::nesterov, 0.5, false) > 1e-4);  // w is not PyTorch's point
  }
}

// Two residuals with s = 1: MSELoss is (2/n) L = L.
BOOST_AUTO_TEST_CASE(learning_rate_for_a_sum_of_squares) {
  for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov, Scheme::sgd}) {
    BOOST_TEST(difference("quadratic-pair", scheme, 2.0 / 2.0, scheme == Scheme::nesterov) < 1e-13);
  }
}

BOOST_AUTO_TEST_SUITE_END()
