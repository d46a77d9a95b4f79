// The draws against their definition in extended precision, and their laws, with stated false alarms.
#include "manifolds/random/noise.hpp"

#include <Random123/philox.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <vector>

using namespace valleydrift::manifolds;

namespace {

// All arguments of a draw but the law.
struct Arguments {
  NoiseKey key;
  std::uint64_t path, step;
  std::uint32_t component;
};

double noise(NoiseLaw law, Arguments a) {
  return valleydrift::manifolds::noise(law, a.key, a.path, a.step, a.component);
}

using Counter = r123::Philox4x32::ctr_type;
using Key = r123::Philox4x32::key_type;

Counter random_words(Arguments a, std::uint64_t step_group) {
  const Counter counter = {{static_cast<std::uint32_t>(a.path), static_cast<std::uint32_t>(step_group),
                            static_cast<std::uint32_t>(a.path >> 32 | std::uint64_t{a.key.process} << 24),
                            static_cast<std::uint32_t>(step_group >> 32 | std::uint64_t{a.component} << 16)}};
  return r123::Philox4x32()(
      counter, Key{{static_cast<std::uint32_t>(a.key.seed), static_cast<std::uint32_t>(a.key.seed >> 32)}});
}

// The normals of an even step and of its successor from four random words, in extended precision. Only u is rounded to
// a double, as documented: near u = 1 that rounding is far larger than any other error.
std::array<long double, 2> normals_of(Counter words) {
  const std::uint64_t k = (std::uint64_t{words[1]} << 32 | words[0]) >> 11;
  const auto u = static_cast<double>((static_cast<long double>(k) + 0.25L) * 0x1p-53L);
  const long double radius = std::sqrt(-2.0L * std::log(static_cast<long double>(u)));
  const std::uint64_t digits = std::uint64_t{words[3] & 0xfffff} << 32 | words[2];
  const long double angle = std::numbers::pi_v<long double> / 4 * (static_cast<long double>(digits) * 0x1p-51L - 1.0L);
  const bool mirrored = (words[3] >> 30 & 1) != 0, exchanged = (words[3] >> 31) != 0;
  const long double along = radius * (mirrored ? -std::cos(angle) : std::cos(angle));
  const long double across = radius * std::sin(angle);
  return exchanged ? std::array{across, along} : std::array{along, across};
}

// False alarms: each statistical test below uses a new part of the numbers for one seed, and would reject a perfect
// source with the stated probability for a seed chosen at random.
constexpr double false_alarm = 1e-9;

constexpr int path_count = 64;  // a multiple of the paths that any lane width fills at once
constexpr int step_count = 1024;
constexpr int component_count = 64;
constexpr int draw_count = path_count * step_count * component_count;  // 2^22

// As many draws, in the order path, step, component.
std::vector<double> draws(NoiseLaw law, NoiseKey key) {
  std::vector<double> all(draw_count);
  constexpr int paths_at_once = 4 * lane_count;
  std::vector<Lanes> lanes(step_count * component_count * 4);
  for (int path = 0; path < path_count; path += paths_at_once) {
    fill_noise<4>(law, key, path, 0, step_count, component_count, lanes.data());
    for (int p = 0; p < paths_at_once; ++p) {
      for (int i = 0; i < step_count * component_count; ++i) {
        all[(path + p) * step_count * component_count + i] = lane(lanes[i * 4 + p / lane_count], p % lane_count);
      }
    }
  }
  return all;
}

// Kullback-Leibler distance of two coins. By Chernoff, the observed frequency f of an event of probability p among n
// independent trials satisfies n distance(f, p) > ln(2 / alpha) with a probability below alpha.
double distance(double f, double p) {
  const auto term = [](double a, double b) { return a == 0.0 ? 0.0 : a * std::log(a / b); };
  return term(f, p) + term(1.0 - f, 1.0 - p);
}

double normal_distribution(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

// Largest difference between the distribution function of the sorted numbers and that of a standard normal.
double kolmogorov_distance(const std::vector<double>& sorted) {
  double largest = 0.0;
  const auto n = static_cast<double>(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const double p = normal_distribution(sorted[i]), below = static_cast<double>(i) / n;
    largest = std::max({largest, p - below, below + 1.0 / n - p});
  }
  return largest;
}

// The largest deviation of the moments of order 1 to 8 from those of a standard normal, in standard errors.
double worst_moment(const std::vector<double>& numbers) {
  std::array<double, 17> exact = {};  // moments of a standard normal: 1, 0, 1, 0, 3, 0, 15, ...
  exact[0] = 1.0;
  for (std::size_t order = 2; order < exact.size(); order += 2) {
    exact[order] = exact[order - 2] * static_cast<double>(order - 1);
  }
  double worst = 0.0;
  for (std::size_t order = 1; order <= 8; ++order) {
    double sum = 0.0;
    for (const double x : numbers) {
      sum += std::pow(x, static_cast<int>(order));
    }
    const auto n = static_cast<double>(numbers.size());
    const double standard_error = std::sqrt((exact[2 * order] - exact[order] * exact[order]) / n);
    worst = std::max(worst, std::abs(sum / n - exact[order]) / standard_error);
  }
  return worst;
}
// By the central limit theorem one moment exceeds it with probability 1e-11. The skewness of the eighth power, about
// 110, multiplies that by less than ten for 2^22 draws (Edgeworth), and there are eight moments: together below 1e-9.
constexpr double moment_bound = 6.8;

// Pairs of draws whose arguments differ in one respect.
struct Neighbours {
  const char* name;
  Arguments (*of)(Arguments);
};
constexpr std::array neighbours = {
    Neighbours{"seed", [](Arguments a) { return ++a.key.seed, a; }},
    Neighbours{"high half of the seed", [](Arguments a) { return a.key.seed += std::uint64_t{1} << 32, a; }},
    Neighbours{"process", [](Arguments a) { return ++a.key.process, a; }},
    Neighbours{"path", [](Arguments a) { return ++a.path, a; }},
    Neighbours{"high bits of the path", [](Arguments a) { return a.path += std::uint64_t{1} << 32, a; }},
    Neighbours{"step", [](Arguments a) { return ++a.step, a; }},
    Neighbours{"step after next", [](Arguments a) { return a.step += 2, a; }},
    Neighbours{"next word of signs", [](Arguments a) { return a.step += 64, a; }},
    Neighbours{"next counter of signs", [](Arguments a) { return a.step += 128, a; }},
    Neighbours{"high bits of the step", [](Arguments a) { return a.step += std::uint64_t{1} << 40, a; }},
    Neighbours{"component", [](Arguments a) { return ++a.component, a; }},
};
constexpr int pair_count = 1 << 17;

// Arguments spread over paths, steps and components, the i-th of pair_count.
Arguments spread(int i) {
  return {{11, 3},
          static_cast<std::uint64_t>(i % 32),
          static_cast<std::uint64_t>(i / 32 % 512),
          static_cast<std::uint32_t>(i / 16384)};
}

// The mean of f(x) f(y) over pairs of neighbouring draws x and y.
template <class Function>
double mean_product(NoiseLaw law, const Neighbours& pair, Function f) {
  double sum = 0.0;
  for (int i = 0; i < pair_count; ++i) {
    sum += f(noise(law, spread(i))) * f(noise(law, pair.of(spread(i))));
  }
  return sum / pair_count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(noise_bits)

BOOST_AUTO_TEST_CASE(arguments_beyond_their_bounds_are_refused) {
  const std::uint64_t one = 1;
  for (const NoiseLaw law : {NoiseLaw::gaussian, NoiseLaw::rademacher}) {
    for (const Arguments& beyond : {Arguments{{0, 256}, 0, 0, 0}, Arguments{{0, 0}, one << 56, 0, 0},
                                    Arguments{{0, 0}, 0, one << 48, 0}, Arguments{{0, 0}, 0, 0, 65536}}) {
      BOOST_CHECK_THROW(noise(law, beyond), std::out_of_range);
    }
    std::vector<Lanes> out(4);
    BOOST_CHECK_THROW(fill_noise<1>(law, {0, 256}, 0, 0, 1, 1, out.data()), std::out_of_range);
    BOOST_CHECK_THROW(fill_noise<1>(law, {0, 0}, (one << 56) - 1, 0, 1, 1, out.data()), std::out_of_range);
    BOOST_CHECK_THROW(fill_noise<1>(law, {0, 0}, 0, (one << 48) - 1, 2, 1, out.data()), std::out_of_range);
    BOOST_CHECK_THROW(fill_noise<1>(law, {0, 0}, ~std::uint64_t{0}, 0, 1, 1, out.data()), std::out_of_range);
    BOOST_CHECK_THROW(fill_noise<1>(law, {0, 0}, 0, ~std::uint64_t{0}, 2, 1, out.data()), std::out_of_range);
    BOOST_CHECK_THROW(fill_noise<1>(law, {0, 0}, 0, 0, 1, 65537, out.data()), std::out_of_range);
    BOOST_CHECK_NO_THROW(fill_noise<1>(law, {0, 255}, (one << 56) - lane_count, (one << 48) - 2, 2, 1, out.data()));
  }
}

BOOST_AUTO_TEST_CASE(normals_follow_box_muller_in_extended_precision) {
  double worst = 0.0;
  for (int i = 0; i < 200000; ++i) {
    const Arguments even = {{5, 1}, static_cast<std::uint64_t>(i % 100), static_cast<std::uint64_t>(i / 100 * 2), 7};
    const std::array<long double, 2> exact = normals_of(random_words(even, even.step / 2));
    for (int odd = 0; odd < 2; ++odd) {
      const double draw = noise(NoiseLaw::gaussian, {even.key, even.path, even.step + odd, even.component});
      worst = std::max(worst, static_cast<double>(std::abs(draw - exact[odd]) / std::abs(exact[odd])));
    }
  }
  BOOST_TEST_MESSAGE("largest relative error " << worst);
  BOOST_TEST(worst < 2e-15);  // as stated in noise.hpp
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(noise_law)

BOOST_AUTO_TEST_CASE(gaussian_moments_to_order_eight, *boost::unit_test::label("slow")) {
  std::vector<double> numbers = draws(NoiseLaw::gaussian, {2, 0});
  BOOST_TEST(worst_moment(numbers) < moment_bound);
  for (double& x : numbers) {
    x *= 1.01;
  }
  BOOST_TEST(worst_moment(numbers) > moment_bound);  // the test sees one percent
}

BOOST_AUTO_TEST_CASE(gaussian_distribution_function, *boost::unit_test::label("slow")) {
  std::vector<double> numbers = draws(NoiseLaw::gaussian, {3, 0});
  std::sort(numbers.begin(), numbers.end());
  // Dvoretzky, Kiefer, Wolfowitz and Massart: exceeded with a probability below false_alarm, for any number of draws
  const double bound = std::sqrt(std::log(2.0 / false_alarm) / (2.0 * draw_count));
  BOOST_TEST(kolmogorov_distance(numbers) < bound);
  for (double& x : numbers) {
    x *= 1.02;
  }
  BOOST_TEST(kolmogorov_distance(numbers) > bound);  // the test sees two percent
}

// 2^30 draws, counted in bins whose edges are numbers of few digits: distribution function and tails beyond 6.
BOOST_AUTO_TEST_CASE(gaussian_law_of_a_thousand_million_draws, *boost::unit_test::label("slow")) {
  constexpr int bins_per_unit = 1024, most = 9;  // no draw reaches 9: see noise.hpp
  std::vector<std::int64_t> counts(2 * most * bins_per_unit);
  std::vector<Lanes> lanes(1024 * 4);
  std::int64_t drawn = 0;
  for (std::uint64_t step = 0; drawn < std::int64_t{1} << 30; step += 1024) {
    fill_noise<4>(NoiseLaw::gaussian, {21, 0}, 0, step, 1024, 1, lanes.data());
    for (const Lanes& x : lanes) {
      for (int l = 0; l < lane_count; ++l) ++counts[static_cast<std::size_t>((lane(x, l) + most) * bins_per_unit)];
    }
    drawn += static_cast<std::int64_t>(lanes.size()) * lane_count;
  }
  const auto n = static_cast<double>(drawn);
  const auto edge = [](std::size_t bin) { return static_cast<double>(bin) / bins_per_unit - most; };
  const auto largest_difference = [&](double scale) {
    double largest = 0.0;
    std::int64_t below = 0;
    for (std::size_t bin = 0; bin < counts.size(); ++bin) {
      largest = std::max(largest, std::abs(static_cast<double>(below) / n - normal_distribution(scale * edge(bin))));
      below += counts[bin];
    }
    return largest;
  };
  const double bound = std::sqrt(std::log(2.0 / false_alarm) / (2.0 * n));  // as above
  BOOST_TEST(largest_difference(1.0) < bound);
  BOOST_TEST(largest_difference(1.001) > bound);  // the test sees a thousandth

  const double tail_bound = std::log(2.0 / (false_alarm / 6));  // six tails together
  for (const int from : {4, 5, 6}) {
    const std::size_t ends = static_cast<std::size_t>(most - from) * bins_per_unit;
    const auto lower = std::accumulate(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(ends), 0LL);
    const auto upper = std::accumulate(counts.end() - static_cast<std::ptrdiff_t>(ends), counts.end(), 0LL);
    const double probability = normal_distribution(-from);
    BOOST_TEST(n * distance(static_cast<double>(lower) / n, probability) < tail_bound, from << ": " << lower);
    BOOST_TEST(n * distance(static_cast<double>(upper) / n, probability) < tail_bound, from << ": " << upper);
    // The test sees half too many beyond 5, and 20 draws beyond 6 in place of 1.
    if (from == 5) BOOST_TEST(n * distance(1.5 * static_cast<double>(lower) / n, probability) > tail_bound);
    if (from == 6) BOOST_TEST(n * distance(20.0 / n, probability) > tail_bound);
  }
}

BOOST_AUTO_TEST_CASE(gaussian_tails, *boost::unit_test::label("slow")) {
  const std::vector<double> numbers = draws(NoiseLaw::gaussian, {4, 0});
  const double bound = std::log(2.0 / (false_alarm / 12));  // twelve tails together
  for (const double from : {1.0, 2.0, 3.0, 4.0, 4.5, 5.0}) {
    const double probability = normal_distribution(-from);
    for (const double sign : {-1.0, 1.0}) {
      const auto count = std::count_if(numbers.begin(), numbers.end(), [=](double x) { return sign * x > from; });
      const double frequency = static_cast<double>(count) / draw_count;
      BOOST_TEST(draw_count * distance(frequency, probability) < bound);
      if (from < 3.0) {
        BOOST_TEST(draw_count * distance(0.9 * frequency, probability) > bound);  // the test sees a tenth missing
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(signs_are_fair_at_every_place, *boost::unit_test::label("slow")) {
  const std::vector<double> numbers = draws(NoiseLaw::rademacher, {5, 0});
  BOOST_TEST(std::all_of(numbers.begin(), numbers.end(), [](double x) { return std::abs(x) == 1.0; }));
  std::array<int, 128> plus = {};  // by the bit of the counter's words that decides
  for (int i = 0; i < draw_count; ++i) {
    const int step = i / component_count % step_count;
    plus[step % 128] += numbers[i] > 0.0 ? 1 : 0;
  }
  const double bound = std::log(2.0 / (false_alarm / plus.size())), trials = draw_count / plus.size();
  for (const int count : plus) {
    BOOST_TEST(trials * distance(count / trials, 0.5) < bound);
  }
  BOOST_TEST(trials * distance(0.53, 0.5) > bound);  // the test sees 53 to 47
}

BOOST_AUTO_TEST_CASE(neighbouring_draws_are_independent, *boost::unit_test::label("slow")) {
  const auto draw = [](double x) { return x; };
  const auto centred_square = [](double x) { return (x * x - 1.0) / std::numbers::sqrt2; };  // of variance 1
  // A mean of products of independent numbers of variance 1, by the central limit theorem as for the moments.
  const double bound = moment_bound / std::sqrt(static_cast<double>(pair_count));
  // A mean of independent signs, by Hoeffding.
  const double sign_bound = std::sqrt(2.0 * std::log(2.0 / (false_alarm / neighbours.size())) / pair_count);
  for (const Neighbours& pair : neighbours) {
    BOOST_TEST_CONTEXT("next " << pair.name) {
      BOOST_TEST(std::abs(mean_product(NoiseLaw::gaussian, pair, draw)) < bound);
      BOOST_TEST(std::abs(mean_product(NoiseLaw::gaussian, pair, centred_square)) < bound);
      BOOST_TEST(std::abs(mean_product(NoiseLaw::rademacher, pair, draw)) < sign_bound);
    }
  }
  const Neighbours itself = {"itself", [](Arguments a) { return a; }};
  BOOST_TEST(mean_product(NoiseLaw::gaussian, itself, draw) > bound);
  BOOST_TEST(mean_product(NoiseLaw::gaussian, itself, centred_square) > bound);
  BOOST_TEST(mean_product(NoiseLaw::rademacher, itself, draw) > sign_bound);
}

BOOST_AUTO_TEST_SUITE_END()
