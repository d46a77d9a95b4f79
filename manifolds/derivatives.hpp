// Derivatives of residuals by dual numbers, for double and for lanes.
#pragma once

#include <span>

#include "manifolds/buffer.hpp"
#include "manifolds/dual.hpp"
#include "manifolds/model.hpp"

namespace valleydrift::manifolds {

/// J(w), row-major m x D, by m pullbacks of unit vectors. `unit` is scratch of m numbers.
template <class T, ResidualModel M>
void jacobian(const M& model, std::span<const T> w, std::span<T> unit, std::span<T> j) {
  const auto rows = static_cast<std::size_t>(model.residual_count());
  const auto columns = static_cast<std::size_t>(model.dimension());
  for (std::size_t a = 0; a < rows; ++a) {
    for (std::size_t b = 0; b < rows; ++b) unit[b] = T(a == b ? 1.0 : 0.0);
    model.template pullback<T, T>(w, unit, j.subspan(a * columns, columns));
  }
}

/// Second derivatives along directions, with their scratch: (sum_a r_a Hess f_a) v.
template <class T, ResidualModel M>
class ResidualHessian {
 public:
  explicit ResidualHessian(const M& model) : model_(model), w_(model.dimension()), g_(model.dimension()) {}

  /// Adds (sum_a r_a (Hess f_a)(w)) v to `out`: one directional derivative of the pullback. r: m, v and out: D.
  void add(std::span<const T> w, std::span<const T> r, std::span<const T> v, std::span<T> out) {
    evaluate(w, r, v);
    for (std::size_t i = 0; i < w.size(); ++i) out[i] = out[i] + g_[static_cast<int>(i)].slope;
  }
  /// v^T (sum_a r_a (Hess f_a)(w)) v.
  T quadratic(std::span<const T> w, std::span<const T> r, std::span<const T> v) {
    evaluate(w, r, v);
    T sum = v[0] * g_[0].slope;
    for (std::size_t i = 1; i < w.size(); ++i) sum = sum + v[i] * g_[static_cast<int>(i)].slope;
    return sum;
  }

 private:
  void evaluate(std::span<const T> w, std::span<const T> r, std::span<const T> v) {
    for (std::size_t i = 0; i < w.size(); ++i) w_[static_cast<int>(i)] = Dual<T>(w[i], v[i]);
    model_.template pullback<Dual<T>, T>(std::span<const Dual<T>>(w_.data(), w.size()), r,
                                         std::span<Dual<T>>(g_.data(), w.size()));
  }
  const M& model_;
  Buffer<Dual<T>, M::static_dimension> w_, g_;
};

}  // namespace valleydrift::manifolds
