// The gradient of a drawn batch, averaged over all batches there are.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "discrete/lockstep.hpp"
#include "manifolds/catalogue.hpp"
#include "manifolds/manifold.hpp"

using namespace valleydrift::discrete;
using valleydrift::manifolds::BatchLaw;
using valleydrift::manifolds::Draw;
using valleydrift::manifolds::lane;
using valleydrift::manifolds::Manifold;
using valleydrift::manifolds::Matrix;
using valleydrift::manifolds::Vector;

namespace {

Manifold example(const std::string& name) {
  return Manifold(name, valleydrift::manifolds::resolve_parameters(valleydrift::manifolds::description_of(name), {}));
}

/// The noisy gradient at w for given counts and label draws.
Vector drawn_gradient(const Manifold& m, const BatchLaw& law, const Vector& w, const Vector& xi,
                      const std::vector<int>& counts, double epsilon) {
  Hyperparameters h;
  h.epsilon = epsilon;
  std::vector<Lanes> draws(xi.begin(), xi.end());  // the same in every lane
  draws.insert(draws.end(), counts.begin(), counts.end());
  const auto lockstep = make_lockstep(m, h, DrawnBatchNoise(law, true));
  std::copy(w.begin(), w.end(), lockstep->w(0).begin());
  std::fill(lockstep->p(0).begin(), lockstep->p(0).end(), Lanes(0.0));
  lockstep->advance(0, 1, draws.data(), 1);
  Vector g(w.size());  // p = -g after one step from rest
  for (Eigen::Index i = 0; i < g.size(); ++i) g[i] = -lane(lockstep->p(0)[static_cast<std::size_t>(i)], 0);
  return g;
}

/// All ordered draws, as counts; with two samples and a batch of at most two they are few enough to write down.
std::vector<std::vector<int>> batches_of_two_samples(const BatchLaw& law) {
  if (law.size == 1) return {{1, 0}, {0, 1}};
  if (law.draw == Draw::without_replacement) return {{1, 1}, {1, 1}};
  return {{2, 0}, {1, 1}, {1, 1}, {0, 2}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(drawn_batch)

BOOST_AUTO_TEST_CASE(mean_over_all_batches_is_the_gradient_and_label_noise_has_covariance_c_H) {
  for (const char* name : {"quadratic-pair", "cosh-pair"}) {
    const Manifold m = example(name);
    const Vector y = m.retract(m.default_start()), off = y + Vector::Constant(4, 0.1);
    for (const BatchLaw& law : {BatchLaw{2, 1, Draw::without_replacement}, BatchLaw{2, 2, Draw::without_replacement},
                                BatchLaw{2, 1, Draw::with_replacement}, BatchLaw{2, 2, Draw::with_replacement}}) {
      const auto batches = batches_of_two_samples(law);
      Vector mean = Vector::Zero(4);
      Matrix covariance = Matrix::Zero(4, 4);
      for (const auto& counts : batches) {
        mean += drawn_gradient(m, law, off, Vector::Zero(2), counts, 0.01) / static_cast<double>(batches.size());
        // On the valley only the labels are noise; it is linear in each of them for a small epsilon.
        for (int a = 0; a < 2; ++a) {
          const Vector g = drawn_gradient(m, law, y, Vector::Unit(2, a), counts, 1e-7) / 1e-7;
          covariance += g * g.transpose() / static_cast<double>(batches.size());
        }
      }
      BOOST_TEST((mean - m.gradient(off)).norm() < 1e-14);
      const double c = m.label_constant() * 2.0 / law.size;  // s n/b
      BOOST_TEST((covariance - c * m.hessian(y)).norm() < 1e-6 * covariance.norm());
    }
  }
}

// A sample that is not drawn leaves no trace, also with its label: the gradient is that of the drawn one alone.
BOOST_AUTO_TEST_CASE(samples_that_are_not_drawn_do_not_count) {
  const Manifold m = example("quadratic-pair");
  const Vector w = m.default_start() + Vector::Constant(4, 0.2);
  const BatchLaw law{2, 1, Draw::without_replacement};
  const Vector xi = (Vector(2) << 0.3, -0.7).finished();
  const Vector expected =
      2.0 * m.label_constant() * (m.residuals(w)[1] + 0.05 * 0.7) * m.jacobian(w).row(1).transpose();
  BOOST_TEST((drawn_gradient(m, law, w, xi, {0, 1}, 0.05) - expected).norm() < 1e-14);
}

BOOST_AUTO_TEST_SUITE_END()
