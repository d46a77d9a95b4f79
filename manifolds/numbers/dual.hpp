// Dual numbers: a value with its derivative along one direction, over any number type.
#pragma once

#include <cmath>
#include <type_traits>

#include "manifolds/numbers/lane_math.hpp"

namespace valleydrift::manifolds {

/// a + b h with h^2 = 0: carries a value and its derivative along one direction. T is double, Lanes or again a Dual;
/// Dual<Dual<double>> gives second directional derivatives. Exact up to the rounding of T.
template <class T>
struct Dual {
  T value{};
  T slope{};

  Dual() = default;
  Dual(const T& v) : value(v), slope(0.0) {}
  Dual(const T& v, const T& s) : value(v), slope(s) {}
  template <class S>
  requires(std::is_arithmetic_v<S> && !std::is_same_v<T, S>) Dual(S v) : value(static_cast<double>(v)), slope(0.0) {}

  friend Dual operator-(const Dual& a) { return {-a.value, -a.slope}; }
  friend Dual operator+(const Dual& a, const Dual& b) { return {a.value + b.value, a.slope + b.slope}; }
  friend Dual operator-(const Dual& a, const Dual& b) { return {a.value - b.value, a.slope - b.slope}; }
  friend Dual operator*(const Dual& a, const Dual& b) {
    return {a.value * b.value, a.slope * b.value + a.value * b.slope};
  }
  friend Dual operator/(const Dual& a, const Dual& b) {
    const T q = a.value / b.value;
    return {q, (a.slope - q * b.slope) / b.value};
  }

  // With a plain number on one side no work is spent on its zero slope.
  friend Dual operator+(const Dual& a, const T& b) { return {a.value + b, a.slope}; }
  friend Dual operator+(const T& a, const Dual& b) { return {a + b.value, b.slope}; }
  friend Dual operator-(const Dual& a, const T& b) { return {a.value - b, a.slope}; }
  friend Dual operator-(const T& a, const Dual& b) { return {a - b.value, -b.slope}; }
  friend Dual operator*(const Dual& a, const T& b) { return {a.value * b, a.slope * b}; }
  friend Dual operator*(const T& a, const Dual& b) { return {a * b.value, a * b.slope}; }
  friend Dual operator/(const Dual& a, const T& b) { return {a.value / b, a.slope / b}; }
  friend Dual operator/(const T& a, const Dual& b) { return Dual(a) / b; }

  Dual& operator+=(const Dual& b) { return *this = *this + b; }
  Dual& operator-=(const Dual& b) { return *this = *this - b; }
  Dual& operator*=(const Dual& b) { return *this = *this * b; }
  Dual& operator/=(const Dual& b) { return *this = *this / b; }
};

/// A plain number that is neither T nor a Dual<T> (a double beside Dual<Lanes>) is first turned into a T.
template <class S, class T>
concept PlainBeside = std::is_arithmetic_v<S> && !std::is_same_v<S, T>;

template <class T, PlainBeside<T> S>
Dual<T> operator+(const Dual<T>& a, S b) {
  return a + T(static_cast<double>(b));
}
template <class T, PlainBeside<T> S>
Dual<T> operator+(S a, const Dual<T>& b) {
  return T(static_cast<double>(a)) + b;
}
template <class T, PlainBeside<T> S>
Dual<T> operator-(const Dual<T>& a, S b) {
  return a - T(static_cast<double>(b));
}
template <class T, PlainBeside<T> S>
Dual<T> operator-(S a, const Dual<T>& b) {
  return T(static_cast<double>(a)) - b;
}
template <class T, PlainBeside<T> S>
Dual<T> operator*(const Dual<T>& a, S b) {
  return a * T(static_cast<double>(b));
}
template <class T, PlainBeside<T> S>
Dual<T> operator*(S a, const Dual<T>& b) {
  return T(static_cast<double>(a)) * b;
}
template <class T, PlainBeside<T> S>
Dual<T> operator/(const Dual<T>& a, S b) {
  return a / T(static_cast<double>(b));
}
template <class T, PlainBeside<T> S>
Dual<T> operator/(S a, const Dual<T>& b) {
  return T(static_cast<double>(a)) / b;
}

template <class T>
Dual<T> sqrt(const Dual<T>& a) {
  using std::sqrt;
  const T root = sqrt(a.value);
  return {root, a.slope / (2.0 * root)};
}
template <class T>
Dual<T> exp(const Dual<T>& a) {
  const T e = exp(a.value);
  return {e, a.slope * e};
}
template <class T>
Dual<T> log(const Dual<T>& a) {
  return {log(a.value), a.slope / a.value};
}
template <class T>
Dual<T> sin(const Dual<T>& a) {
  return {sin(a.value), a.slope * cos(a.value)};
}
template <class T>
Dual<T> cos(const Dual<T>& a) {
  return {cos(a.value), -(a.slope * sin(a.value))};
}
template <class T>
Dual<T> tan(const Dual<T>& a) {
  const T t = tan(a.value);
  return {t, a.slope * (1.0 + t * t)};
}
template <class T>
Dual<T> atan(const Dual<T>& a) {
  return {atan(a.value), a.slope / (1.0 + a.value * a.value)};
}
template <class T>
Dual<T> sinh(const Dual<T>& a) {
  return {sinh(a.value), a.slope * cosh(a.value)};
}
template <class T>
Dual<T> cosh(const Dual<T>& a) {
  return {cosh(a.value), a.slope * sinh(a.value)};
}
template <class T>
Dual<T> tanh(const Dual<T>& a) {
  const T t = tanh(a.value);
  return {t, a.slope * (1.0 - t * t)};
}

}  // namespace valleydrift::manifolds
