// The m x m problems of the inner loop, for double and for lanes: no branches that differ between lanes.
#pragma once

#include <span>
#include <utility>

#include "manifolds/numbers/buffer.hpp"
#include "manifolds/numbers/lanes.hpp"

namespace valleydrift::sde {

/// Eigenvalues l and eigenvectors (columns of v) of the symmetric n x n matrix a, row-major, by cyclic Jacobi
/// rotations; a is overwritten. Closed form for n = 1, and for n = 2, where one rotation is exact. The order of the
/// eigenvalues is left as it comes. Relative error of an eigenvalue 4e-15 times the condition.
template <class T, int N = manifolds::dynamic>
[[gnu::always_inline]] inline void symmetric_eigen(int size, std::span<T> a, std::span<T> v, std::span<T> l) {
  using manifolds::all;
  using manifolds::select;
  using std::abs;
  using std::sqrt;
  const int n = N == manifolds::dynamic ? size : N;
  const auto at = [n](int row, int column) { return static_cast<std::size_t>(row * n + column); };
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < n; ++k) v[at(i, k)] = T(i == k ? 1.0 : 0.0);
  }
  constexpr int most_sweeps = 30;  // convergence is quadratic: 4 sweeps for n = 3, 8 for n = 100
  auto arrived = T(0.0) < T(0.0);  // a lane that has arrived is turned no more, so no lane depends on its neighbours
  for (int sweep = 0; sweep < most_sweeps && n > 1; ++sweep) {
    for (int p = 0; p < n; ++p) {
      for (int q = p + 1; q < n; ++q) {
        // t = tan of the rotation that annihilates a_pq: the smaller root of t^2 + 2 theta t - 1 = 0, written so that
        // a_pq = 0 gives t = 0 and nothing is divided by zero.
        const T apq = a[at(p, q)];
        const T half = 0.5 * (a[at(q, q)] - a[at(p, p)]);
        const T root = sqrt(half * half + apq * apq);
        const T denominator = select(half < 0.0, half - root, half + root);
        const auto skip = (denominator == 0.0) | arrived;
        const T t = select(skip, T(0.0), apq / select(skip, T(1.0), denominator));
        const T c = 1.0 / sqrt(t * t + 1.0);
        const T s = t * c;
        // Rows p and q, which lie side by side in memory, with their mirror images; eigenvectors are rows too.
        const T app = a[at(p, p)], aqq = a[at(q, q)];
        for (int k = 0; k < n; ++k) {
          const T apk = a[at(p, k)], aqk = a[at(q, k)];
          a[at(p, k)] = a[at(k, p)] = c * apk - s * aqk;
          a[at(q, k)] = a[at(k, q)] = s * apk + c * aqk;
        }
        a[at(p, p)] = app - t * apq;
        a[at(q, q)] = aqq + t * apq;
        a[at(p, q)] = a[at(q, p)] = select(skip, apq, T(0.0));
        for (int k = 0; k < n; ++k) {
          const T vpk = v[at(p, k)], vqk = v[at(q, k)];
          v[at(p, k)] = c * vpk - s * vqk;
          v[at(q, k)] = s * vpk + c * vqk;
        }
      }
    }
    if (n == 2) break;
    T off(0.0), scale(0.0);
    for (int i = 0; i < n; ++i) {
      scale = scale + abs(a[at(i, i)]);
      for (int k = 0; k < i; ++k) off = off + abs(a[at(i, k)]);
    }
    arrived = off <= 1e-17 * scale;  // below half an ulp of the largest eigenvalue
    if (all(arrived)) break;
  }
  for (int i = 0; i < n; ++i) {
    l[static_cast<std::size_t>(i)] = a[at(i, i)];
    for (int k = 0; k < i; ++k) std::swap(v[at(i, k)], v[at(k, i)]);
  }
}

/// Replaces the lower triangle of the symmetric positive definite n x n matrix a, row-major, by its Cholesky factor; a
/// single number stays as it is.
template <class T, int N = manifolds::dynamic>
[[gnu::always_inline]] inline void cholesky_factor(int size, std::span<T> a) {
  using std::sqrt;
  const int n = N == manifolds::dynamic ? size : N;
  const auto at = [n](int row, int column) { return static_cast<std::size_t>(row * n + column); };
  for (int i = 0; i < n && n > 1; ++i) {
    for (int k = 0; k <= i; ++k) {
      T sum = a[at(i, k)];
      for (int p = 0; p < k; ++p) sum = sum - a[at(i, p)] * a[at(k, p)];
      a[at(i, k)] = i == k ? sqrt(sum) : sum / a[at(k, k)];
    }
  }
}

/// x <- a^{-1} x, given what cholesky_factor has made of a.
template <class T, int N = manifolds::dynamic>
[[gnu::always_inline]] inline void cholesky_solve(int size, std::span<const T> factor, std::span<T> x) {
  const int n = N == manifolds::dynamic ? size : N;
  const auto at = [n](int row, int column) { return static_cast<std::size_t>(row * n + column); };
  if (n == 1) {
    x[0] = x[0] / factor[0];
    return;
  }
  for (int i = 0; i < n; ++i) {
    T sum = x[static_cast<std::size_t>(i)];
    for (int k = 0; k < i; ++k) sum = sum - factor[at(i, k)] * x[static_cast<std::size_t>(k)];
    x[static_cast<std::size_t>(i)] = sum / factor[at(i, i)];
  }
  for (int i = n - 1; i >= 0; --i) {
    T sum = x[static_cast<std::size_t>(i)];
    for (int k = i + 1; k < n; ++k) sum = sum - factor[at(k, i)] * x[static_cast<std::size_t>(k)];
    x[static_cast<std::size_t>(i)] = sum / factor[at(i, i)];
  }
}

}  // namespace valleydrift::sde
