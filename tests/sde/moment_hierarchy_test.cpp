// The moments near the flattest point: against figures obtained elsewhere, the limits that are known in closed form,
// and a simulation of the stochastic equation that knows nothing of Laguerre polynomials.
#include "sde/moment_hierarchy.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "manifolds/errors.hpp"

using valleydrift::NumericalError;
using valleydrift::sde::convergence_time;
using valleydrift::sde::decay_rate;
using valleydrift::sde::HierarchyRates;
using valleydrift::sde::Moment;
using valleydrift::sde::moment_curve;

namespace {

/// Underdamped heavy ball at friction m, in units of k_0^(-1/3).
HierarchyRates underdamped(double m) { return {m, m, 1.0 / (m * m)}; }

/// The friction in [low, high] at which the moment decays fastest, by golden section.
double fastest(Moment moment, double low, double high) {
  const double ratio = 0.5 * (std::sqrt(5.0) - 1.0);
  while (high - low > 1e-5) {
    const double a = high - ratio * (high - low), b = low + ratio * (high - low);
    if (decay_rate(underdamped(a), moment, 24) > decay_rate(underdamped(b), moment, 24)) {
      high = b;
    } else {
      low = a;
    }
  }
  return 0.5 * (low + high);
}

struct Sample {
  double sum = 0.0, squares = 0.0;
  void add(double x) {
    sum += x;
    squares += x * x;
  }
  double mean(int n) const { return sum / n; }
  double error(int n) const { return std::sqrt((squares / n - mean(n) * mean(n)) / (n - 1)); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(moment_hierarchy)

BOOST_AUTO_TEST_CASE(fastest_decay_and_growth_are_where_other_computations_found_them) {
  const double mean = fastest(Moment::mean, 1.0, 2.0), square = fastest(Moment::root_mean_square, 0.8, 2.0);
  // The peak of the mean is a cusp, where two real rates merge; the other computation gave it to three digits.
  BOOST_TEST(mean == 1.470, boost::test_tools::tolerance(0.004));
  BOOST_TEST(decay_rate(underdamped(mean), Moment::mean) == 0.796, boost::test_tools::tolerance(0.004));
  BOOST_TEST(square == 1.264, boost::test_tools::tolerance(0.001));
  BOOST_TEST(decay_rate(underdamped(square), Moment::root_mean_square) == 0.411, boost::test_tools::tolerance(0.001));
  BOOST_TEST(decay_rate(underdamped(0.08), Moment::mean) == 0.467, boost::test_tools::tolerance(0.005));
  BOOST_TEST(decay_rate(underdamped(0.080), Moment::root_mean_square, 96) > 0.0);
  BOOST_TEST(decay_rate(underdamped(0.074), Moment::root_mean_square, 96) < 0.0);
}

// Rates in units that are eleven orders of magnitude from 1, as at eta = 1e-12, are the same rates.
BOOST_AUTO_TEST_CASE(units_do_not_matter) {
  for (const double unit : {1e-11, 1e-4, 1e5}) {
    for (const double m : {0.35, 1.264, 3.0}) {
      const HierarchyRates one = underdamped(m);
      const HierarchyRates other{unit * one.friction, unit * one.relaxation, unit * one.drift};
      for (const Moment moment : {Moment::mean, Moment::root_mean_square}) {
        const auto same = boost::test_tools::tolerance(1e-6);
        BOOST_TEST(decay_rate(other, moment) == unit * decay_rate(one, moment), same);
        BOOST_TEST(*convergence_time(other, moment, 0.2) == *convergence_time(one, moment, 0.2) / unit, same);
        BOOST_TEST(moment_curve(other, moment, {2.0 / unit})[0] == moment_curve(one, moment, {2.0})[0], same);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(rates_that_no_order_follows_have_no_time) {
  BOOST_TEST(!convergence_time({1e-200, 1e-200, 1e200}, Moment::mean, 0.2).has_value());
  BOOST_TEST(!convergence_time({0.06, 0.06, 1.0 / 0.0036}, Moment::root_mean_square, 0.2).has_value());
  BOOST_CHECK_THROW(decay_rate({1e-300, 1.0, 1e-300}, Moment::mean), NumericalError);
}

BOOST_AUTO_TEST_CASE(order_no_longer_matters) {
  for (const double m : {0.35, 0.8, 1.5, 4.0}) {
    for (const Moment moment : {Moment::mean, Moment::root_mean_square}) {
      double before = 1.0;
      for (const int order : {6, 12, 24}) {
        const double change =
            std::abs(decay_rate(underdamped(m), moment, order) - decay_rate(underdamped(m), moment, 2 * order));
        BOOST_TEST((change < 0.5 * before || change < 1e-7));
        before = change;
      }
      BOOST_TEST(before < 1e-4);
    }
  }
}

BOOST_AUTO_TEST_CASE(constant_energy_is_a_damped_oscillator) {
  // A mode that relaxes at once averages to its mean energy: x'' + g x' + g r x = 0 from rest.
  const HierarchyRates rates{0.3, 300.0, 0.4};
  const std::vector<double> times = {1.0, 3.0, 9.0};
  const std::vector<double> mean = moment_curve(rates, Moment::mean, times, 6),
                            rms = moment_curve(rates, Moment::root_mean_square, times, 6);
  const double omega = std::sqrt(0.3 * 0.4 - 0.15 * 0.15);
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double t = times[i];
    const double x = std::exp(-0.15 * t) * (std::cos(omega * t) + 0.15 / omega * std::sin(omega * t));
    BOOST_TEST(std::abs(mean[i] - x) < 2e-3);  // of the order of the rates' ratio
    BOOST_TEST(std::abs(rms[i] - std::abs(x)) < 2e-3);
  }
}

BOOST_AUTO_TEST_CASE(separated_rates_give_the_exponential_of_the_limiting_flow) {
  const HierarchyRates rates{1.0, 1.0, 1e-3};
  const auto time = convergence_time(rates, Moment::mean, 0.2);
  BOOST_REQUIRE(time.has_value());
  BOOST_TEST(*time == 1000.0 * std::log(5.0), boost::test_tools::tolerance(0.004));
  BOOST_TEST(decay_rate(rates, Moment::root_mean_square) == 1e-3, boost::test_tools::tolerance(0.004));
}

BOOST_AUTO_TEST_CASE(moments_are_those_of_the_stochastic_equation) {
  // Two components of the mode's envelope, each an Ornstein-Uhlenbeck process stepped exactly, and the valley
  // coordinate by the leapfrog scheme; error of order (step/3)^2, far below the sampling error.
  constexpr int paths = 20000;
  constexpr double step = 0.02;
  const std::vector<double> times = {1.0, 2.0, 4.0, 6.0};
  // Eight means, each beyond 5.5 standard errors with probability 4e-8.
  for (const double m : {0.5, 1.3, 2.5}) {
    const HierarchyRates rates = underdamped(m);
    const double decay = std::exp(-0.5 * rates.relaxation * step), kick = std::sqrt(0.5 * (1.0 - decay * decay)),
                 friction = std::exp(-0.5 * rates.friction * step), stiffness = rates.friction * rates.drift;
    std::mt19937_64 engine(7);
    std::normal_distribution<double> normal;
    std::array<Sample, 4> mean, square;
    for (int path = 0; path < paths; ++path) {
      double x = 1.0, v = 0.0, z1 = 0.0, z2 = 0.0;
      std::size_t record = 0;
      for (int k = 1; record < times.size(); ++k) {
        v = friction * v - 0.5 * step * stiffness * (z1 * z1 + z2 * z2) * x;
        x += step * v;
        z1 = decay * z1 + kick * normal(engine);
        z2 = decay * z2 + kick * normal(engine);
        v = friction * (v - 0.5 * step * stiffness * (z1 * z1 + z2 * z2) * x);
        if (k * step > times[record] - 0.5 * step) {
          mean[record].add(x);
          square[record].add(x * x);
          ++record;
        }
      }
    }
    const std::vector<double> expected = moment_curve(rates, Moment::mean, times),
                              rms = moment_curve(rates, Moment::root_mean_square, times);
    for (std::size_t i = 0; i < times.size(); ++i) {
      BOOST_TEST_CONTEXT("friction " << m << ", time " << times[i]) {
        BOOST_TEST(std::abs(mean[i].mean(paths) - expected[i]) < 5.5 * mean[i].error(paths) + 1e-4);
        BOOST_TEST(std::abs(square[i].mean(paths) - rms[i] * rms[i]) < 5.5 * square[i].error(paths) + 1e-4);
      }
    }
    // The denial: with the energy at its mean from the start the curve is seen to be another.
    const double omega2 = stiffness - 0.25 * m * m;
    const double t = 2.0, root = std::sqrt(std::abs(omega2));
    const double wrong =
        std::exp(-0.5 * m * t) * (omega2 > 0.0 ? std::cos(root * t) + 0.5 * m / root * std::sin(root * t)
                                               : std::cosh(root * t) + 0.5 * m / root * std::sinh(root * t));
    BOOST_TEST(std::abs(mean[1].mean(paths) - wrong) > 10.0 * mean[1].error(paths));
  }
}

BOOST_AUTO_TEST_CASE(convergence_times_are_the_last_crossings_of_the_curve) {
  const std::vector<double> times = [] {
    std::vector<double> t;
    for (int i = 1; i <= 4000; ++i) t.push_back(0.005 * i);
    return t;
  }();
  for (const double m : {0.6, 1.0, 2.0}) {
    for (const Moment moment : {Moment::mean, Moment::root_mean_square}) {
      const std::vector<double> curve = moment_curve(underdamped(m), moment, times);
      double last = 0.0;
      for (std::size_t i = 0; i < times.size(); ++i) {
        if (std::abs(curve[i]) > 0.2) last = times[i];
      }
      const auto time = convergence_time(underdamped(m), moment, 0.2);
      BOOST_REQUIRE(time.has_value());
      BOOST_TEST(std::abs(*time - last) < 0.01 * last + 0.005);
    }
  }
  BOOST_TEST(!convergence_time(underdamped(0.05), Moment::root_mean_square, 0.2).has_value());  // it grows
}

BOOST_AUTO_TEST_CASE(rates_must_be_positive) {
  BOOST_CHECK_THROW(decay_rate({0.0, 1.0, 1.0}, Moment::mean), NumericalError);
  BOOST_CHECK_THROW(moment_curve({1.0, 1.0, std::nan("")}, Moment::mean, {1.0}), NumericalError);
}

BOOST_AUTO_TEST_SUITE_END()
