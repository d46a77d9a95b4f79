// exp, log, sin, cos, tanh and their like on lanes: the same bits for any number of lanes.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "manifolds/numbers/lanes.hpp"

// Elementary functions of Lanes without a call into the C library. Each is a template that gives the same bits for
// T = double and for T = Lanes of any width, provided floating-point contraction is off. The polynomials are minimax
// fits on the interval of the reduced argument, their error given as a fraction of the function.
namespace valleydrift::manifolds {

// The bits of a number, as one 64-bit word per lane.
typedef std::uint64_t WordVector __attribute__((vector_size(8 * lane_count)));
template <class T>
struct WordsOf {
  using Type = std::uint64_t;
};
template <>
struct WordsOf<Lanes> {
  using Type = WordVector;
};
template <class T>
using Words = typename WordsOf<T>::Type;

inline std::uint64_t words_of(double x) { return std::bit_cast<std::uint64_t>(x); }
inline WordVector words_of(Lanes x) { return reinterpret_cast<WordVector>(x.vector); }
inline double number_of(std::uint64_t words) { return std::bit_cast<double>(words); }
inline Lanes number_of(WordVector words) { return Lanes(reinterpret_cast<DoubleVector>(words)); }
inline bool is_odd(std::uint64_t words) { return (words & 1) != 0; }
inline LaneMask is_odd(WordVector words) { return {(words & 1) != 0}; }
inline bool has_top_bit(std::uint64_t words) { return words >> 63 != 0; }
inline LaneMask has_top_bit(WordVector words) { return {reinterpret_cast<IntegerVector>(words) < 0}; }

namespace polynomial {

// c[0] + c[1] x + c[2] x^2 + ..., by pairs of terms: half the latency of Horner's rule (Estrin's scheme).
template <class T, std::size_t N, std::size_t... Pair>
[[gnu::always_inline]] inline T evaluate(T x, const std::array<T, N>& c, std::index_sequence<Pair...>) {
  if constexpr (N == 1) {
    return c[0];
  } else if constexpr (N % 2 == 0) {
    return evaluate(x * x, std::array<T, N / 2>{c[2 * Pair] + x * c[2 * Pair + 1]...},
                    std::make_index_sequence<N / 4>());
  } else {
    return evaluate(x * x, std::array<T, N / 2 + 1>{c[2 * Pair] + x * c[2 * Pair + 1]..., c[N - 1]},
                    std::make_index_sequence<(N / 2 + 1) / 2>());
  }
}
// The same for coefficients c0, c1, ...
template <class T, class... Coefficients>
[[gnu::always_inline]] inline T powers(T x, Coefficients... c) {
  return evaluate(x, std::array<T, sizeof...(c)>{T(c)...}, std::make_index_sequence<sizeof...(c) / 2>());
}

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
// Adding it rounds to an integer, which is then found in the low bits of the sum.
inline constexpr double integer_shift = 0x1.8p52;
// ln 2 in two parts; the first has 40 bits, so that its products with the 11 bits of an exponent are exact.
inline constexpr double ln2_high = 0x1.62e42fefa2p-1;
inline constexpr double ln2_low = 0x1.9ef35793c7673p-41;

// e^x = 2^n (1 + part); n is in the low bits of shifted = n + shift.
template <class T>
struct ExpParts {
  T shifted, part;
};
// For |x| <= 746; shift is integer_shift plus an integer.
template <class T>
ExpParts<T> exp_parts(T x, double shift) {
  const T shifted = x * 0x1.71547652b82fep+0 + shift;  // 1 / ln 2
  const T n = shifted - shift;
  const T high = x - n * ln2_high;
  const T low = n * ln2_low;
  const T r = high - low;  // |r| <= ln(2) / 2, error of the fit 2^-64
  const T q = powers(r, 0.5, 0x1.555555555555cp-3, 0x1.555555555555ep-5, 0x1.111111110eadbp-7, 0x1.6c16c16c1342ep-10,
                     0x1.a01a01b40fc0fp-13, 0x1.a01a01b4b4ab2p-16, 0x1.71ddeebd7c27dp-19, 0x1.27e4be75e47f6p-22,
                     0x1.af6e470a1cef9p-26, 0x1.1f9efda90acdap-29);
  return {shifted, high + (r * r * q - low)};
}

// 2^power e^x for |power| <= 1, within 1 ulp unless it is subnormal; no overflow before the result overflows.
template <class T>
T scaled_exp(T x, int power) {
  x = min(max(x, T(-746.0)), T(711.0));  // beyond, the result is 0 or infinite for every power; NaN passes
  // Twice the exponent bias is added, so that two halves of the exponent can be applied one after the other: a factor
  // 2^n alone could be subnormal or infinite where the result is not.
  const ExpParts<T> parts = exp_parts(x, integer_shift + 2 * 1023 + power);
  const T mantissa = 1.0 + parts.part;
  const Words<T> exponent = words_of(parts.shifted) & 0xfff;  // n + power + 2046, between 970 and 3074
  const Words<T> half = exponent >> 1;
  return mantissa * number_of(half << 52) * number_of((exponent - half) << 52);
}

template <class T>
T exp(T x) {
  return scaled_exp(x, 0);
}

// x = 2^exponent mantissa with sqrt(1/2) <= mantissa < sqrt(2), for normal x > 0.
template <class T>
struct Split {
  T exponent, mantissa;
};
template <class T>
Split<T> split(T x) {
  constexpr std::uint64_t sqrt_half = 0x3fe6a09e667f3bcd, exponent_bias = 1024;
  const Words<T> distance = words_of(x) - sqrt_half;
  const Words<T> exponent = (distance + (exponent_bias << 52)) >> 52;
  const Words<T> mantissa = (distance & 0x000fffffffffffff) + sqrt_half;
  const Words<T> two_52 = exponent | std::bit_cast<std::uint64_t>(0x1p52);  // 2^52 + exponent, read as a double
  return {number_of(two_52) - (0x1p52 + exponent_bias), number_of(mantissa)};
}

// Natural logarithm, within 1 ulp; -infinity at 0, NaN below.
template <class T>
T log(T x) {
  const auto subnormal = x < 0x1p-1022;
  const Split<T> parts = split(select(subnormal, x * 0x1p54, x));
  const T k = select(subnormal, parts.exponent - 54.0, parts.exponent);
  const T f = parts.mantissa - 1.0;
  const T s = f / (2.0 + f);  // log(1 + f) = 2 artanh(s) = 2 s + s r
  const T z = s * s;
  const T r = z * powers(z, 0x1.5555555555592p-1, 0x1.999999997fe0cp-2, 0x1.24924941ed4a8p-2, 0x1.c71c520c12d05p-3,
                         0x1.74663e69b78c7p-3, 0x1.39a1c65001d82p-3, 0x1.2f04f7e5a47d1p-3);  // error 2^-59
  const T half_square = 0.5 * f * f;  // 2 s = f - half_square + s half_square, whose first term is exact
  T result = k * ln2_high - ((half_square - (s * (half_square + r) + k * ln2_low)) - f);
  result = select(x < infinity, result, x);
  result = select(x == 0.0, -infinity, result);
  return select(x < 0.0, not_a_number, result);
}

// An angle as a multiple of a quarter turn, in the two low bits of `quarters`, plus high + low in [-pi/4, pi/4].
template <class T>
struct QuarterTurns {
  T quarters, high, low;
};

// Reduction of a finite |x| > 1 by integers: only those bits of 2/pi matter that are neither multiples of four quarter
// turns nor below the result's precision (Payne and Hanek).
inline QuarterTurns<double> reduce_huge_angle(double x) {
  __extension__ typedef unsigned __int128 Wide;
  __extension__ typedef __int128 SignedWide;
  static constexpr std::array<std::uint64_t, 20> two_over_pi = {
      // bits of 2/pi after a word of zeros
      0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
      0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41,
      0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7,
      0x4f463f669e5fea2d, 0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab};
  const std::uint64_t bits = words_of(std::abs(x));
  const std::uint64_t mantissa = (bits & 0x000fffffffffffff) | 0x0010000000000000;
  // x = mantissa 2^exponent; 192 bits of 2/pi from the bit of weight 2^(1 - exponent) on, which contributes 2 mantissa
  const int exponent = static_cast<int>(bits >> 52) - 1023 - 52;
  const int first_bit = exponent - 2 + 64;
  const int word = first_bit / 64, shift = first_bit % 64;
  const auto window = [&](int i) {
    const Wide pair = Wide{two_over_pi[word + i]} << 64 | (shift == 0 ? 0 : two_over_pi[word + i + 1]);
    return static_cast<std::uint64_t>((pair << shift) >> 64);
  };
  const Wide low = Wide{mantissa} * window(2);
  const Wide middle = Wide{mantissa} * window(1) + (low >> 64);
  const std::uint64_t top = mantissa * window(0) + static_cast<std::uint64_t>(middle >> 64);
  const Wide turn = Wide{top} << 64 | static_cast<std::uint64_t>(middle);  // of a full turn, in units of 2^-128
  const std::uint64_t quarters = (top >> 62) + ((top >> 61) & 1);          // to nearest
  constexpr long double half_pi = 1.57079632679489661923132169163975144L;
  const long double angle = static_cast<long double>(static_cast<SignedWide>(turn << 2)) * 0x1p-128L * half_pi;
  const double high = static_cast<double>(angle);
  const double rest = static_cast<double>(angle - high);
  if (x < 0) {
    return {number_of(words_of(integer_shift) - quarters), -high, -rest};
  }
  return {number_of(words_of(integer_shift) + quarters), high, rest};
}

// The sum a + b and its rounding error.
template <class T>
struct Sum {
  T value, error;
};
template <class T>
Sum<T> two_sum(T a, T b) {
  const T value = a + b;
  const T b_part = value - a;
  return {value, (a - (value - b_part)) + (b - b_part)};
}

template <class T>
QuarterTurns<T> reduce_angle(T x) {
  // pi/2 in three parts, the first two of 33 bits: their products with 20 bits are exact (Cody and Waite).
  constexpr double part_1 = 0x1.921fb544p0, part_2 = 0x1.0b4611a6p-34, part_3 = 0x1.3198a2e037073p-69;
  constexpr double limit = 0x1p20;  // 2/pi of it has fewer than 20 bits
  const T quarters = x * 0x1.45f306dc9c883p-1 + integer_shift;
  const T n = quarters - integer_shift;
  const Sum<T> angle = two_sum(x - n * part_1, -(n * part_2));
  const Sum<T> rest = two_sum(angle.value, angle.error - n * part_3);
  QuarterTurns<T> result = {quarters, rest.value, rest.error};
  if (any(abs(x) > limit)) {
    for (int i = 0; i < lane_count_v<T>; ++i) {
      const double angle_i = lane(x, i);
      if (std::abs(angle_i) > limit && std::isfinite(angle_i)) {
        const QuarterTurns<double> huge = reduce_huge_angle(angle_i);
        set_lane(result.quarters, i, huge.quarters);
        set_lane(result.high, i, huge.high);
        set_lane(result.low, i, huge.low);
      }
    }
  }
  return result;
}

// The sine, respectively the cosine, of high + low in [-pi/4, pi/4], errors of the fits 2^-58 and 2^-64.
template <class T>
T reduced_sin(T high, T low) {
  const T z = high * high;
  const T s = powers(z, -0x1.5555555555549p-3, 0x1.111111110f87dp-7, -0x1.a01a019c12032p-13, 0x1.71de3578166b0p-19,
                     -0x1.ae5e66887d5bcp-26, 0x1.5d93185bb95dbp-33);
  return high + (high * z * s + low * (1.0 - 0.5 * z));
}
template <class T>
T reduced_cos(T high, T low) {
  const T z = high * high;
  const T c = powers(z, 0x1.555555555554cp-5, -0x1.6c16c16c15182p-10, 0x1.a01a019cb223bp-16, -0x1.27e4f80a3c342p-22,
                     0x1.1ee9ec1ddc36ap-29, -0x1.8faeb86b721a0p-37);
  const T half = 0.5 * z;
  const T leading = 1.0 - half;
  return leading + (((1.0 - leading) - half) + (z * z * c - high * low));
}

// sin(turns + a quarter of a turn times `quarters_ahead`).
template <class T>
T sin_of(QuarterTurns<T> turns, std::uint64_t quarters_ahead) {
  const Words<T> quarters = words_of(turns.quarters) + quarters_ahead;
  const T value = select(is_odd(quarters), reduced_cos(turns.high, turns.low), reduced_sin(turns.high, turns.low));
  return number_of(words_of(value) ^ ((quarters & 2) << 62));  // the second bit becomes the sign
}

// Sine and cosine of an angle in radians, of any size, within 1 ulp; NaN at infinity.
template <class T>
T sin(T x) {
  return select(abs(x) < 0x1p-27, x, sin_of(reduce_angle(x), 0));  // x^3 / 6 is below half an ulp; keeps -0
}
template <class T>
T cos(T x) {
  return sin_of(reduce_angle(x), 1);
}
// Tangent of an angle in radians, of any size, within 3 ulp; NaN at infinity.
template <class T>
T tan(T x) {
  const QuarterTurns<T> turns = reduce_angle(x);
  const T s = reduced_sin(turns.high, turns.low), c = reduced_cos(turns.high, turns.low);
  const auto odd = is_odd(words_of(turns.quarters));  // a quarter of a turn on, the tangent is -1 / tan
  const T value = select(odd, c, s) / select(odd, -s, c);
  return select(abs(x) < 0x1p-27, x, value);
}

// Inverse tangent in [-pi/2, pi/2], within 2 ulp.
template <class T>
T atan(T x) {
  // pi/2 and pi/4 in two parts
  constexpr double half_pi = 0x1.921fb54442d18p+0, half_pi_rest = 0x1.1a62633145c07p-54;
  constexpr double tan_of_eighth =
      0x1.a827999fcef32p-2;  // 2^(1/2) - 1; its inverse is the other end of the middle part
  const T magnitude = abs(x);
  const auto middle = magnitude > tan_of_eighth, upper = magnitude > 1.0 / tan_of_eighth;
  // atan x = pi/4 + atan((x - 1) / (x + 1)) = pi/2 + atan(-1 / x)
  const T t = select(upper, T(-1.0), select(middle, magnitude - 1.0, magnitude)) /
              select(upper, magnitude, select(middle, magnitude + 1.0, T(1.0)));
  const T high = select(upper, T(half_pi), select(middle, T(half_pi / 2.0), T(0.0)));
  const T low = select(upper, T(half_pi_rest), select(middle, T(half_pi_rest / 2.0), T(0.0)));
  const T z = t * t;
  const T p = powers(z, -0x1.5555555555555p-2, 0x1.999999999934ap-3, -0x1.24924924360cbp-3, 0x1.c71c7185314cbp-4,
                     -0x1.745d0b26b83e7p-4, 0x1.3b1262d95579ep-4, -0x1.10fa75382537fp-4, 0x1.dfe61e80903d2p-5,
                     -0x1.a098bb6ba4941p-5, 0x1.41603647c7a7cp-5, -0x1.3a2b7a07caea9p-6);  // error 2^-56
  return copysign(high + (t + (t * z * p + low)), x);
}

// Hyperbolic sine and cosine, within 2 ulp.
template <class T>
T sinh(T x) {
  const T z = x * x;
  const T small = x + x * z *
                          powers(z, 0x1.5555555555556p-3, 0x1.11111111110a1p-7, 0x1.a01a01a0291fbp-13,
                                 0x1.71de3a45f71fep-19, 0x1.ae6467668cefap-26, 0x1.611a3a1f5d36fp-33,
                                 0x1.b4cf78ee3fd0fp-41);  // |x| < 1, error 2^-63
  const T half_exp = scaled_exp(abs(x), -1);
  return select(abs(x) < 1.0, small, copysign(half_exp - 0.25 / half_exp, x));
}
template <class T>
T cosh(T x) {
  const T half_exp = scaled_exp(abs(x), -1);
  return half_exp + 0.25 / half_exp;
}
// Hyperbolic tangent, within 3 ulp. With 2 |x| = n ln 2 + 2 r and e^(2r) = (1 + s + r) / (1 + s - r), where
// s = r coth r - 1 is a series in r^2, tanh |x| = (2^n (1 + s + r) - (1 + s - r)) / (2^n (1 + s + r) + (1 + s - r)).
// Both are halved, and summed from the small to the large.
template <class T>
[[gnu::always_inline]] inline T tanh(T x) {  // several at a time, side by side
  constexpr double one_beyond = 20.0;        // 1 - tanh is less than half an ulp there
  constexpr double shift = integer_shift + 1022;
  const T magnitude = min(abs(x), T(one_beyond));
  const T shifted = magnitude * 0x1.71547652b82fep+1 + shift;  // 2 / ln 2
  const T n = shifted - shift;
  const T half_power = number_of(words_of(shifted) << 52);  // 2^(n - 1), 0 <= n <= 58: the bias is in `shifted`
  const T r = (magnitude - n * (0.5 * ln2_high)) - n * (0.5 * ln2_low);  // |r| <= ln(2) / 4, error of the fit 2^-60
  const T z = r * r;
  const T s = z * powers(z, 0x1.555555555553ep-2, -0x1.6c16c16bebd3ep-6, 0x1.1566aaf2561fbp-9, -0x1.bbd41c53874efp-13,
                         0x1.637694be07f3fp-16);
  const T less = half_power - 0.5, more = half_power + 0.5;
  const T numerator = less + (more * r + less * s);
  return copysign(numerator / (1.0 + (numerator + (s - r))), x);
}

}  // namespace polynomial

// What models call: the same bits for a path alone as for a path among lanes, and on every processor (see
// portable_math.hpp). Long double, in which checks are made, keeps the standard library's.
template <class T>
concept PolynomialNumber = std::same_as<T, double> || std::same_as<T, Lanes>;
// clang-format off
template <PolynomialNumber T> T exp(T x) { return polynomial::exp(x); }
template <PolynomialNumber T> T log(T x) { return polynomial::log(x); }
template <PolynomialNumber T> T sin(T x) { return polynomial::sin(x); }
template <PolynomialNumber T> T cos(T x) { return polynomial::cos(x); }
template <PolynomialNumber T> T tan(T x) { return polynomial::tan(x); }
template <PolynomialNumber T> T atan(T x) { return polynomial::atan(x); }
template <PolynomialNumber T> T sinh(T x) { return polynomial::sinh(x); }
template <PolynomialNumber T> T cosh(T x) { return polynomial::cosh(x); }
template <PolynomialNumber T> [[gnu::always_inline]] inline T tanh(T x) { return polynomial::tanh(x); }
// clang-format on
inline long double exp(long double x) { return std::exp(x); }
inline long double log(long double x) { return std::log(x); }
inline long double sin(long double x) { return std::sin(x); }
inline long double cos(long double x) { return std::cos(x); }
inline long double tan(long double x) { return std::tan(x); }
inline long double atan(long double x) { return std::atan(x); }
inline long double sinh(long double x) { return std::sinh(x); }
inline long double cosh(long double x) { return std::cosh(x); }
inline long double tanh(long double x) { return std::tanh(x); }

}  // namespace valleydrift::manifolds
