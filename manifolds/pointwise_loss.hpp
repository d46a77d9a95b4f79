// A loss as all but the inner loops see it: at one point, behind an interface, whatever its model is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "manifolds/geometry.hpp"
#include "manifolds/numbers/dual.hpp"

namespace valleydrift::manifolds {

/// L(w) with its residuals f, DERIVATION (3), for the kinds of numbers that derivatives and checks ask for. Shapes: w
/// and g: D; f, r and labels: m.
class PointwiseLoss {
 public:
  using First = Dual<double>;  ///< carries a first derivative
  using Second = Dual<First>;  ///< and a second one
  virtual ~PointwiseLoss() = default;

  virtual int dimension() const = 0;
  virtual int transverse_dimension() const = 0;
  virtual int label_count() const = 0;
  virtual double label_constant() const = 0;  ///< c in Sigma = c H on the valley
  virtual bool is_least_squares() const = 0;
  virtual double weight() const = 0;  ///< s of the model
  virtual std::int64_t most_flow_gradients() const = 0;

  virtual double value(std::span<const double> w) const = 0;
  virtual long double value(std::span<const long double> w) const = 0;
  virtual void gradient(std::span<const double> w, std::span<double> g) const = 0;
  virtual void gradient(std::span<const long double> w, std::span<long double> g) const = 0;
  virtual void gradient(std::span<const First> w, std::span<First> g) const = 0;
  virtual void gradient(std::span<const Second> w, std::span<Second> g) const = 0;
  /// After every label has moved by its shift.
  virtual void noisy_gradient(std::span<const long double> w, std::span<const long double> shift,
                              std::span<long double> g) const = 0;
  virtual void noisy_gradient(std::span<const First> w, std::span<const First> shift, std::span<First> g) const = 0;

  virtual void residuals(std::span<const double> w, std::span<double> f) const = 0;
  virtual void residuals(std::span<const First> w, std::span<First> f) const = 0;
  virtual void residuals(std::span<const Second> w, std::span<Second> f) const = 0;
  /// J(w)^T r.
  virtual void pullback(std::span<const double> w, std::span<const double> r, std::span<double> g) const = 0;
  virtual void pullback(std::span<const First> w, std::span<const double> r, std::span<First> g) const = 0;
  /// J(w), m x D.
  virtual Matrix jacobian(const Vector& w) const = 0;
  /// sum_a r_a Hess f_a(w), D x D; and its product with v.
  virtual Matrix residual_hessian(const Vector& w, const Vector& r) const = 0;
  virtual Vector residual_hessian_times(const Vector& w, const Vector& r, const Vector& v) const = 0;
  /// Column a: Hess f_a(w) times column a of `directions`, D x m.
  virtual Matrix each_residual_hessian_times(const Vector& w, const Matrix& directions) const = 0;

  /// Throws ConfigError if a formula has none.
  virtual std::vector<double> default_start() const = 0;
  virtual std::vector<std::string> slow_coordinate_names() const = 0;
  virtual void slow_coordinates(std::span<const double> y, std::span<const double> start,
                                std::span<double> q) const = 0;

  // Closed forms of the model (model.hpp); nothing if it has none.
  virtual bool has_closed_trace_hessian() const = 0;
  virtual bool has_closed_limit_map() const = 0;
  virtual bool has_closed_label_flow() const = 0;
  virtual std::optional<double> closed_trace_hessian(const Vector& y) const = 0;
  virtual std::optional<Vector> closed_limit_map(const Vector& w) const = 0;
  virtual std::optional<Vector> closed_label_flow(const Vector& y0, double ct) const = 0;
};

}  // namespace valleydrift::manifolds
