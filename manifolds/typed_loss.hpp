// A loss of a known type behind the interface: what is compiled once for each model.
#pragma once

#include <limits>
#include <stdexcept>
#include <utility>

#include "manifolds/derivatives.hpp"
#include "manifolds/loss.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "manifolds/pointwise_loss.hpp"

namespace valleydrift::manifolds {

template <Loss L>
class TypedLoss final : public PointwiseLoss {
  using Model = typename L::model_type;
  static std::span<const double> view(const Vector& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }
  static std::span<double> view(Vector& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }

 public:
  explicit TypedLoss(L loss) : loss_(std::move(loss)) {
    if (loss_.transverse_dimension() != model().residual_count() || loss_.dimension() != model().dimension()) {
      throw std::logic_error("a loss has the dimension and as many transverse dimensions as its model has residuals");
    }
  }
  const L& loss() const { return loss_; }

  int dimension() const override { return loss_.dimension(); }
  int transverse_dimension() const override { return loss_.transverse_dimension(); }
  int label_count() const override { return loss_.label_count(); }
  double label_constant() const override { return loss_.label_constant(); }
  bool is_least_squares() const override { return manifolds::is_least_squares<L>; }
  double weight() const override { return model().weight(); }
  std::int64_t most_flow_gradients() const override {
    if constexpr (LimitsItsFlow<Model>) return model().most_flow_gradients();
    return std::numeric_limits<std::int64_t>::max();
  }

  double value(std::span<const double> w) const override { return value_of(w); }
  long double value(std::span<const long double> w) const override { return value_of(w); }
  void gradient(std::span<const double> w, std::span<double> g) const override { gradient_of(w, g); }
  void gradient(std::span<const long double> w, std::span<long double> g) const override { gradient_of(w, g); }
  void gradient(std::span<const First> w, std::span<First> g) const override { gradient_of(w, g); }
  void gradient(std::span<const Second> w, std::span<Second> g) const override { gradient_of(w, g); }
  void noisy_gradient(std::span<const long double> w, std::span<const long double> shift,
                      std::span<long double> g) const override {
    noisy_gradient_of(w, shift, g);
  }
  void noisy_gradient(std::span<const First> w, std::span<const First> shift, std::span<First> g) const override {
    noisy_gradient_of(w, shift, g);
  }

  void residuals(std::span<const double> w, std::span<double> f) const override {
    model().template residuals<double>(w, f);
  }
  void residuals(std::span<const First> w, std::span<First> f) const override {
    model().template residuals<First>(w, f);
  }
  void residuals(std::span<const Second> w, std::span<Second> f) const override {
    model().template residuals<Second>(w, f);
  }
  void pullback(std::span<const double> w, std::span<const double> r, std::span<double> g) const override {
    model().template pullback<double, double>(w, r, g);
  }
  void pullback(std::span<const First> w, std::span<const double> r, std::span<First> g) const override {
    model().template pullback<First, double>(w, r, g);
  }
  Matrix jacobian(const Vector& w) const override {
    std::vector<double> unit(residual_count());
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> j(model().residual_count(), w.size());
    manifolds::jacobian<double>(model(), view(w), std::span<double>(unit),
                                std::span<double>(j.data(), static_cast<std::size_t>(j.size())));
    return j;
  }
  Matrix residual_hessian(const Vector& w, const Vector& r) const override {
    ResidualHessian<double, Model> second(model());
    Matrix h = Matrix::Zero(w.size(), w.size());
    for (Eigen::Index k = 0; k < w.size(); ++k) {
      const Vector unit = Vector::Unit(w.size(), k);
      second.add(view(w), view(r), view(unit), column(h, k));
    }
    return h;
  }
  Vector residual_hessian_times(const Vector& w, const Vector& r, const Vector& v) const override {
    ResidualHessian<double, Model> second(model());
    Vector out = Vector::Zero(w.size());
    second.add(view(w), view(r), view(v), view(out));
    return out;
  }
  Matrix each_residual_hessian_times(const Vector& w, const Matrix& directions) const override {
    ResidualHessian<double, Model> second(model());
    Matrix out = Matrix::Zero(directions.rows(), directions.cols());
    for (Eigen::Index a = 0; a < out.cols(); ++a) {
      second.add_one(view(w), static_cast<std::size_t>(a),
                     {directions.col(a).data(), static_cast<std::size_t>(directions.rows())}, column(out, a));
    }
    return out;
  }

  std::vector<double> default_start() const override { return model().default_start(); }
  std::vector<std::string> slow_coordinate_names() const override { return model().slow_coordinate_names(); }
  void slow_coordinates(std::span<const double> y, std::span<const double> start, std::span<double> q) const override {
    model().slow_coordinates(y, start, q);
  }

  bool has_closed_trace_hessian() const override { return HasClosedTrace<Model>; }
  bool has_closed_limit_map() const override { return HasClosedLimitMap<Model>; }
  bool has_closed_label_flow() const override { return HasClosedLabelFlow<Model>; }
  std::optional<double> closed_trace_hessian([[maybe_unused]] const Vector& y) const override {
    if constexpr (HasClosedTrace<Model>) return model().closed_trace_hessian(view(y));
    return {};
  }
  std::optional<Vector> closed_limit_map([[maybe_unused]] const Vector& w) const override {
    if constexpr (HasClosedLimitMap<Model>) {
      Vector y(w.size());
      model().closed_limit_map(view(w), view(y));
      return y;
    }
    return {};
  }
  std::optional<Vector> closed_label_flow([[maybe_unused]] const Vector& y0,
                                          [[maybe_unused]] double ct) const override {
    if constexpr (HasClosedLabelFlow<Model>) {
      Vector y(y0.size());
      model().closed_label_flow(view(y0), ct, view(y));
      return y;
    }
    return {};
  }

 private:
  const Model& model() const { return loss_.model(); }
  std::size_t residual_count() const { return static_cast<std::size_t>(model().residual_count()); }
  static std::span<double> column(Matrix& a, Eigen::Index k) {
    return {a.col(k).data(), static_cast<std::size_t>(a.rows())};
  }
  template <class T>
  std::vector<T> scratch() const {
    return std::vector<T>(static_cast<std::size_t>(loss_.scratch_size()));
  }
  template <class T>
  T value_of(std::span<const T> w) const {
    auto space = scratch<T>();
    return loss_.template value<T>(w, std::span<T>(space));
  }
  template <class T>
  void gradient_of(std::span<const T> w, std::span<T> g) const {
    auto space = scratch<T>();
    loss_.template gradient<T>(w, std::span<T>(space), g);
  }
  template <class T>
  void noisy_gradient_of(std::span<const T> w, std::span<const T> shift, std::span<T> g) const {
    auto space = scratch<T>();
    loss_.template noisy_gradient<T>(w, shift, std::span<T>(space), g);
  }

  L loss_;
};

}  // namespace valleydrift::manifolds
