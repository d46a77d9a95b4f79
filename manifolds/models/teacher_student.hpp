// Teacher and student: a two-layer network that learns the labels of a narrower one.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "manifolds/model.hpp"

namespace valleydrift::manifolds {

/// f_i = s(x_i) - y_i over n samples x_i of d inputs, L = (1/2n) sum_i f_i^2, with the student
/// s(x) = sum_k a_k tanh(w_k . x) of K units and the weights w = (a_1..a_K, w_1, ..., w_K). The labels are the answers
/// t(x_i) of a teacher of the same form with fewer units. The components of x are standard normal; the size of the
/// network is made up for where it begins, as in practice, not by a factor in front of the sum: teacher and start have
/// Kaiming's weights, normal of variance 2/d for w_k and 2/K for a_k, so that s(x) is of order 1. tr H = (1/n)
/// sum_ik (h_ik^2 + a_k^2 (1 - h_ik^2)^2 |x_i|^2) with h_ik = tanh(w_k . x_i): flat is a small sum of |a_k| |w_k|.
class TeacherStudent {
 public:
  static constexpr int static_dimension = dynamic;
  static constexpr int static_residuals = dynamic;
  /// Samples of the test error; a mean over them is off that over all x by some 12 % (one standard deviation).
  static constexpr int test_count = 128;
  /// Data, teacher and start are functions of the seed alone. Throws std::invalid_argument unless teacher-width <=
  /// width and samples < width (inputs + 1).
  explicit TeacherStudent(const ParameterValues& parameters);

  static ManifoldDescription describe();
  int dimension() const { return width_ * (inputs_ + 1); }
  int residual_count() const { return samples_; }
  double weight() const { return 1.0 / samples_; }

  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    answer<T>(w, f, nullptr);
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const R> r, std::span<T> g) const {
    pull_back<T, R>(w, nullptr, r, g);
  }
  /// What `residuals` finds and `pullback` needs again: h_ik, unit by unit.
  int kept_count() const { return width_ * samples_; }
  template <class T>
  void residuals(std::span<const T> w, std::span<T> f, std::span<T> kept) const {
    answer<T>(w, f, kept.data());
  }
  template <class T, class R>
  void pullback(std::span<const T> w, std::span<const T> kept, std::span<const R> r, std::span<T> g) const {
    pull_back<T, R>(w, kept.data(), r, g);
  }
  /// Row i: h_ik for a_k, a_k (1 - h_ik^2) x_i for w_k.
  template <class T>
  void jacobian(std::span<const T> w, std::span<T> j) const {
    for (int k = 0; k < width_; ++k) {
      const T a = w[static_cast<std::size_t>(k)];
      for (int i = 0; i < samples_; ++i) {
        T* const row = j.data() + static_cast<std::ptrdiff_t>(i) * dimension();
        T h;
        activate<1>(w.data() + first_weight(k), i, &h);
        row[k] = h;
        const T slope = a * (1.0 - h * h);
        for (int c = 0; c < inputs_; ++c) row[first_weight(k) + c] = input(i)[c] * slope;
      }
    }
  }

  /// On the valley, from Kaiming's weights.
  std::vector<double> default_start() const;
  /// The test error, the mean of (s(x) - t(x))^2 over new samples, and the square of all weights.
  std::vector<std::string> slow_coordinate_names() const { return {"test_error", "|w|^2"}; }
  void slow_coordinates(std::span<const double> y, std::span<const double> start, std::span<double> q) const;
  double closed_trace_hessian(std::span<const double> y) const;

  /// Weights of a student that is the teacher: each of its units shares the output weight of one of the teacher's.
  std::vector<double> embedded_teacher() const;
  /// x_i, row by row; y_i.
  std::span<const double> data() const { return x_; }
  std::span<const double> labels() const { return y_; }

 private:
  const double* input(int i) const { return x_.data() + static_cast<std::ptrdiff_t>(i) * inputs_; }
  std::ptrdiff_t first_weight(int k) const { return width_ + static_cast<std::ptrdiff_t>(k) * inputs_; }
  /// use(N, i) for all samples, N from i on at a time: several are kept in registers together.
  template <class Use>
  [[gnu::always_inline]] void by_blocks(const Use& use) const {
    constexpr int block = 4;
    int i = 0;
    for (; i + block <= samples_; i += block) use(std::integral_constant<int, block>{}, i);
    for (; i < samples_; ++i) use(std::integral_constant<int, 1>{}, i);
  }
  /// tanh(u . x_i) for N samples from i on.
  template <int N, class T>
  [[gnu::always_inline]] void activate(const T* u, int i, T* h) const {
    const double* const x = input(i);
    T z[N];
    for (int j = 0; j < N; ++j) z[j] = x[j * inputs_] * u[0];
    for (int c = 1; c < inputs_; ++c) {
      for (int j = 0; j < N; ++j) z[j] = z[j] + x[j * inputs_ + c] * u[c];
    }
    for (int j = 0; j < N; ++j) h[j] = tanh(z[j]);
  }
  /// f; h_ik to `kept` unless it is null.
  template <class T>
  [[gnu::always_inline]] void answer(std::span<const T> w, std::span<T> f, T* kept) const {
    for (std::size_t i = 0; i < f.size(); ++i) f[i] = T(-y_[i]);
    for (int k = 0; k < width_; ++k) {
      const T a = w[static_cast<std::size_t>(k)];
      by_blocks([&](auto n, int i) {
        T h[n];
        activate<n>(w.data() + first_weight(k), i, h);
        T* const sum = f.data() + i;
        for (int j = 0; j < n; ++j) sum[j] = sum[j] + a * h[j];
        if (!kept) return;
        for (int j = 0; j < n; ++j) kept[static_cast<std::ptrdiff_t>(k) * samples_ + i + j] = h[j];
      });
    }
  }
  /// g: of unit k sum_i h_ik r_i and a_k sum_i (1 - h_ik^2) r_i x_i; h_ik from `kept` unless it is null.
  template <class T, class R>
  [[gnu::always_inline]] void pull_back(std::span<const T> w, const T* kept, std::span<const R> r,
                                        std::span<T> g) const {
    for (int k = 0; k < width_; ++k) {
      T* const gu = g.data() + first_weight(k);
      const T a = w[static_cast<std::size_t>(k)];
      T ga(0.0);
      std::fill_n(gu, inputs_, T(0.0));
      by_blocks([&](auto n, int i) {
        T h[n], part[n];
        if (kept) {
          for (int j = 0; j < n; ++j) h[j] = kept[static_cast<std::ptrdiff_t>(k) * samples_ + i + j];
        } else {
          activate<n>(w.data() + first_weight(k), i, h);
        }
        for (int j = 0; j < n; ++j) {
          const R& of_sample = r[static_cast<std::size_t>(i + j)];
          part[j] = (a * (1.0 - h[j] * h[j])) * of_sample;
          ga = ga + h[j] * of_sample;
        }
        const double* const x = input(i);
        for (int c = 0; c < inputs_; ++c) {
          T sum = x[c] * part[0];
          for (int j = 1; j < n; ++j) sum = sum + x[j * inputs_ + c] * part[j];
          gu[c] = gu[c] + sum;
        }
      });
      g[static_cast<std::size_t>(k)] = ga;
    }
  }

  int inputs_, width_, samples_;
  double seed_;
  std::vector<double> teacher_;  ///< its output weights, then its units' weights, as in w
  std::vector<double> x_, y_;
  std::vector<double> test_x_, test_y_;  ///< test_x_ component by component: lanes of samples
};

}  // namespace valleydrift::manifolds
