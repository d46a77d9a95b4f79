// Lanes against doubles, lane by lane: arithmetic, functions, comparisons, loads and stores.
#include "manifolds/numbers/lanes.hpp"

#include <array>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "manifolds/numbers/lane_math.hpp"

using namespace valleydrift::manifolds;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double largest_finite = std::numeric_limits<double>::max();
constexpr double smallest = std::numeric_limits<double>::denorm_min();

// NaNs count as the same number whatever their sign and payload, which IEEE leaves open.
bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

// Numbers of every kind, repeated so that each meets each in some lane.
const std::vector<double>& awkward_numbers() {
  static const std::vector<double> numbers = {0.0,      -0.0,      1.0,          -1.0,          0.1,
                                              -2.5,     1e300,     -1e-300,      smallest,      -smallest,
                                              infinity, -infinity, not_a_number, largest_finite};
  return numbers;
}

// Calls check(a, b, x, y, lane) for all pairs of awkward numbers x and y, which Lanes a and b hold in that lane.
template <class Check>
void for_all_pairs(Check check) {
  const std::vector<double>& numbers = awkward_numbers();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    for (std::size_t j = 0; j < numbers.size(); ++j) {
      Lanes a, b;
      for (int l = 0; l < lane_count; ++l) {
        set_lane(a, l, numbers[(i + l) % numbers.size()]);
        set_lane(b, l, numbers[(j + 3 * l) % numbers.size()]);
      }
      for (int l = 0; l < lane_count; ++l) {
        check(a, b, lane(a, l), lane(b, l), l);
      }
    }
  }
}

bool is_true(LaneMask mask, int i) { return lane(select(mask, 1.0, 0.0), i) == 1.0; }

}  // namespace

BOOST_AUTO_TEST_SUITE(lanes)

BOOST_AUTO_TEST_CASE(arithmetic_is_that_of_double_in_every_lane) {
  for_all_pairs([](Lanes a, Lanes b, double x, double y, int l) {
    BOOST_TEST(same(lane(a + b, l), x + y));
    BOOST_TEST(same(lane(a - b, l), x - y));
    BOOST_TEST(same(lane(a * b, l), x * y));
    BOOST_TEST(same(lane(a / b, l), x / y));
    BOOST_TEST(same(lane(-a, l), -x));
    Lanes c = a;
    BOOST_TEST(same(lane(c += b, l), x + y));
    BOOST_TEST(same(lane(c -= b, l), x + y - y));
    c = a;
    BOOST_TEST(same(lane(c *= b, l), x * y));
    c = a;
    BOOST_TEST(same(lane(c /= b, l), x / y));
    BOOST_TEST(same(lane(2 * a + 1.0, l), 2 * x + 1.0));
    BOOST_TEST(same(lane(1.0 / a, l), 1.0 / x));
  });
}

BOOST_AUTO_TEST_CASE(functions_are_those_of_double_in_every_lane) {
  for_all_pairs([](Lanes a, Lanes b, double x, double y, int l) {
    BOOST_TEST(same(lane(sqrt(a), l), std::sqrt(x)));
    BOOST_TEST(same(lane(abs(a), l), std::abs(x)));
    BOOST_TEST(same(lane(copysign(a, b), l), std::copysign(x, y)));
    BOOST_TEST(same(lane(max(a, b), l), std::max(x, y)));
    BOOST_TEST(same(lane(min(a, b), l), std::min(x, y)));
    BOOST_TEST(same(lane(select(a < b, a, b), l), x < y ? x : y));
    BOOST_TEST(is_true(is_finite(a), l) == std::isfinite(x));
  });
}

BOOST_AUTO_TEST_CASE(square_root_is_correctly_rounded) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100000; ++i) {
    const double x = std::bit_cast<double>(random() >> 2);  // any positive number up to 1.99
    BOOST_REQUIRE(same(lane(sqrt(Lanes(x)), i % lane_count), std::sqrt(x)));
  }
}

BOOST_AUTO_TEST_CASE(comparisons_are_those_of_double_in_every_lane) {
  for_all_pairs([](Lanes a, Lanes b, double x, double y, int l) {
    BOOST_TEST(is_true(a < b, l) == (x < y));
    BOOST_TEST(is_true(a <= b, l) == (x <= y));
    BOOST_TEST(is_true(a > b, l) == (x > y));
    BOOST_TEST(is_true(a >= b, l) == (x >= y));
    BOOST_TEST(is_true(a == b, l) == (x == y));
    BOOST_TEST(is_true(!(a < b), l) == !(x < y));
    BOOST_TEST(is_true((a < b) & (a > -1.0), l) == (x < y && x > -1.0));
    BOOST_TEST(is_true((a < b) | (a > 1.0), l) == (x < y || x > 1.0));
  });
}

BOOST_AUTO_TEST_CASE(any_and_all_look_at_every_lane) {
  for (int l = 0; l < lane_count; ++l) {
    Lanes x = 0.0;
    set_lane(x, l, 1.0);
    BOOST_TEST(any(x > 0.0));
    BOOST_TEST(!all(x < 1.0));
    BOOST_TEST(!all(x > 0.0));
    BOOST_TEST(all(x >= 0.0));
    BOOST_TEST(!any(x > 1.0));
  }
  BOOST_TEST((any(true) && all(true) && !any(false) && !all(false)));
}

BOOST_AUTO_TEST_CASE(numbers_go_in_and_out_lane_by_lane) {
  std::array<double, lane_count + 2> from, to;
  for (std::size_t i = 0; i < from.size(); ++i) {
    from[i] = static_cast<double>(i) + 0.5;
    to[i] = -1;
  }
  const Lanes x = Lanes::load(std::span(from).subspan(1));  // not aligned
  x.store(std::span(to).subspan(1));
  BOOST_TEST(to.front() == -1);
  BOOST_TEST(to.back() == -1);
  for (int l = 0; l < lane_count; ++l) {
    BOOST_TEST(lane(x, l) == l + 1.5);
    BOOST_TEST(to[l + 1] == l + 1.5);
    BOOST_TEST(same(lane(Lanes(-0.0), l), -0.0));
    BOOST_TEST(same(lane(Lanes{}, l), 0.0));
  }
}

BOOST_AUTO_TEST_CASE(a_double_behaves_as_one_lane) {
  double x = 3.0;
  set_lane(x, 0, 4.0);
  BOOST_TEST(lane(x, 0) == 4.0);
  BOOST_TEST(select(x > 3.0, 1.0, 2.0) == 1.0);
  BOOST_TEST(max(1.0, x) == 4.0);
  BOOST_TEST(min(1.0, x) == 1.0);
  BOOST_TEST((is_finite(x) && !is_finite(infinity) && !is_finite(not_a_number)));
  static_assert(is_lanes_v<Lanes> && !is_lanes_v<double>);
  static_assert(lane_count_v<Lanes> == lane_count && lane_count_v<double> == 1);
  static_assert(sizeof(Lanes) == lane_count * sizeof(double));
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

struct Range {
  double low, high;
  bool logarithmic = false;  // low and high are then binary exponents, and both signs occur unless `positive`
  bool positive = false;

  double sample(std::mt19937_64& random) const {
    const double at = low + (high - low) * (static_cast<double>(random() >> 11) * 0x1p-53);
    const double sign = !positive && random() % 2 == 0 ? -1.0 : 1.0;
    return logarithmic ? sign * std::exp2(at) : at;
  }
};

// Distance of a value from the exact one, in units of the last place of the double next to the exact value.
double error_in_ulp(double value, long double exact) {
  const double rounded = static_cast<double>(exact);
  if (!std::isfinite(rounded) || !std::isfinite(value)) {
    return same(value, rounded) ? 0.0 : infinity;
  }
  const double magnitude = std::abs(rounded);
  const double ulp = std::nextafter(magnitude, infinity) - magnitude;
  return static_cast<double>(std::abs(value - exact) / ulp);
}

// The worst error in a range, against the C library in long double (11 more bits, themselves within 1 ulp); also
// checks that a double and each lane give the same bits.
template <class OfDouble, class OfLanes, class Exact>
double worst_error(Range range, OfDouble of_double, OfLanes of_lanes, Exact exact) {
  std::mt19937_64 random(7);
  double worst = 0.0;
  for (int i = 0; i < 20000; ++i) {
    Lanes x;
    for (int l = 0; l < lane_count; ++l) {
      set_lane(x, l, range.sample(random));
    }
    const Lanes y = of_lanes(x);
    for (int l = 0; l < lane_count; ++l) {
      const double value = of_double(lane(x, l));
      BOOST_REQUIRE(same(lane(y, l), value));
      worst = std::max(worst, error_in_ulp(value, exact(static_cast<long double>(lane(x, l)))));
    }
  }
  return worst;
}

}  // namespace

#define VALLEYDRIFT_WORST_ERROR(function, ...)                                                                   \
  worst_error(                                                                                                   \
      Range{__VA_ARGS__}, [](double x) { return polynomial::function(x); }, [](Lanes x) { return function(x); }, \
      [](long double x) { return std::function(x); })

BOOST_AUTO_TEST_SUITE(lane_math)

// The bounds are those stated in lane_math.hpp.
BOOST_AUTO_TEST_CASE(exponential_is_accurate_everywhere) {
  BOOST_TEST(VALLEYDRIFT_WORST_ERROR(exp, -708, 709.8) < 1.0);
  BOOST_TEST(VALLEYDRIFT_WORST_ERROR(exp, -746, -708) < 1.0);  // subnormal results
  BOOST_TEST(VALLEYDRIFT_WORST_ERROR(exp, -1, 1) < 1.0);
  BOOST_TEST(VALLEYDRIFT_WORST_ERROR(exp, -1074, 1023.99, true) < 1.0);
}

BOOST_AUTO_TEST_CASE(logarithm_is_accurate_everywhere) {
  BOOST_TEST(VALLEYDRIFT_WORST_ERROR(log, -1074, 1023.99, true, true) < 1.0);
  BOOST_TEST(VALLEYDRIFT_WORST_ERROR(log, 0.5, 2) < 1.0);
  BOOST_TEST(VALLEYDRIFT_WORST_ERROR(log, 0.999, 1.001) < 1.0);  // where it vanishes
}

BOOST_AUTO_TEST_CASE(sine_and_cosine_are_accurate_everywhere) {
  for (const Range range : {Range{-10, 10}, Range{-1074, 0, true}, Range{0, 21, true}, Range{20, 1023.99, true}}) {
    BOOST_TEST(VALLEYDRIFT_WORST_ERROR(sin, range) < 1.0);
    BOOST_TEST(VALLEYDRIFT_WORST_ERROR(cos, range) < 1.0);
  }
}

BOOST_AUTO_TEST_CASE(sine_and_cosine_are_accurate_beside_multiples_of_a_quarter_turn) {
  // the doubles next to k pi/2, where all leading digits of the reduction cancel
  for (int k = -100000; k <= 100000; k += 7) {
    const double x = static_cast<double>(static_cast<long double>(k) * 1.57079632679489661923132169163975144L);
    BOOST_REQUIRE_LT(error_in_ulp(polynomial::sin(x), std::sin(static_cast<long double>(x))), 1.0);
    BOOST_REQUIRE_LT(error_in_ulp(polynomial::cos(x), std::cos(static_cast<long double>(x))), 1.0);
  }
  // the double closest of all to a multiple of pi/2 (Muller, Elementary Functions); its cosine is -4.687...e-19
  const double x = 6381956970095103.0 * 0x1p797;
  BOOST_TEST(same(polynomial::cos(x), -4.6871659242546277e-19));
  BOOST_TEST(polynomial::sin(x) == 1.0);
}

BOOST_AUTO_TEST_CASE(hyperbolic_functions_are_accurate_everywhere) {
  for (const Range range : {Range{-2, 2}, Range{-710.5, 710.5}, Range{-1074, 1023.99, true}}) {
    BOOST_TEST(VALLEYDRIFT_WORST_ERROR(sinh, range) < 2.0);
    BOOST_TEST(VALLEYDRIFT_WORST_ERROR(cosh, range) < 2.0);
  }
}

BOOST_AUTO_TEST_CASE(tangents_are_accurate_everywhere) {
  for (const Range range : {Range{-10, 10}, Range{-1074, 0, true}, Range{0, 21, true}, Range{20, 1023.99, true}}) {
    BOOST_TEST(VALLEYDRIFT_WORST_ERROR(tan, range) < 3.0);
  }
  for (int k = -100000; k <= 100000; k += 7) {
    const double x = static_cast<double>(static_cast<long double>(k) * 1.57079632679489661923132169163975144L);
    BOOST_REQUIRE_LT(error_in_ulp(polynomial::tan(x), std::tan(static_cast<long double>(x))), 3.0);
  }
  // with the last range about the ends of the middle part, tan(pi/8) and its inverse
  for (const Range range : {Range{-3, 3}, Range{-1074, 1023.99, true}, Range{0.4, 0.43}, Range{2.4, 2.43}}) {
    BOOST_TEST(VALLEYDRIFT_WORST_ERROR(atan, range) < 2.0);
  }
  for (const Range range : {Range{-2, 2}, Range{-30, 30}, Range{-1074, 1023.99, true}}) {
    BOOST_TEST(VALLEYDRIFT_WORST_ERROR(tanh, range) < 3.0);
  }
}

BOOST_AUTO_TEST_CASE(special_values_are_those_of_the_c_library) {
  for (const double x : {0.0, -0.0, infinity, -infinity, not_a_number, largest_finite, -largest_finite, smallest,
                         -smallest, 1e-310, -1e-310, 0x1p-1022, -1.0, 709.0, 710.0, 711.0, -745.0, -746.0, -1e5}) {
    BOOST_TEST_CONTEXT("x = " << x) {
      BOOST_TEST(error_in_ulp(lane(exp(Lanes(x)), 0), std::exp(static_cast<long double>(x))) < 1.0);
      BOOST_TEST(error_in_ulp(lane(log(Lanes(x)), 0), std::log(static_cast<long double>(x))) < 1.0);
      BOOST_TEST(error_in_ulp(lane(sin(Lanes(x)), 0), std::sin(static_cast<long double>(x))) < 1.0);
      BOOST_TEST(error_in_ulp(lane(cos(Lanes(x)), 0), std::cos(static_cast<long double>(x))) < 1.0);
      BOOST_TEST(error_in_ulp(lane(sinh(Lanes(x)), 0), std::sinh(static_cast<long double>(x))) < 2.0);
      BOOST_TEST(error_in_ulp(lane(cosh(Lanes(x)), 0), std::cosh(static_cast<long double>(x))) < 2.0);
      BOOST_TEST(error_in_ulp(lane(tan(Lanes(x)), 0), std::tan(static_cast<long double>(x))) < 3.0);
      BOOST_TEST(error_in_ulp(lane(atan(Lanes(x)), 0), std::atan(static_cast<long double>(x))) < 2.0);
      BOOST_TEST(error_in_ulp(lane(tanh(Lanes(x)), 0), std::tanh(static_cast<long double>(x))) < 3.0);
    }
  }
  BOOST_TEST(same(lane(exp(Lanes(0.0)), 0), 1.0));
  BOOST_TEST(same(lane(log(Lanes(1.0)), 0), 0.0));
  BOOST_TEST(same(lane(log(Lanes(-0.0)), 0), -infinity));
  BOOST_TEST(same(lane(sin(Lanes(-0.0)), 0), -0.0));
  BOOST_TEST(same(lane(sinh(Lanes(-0.0)), 0), -0.0));
  BOOST_TEST(same(lane(tan(Lanes(-0.0)), 0), -0.0));
  BOOST_TEST(same(lane(atan(Lanes(-0.0)), 0), -0.0));
  BOOST_TEST(same(lane(tanh(Lanes(-0.0)), 0), -0.0));
  BOOST_TEST(same(lane(tanh(Lanes(50.0)), 0), 1.0));
}

BOOST_AUTO_TEST_CASE(lanes_do_not_disturb_each_other) {
  // special values beside an ordinary one, which must keep its value
  for (const double beside : awkward_numbers()) {
    Lanes x = beside;
    set_lane(x, lane_count - 1, 0.75);
    BOOST_TEST(same(lane(exp(x), lane_count - 1), polynomial::exp(0.75)));
    BOOST_TEST(same(lane(log(x), lane_count - 1), polynomial::log(0.75)));
    BOOST_TEST(same(lane(sin(x), lane_count - 1), polynomial::sin(0.75)));
    BOOST_TEST(same(lane(cos(x), lane_count - 1), polynomial::cos(0.75)));
    BOOST_TEST(same(lane(sinh(x), lane_count - 1), polynomial::sinh(0.75)));
    BOOST_TEST(same(lane(cosh(x), lane_count - 1), polynomial::cosh(0.75)));
    BOOST_TEST(same(lane(tan(x), lane_count - 1), polynomial::tan(0.75)));
    BOOST_TEST(same(lane(atan(x), lane_count - 1), polynomial::atan(0.75)));
    BOOST_TEST(same(lane(tanh(x), lane_count - 1), polynomial::tanh(0.75)));
  }
}

BOOST_AUTO_TEST_SUITE_END()
