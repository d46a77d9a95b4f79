// The hierarchy (44), (45) truncated: decay rates as eigenvalues, convergence times by integration.
#include "sde/moment_hierarchy.hpp"

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "manifolds/numbers/number_text.hpp"
#include "manifolds/numbers/portable_math.hpp"
#include "sde/dormand_prince.hpp"

namespace valleydrift::sde {
namespace {

/// The right side of (44) or (45): `width` numbers per Laguerre polynomial, E[x L_n], E[x' L_n] or E[x^2 L_n],
/// E[x x' L_n], E[x'^2 L_n].
class Hierarchy {
 public:
  Hierarchy(const HierarchyRates& rates, Moment moment, int order) : rates_(rates), moment_(moment), order_(order) {
    for (const double rate : {rates.friction, rates.relaxation, rates.drift, rates.cube()}) {
      if (!(rate > 0.0 && std::isfinite(rate))) {
        throw NumericalError(fmt::format("moment hierarchy: friction {}, relaxation {} and drift {} must be above 0",
                                         manifolds::number_text(rates.friction),
                                         manifolds::number_text(rates.relaxation),
                                         manifolds::number_text(rates.drift)));
      }
    }
  }

  int width() const { return moment_ == Moment::mean ? 2 : 3; }
  std::size_t size() const { return static_cast<std::size_t>(width() * order_); }

  void operator()(const State& y, State& dydt, double /*t*/) const {
    const double stiffness = rates_.friction * rates_.drift;
    for (int n = 0; n < order_; ++n) {
      const std::size_t i = static_cast<std::size_t>(n * width());
      const double fall = rates_.relaxation * n;
      if (moment_ == Moment::mean) {
        dydt[i] = y[i + 1] - fall * y[i];
        dydt[i + 1] = -(fall + rates_.friction) * y[i + 1] - stiffness * times_energy(y, n, 0);
      } else {
        dydt[i] = 2.0 * y[i + 1] - fall * y[i];
        dydt[i + 1] = y[i + 2] - (fall + rates_.friction) * y[i + 1] - stiffness * times_energy(y, n, 0);
        dydt[i + 2] = -(fall + 2.0 * rates_.friction) * y[i + 2] - 2.0 * stiffness * times_energy(y, n, 1);
      }
    }
  }

 private:
  /// Coefficient n of a times the series of entry k: a L_n = (2n+1) L_n - (n+1) L_{n+1} - n L_{n-1}.
  double times_energy(const State& y, int n, int k) const {
    const auto entry = [&](int m) { return y[static_cast<std::size_t>(m * width() + k)]; };
    double sum = (2 * n + 1) * entry(n);
    if (n + 1 < order_) sum -= (n + 1) * entry(n + 1);
    if (n > 0) sum -= n * entry(n - 1);
    return sum;
  }

  HierarchyRates rates_;
  Moment moment_;
  int order_;
};

/// The same rates in units of cube()^(1/3): in others x and x' differ by as much as eta, and neither an eigenvalue of
/// the one nor an absolute tolerance for both means anything.
HierarchyRates scaled(const HierarchyRates& rates) {
  const double unit = manifolds::cbrt(rates.cube());
  if (!(unit > 0.0)) return rates;
  return {rates.friction / unit, rates.relaxation / unit, rates.drift / unit};
}

/// Follows the moment from the valley at rest; L_n(0) = 1 for every n. Times are in units of cube()^(-1/3).
class Evolution {
 public:
  Evolution(const HierarchyRates& rates, Moment moment, int order)
      : hierarchy_(scaled(rates), moment, order),
        moment_(moment),
        state_(hierarchy_.size(), 0.0) {
    for (std::size_t i = 0; i < state_.size(); i += static_cast<std::size_t>(hierarchy_.width())) state_[i] = 1.0;
  }
  double advance(double time) {
    constexpr double tolerance = 1e-10;  // per step; a thousand steps stay below the stated 1e-7
    if (time > time_) {
      const auto derivative = [this](const State& y, State& dydt, double t) {
        if (++evaluations_ % evaluations_between_looks == 0) valleydrift::throw_if_interrupted();
        hierarchy_(y, dydt, t);
      };
      boost::numeric::odeint::integrate_adaptive(dormand_prince(tolerance, tolerance), derivative, state_, time_, time,
                                                 time - time_);
      time_ = time;
    }
    return moment_ == Moment::mean ? state_[0] : std::sqrt(std::max(0.0, state_[0]));
  }
  /// Entries of the hierarchy that have been computed.
  double cost() const { return static_cast<double>(evaluations_) * static_cast<double>(state_.size()); }

 private:
  static constexpr std::int64_t evaluations_between_looks = 1024;
  Hierarchy hierarchy_;
  Moment moment_;
  State state_;
  double time_ = 0.0;
  std::int64_t evaluations_ = 0;
};

/// The last time at which |curve| crosses delta downwards, if it is below delta for as long again and through at least
/// one period of its oscillation, which is some 2 pi. Rates with cube() = 1.
std::optional<double> last_crossing(const HierarchyRates& rates, Moment moment, double delta, int order) {
  // Below it the RMS grows, and no order in reach follows the mean.
  constexpr double least_friction = 0.07;
  if (rates.friction < least_friction) return {};
  const double slowest = std::max({1.0, 1.0 / rates.drift, 1.0 / rates.friction});
  const double step = std::max(1.0 / 16.0, 1.0 / (256.0 * rates.drift));
  // A moment that decays does so within some log(1/delta) times the slowest scale; twenty times that is a bound.
  const double longest = 40.0 * slowest * std::max(1.0, manifolds::log(1.0 / delta)) + 200.0;
  constexpr double grown = 100.0;       // one that decays begins at its largest, but for an oscillation
  constexpr double most_entries = 1e9;  // a second or two: rates too different to follow
  Evolution evolution(rates, moment, order);
  double before = 1.0, crossing = 0.0;
  bool inside = false;
  for (double t = step; t < longest; t += step) {
    const double now = std::abs(evolution.advance(t));
    if (before > delta && now <= delta) crossing = t - step * (delta - now) / (before - now);
    inside = now <= delta;
    before = now;
    if (inside && t > 1.5 * crossing + 7.0) return crossing;
    if (!(now < grown) || evolution.cost() > most_entries) return {};
  }
  return {};
}

/// DERIVATION (45a): the decay's rate and the start's delay to first order in drift over friction and relaxation.
double separated_time(const HierarchyRates& k, Moment moment, double delta) {
  const double fluctuation = k.friction / (k.relaxation * (k.relaxation + k.friction)) +
                             (moment == Moment::root_mean_square ? 1.0 / k.relaxation : 0.0);
  const double rate = k.drift * (1.0 + k.drift * (1.0 / k.friction - fluctuation));
  const double delay = 1.0 / k.friction + 1.0 / k.relaxation;
  return (manifolds::log(1.0 / delta) + k.drift * delay) / rate;
}

}  // namespace

double decay_rate(const HierarchyRates& rates, Moment moment, int order) {
  const Hierarchy hierarchy(scaled(rates), moment, order);
  const auto size = static_cast<Eigen::Index>(hierarchy.size());
  Eigen::MatrixXd matrix(size, size);
  State unit(hierarchy.size(), 0.0), column(hierarchy.size());
  for (Eigen::Index j = 0; j < size; ++j) {
    unit[static_cast<std::size_t>(j)] = 1.0;
    hierarchy(unit, column, 0.0);
    unit[static_cast<std::size_t>(j)] = 0.0;
    matrix.col(j) = Eigen::Map<const Eigen::VectorXd>(column.data(), size);
  }
  const Eigen::VectorXcd values = Eigen::EigenSolver<Eigen::MatrixXd>(matrix, false).eigenvalues();
  // The solver's last digits depend on the width of the processor's registers.
  constexpr int digits = 24;
  int exponent = 0;
  const double part = std::frexp(-values.real().maxCoeff(), &exponent);
  const double slowest = std::ldexp(std::round(std::ldexp(part, digits)), exponent - digits);
  return (moment == Moment::mean ? slowest : 0.5 * slowest) * manifolds::cbrt(rates.cube());
}

std::vector<double> moment_curve(const HierarchyRates& rates, Moment moment, const std::vector<double>& times,
                                 int order) {
  Evolution evolution(rates, moment, order);
  const double unit = manifolds::cbrt(rates.cube());
  std::vector<double> curve;
  for (const double t : times) curve.push_back(evolution.advance(unit * t));
  return curve;
}

std::optional<double> convergence_time(const HierarchyRates& given, Moment moment, double delta) {
  constexpr double separated = 400.0, fast = 200.0;
  HierarchyRates rates = scaled(given);
  const double unit = 1.0 / manifolds::cbrt(given.cube());
  if (rates.friction >= separated * rates.drift && rates.relaxation >= separated * rates.drift) {
    return unit * separated_time(rates, moment, delta);
  }
  // What an explicit method takes the longer for, the less it matters.
  rates.relaxation = std::min(rates.relaxation, fast * std::max(rates.drift, std::sqrt(rates.drift * rates.friction)));
  constexpr int first_order = 8, highest_order = 256;
  constexpr double agreement = 1e-3;
  std::optional<double> before = last_crossing(rates, moment, delta, first_order);
  for (int order = 2 * first_order; order <= highest_order; order *= 2) {
    const std::optional<double> now = last_crossing(rates, moment, delta, order);
    const bool settled =
        before.has_value() == now.has_value() && (!now || std::abs(*now - *before) <= agreement * *now);
    before = now;
    if (settled) break;
  }
  return before ? std::optional(unit * *before) : std::nullopt;
}

}  // namespace valleydrift::sde
