// Diagonal linear network: regression with more features than samples, where label noise finds the sparse solution.
#pragma once

#include <cmath>
#include <utility>

#include "manifolds/model.hpp"

namespace valleydrift::manifolds {

/// f_i = x_i . (u*u - v*v) - y_i over n samples x_i of F features, L = (1/2n) sum_i f_i^2. w = (u_1..u_F, v_1..v_F),
/// the network's answer to x is x . b with b = u*u - v*v. The labels are y_i = x_i . b* with a teacher b* that has few
/// non-zeros, each 1. tr H = (4/n) sum_ik x_ik^2 (u_k^2 + v_k^2), a weighted 1-norm of b where u*v = 0: flat is sparse.
class LinearNetwork {
 public:
  static constexpr int static_dimension = dynamic;
  static constexpr int static_residuals = dynamic;
  /// Standard normal x_ik, a function of the seed alone. Throws std::invalid_argument unless samples < features and
  /// sparsity <= features.
  explicit LinearNetwork(const ParameterValues& parameters);

  static ManifoldDescription describe();
  int dimension() const { return 2 * features_; }
  int residual_count() const { return samples_; }
  double weight() const { return 1.0 / samples_; }

  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    const std::size_t samples = f.size();
    std::size_t a = 0;
    for (; a + tile <= samples; a += tile) residual_tile<tile>(a, w, f);
    for (; a < samples; ++a) residual_tile<1>(a, w, f);
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    const std::size_t features = w.size() / 2;
    std::size_t k = 0;
    for (; k + tile <= features; k += tile) pullback_tile<tile, T, R>(k, w, r, g);
    for (; k < features; ++k) pullback_tile<1, T, R>(k, w, r, g);
  }

  template <class T>
  void residual_gradient(std::span<const T> w, std::size_t a, std::span<T> g) const {
    const auto features = static_cast<std::size_t>(features_);
    const double* x = row(a);
    for (std::size_t k = 0; k < features; ++k) {
      const double twice = 2.0 * x[k];
      g[k] = w[k] * twice;
      g[features + k] = -(w[features + k] * twice);
    }
  }
  /// u_k^2 and v_k^2 come with opposite signs.
  template <class T>
  void closed_laplacian(std::span<const T> /*w*/, std::span<T> out) const {
    for (T& x : out) x = T(0.0);
  }

  /// On the valley: b the solution of least norm, which is not sparse, and u_k v_k = 1/4 for every k.
  std::vector<double> default_start() const;
  /// |b - b*|^2, the mean squared error on new samples; and sum_k u_k^2 v_k^2, which gradient flow conserves.
  std::vector<std::string> slow_coordinate_names() const { return {"test_error", "|u*v|^2"}; }
  void slow_coordinates(std::span<const double> y, std::span<const double> start, std::span<double> q) const;
  double closed_trace_hessian(std::span<const double> y) const;

  /// x_ik, row by row; b*.
  std::span<const double> data() const { return x_; }
  std::span<const double> teacher() const { return teacher_; }

 private:
  /// Sums that run side by side, to hide the latency of additions: 5 divides the default sizes.
  static constexpr int tile = 5;
  /// Calls use(i) for i = 0 .. N-1, each a constant: so the compiler keeps arrays in registers.
  template <int N, class Use>
  [[gnu::always_inline]] static void unrolled(const Use& use) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (use(I), ...); }
    (std::make_index_sequence<N>{});
  }
  const double* row(std::size_t sample) const { return x_.data() + sample * static_cast<std::size_t>(features_); }

  /// f of the samples from `first` on, each one sum over the features in their order.
  template <int Rows, class T>
  void residual_tile(std::size_t first, std::span<const T> w, std::span<T> f) const {
    const auto features = static_cast<std::size_t>(features_);
    const T *u = w.data(), *v = w.data() + features;
    const double* x = row(first);
    T sum[Rows];
    const T b = (u[0] - v[0]) * (u[0] + v[0]);
    unrolled<Rows>([&](std::size_t a) { sum[a] = x[a * features] * b; });
    for (std::size_t k = 1; k < features; ++k) {
      const T next = (u[k] - v[k]) * (u[k] + v[k]);
      unrolled<Rows>([&](std::size_t a) { sum[a] = sum[a] + x[a * features + k] * next; });
    }
    unrolled<Rows>([&](std::size_t a) { f[first + a] = sum[a] - y_[first + a]; });
  }
  /// g of the features from `first` on, each one sum over the samples in their order.
  template <int Columns, class T, class R>
  void pullback_tile(std::size_t first, std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    const auto features = static_cast<std::size_t>(features_), samples = static_cast<std::size_t>(samples_);
    R sum[Columns];
    const double* x = row(0) + first;
    unrolled<Columns>([&](std::size_t k) { sum[k] = x[k] * r[0]; });
    for (std::size_t a = 1; a < samples; ++a) {
      x += features;
      unrolled<Columns>([&](std::size_t k) { sum[k] = sum[k] + x[k] * r[a]; });
    }
    unrolled<Columns>([&](std::size_t k) {
      const R twice = 2.0 * sum[k];
      g[first + k] = w[first + k] * twice;
      g[features + first + k] = -(w[features + first + k] * twice);
    });
  }

  int features_, samples_;
  std::vector<double> x_, y_, teacher_;
};

}  // namespace valleydrift::manifolds
