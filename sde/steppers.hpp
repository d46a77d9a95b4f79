// Steppers for the limiting diffusion, with the interface of Boost.Odeint's steppers.
#pragma once

#include <boost/numeric/odeint/stepper/stepper_categories.hpp>
#include <cmath>
#include <span>
#include <vector>

#include "sde/field.hpp"

namespace valleydrift::sde {

/// What a stepper is asked to integrate: the fields of the theorem, and the Brownian path that drives them.
///   increments(t, dt, dw, half)  fills dw (r) with the increments over [t, t + dt], variance dt, and half (r) with
///                                independent normals of variance dt/2, which only the weak order 2 stepper reads.
template <class T, class Increments>
struct DrivenDiffusion {
  using number_type = T;
  Field<T>* field;
  Increments* increments;
};

/// y <- R(y + drift h + P_L sigma dW) with R the Gauss-Newton retraction, DERIVATION (34).
template <class T>
class EulerMaruyama {
 public:
  using state_type = std::span<T>;
  using deriv_type = state_type;
  using value_type = double;
  using time_type = double;
  using order_type = unsigned short;
  using stepper_category = boost::numeric::odeint::stepper_tag;
  static constexpr double weak_order = 1.0;
  static constexpr double strong_order = 0.5;  ///< also where the noise commutes: P_L (DV_j) V_j is left out
  static order_type order() { return 1; }

  EulerMaruyama(int dimension, int noise_count)
      : increment_(static_cast<std::size_t>(dimension)),
        dw_(static_cast<std::size_t>(noise_count)),
        half_(static_cast<std::size_t>(noise_count)) {}

  /// One step over [t, t + dt] driven by dw.
  void step(Field<T>& field, std::span<T> y, std::span<const T> dw, double dt) {
    field.ito_increment(y, T(dt), dw, increment_);
    for (std::size_t k = 0; k < y.size(); ++k) y[k] = y[k] + increment_[k];
    field.retract(y);
  }
  template <class Increments, class State>
  void do_step(DrivenDiffusion<T, Increments> system, State& y, double t, double dt) {
    (*system.increments)(t, dt, std::span<T>(dw_), std::span<T>(half_));
    step(*system.field, std::span<T>(y), std::span<const T>(dw_), dt);
  }

 private:
  std::vector<T> increment_, dw_, half_;
};

/// Ninomiya and Ninomiya's scheme of weak order 2 in the Stratonovich form, DERIVATION (35): the flow of
/// sum_j S1_j V_j, then that of h V_0 + sum_j (dW_j - S1_j) V_j with S1 of variance h/2, each by one Runge-Kutta 4
/// step. Needs a constant sigma.
template <class T>
class WeakOrderTwo {
 public:
  using state_type = std::span<T>;
  using deriv_type = state_type;
  using value_type = double;
  using time_type = double;
  using order_type = unsigned short;
  using stepper_category = boost::numeric::odeint::stepper_tag;
  static constexpr double weak_order = 2.0;
  static constexpr double strong_order = 0.5;  ///< 1 where the noise commutes
  static order_type order() { return 2; }

  WeakOrderTwo(int dimension, int noise_count)
      : dw_(static_cast<std::size_t>(noise_count)),
        half_(static_cast<std::size_t>(noise_count)),
        rest_(static_cast<std::size_t>(noise_count)),
        point_(static_cast<std::size_t>(dimension)),
        slope_(static_cast<std::size_t>(dimension)),
        sum_(static_cast<std::size_t>(dimension)) {}

  /// One step driven by dw (variance dt) and half (variance dt/2, independent of dw).
  void step(Field<T>& field, std::span<T> y, std::span<const T> dw, std::span<const T> half, double dt) {
    for (std::size_t j = 0; j < dw.size(); ++j) rest_[j] = dw[j] - half[j];
    flow(y, [&](std::span<const T> x, std::span<T> slope) { field.diffusion_increment(x, half, slope); });
    flow(y, [&](std::span<const T> x, std::span<T> slope) {
      field.stratonovich_increment(x, T(dt), std::span<const T>(rest_), slope);
    });
    field.retract(y);  // the fields keep f constant; this removes the Runge-Kutta error across the valley
  }
  template <class Increments, class State>
  void do_step(DrivenDiffusion<T, Increments> system, State& y, double t, double dt) {
    (*system.increments)(t, dt, std::span<T>(dw_), std::span<T>(half_));
    step(*system.field, std::span<T>(y), std::span<const T>(dw_), std::span<const T>(half_), dt);
  }

 private:
  /// The classical Runge-Kutta step of unit length for dy/ds = increment(y).
  template <class Increment>
  void flow(std::span<T> y, const Increment& increment) {
    constexpr double node[] = {0.0, 0.5, 0.5, 1.0};
    constexpr double weight[] = {1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0};
    for (std::size_t k = 0; k < y.size(); ++k) sum_[k] = point_[k] = y[k];
    for (int stage = 0; stage < 4; ++stage) {
      if (stage > 0) {
        for (std::size_t k = 0; k < y.size(); ++k) point_[k] = y[k] + node[stage] * slope_[k];
      }
      increment(std::span<const T>(point_), std::span<T>(slope_));
      for (std::size_t k = 0; k < y.size(); ++k) sum_[k] = sum_[k] + weight[stage] * slope_[k];
    }
    for (std::size_t k = 0; k < y.size(); ++k) y[k] = sum_[k];
  }

  std::vector<T> dw_, half_, rest_, point_, slope_, sum_;
};

}  // namespace valleydrift::sde
