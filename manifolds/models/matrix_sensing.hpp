// Matrix sensing: a low-rank matrix from fewer measurements than it has entries, as a product of two factors.
#pragma once

#include <cmath>

#include "manifolds/model.hpp"

namespace valleydrift::manifolds {

/// f_i = <A_i, U V^T> - y_i over n measurements A_i (d x d), L = (1/2n) sum_i f_i^2; U and V are d x r, row by row in
/// w = (U, V). The symmetric variant has V = U, w = U and symmetric A_i. The labels are y_i = <A_i, M*> with a teacher
/// M* of lower rank. tr H = (1/n) sum_i (|A_i V|^2 + |A_i^T U|^2), in the symmetric variant (4/n) sum_i |A_i U|^2: a
/// weighted |U|^2 + |V|^2, so that flat is a small nuclear norm of U V^T, which prefers low rank.
class MatrixSensing {
 public:
  static constexpr int static_dimension = dynamic;
  static constexpr int static_residuals = dynamic;
  /// A_i with standard normal entries (symmetric: their symmetric part) and M* = X Z^T / d (X X^T / d) with X, Z of
  /// standard normal entries, functions of the seed alone. Throws std::invalid_argument unless teacher-rank <= rank <=
  /// dimension and the samples are fewer than the dimension of the set of d x d matrices of rank r.
  explicit MatrixSensing(const ParameterValues& parameters);

  static ManifoldDescription describe();
  int dimension() const { return (symmetric_ ? 1 : 2) * d_ * r_; }
  int residual_count() const { return samples_; }
  double weight() const { return 1.0 / samples_; }

  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    for (std::size_t a = 0; a < f.size(); ++a) f[a] = T(-y_[a]);
    for_each_block([&]<int Entries>(Block<Entries> block) {
      T product[Entries];
      for (int e = 0; e < Entries; ++e) product[e] = entry(w, block.row[e], block.column[e]);
      for (std::size_t a = 0; a < f.size(); ++a) {
        const double* const x = block.measurements + a * block.stride;
        T sum = x[0] * product[0];
        for (int e = 1; e < Entries; ++e) sum = sum + x[e] * product[e];
        f[a] = f[a] + sum;
      }
    });
  }
  /// With G = sum_i r_i A_i: (G V, G^T U); in the symmetric variant 2 G U.
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    for (T& x : g) x = T(0.0);
    const T *const u = w.data(), *const v = second_factor(u);
    T *const gu = g.data(), *const gv = second_factor(gu);
    for_each_block([&]<int Entries>(Block<Entries> block) {
      R sum[Entries];
      for (int e = 0; e < Entries; ++e) sum[e] = block.measurements[e] * r[0];
      for (std::size_t a = 1; a < r.size(); ++a) {
        const double* const x = block.measurements + a * block.stride;
        for (int e = 0; e < Entries; ++e) sum[e] = sum[e] + x[e] * r[a];
      }
      for (int e = 0; e < Entries; ++e) {
        const std::ptrdiff_t i = block.row[e], j = block.column[e];
        for (int k = 0; k < r_; ++k) {
          gu[i + k] = gu[i + k] + v[j + k] * sum[e];
          gv[j + k] = gv[j + k] + u[i + k] * sum[e];
        }
      }
    });
  }

  /// (A_a V, A_a^T U); in the symmetric variant 2 A_a U.
  template <class T>
  void residual_gradient(std::span<const T> w, std::size_t a, std::span<T> g) const {
    for (T& x : g) x = T(0.0);
    const T *const u = w.data(), *const v = second_factor(u);
    T *const gu = g.data(), *const gv = second_factor(gu);
    const double* x = a_.data() + a * static_cast<std::size_t>(d_) * static_cast<std::size_t>(d_);
    for (std::ptrdiff_t i = 0; i < d_ * r_; i += r_) {
      for (std::ptrdiff_t j = 0; j < d_ * r_; j += r_, ++x) {
        for (int k = 0; k < r_; ++k) {
          gu[i + k] = gu[i + k] + v[j + k] * *x;
          gv[j + k] = gv[j + k] + u[i + k] * *x;
        }
      }
    }
  }
  /// Linear in U and in V; the symmetric variant has 2 r tr A_a.
  template <class T>
  void closed_laplacian(std::span<const T> /*w*/, std::span<T> out) const {
    const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(d_) * d_;
    for (std::size_t a = 0; a < out.size(); ++a) {
      double trace = 0.0;
      const double* x = a_.data() + static_cast<std::ptrdiff_t>(a) * size;
      for (std::ptrdiff_t e = 0; symmetric_ && e < size; e += d_ + 1) trace += x[e];
      out[a] = T(2.0 * r_ * trace);
    }
  }

  /// On the valley, from factors with entries of variance 1/r.
  std::vector<double> default_start() const;
  /// The test error |U V^T - M*|^2, the mean of f^2 over new measurements, and |U^T U - V^T V|^2, which gradient flow
  /// conserves; in the symmetric variant |U|^2, the nuclear norm of U U^T.
  std::vector<std::string> slow_coordinate_names() const;
  void slow_coordinates(std::span<const double> y, std::span<const double> start, std::span<double> q) const;
  double closed_trace_hessian(std::span<const double> y) const;
  /// A_i, row by row, sample by sample; M*.
  std::span<const double> data() const { return a_; }
  std::span<const double> teacher() const { return teacher_; }

 private:
  /// Entries e of U V^T that are worked on side by side: where their rows of U and V begin, and where their weights
  /// are: measurements[a * stride + e].
  template <int Entries>
  struct Block {
    const double* measurements;
    std::size_t stride;
    std::ptrdiff_t row[Entries], column[Entries];
  };
  /// Calls use(block) for all d^2 entries in their order, by 16, by 4, then one by one: 16 sums hide the latency of
  /// additions and leave registers for the rest.
  template <class Use>
  [[gnu::always_inline]] void for_each_block(const Use& use) const {
    const std::size_t count = static_cast<std::size_t>(d_) * static_cast<std::size_t>(d_);
    std::size_t entry = 0;
    std::ptrdiff_t i = 0, j = 0;
    const auto next = [&]<int Entries>(Block<Entries> block) {
      block.measurements = a_.data() + entry;
      block.stride = count;
      for (int e = 0; e < Entries; ++e) {
        block.row[e] = i * r_;
        block.column[e] = j * r_;
        if (++j == d_) j = 0, ++i;
      }
      entry += Entries;
      use(block);
    };
    // NOLINTBEGIN(bugprone-infinite-loop): next() moves entry on
    while (entry + 16 <= count) next(Block<16>{});
    while (entry + 4 <= count) next(Block<4>{});
    while (entry < count) next(Block<1>{});
    // NOLINTEND(bugprone-infinite-loop)
  }
  template <class T>
  T* second_factor(T* w) const {
    return symmetric_ ? w : w + static_cast<std::ptrdiff_t>(d_) * r_;
  }
  /// (U V^T)_ij, given where row i of U and row j of V begin.
  template <class T>
  [[gnu::always_inline]] T entry(std::span<const T> w, std::ptrdiff_t i, std::ptrdiff_t j) const {
    const T *const u = w.data() + i, *const v = second_factor(w.data()) + j;
    T sum = u[0] * v[0];
    for (int k = 1; k < r_; ++k) sum = sum + u[k] * v[k];
    return sum;
  }

  int d_, r_, samples_;
  bool symmetric_;
  double seed_;
  std::vector<double> a_, y_, teacher_;
};

}  // namespace valleydrift::manifolds
