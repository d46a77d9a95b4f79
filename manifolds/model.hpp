// The interface of a manifold: its residuals and their pullback, written once for every number type.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "manifolds/catalogue.hpp"
#include "manifolds/numbers/buffer.hpp"
#include "manifolds/numbers/dual.hpp"

namespace valleydrift::manifolds {

/// A valley {f = 0} of codimension m in R^D given by residuals f; its least-squares loss is
/// L(w) = (weight / 2) sum_a f_a(w)^2, DERIVATION (3).
///   residuals<T>(w, f)       f(w)          w: D, f: m
///   pullback<T, R>(w, r, g)  J(w)^T r      r: m plain numbers of type R, g: D
/// T is double, long double, Lanes, or Dual of one of them; of residuals also Dual<Dual>. R is T, or what T is dual of.
/// The laws that a model must keep are the checks of `verify`.
template <class M>
concept ResidualModel = requires(const M model, std::span<const double> w, std::span<double> out,
                                 std::span<const Dual<double>> dual_w, std::span<Dual<double>> dual_out) {
  { M::static_dimension } -> std::convertible_to<int>;
  { M::static_residuals } -> std::convertible_to<int>;
  { model.dimension() } -> std::same_as<int>;
  { model.residual_count() } -> std::same_as<int>;
  { model.weight() } -> std::same_as<double>;
  { model.default_start() } -> std::same_as<std::vector<double>>;
  { model.slow_coordinate_names() } -> std::same_as<std::vector<std::string>>;
  model.slow_coordinates(w, w, out);
  model.template residuals<double>(w, out);
  model.template residuals<Dual<double>>(dual_w, dual_out);
  model.template pullback<double, double>(w, w, out);
  model.template pullback<Dual<double>, double>(dual_w, w, dual_out);
};

/// A model of the list says what it is; one that is typed at run time cannot.
template <class M>
concept DescribedModel = requires {
  { M::describe() } -> std::same_as<ManifoldDescription>;
};

/// A model made of a text that the user typed.
template <class M>
concept TypedModel = requires(const FormulaSource& source, const ParameterValues& parameters) {
  { M::read(source, parameters) } -> std::same_as<M>;
};

/// Closed forms that a model may add; the law tests hold them against the generic ones.
template <class M>
concept HasClosedTrace = requires(const M model, std::span<const double> y) {
  { model.closed_trace_hessian(y) } -> std::same_as<double>;  // tr H at y on the valley
};
template <class M>
concept HasClosedLimitMap = requires(const M model, std::span<const double> w, std::span<double> y) {
  model.closed_limit_map(w, y);  // end of the gradient flow from w
};
/// The exact solution of dY/dt = -(c/4) P_L grad tr H, DERIVATION (22), from y0 after ct = c t.
template <class M>
concept HasClosedLabelFlow = requires(const M model, std::span<const double> y0, double ct, std::span<double> y) {
  model.closed_label_flow(y0, ct, y);
};

/// A model that may be arbitrarily expensive says how many gradients one gradient flow may ask for.
template <class M>
concept LimitsItsFlow = requires(const M model) {
  { model.most_flow_gradients() } -> std::same_as<std::int64_t>;
};
/// sum_k d_k d_k f_a(w) for all a; without it they take D second derivatives of the residuals.
template <class M>
concept HasClosedLaplacian = requires(const M model, std::span<const double> w, std::span<double> out) {
  model.template closed_laplacian<double>(w, out);  // out: m
};
/// grad f_a(w) of one residual, where that costs less than the pullback of a unit vector.
template <class M>
concept HasResidualGradient = requires(const M model, std::span<const double> w, std::span<double> g) {
  model.template residual_gradient<double>(w, std::size_t{}, g);
};

/// J(w), row-major m x D, where m pullbacks would do the same work m times.
template <class M>
concept HasClosedJacobian = requires(const M model, std::span<const double> w, std::span<double> j) {
  model.template jacobian<double>(w, j);
};

/// A model may keep kept_count() numbers that `residuals` finds at w, so that the pullback after it at the same w need
/// not find them again. Both give the same bits as without.
template <class M>
concept KeepsForPullback = requires(const M model, std::span<const double> w, std::span<double> out) {
  { model.kept_count() } -> std::same_as<int>;
  model.template residuals<double>(w, out, out);          // w, f, kept
  model.template pullback<double, double>(w, w, w, out);  // w, kept, r, g
};

/// A model of fixed size says which parameters it is for; without `serves` it is for all.
template <class M>
concept ServesSome = requires(const ParameterValues parameters) {
  { M::serves(parameters) } -> std::same_as<bool>;
};

}  // namespace valleydrift::manifolds
