// Products of m x D matrices and triangular systems, for double and for lanes, in pieces that stay in the cache. Every
// number is one sum in the order of its index, so that the pieces do not show in the bits.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "manifolds/numbers/buffer.hpp"

namespace valleydrift::sde {

/// Columns worked on at a time: of 200 rows on lanes they fill 200 KiB, a part of the second-level cache.
inline constexpr int block_columns = 16;

namespace tiles {

/// sum_pq <- sum_pq + sum_k a_pk b_qk over `columns` columns: A B sums side by side.
template <int A, int B, class T>
[[gnu::always_inline]] inline void add_products(const T* a, const T* b, std::ptrdiff_t stride, int columns, T* out,
                                                std::ptrdiff_t out_stride) {
  T sum[A][B];
  for (int p = 0; p < A; ++p) {
    for (int q = 0; q < B; ++q) sum[p][q] = out[p * out_stride + q];
  }
  for (int k = 0; k < columns; ++k) {
    T factor[B];
    for (int q = 0; q < B; ++q) factor[q] = b[q * stride + k];
    for (int p = 0; p < A; ++p) {
      for (int q = 0; q < B; ++q) sum[p][q] = sum[p][q] + a[p * stride + k] * factor[q];
    }
  }
  for (int p = 0; p < A; ++p) {
    for (int q = 0; q < B; ++q) out[p * out_stride + q] = sum[p][q];
  }
}

/// out_pq = scale sum_b w_pb j_bq, or the same added to what is there.
template <bool add, int P, int Q, class T>
[[gnu::always_inline]] inline void combine(const T* w, int rows, const T* j, std::ptrdiff_t stride, double scale,
                                           T* out) {
  T sum[P][Q];
  for (int p = 0; p < P; ++p) {
    for (int q = 0; q < Q; ++q) sum[p][q] = w[p * rows] * j[q];
  }
  for (int b = 1; b < rows; ++b) {
    T factor[Q];
    for (int q = 0; q < Q; ++q) factor[q] = j[b * stride + q];
    for (int p = 0; p < P; ++p) {
      for (int q = 0; q < Q; ++q) sum[p][q] = sum[p][q] + w[p * rows + b] * factor[q];
    }
  }
  for (int p = 0; p < P; ++p) {
    for (int q = 0; q < Q; ++q) {
      const T product = scale * sum[p][q];
      out[p * stride + q] = add ? out[p * stride + q] + product : product;
    }
  }
}

/// x_i <- (x_i - sum of l_b x_b over b in [first, last)) / pivot in Q columns.
template <int Q, class T>
[[gnu::always_inline]] inline void eliminate(const T* l, std::ptrdiff_t l_stride, int first, int last, const T& pivot,
                                             const T* x, std::ptrdiff_t stride, T* row) {
  T sum[Q];
  for (int q = 0; q < Q; ++q) sum[q] = row[q];
  for (int b = first; b < last; ++b) {
    const T factor = l[b * l_stride];
    for (int q = 0; q < Q; ++q) sum[q] = sum[q] - factor * x[b * stride + q];
  }
  for (int q = 0; q < Q; ++q) row[q] = sum[q] / pivot;
}

/// Calls use<Width>(k) for ranges of Width columns, 8 or 1, that make up [first, last).
template <class Use>
[[gnu::always_inline]] inline void by_eights(int first, int last, const Use& use) {
  int k = first;
  for (; k + 8 <= last; k += 8) use.template operator()<8>(k);
  for (; k < last; ++k) use.template operator()<1>(k);
}
/// The same with 4 or 1.
template <class Use>
[[gnu::always_inline]] inline void by_fours(int first, int last, const Use& use) {
  int k = first;
  for (; k + 4 <= last; k += 4) use.template operator()<4>(k);
  for (; k < last; ++k) use.template operator()<1>(k);
}

}  // namespace tiles

/// gram = weight j j^T, n x n. j: n x columns, row-major.
template <class T, int M, int D>
[[gnu::always_inline]] inline void gram_matrix(int n, int columns, const T* j, double weight, T* gram) {
  if constexpr (manifolds::extent_product(M, D) != manifolds::dynamic) {
    for (int a = 0; a < n; ++a) {
      for (int b = 0; b <= a; ++b) {
        T sum = j[a * columns] * j[b * columns];
        for (int k = 1; k < columns; ++k) sum = sum + j[a * columns + k] * j[b * columns + k];
        gram[a * n + b] = gram[b * n + a] = sum * weight;
      }
    }
  } else {
    std::fill_n(gram, n * n, T(0.0));
    const std::ptrdiff_t stride = columns;
    for (int k = 0; k < columns; k += block_columns) {
      const int width = std::min(block_columns, columns - k);
      tiles::by_fours(0, n, [&]<int A>(int a) {
        tiles::by_fours(0, a + A, [&]<int B>(int b) {
          tiles::add_products<A, B>(j + a * stride + k, j + b * stride + k, stride, width, gram + a * n + b, n);
        });
      });
    }
    for (int a = 0; a < n; ++a) {
      for (int b = 0; b <= a; ++b) gram[a * n + b] = gram[b * n + a] = gram[a * n + b] * weight;
    }
  }
}

/// out = scale w j, count x columns, or the same added to `out`. w: count x n, j: n x columns, row-major.
template <int M, int D, bool add = false, class T>
[[gnu::always_inline]] inline void combine_rows(int count, int n, int columns, const T* w, const T* j, double scale,
                                                T* out) {
  if constexpr (manifolds::extent_product(M, D) != manifolds::dynamic) {
    for (int p = 0; p < count; ++p) {
      for (int k = 0; k < columns; ++k) {
        T sum = w[p * n] * j[k];
        for (int b = 1; b < n; ++b) sum = sum + w[p * n + b] * j[b * columns + k];
        const T product = scale * sum;
        out[p * columns + k] = add ? out[p * columns + k] + product : product;
      }
    }
    return;
  }
  const std::ptrdiff_t stride = columns;
  for (int block = 0; block < columns; block += block_columns) {
    const int end = std::min(columns, block + block_columns);
    tiles::by_fours(0, count, [&]<int P>(int p) {
      tiles::by_fours(block, end, [&]<int Q>(int k) {
        tiles::combine<add, P, Q>(w + p * n, n, j + k, stride, scale, out + p * stride + k);
      });
    });
  }
}

/// x <- L^(-1) x, n x columns, with L what cholesky_factor has made of a matrix (of a single number: its root).
template <class T>
[[gnu::always_inline]] inline void solve_lower(int n, const T* l, int columns, T* x) {
  using std::sqrt;
  if (n == 1) {
    const T root = sqrt(l[0]);
    for (int k = 0; k < columns; ++k) x[k] = x[k] / root;
    return;
  }
  const std::ptrdiff_t stride = columns;
  for (int block = 0; block < columns; block += block_columns) {
    const int end = std::min(columns, block + block_columns);
    for (int i = 0; i < n; ++i) {
      tiles::by_eights(block, end, [&]<int Q>(int k) {
        tiles::eliminate<Q>(l + i * n, 1, 0, i, l[i * n + i], x + k, stride, x + i * stride + k);
      });
    }
  }
}

/// x <- a^(-1) x, n x columns, given what cholesky_factor has made of a.
template <class T>
[[gnu::always_inline]] inline void cholesky_solve_rows(int n, const T* l, int columns, T* x) {
  if (n == 1) {
    for (int k = 0; k < columns; ++k) x[k] = x[k] / l[0];
    return;
  }
  solve_lower(n, l, columns, x);
  const std::ptrdiff_t stride = columns;
  for (int block = 0; block < columns; block += block_columns) {
    const int end = std::min(columns, block + block_columns);
    for (int i = n - 1; i >= 0; --i) {
      tiles::by_eights(block, end, [&]<int Q>(int k) {
        tiles::eliminate<Q>(l + i, n, i + 1, n, l[i * n + i], x + k, stride, x + i * stride + k);
      });
    }
  }
}

}  // namespace valleydrift::sde
