// Derivatives of residuals by dual numbers, for double and for lanes.
#pragma once

#include <span>

#include "manifolds/model.hpp"
#include "manifolds/numbers/buffer.hpp"
#include "manifolds/numbers/dual.hpp"

namespace valleydrift::manifolds {

/// grad f_a(w): the model's own, or the pullback of a unit vector, whose numbers are of type R. `unit` is scratch of m
/// numbers.
template <class T, class R, ResidualModel M>
[[gnu::always_inline]] inline void residual_gradient(const M& model, std::span<const T> w, std::size_t a,
                                                     std::span<R> unit, std::span<T> g) {
  if constexpr (HasResidualGradient<M>) {
    model.template residual_gradient<T>(w, a, g);
  } else {
    for (std::size_t b = 0; b < unit.size(); ++b) unit[b] = R(a == b ? 1.0 : 0.0);
    model.template pullback<T, R>(w, unit, g);
  }
}

/// J(w), row-major m x D, by the model's closed form or row by row. `unit` is scratch of m numbers.
template <class T, ResidualModel M>
void jacobian(const M& model, std::span<const T> w, std::span<T> unit, std::span<T> j) {
  if constexpr (HasClosedJacobian<M>) {
    model.template jacobian<T>(w, j);
  } else {
    const auto rows = static_cast<std::size_t>(model.residual_count());
    const auto columns = static_cast<std::size_t>(model.dimension());
    for (std::size_t a = 0; a < rows; ++a) {
      residual_gradient<T, T>(model, w, a, unit, j.subspan(a * columns, columns));
    }
  }
}

/// Second derivatives along directions: (sum_a r_a Hess f_a) v, one directional derivative of the pullback.
template <class T, ResidualModel M>
class ResidualHessian {
  static constexpr int D = M::static_dimension;
  static constexpr int m = M::static_residuals;

 public:
  explicit ResidualHessian(const M& model)
      : model_(model),
        workspace_(model.dimension(), HasResidualGradient<M> ? 0 : model.residual_count()) {}

  /// Adds (sum_a r_a (Hess f_a)(w)) v to `out`. r: m, v and out: D.
  [[gnu::always_inline]] inline void add(std::span<const T> w, std::span<const T> r, std::span<const T> v,
                                         std::span<T> out) {
    auto&& x = workspace_.local();
    evaluate(w, r, v, x);
    for (std::size_t i = 0; i < w.size(); ++i) out[i] = out[i] + x.g[static_cast<int>(i)].slope;
  }
  /// Adds (Hess f_a)(w) v to `out`: one directional derivative of grad f_a.
  [[gnu::always_inline]] inline void add_one(std::span<const T> w, std::size_t a, std::span<const T> v,
                                             std::span<T> out) {
    auto&& x = workspace_.local();
    for (std::size_t i = 0; i < w.size(); ++i) x.w[static_cast<int>(i)] = Dual<T>(w[i], v[i]);
    residual_gradient<Dual<T>, T>(model_, std::span<const Dual<T>>(x.w.data(), w.size()), a,
                                  std::span<T>(x.unit.data(), x.unit.size()), std::span<Dual<T>>(x.g.data(), w.size()));
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
    explicit Work(int dimension = D, int units = m) : w(dimension), g(dimension), unit(units) {}
    Buffer<Dual<T>, D> w, g;
    Buffer<T, m> unit;
  };
  [[gnu::always_inline]] inline void evaluate(std::span<const T> w, std::span<const T> r, std::span<const T> v,
                                              Work& x) {
    for (std::size_t i = 0; i < w.size(); ++i) x.w[static_cast<int>(i)] = Dual<T>(w[i], v[i]);
    model_.template pullback<Dual<T>, T>(std::span<const Dual<T>>(x.w.data(), w.size()), r,
                                         std::span<Dual<T>>(x.g.data(), w.size()));
  }
  const M& model_;
  Workspace<Work, extent_product(D, m) != dynamic> workspace_;
};

/// Second derivatives of all residuals along one direction, from the residuals alone.
template <class T, ResidualModel M>
class ResidualBending {
  static constexpr int D = M::static_dimension;
  static constexpr int m = M::static_residuals;
  using Second = Dual<Dual<T>>;

 public:
  explicit ResidualBending(const M& model) : model_(model), workspace_(model.dimension(), model.residual_count()) {}

  /// out_a <- out_a + scale v^T (Hess f_a)(w) v for all a, by one evaluation in second dual numbers. v: D, out: m.
  [[gnu::always_inline]] inline void add(std::span<const T> w, std::span<const T> v, double scale, std::span<T> out) {
    auto&& x = workspace_.local();
    for (std::size_t i = 0; i < w.size(); ++i) {
      x.w[static_cast<int>(i)] = Second(Dual<T>(w[i], v[i]), Dual<T>(v[i], T(0.0)));
    }
    add_at(w.size(), scale, x, out);
  }
  /// out_a <- sum_k d_k d_k f_a(w) for all a: the model's own, or D evaluations in second dual numbers.
  [[gnu::always_inline]] inline void laplacian(std::span<const T> w, std::span<T> out) {
    if constexpr (HasClosedLaplacian<M>) {
      model_.template closed_laplacian<T>(w, out);
    } else {
      auto&& x = workspace_.local();
      for (std::size_t a = 0; a < out.size(); ++a) out[a] = T(0.0);
      for (std::size_t i = 0; i < w.size(); ++i) x.w[static_cast<int>(i)] = Second(Dual<T>(w[i]));
      for (std::size_t k = 0; k < w.size(); ++k) {
        const Second at = x.w[static_cast<int>(k)];
        x.w[static_cast<int>(k)] = Second(Dual<T>(w[k], T(1.0)), Dual<T>(T(1.0)));
        add_at(w.size(), 1.0, x, out);
        x.w[static_cast<int>(k)] = at;
      }
    }
  }

 private:
  struct Work {
    explicit Work(int dimension = D, int residuals = m) : w(dimension), f(residuals) {}
    Buffer<Second, D> w;
    Buffer<Second, m> f;
  };
  [[gnu::always_inline]] inline void add_at(std::size_t dimension, double scale, Work& x, std::span<T> out) {
    model_.template residuals<Second>(std::span<const Second>(x.w.data(), dimension),
                                      std::span<Second>(x.f.data(), out.size()));
    for (std::size_t a = 0; a < out.size(); ++a) out[a] = out[a] + scale * x.f[static_cast<int>(a)].slope.slope;
  }
  const M& model_;
  Workspace<Work, extent_product(D, m) != dynamic> workspace_;
};

}  // namespace valleydrift::manifolds
