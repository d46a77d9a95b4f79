// Losses: what both processes see of a problem. A residual model becomes a loss by least squares; any other loss
// whose zeros form a valley is accepted too.
#pragma once

#include <cmath>
#include <concepts>
#include <span>
#include <utility>

#include "manifolds/model.hpp"
#include "manifolds/numbers/lane_math.hpp"

namespace valleydrift::manifolds {

/// L(w) >= 0 with the valley {L = 0} of codimension `transverse_dimension`, DERIVATION (3).
///   value<T>(w, scratch)        L(w)
///   gradient<T>(w, scratch, g)  grad L(w)                                             w, g: D
///   noisy_gradient<T>(w, shift, scratch, g)  the gradient after every label y_a has moved by shift_a; shift:
///                               label_count; what label noise needs, DERIVATION (4)
///   drawn_gradient<T>(w, shift, counts, stride, ratio, scratch, g)  the same with the part of sample a times
///                               ratio counts[a stride]: what a drawn batch sees, DERIVATION (48)
/// `scratch` holds scratch_size() numbers of type T. The types T are double, long double,
/// Lanes, and Dual and Dual<Dual> of double and Lanes.
template <class L>
concept Loss = requires(const L loss, std::span<const double> w, std::span<double> out) {
  { L::static_dimension } -> std::convertible_to<int>;
  { L::static_labels } -> std::convertible_to<int>;
  { loss.model() } -> std::convertible_to<const typename L::model_type&>;
  { loss.dimension() } -> std::same_as<int>;
  { loss.transverse_dimension() } -> std::same_as<int>;
  { loss.label_count() } -> std::same_as<int>;
  { loss.label_constant() } -> std::same_as<double>;  // c in Sigma = c H on the valley
  { loss.scratch_size() } -> std::same_as<int>;
  { loss.template value<double>(w, out) } -> std::same_as<double>;
  loss.template gradient<double>(w, out, out);
  loss.template noisy_gradient<double>(w, w, out, out);
  loss.template drawn_gradient<double>(w, w, w.data(), 1, 1.0, out, out);
};

/// L = (s/2) sum_a f_a^2 with s = model.weight(). Full-batch label noise f_a -> f_a - eps xi_a gives sigma = s J^T, so
/// Sigma = c H with c = s.
template <ResidualModel M>
class LeastSquares {
  // Storage of known size has room for the residuals alone: discrete/iteration.hpp, Scratch.
  static_assert(!KeepsForPullback<M> || M::static_residuals == dynamic,
                "a model with kept_count() has sizes `dynamic`");

 public:
  using model_type = M;
  static constexpr int static_dimension = M::static_dimension;
  static constexpr int static_labels = M::static_residuals;
  explicit LeastSquares(const ParameterValues& parameters) : model_(parameters) {}
  explicit LeastSquares(M model) : model_(std::move(model)) {}

  static ManifoldDescription describe() requires DescribedModel<M> { return M::describe(); }
  const M& model() const { return model_; }
  int dimension() const { return model_.dimension(); }
  int transverse_dimension() const { return model_.residual_count(); }
  int label_count() const { return model_.residual_count(); }
  double label_constant() const { return model_.weight(); }
  int scratch_size() const {
    if constexpr (KeepsForPullback<M>) return model_.residual_count() + model_.kept_count();
    return model_.residual_count();
  }

  template <class T>
  T value(std::span<const T> w, std::span<T> scratch) const {
    const std::span<T> f = scratch.first(labels());
    model_.template residuals<T>(w, f);
    T sum = f[0] * f[0];
    for (std::size_t a = 1; a < f.size(); ++a) sum = sum + f[a] * f[a];
    return (0.5 * model_.weight()) * sum;
  }
  template <class T>
  void gradient(std::span<const T> w, std::span<T> scratch, std::span<T> g) const {
    through_residuals<T>(w, scratch, g, [](std::span<T>) {});
  }
  template <class T>
  void noisy_gradient(std::span<const T> w, std::span<const T> shift, std::span<T> scratch, std::span<T> g) const {
    through_residuals<T>(w, scratch, g, [&](std::span<T> f) {
      for (std::size_t a = 0; a < f.size(); ++a) f[a] = f[a] - shift[a];
    });
  }
  template <class T>
  void drawn_gradient(std::span<const T> w, std::span<const T> shift, const T* counts, int stride, double ratio,
                      std::span<T> scratch, std::span<T> g) const {
    through_residuals<T>(w, scratch, g, [&](std::span<T> f) {
      for (std::size_t a = 0; a < f.size(); ++a) {
        f[a] = (ratio * counts[a * static_cast<std::size_t>(stride)]) * (f[a] - shift[a]);
      }
    });
  }

 private:
  std::size_t labels() const { return static_cast<std::size_t>(label_count()); }
  /// J^T (s f) once change(f) has been at the residuals.
  template <class T, class Change>
  [[gnu::always_inline]] void through_residuals(std::span<const T> w, std::span<T> scratch, std::span<T> g,
                                                const Change& change) const {
    const std::span<T> f = scratch.first(labels());
    if constexpr (KeepsForPullback<M>) {
      const std::span<T> kept = scratch.subspan(labels());
      model_.template residuals<T>(w, f, kept);
      change(f);
      weigh<T>(f);
      model_.template pullback<T, T>(w, std::span<const T>(kept), f, g);
    } else {
      model_.template residuals<T>(w, f);
      change(f);
      weigh<T>(f);
      model_.template pullback<T, T>(w, f, g);
    }
  }
  template <class T>
  void weigh(std::span<T> f) const {
    if (model_.weight() == 1.0) return;
    for (T& x : f) x = x * model_.weight();
  }
  M model_;
};

/// True for losses whose derivatives follow from residuals (DERIVATION, section 5).
template <class L>
inline constexpr bool is_least_squares = false;
template <class M>
inline constexpr bool is_least_squares<LeastSquares<M>> = true;

/// The loss that a model stands for: least squares of its residuals, or the loss that it is.
template <class M>
struct LossOfModel {
  using type = M;
};
template <ResidualModel M>
struct LossOfModel<M> {
  using type = LeastSquares<M>;
};
template <class M>
using LossOf = typename LossOfModel<M>::type;

}  // namespace valleydrift::manifolds
