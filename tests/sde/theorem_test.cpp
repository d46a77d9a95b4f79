// The symbol of DERIVATION (11) to (13) away from any valley: many modes up to the edge of stability, sums of impulse
// responses, SGD. What the theorem says on a valley are the checks D4 to D10, whose cases are in tests/laws.
#include <Eigen/Dense>
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "manifolds/errors.hpp"
#include "sde/lyapunov_operator.hpp"
#include "support.hpp"

using namespace support;
using valleydrift::manifolds::Hyperparameters;
using valleydrift::manifolds::Scheme;
using valleydrift::sde::Form;
using valleydrift::sde::LyapunovOperator;

namespace {

Hyperparameters hyperparameters(Scheme scheme, double eta, double mu) { return {scheme, eta, mu, 0.0}; }

const Scheme both_schemes[] = {Scheme::heavy_ball, Scheme::nesterov};

/// Calls check(h) for both schemes with beta = 0, 0.5, 0.9, 0.99.
template <class Check>
void for_all_momenta(double eta, const Check& check) {
  for (const Scheme scheme : both_schemes) {
    for (const double mu : {1.0, 0.5, 0.1, 0.01}) {
      BOOST_TEST_CONTEXT(name_of(scheme) << " mu " << mu) { check(hyperparameters(scheme, eta, mu)); }
    }
  }
}

struct Cloud {
  Matrix of_w, of_look_ahead;  ///< stationary covariances over eps^2
};

/// The stationary covariance of (w, p) for the linear map with Hessian `h` (m x m, nonsingular, any basis) and noise of
/// covariance `noise` entering as the kick (eta v, v): C = M C M^T + B noise B^T as one linear system of 4 m^2
/// unknowns.
Cloud lyapunov_cloud(const Hyperparameters& hyper, const Matrix& h, const Matrix& noise) {
  const Eigen::Index m = h.rows();
  const Matrix one = Matrix::Identity(m, m);
  const double beta = hyper.beta(), ahead = hyper.scheme == Scheme::nesterov ? hyper.eta * beta : 0.0;
  // p' = beta p - H (w + ahead p), w' = w + eta p'
  Matrix map(2 * m, 2 * m), kick(2 * m, m);
  const Matrix p_of_w = -h, p_of_p = beta * one - ahead * h;
  map << one + hyper.eta * p_of_w, hyper.eta * p_of_p, p_of_w, p_of_p;
  kick << hyper.eta * one, one;
  const Matrix source = kick * noise * kick.transpose();
  const Eigen::Index n = 2 * m;
  Matrix system = Matrix::Identity(n * n, n * n);  // vec(C) - (M kron M) vec(C) = vec(source)
  for (Eigen::Index j = 0; j < n; ++j) {
    for (Eigen::Index i = 0; i < n; ++i) system.block(i * n, j * n, n, n) -= map(i, j) * map;
  }
  const Vector c = system.partialPivLu().solve(Eigen::Map<const Vector>(source.data(), n * n));
  const Matrix covariance = Eigen::Map<const Matrix>(c.data(), n, n);
  Matrix look(m, n);
  look << one, ahead * one;
  return {covariance.topLeftCorner(m, m), look * covariance * look.transpose()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(theorem_at_a_point)

// The symbol for four modes at once, as far as the edge of stability.
BOOST_AUTO_TEST_CASE(symbol_and_position_response_for_many_modes) {
  const Vector spectrum{{0.02, 0.7, 0.75, 3.0}};
  for_all_momenta(1.0, [&](Hyperparameters h) {
    for (const double edge : {0.001, 0.1, 0.95}) {  // eta l_max over the stability limit
      h.eta = edge * h.stability_limit() / spectrum[3];
      BOOST_TEST_CONTEXT("edge " << edge) {
        const Matrix a = Random(7).matrix(4, 5);
        const Cloud cloud = lyapunov_cloud(h, spectrum.asDiagonal(), a * a.transpose());
        const LyapunovOperator form(Form::finite_step, h);
        // The slowest mode moves by e = eta l per step at mu = 1 and by e/mu else: the system's condition is up to
        // 1/min(e, mu)^2 = (1e-5)^-2, its rounding error 1e-16 times that.
        const double slow = std::min(h.mu, h.eta * spectrum[0]);
        const double bound = 1e-13 + 1e-15 / (slow * slow);
        for (Eigen::Index i = 0; i < 4; ++i) {
          for (Eigen::Index j = 0; j < 4; ++j) {
            const double solved = cloud.of_look_ahead(i, j);
            const double predicted = (h.eta / h.mu) * a.row(i).dot(a.row(j)) * form.inverse(spectrum[i], spectrum[j]);
            BOOST_TEST(std::abs(predicted - solved) <
                       bound * std::sqrt(cloud.of_look_ahead(i, i) * cloud.of_look_ahead(j, j)));
          }
          const double variance = a.row(i).squaredNorm() * form.position_response(spectrum[i]);
          BOOST_TEST(std::abs(variance - cloud.of_w(i, i)) < bound * cloud.of_w(i, i));
        }
      }
    }
  });
}

// 1/d_ij = (mu/eta) sum_k g_i(k) g_j(k), DERIVATION (11): the kick's response of two modes, one of them possibly l = 0,
// summed by brute force. Rounding of 1e-19 accumulates over the 1e5 steps of the sum at most to 1e-14.
BOOST_AUTO_TEST_CASE(symbol_is_the_sum_of_impulse_responses) {
  double worst = 0.0;
  for_all_momenta(0.1, [&](const Hyperparameters& h) {
    const LyapunovOperator form(Form::finite_step, h);
    const long double beta = 1.0L - static_cast<long double>(h.mu), step = h.eta;
    const long double ahead = h.scheme == Scheme::nesterov ? step * beta : 0.0L;
    for (const double li : {0.05, 1.0, 1.01, 6.0}) {
      for (const double lj : {0.0, 0.05, 1.0, 6.0}) {
        long double wi = step, pi = 1.0L, wj = step, pj = 1.0L, sum = 0.0L;
        for (int k = 0; k < 100000; ++k) {
          const long double xi = wi + ahead * pi, xj = wj + ahead * pj;
          sum += xi * xj;
          pi = beta * pi - li * xi;
          pj = beta * pj - lj * xj;
          wi += step * pi;
          wj += step * pj;
          if (std::abs(wi) + std::abs(pi) < 1e-25L) break;
        }
        const auto direct = static_cast<double>(sum * static_cast<long double>(h.mu) / step);
        const double error = std::abs(form.inverse(li, lj) / direct - 1.0);
        BOOST_TEST(error < 1e-12, "l " << li << " " << lj << ": " << error);
        BOOST_TEST(std::abs(form.inverse(lj, li) / direct - 1.0) < 1e-12);
        worst = std::max(worst, error);
      }
    }
  });
  BOOST_TEST_MESSAGE("largest relative error of the symbol: " << worst);
}

BOOST_AUTO_TEST_CASE(asymptotic_form_needs_gamma_in_range) {
  const Hyperparameters h = hyperparameters(Scheme::heavy_ball, 0.1, 0.1);
  BOOST_CHECK_THROW(LyapunovOperator(Form::asymptotic, h), valleydrift::ConfigError);
  BOOST_CHECK_THROW(LyapunovOperator(Form::asymptotic, h, 1.0), valleydrift::ConfigError);
  BOOST_CHECK_THROW(LyapunovOperator(Form::asymptotic, h, -0.1), valleydrift::ConfigError);
  BOOST_CHECK_NO_THROW(LyapunovOperator(Form::asymptotic, h, 0.0));
}

BOOST_AUTO_TEST_CASE(without_momentum_both_symbols_are_that_of_sgd) {
  for (const double step : {0.4, 1e-2, 1e-6}) {
    for (const double li : {1e-3, 0.7, 2.5}) {
      for (const double lj : {0.0, 1e-3, 0.7, 2.5}) {
        const double expected = 1.0 / (li + lj - step * li * lj);
        for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov, Scheme::sgd}) {
          const LyapunovOperator form(Form::finite_step, hyperparameters(scheme, step, 1.0));
          BOOST_TEST(std::abs(form.inverse(li, lj) / expected - 1.0) < 1e-15);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
