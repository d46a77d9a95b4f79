// The theorem in the inner loop for isotropic noise, whose sigma = I is never formed.
#pragma once

#include <cmath>
#include <limits>

#include "sde/field.hpp"
#include "sde/kernel/field_kernel.hpp"

namespace valleydrift::sde {

/// DERIVATION (70) to (73): linear systems of size m in place of eigenvectors. The definition it is tested against is
/// sde/theorem.hpp.
template <class T, class Model>
class IsotropicField final : public OnModel<Field<T>, T, FieldKernel<T, Model>> {
  using Base = OnModel<Field<T>, T, FieldKernel<T, Model>>;

 public:
  /// The model must outlive the field.
  IsotropicField(const Model& model, const LyapunovOperator& lyapunov) : Base(model, lyapunov), bending_(model) {}
  int noise_count() const override { return columns(); }
  void follow_path() override { path_.start(1, columns(), residuals_); }
  void ito_increment(std::span<const T> y, const T& h, std::span<const T> dw, std::span<T> out) override {
    auto&& x = workspace_.local();
    motion(sized(y), h, dw, x);
    for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = x.increment[k];
    curvature(sized(y), x);
    const T bend = 0.5 * h;
    for (int k = 0; k < columns(); ++k) {
      out[static_cast<std::size_t>(k)] = out[static_cast<std::size_t>(k)] - bend * x.direction[k];
    }
  }
  /// The weight of (21) multiplies P_L Sigma u_i, which is 0: without the curvature term this is (72).
  void stratonovich_increment(std::span<const T> y, const T& h, std::span<const T> dw, std::span<T> out) override {
    auto&& x = workspace_.local();
    motion(sized(y), h, dw, x);
    for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = x.increment[k];
  }
  void diffusion_increment(std::span<const T> y, std::span<const T> dw, std::span<T> out) override {
    auto&& x = workspace_.local();
    linearise(sized(y), x);
    factor_gram(x);
    if (path_.following) compare_with_last_direction(x);
    for (int k = 0; k < columns(); ++k) x.increment[k] = path_.lost + dw[static_cast<std::size_t>(k)];
    project_by_gram(x.increment.data(), x);
    for (int k = 0; k < columns(); ++k) out[static_cast<std::size_t>(k)] = x.increment[k];
  }
  void drift_terms(std::span<const T> y, std::span<T> curvature_term, std::span<T> mixed,
                   std::span<T> transverse) override {
    auto&& x = workspace_.local();
    no_noise_.resize(static_cast<std::size_t>(noise_count()), T(0.0));
    motion(sized(y), T(1.0), no_noise_, x);
    for (std::size_t k = 0; k < transverse.size(); ++k) {
      transverse[k] = x.increment[static_cast<int>(k)];
      mixed[k] = T(0.0);
    }
    curvature(sized(y), x);
    for (std::size_t k = 0; k < curvature_term.size(); ++k) {
      curvature_term[k] = -(0.5 * x.direction[static_cast<int>(k)]);
    }
  }
  /// DERIVATION (73).
  void plateau(std::span<const T> w, T& variance, T& loss) override {
    auto&& x = workspace_.local();
    linearise(sized(w), x);
    respond_to_identity(operator_.stationary_response(), x, loss);
    variance = x.weights[0];
    for (int a = 1; a < rows(); ++a) variance = variance + x.weights[a * rows() + a];
    const double scale = operator_.hyperparameters().eta / operator_.hyperparameters().mu;
    variance = scale * variance;
    loss = (0.5 * scale) * loss;
  }

 private:
  using Base::columns;
  using Base::factor_gram;
  using Base::linearise;
  using Base::m;
  using Base::model_;
  using Base::operator_;
  using Base::project_by_gram;
  using Base::residuals_;
  using Base::respond;
  using Base::row;
  using Base::rows;
  using Base::sized;
  using Base::transverse_drift;
  using Base::workspace_;
  using typename Base::Work;

  /// increment = h times the transverse term + P_L dw, DERIVATION (70); the Gram matrix becomes its factor.
  [[gnu::always_inline]] void motion(std::span<const T> y, const T& h, std::span<const T> dw, Work& x) {
    linearise(y, x);
    T trace;
    respond_to_identity(operator_.label_response(), x, trace);
    transverse_drift(y, model_.weight(), x);
    if (path_.following) compare_with_last_direction(x);
    for (int k = 0; k < columns(); ++k) x.increment[k] = path_.lost + dw[static_cast<std::size_t>(k)] - h * x.second[k];
    project_by_gram(x.increment.data(), x);
  }

  /// In `direction`: J^+ [tr(Hess f_a P_L)]_a, DERIVATION (71), given J and the factor L of the Gram matrix; J becomes
  /// L^(-1) J, whose rows, times s^(1/2), are an orthonormal basis across the valley.
  [[gnu::always_inline]] void curvature(std::span<const T> y, Work& x) {
    const std::span<T> f(x.f.data(), x.f.size());
    solve_lower(rows(), x.gram.data(), columns(), x.j.data());
    bending_.laplacian(y, f);
    for (int i = 0; i < rows(); ++i) bending_.add(y, row(i, x), -model_.weight(), f);
    solve_lower(rows(), x.gram.data(), 1, x.f.data());
    for (int k = 0; k < columns(); ++k) x.direction[k] = T(0.0);
    for (int i = 0; i < rows(); ++i) {
      const T along = model_.weight() * x.f[i];
      for (int k = 0; k < columns(); ++k) x.direction[k] = x.direction[k] + along * x.j[i * columns() + k];
    }
  }

  /// weights = G^(-1) psi(G)/c, DERIVATION (70), with the trace of psi(G)/c; the Gram matrix becomes its factor.
  [[gnu::always_inline]] void respond_to_identity(const LabelResponse& response, Work& x, T& first_trace) const {
    respond(response, x);
    first_trace = x.weights[0];
    for (int a = 1; a < rows(); ++a) first_trace = first_trace + x.weights[a * rows() + a];
    factor_gram(x);
    cholesky_solve_rows(rows(), x.gram.data(), rows(), x.weights.data());
  }

  /// The same for the one eigenvector of the smallest eigenvalue, which inverse iteration with the factor of
  /// `factor_gram` carries along.
  [[gnu::always_inline]] void compare_with_last_direction(Work& x) {
    using std::sqrt;
    T* const v = path_.last_v.data();
    T* const g = path_.last_u.data();
    int iterations = 1;
    if (!path_.has_frame) {
      iterations = 50;  // each gains the ratio of the two smallest eigenvalues
      for (int a = 0; a < rows(); ++a)
        v[a] = T(manifolds::cos(static_cast<double>(a * a)));  // no symmetry of a model's
    }
    T along(0.0);
    for (int a = 0; a < rows(); ++a) {
      T sum = x.j[a * columns()] * g[0];
      for (int k = 1; k < columns(); ++k) sum = sum + x.j[a * columns() + k] * g[k];
      along = along + v[a] * sum;
    }
    if (path_.has_frame) path_.lost = select(along > 0.0, path_.lost, T(std::numeric_limits<double>::quiet_NaN()));
    for (int i = 0; i < iterations; ++i) {
      cholesky_solve<T, m>(residuals_, std::span<const T>(x.gram.data(), x.gram.size()),
                           std::span<T>(v, static_cast<std::size_t>(rows())));
      T square = v[0] * v[0];
      for (int a = 1; a < rows(); ++a) square = square + v[a] * v[a];
      const T norm = sqrt(square);
      for (int a = 0; a < rows(); ++a) v[a] = v[a] / norm;
    }
    for (int k = 0; k < columns(); ++k) {
      T sum = v[0] * x.j[k];
      for (int a = 1; a < rows(); ++a) sum = sum + v[a] * x.j[a * columns() + k];
      g[k] = sum;
    }
    path_.has_frame = true;
  }

  FollowedPath<T> path_;
  std::vector<T> no_noise_;  ///< zeros, for the terms of the drift alone
  manifolds::ResidualBending<T, Model> bending_;
};

}  // namespace valleydrift::sde
