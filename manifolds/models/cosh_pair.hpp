// A loss that is not least squares, on the valley of the quadratic pair.
#pragma once

#include "manifolds/loss.hpp"
#include "manifolds/models/quadratic_pair.hpp"

namespace valleydrift::manifolds {

/// L = sum_a (cosh f_a - 1) on the residuals of the quadratic pair: a loss that is not least squares. Everything about
/// it is derived from `gradient` alone, and since d^3/df^3 (cosh f - 1) = 0 on the valley the limiting diffusion must
/// be the quadratic pair's.
class CoshPair {
 public:
  using model_type = QuadraticPair;
  static constexpr int static_dimension = 4;
  static constexpr int static_labels = 2;
  explicit CoshPair(const ParameterValues& parameters) : model_(parameters) {}

  static ManifoldDescription describe() {
    ManifoldDescription d = QuadraticPair::describe();
    d.name = "cosh-pair";
    d.formula = "L = sum_a (cosh f_a - 1), f as in quadratic-pair";
    d.summary = "a loss that is not least squares";
    d.known.emplace_back("the limiting diffusion is that of quadratic-pair");
    return d;
  }
  const QuadraticPair& model() const { return model_; }
  int dimension() const { return 4; }
  int transverse_dimension() const { return 2; }
  int label_count() const { return 2; }
  double label_constant() const { return 1.0; }
  int scratch_size() const { return 2; }

  template <class T>
  T value(std::span<const T> w, std::span<T> f) const {
    // cosh f - 1 = 2 sinh^2(f/2), without its cancellation near the valley
    model_.template residuals<T>(w, f);
    const T half0 = sinh(0.5 * f[0]), half1 = sinh(0.5 * f[1]);
    return 2.0 * (half0 * half0 + half1 * half1);
  }
  template <class T>
  void gradient(std::span<const T> w, std::span<T> f, std::span<T> g) const {
    model_.template residuals<T>(w, f);
    for (T& x : f) x = sinh(x);
    model_.template pullback<T, T>(w, f, g);
  }
  template <class T>
  void noisy_gradient(std::span<const T> w, std::span<const T> shift, std::span<T> f, std::span<T> g) const {
    model_.template residuals<T>(w, f);
    for (std::size_t a = 0; a < 2; ++a) f[a] = sinh(f[a] - shift[a]);
    model_.template pullback<T, T>(w, f, g);
  }
  template <class T>
  void drawn_gradient(std::span<const T> w, std::span<const T> shift, const T* counts, int stride, double ratio,
                      std::span<T> f, std::span<T> g) const {
    model_.template residuals<T>(w, f);
    for (std::size_t a = 0; a < 2; ++a) {
      f[a] = (ratio * counts[a * static_cast<std::size_t>(stride)]) * sinh(f[a] - shift[a]);
    }
    model_.template pullback<T, T>(w, f, g);
  }

 private:
  QuadraticPair model_;
};

}  // namespace valleydrift::manifolds
