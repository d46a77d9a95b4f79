// Lanes: one number for each of the trajectories that advance in lockstep in one register.
#pragma once

#include <immintrin.h>

#include <cassert>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

namespace valleydrift::manifolds {

// Number of trajectories that advance in lockstep: as many doubles as one register of the processor holds, because
// twice the native width was measured 2 to 9 times slower in the limit kernels.
#if defined(__AVX512F__)
inline constexpr int lane_count = 8;
#elif defined(__AVX2__)
inline constexpr int lane_count = 4;
#else
inline constexpr int lane_count = 2;
#endif

/// Calls use<Groups>() with the constant that equals `groups`: 1, 2 or 4, at most `Most`.
template <int Most = 4, class Use>
void with_groups(int groups, const Use& use) {
  assert(groups == 1 || groups == 2 || groups == 4);
  assert(groups <= Most);
  if constexpr (Most >= 4) {
    if (groups == 4) return use.template operator()<4>();
  }
  if constexpr (Most >= 2) {
    if (groups == 2) return use.template operator()<2>();
  }
  use.template operator()<1>();
}

// GNU vectors of one double, or one 64-bit integer, per lane.
typedef double DoubleVector __attribute__((vector_size(8 * lane_count)));
typedef std::int64_t IntegerVector __attribute__((vector_size(8 * lane_count)));

// One truth value per lane; the result of comparing Lanes, all bits of a lane set for true.
struct LaneMask {
  IntegerVector vector;

  friend LaneMask operator&(LaneMask a, LaneMask b) { return {a.vector & b.vector}; }
  friend LaneMask operator|(LaneMask a, LaneMask b) { return {a.vector | b.vector}; }
  friend LaneMask operator!(LaneMask a) { return {~a.vector}; }
};

// A number per trajectory: lane_count doubles in one register, each with the IEEE arithmetic of a double.
// As for double, `Lanes x;` is uninitialised and `Lanes x{};` is zero.
struct Lanes {
  DoubleVector vector;

  Lanes() = default;
  Lanes(double x) : vector(x - DoubleVector{}) {}  // x - 0 is x for every x, also for -0
  explicit Lanes(DoubleVector x) : vector(x) {}

  // Reads, or writes, the first lane_count numbers of a span, which need not be aligned.
  static Lanes load(std::span<const double> from) {
    Lanes x;
    std::memcpy(&x.vector, from.data(), sizeof x.vector);
    return x;
  }
  void store(std::span<double> to) const { std::memcpy(to.data(), &vector, sizeof vector); }

  Lanes& operator+=(Lanes b) { return vector += b.vector, *this; }
  Lanes& operator-=(Lanes b) { return vector -= b.vector, *this; }
  Lanes& operator*=(Lanes b) { return vector *= b.vector, *this; }
  Lanes& operator/=(Lanes b) { return vector /= b.vector, *this; }

  friend Lanes operator-(Lanes a) { return Lanes(-a.vector); }
  friend Lanes operator+(Lanes a, Lanes b) { return Lanes(a.vector + b.vector); }
  friend Lanes operator-(Lanes a, Lanes b) { return Lanes(a.vector - b.vector); }
  friend Lanes operator*(Lanes a, Lanes b) { return Lanes(a.vector * b.vector); }
  friend Lanes operator/(Lanes a, Lanes b) { return Lanes(a.vector / b.vector); }

  friend LaneMask operator<(Lanes a, Lanes b) { return {a.vector < b.vector}; }
  friend LaneMask operator<=(Lanes a, Lanes b) { return {a.vector <= b.vector}; }
  friend LaneMask operator>(Lanes a, Lanes b) { return {a.vector > b.vector}; }
  friend LaneMask operator>=(Lanes a, Lanes b) { return {a.vector >= b.vector}; }
  friend LaneMask operator==(Lanes a, Lanes b) { return {a.vector == b.vector}; }
};

template <class T>
inline constexpr bool is_lanes_v = std::same_as<T, Lanes>;

// Trajectories that one T carries.
template <class T>
inline constexpr int lane_count_v = is_lanes_v<T> ? lane_count : 1;

// The number of trajectory i; a double is its own only lane.
inline double lane(const Lanes& x, int i) { return x.vector[i]; }
inline double lane(double x, int) { return x; }
inline void set_lane(Lanes& x, int i, double value) { x.vector[i] = value; }
inline void set_lane(double& x, int, double value) { x = value; }

// a where the mask is true, b elsewhere; both are evaluated.
inline Lanes select(LaneMask mask, Lanes a, Lanes b) { return Lanes(mask.vector ? a.vector : b.vector); }
inline double select(bool mask, double a, double b) { return mask ? a : b; }

// Whether the mask is true in some lane, in every lane.
inline bool any(LaneMask mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi64_mask(reinterpret_cast<__m512i>(mask.vector), reinterpret_cast<__m512i>(mask.vector)) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_pd(reinterpret_cast<__m256d>(mask.vector)) != 0;
#else
  return _mm_movemask_pd(reinterpret_cast<__m128d>(mask.vector)) != 0;
#endif
}
inline bool any(bool mask) { return mask; }
inline bool all(LaneMask mask) { return !any(!mask); }
inline bool all(bool mask) { return mask; }

// The elementary functions of a double stay those of the standard library; without these names a double argument
// would turn into Lanes.
using std::abs;
using std::copysign;
using std::sqrt;

// Square root, correctly rounded.
inline Lanes sqrt(Lanes x) {
#if defined(__AVX512F__)
  return Lanes(_mm512_maskz_sqrt_pd(0xff, x.vector));  // all lanes; g++ 12 warns falsely about the form without mask
#elif defined(__AVX2__)
  return Lanes(_mm256_sqrt_pd(x.vector));
#else
  return Lanes(_mm_sqrt_pd(x.vector));
#endif
}

inline Lanes abs(Lanes x) {
  constexpr std::int64_t all_but_sign = std::numeric_limits<std::int64_t>::max();
  return Lanes(reinterpret_cast<DoubleVector>(reinterpret_cast<IntegerVector>(x.vector) & all_but_sign));
}

// The magnitude of x with the sign of y.
inline Lanes copysign(Lanes x, Lanes y) {
  constexpr std::int64_t sign = std::numeric_limits<std::int64_t>::min();
  const IntegerVector magnitude = reinterpret_cast<IntegerVector>(x.vector) & ~sign;
  return Lanes(reinterpret_cast<DoubleVector>(magnitude | (reinterpret_cast<IntegerVector>(y.vector) & sign)));
}

// The larger, the smaller; the first argument if either is NaN, as std::max and std::min.
inline Lanes max(Lanes a, Lanes b) { return select(a < b, b, a); }
inline Lanes min(Lanes a, Lanes b) { return select(b < a, b, a); }
inline double max(double a, double b) { return a < b ? b : a; }
inline double min(double a, double b) { return b < a ? b : a; }

// True where x is neither infinite nor NaN.
inline LaneMask is_finite(Lanes x) { return abs(x) <= std::numeric_limits<double>::max(); }
inline bool is_finite(double x) { return std::isfinite(x); }

}  // namespace valleydrift::manifolds
