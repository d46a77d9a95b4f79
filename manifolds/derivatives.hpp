// Derivatives of residuals by dual numbers, for double and for lanes.
#pragma once

#include <span>

#include "manifolds/buffer.hpp"
#include "manifolds/dual.hpp"
#include "manifolds/model.hpp"

namespace valleydrift::manifolds {

/// J(w), row-major m x D, by the model's closed form or by m pullbacks of unit vectors. `unit` is scratch of m numbers.
template <class T, ResidualModel M>
void jacobian(const M& model, std::span<const T> w, std::span<T> unit, std::span<T> j) {
  if constexpr (HasClosedJacobian<M>) {
    model.template jacobian<T>(w, j);
  } else {
    const auto rows = static_cast<std::size_t>(model.residual_count());
    const auto columns = static_cast<std::size_t>(model.dimension());
    for (std::size_t a = 0; a < rows; ++a) {
      for (std::size_t b = 0; b < rows; ++b) unit[b] = T(a == b ? 1.0 : 0.0);
      model.template pullback<T, T>(w, unit, j.subspan(a * columns, columns));
    }
  }
}

/// Second derivatives along directions: (sum_a r_a Hess f_a) v, one directional derivative of the pullback.
template <class T, ResidualModel M>
class ResidualHessian {
  static constexpr int D = M::static_dimension;

 public:
  explicit ResidualHessian(const M& model) : model_(model), workspace_(model.dimension()) {}

  /// Adds (sum_a r_a (Hess f_a)(w)) v to `out`. r: m, v and out: D.
  [[gnu::always_inline]] inline void add(std::span<const T> w, std::span<const T> r, std::span<const T> v,
                                         std::span<T> out) {
    auto&& x = workspace_.local();
    evaluate(w, r, v, x);
    for (std::size_t i = 0; i < w.size(); ++i) out[i] = out[i] + x.g[static_cast<int>(i)].slope;
  }
  /// v^T (sum_a r_a (Hess f_a)(w)) v.
  [[gnu::always_inline]] inline T quadratic(std::span<const T> w, std::span<const T> r, std::span<const T> v) {
    auto&& x = workspace_.local();
    evaluate(w, r, v, x);
    T sum = v[0] * x.g[0].slope;
    for (std::size_t i = 1; i < w.size(); ++i) sum = sum + v[i] * x.g[static_cast<int>(i)].slope;
    return sum;
  }

 private:
  struct Work {
    explicit Work(int dimension = D) : w(dimension), g(dimension) {}
    Buffer<Dual<T>, D> w, g;
  };
  [[gnu::always_inline]] inline void evaluate(std::span<const T> w, std::span<const T> r, std::span<const T> v,
                                              Work& x) {
    for (std::size_t i = 0; i < w.size(); ++i) x.w[static_cast<int>(i)] = Dual<T>(w[i], v[i]);
    model_.template pullback<Dual<T>, T>(std::span<const Dual<T>>(x.w.data(), w.size()), r,
                                         std::span<Dual<T>>(x.g.data(), w.size()));
  }
  const M& model_;
  Workspace<Work, D != dynamic> workspace_;
};

}  // namespace valleydrift::manifolds
