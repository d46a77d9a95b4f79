// Diagonal linear network: regression with more features than samples, where label noise finds the sparse solution.
#pragma once

#include <array>
#include <cmath>

#include "manifolds/model.hpp"

namespace valleydrift::manifolds {

/// f_i = x_i . (u*u - v*v) - y_i over n samples x_i of F features, L = (1/2n) sum_i f_i^2. w = (u_1..u_F, v_1..v_F), the
/// network's answer to x is x . b with b = u*u - v*v. The labels are y_i = x_i . b* with a teacher b* that has few
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
    int a = 0;
    for (; a + tile <= samples_; a += tile) residual_tile<tile>(a, w, f);
    for (; a < samples_; ++a) residual_tile<1>(a, w, f);
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    int k = 0;
    for (; k + tile <= features_; k += tile) pullback_tile<tile, T, R>(k, w, r, g);
    for (; k < features_; ++k) pullback_tile<1, T, R>(k, w, r, g);
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

  std::size_t at(int sample, int feature) const { return static_cast<std::size_t>(sample * features_ + feature); }

  /// f of the samples from `first` on, each one sum over the features in their order.
  template <int Rows, class T>
  void residual_tile(int first, std::span<const T> w, std::span<T> f) const {
    std::array<T, Rows> sum;
    for (int k = 0; k < features_; ++k) {
      const T &u = w[static_cast<std::size_t>(k)], &v = w[static_cast<std::size_t>(features_ + k)];
      const T b = (u - v) * (u + v);
      for (int a = 0; a < Rows; ++a) {
        const T term = x_[at(first + a, k)] * b;
        sum[static_cast<std::size_t>(a)] = k == 0 ? term : sum[static_cast<std::size_t>(a)] + term;
      }
    }
    for (int a = 0; a < Rows; ++a) {
      const auto i = static_cast<std::size_t>(first + a);
      f[i] = sum[static_cast<std::size_t>(a)] - y_[i];
    }
  }
  /// g of the features from `first` on, each one sum over the samples in their order.
  template <int Columns, class T, class R>
  void pullback_tile(int first, std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    std::array<R, Columns> sum;
    for (int a = 0; a < samples_; ++a) {
      for (int k = 0; k < Columns; ++k) {
        const R term = x_[at(a, first + k)] * r[static_cast<std::size_t>(a)];
        sum[static_cast<std::size_t>(k)] = a == 0 ? term : sum[static_cast<std::size_t>(k)] + term;
      }
    }
    for (int k = 0; k < Columns; ++k) {
      const auto u = static_cast<std::size_t>(first + k), v = static_cast<std::size_t>(features_ + first + k);
      const R twice = 2.0 * sum[static_cast<std::size_t>(k)];
      g[u] = w[u] * twice;
      g[v] = -(w[v] * twice);
    }
  }

  int features_, samples_;
  std::vector<double> x_, y_, teacher_;
};

}  // namespace valleydrift::manifolds
