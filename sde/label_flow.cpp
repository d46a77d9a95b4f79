#include "sde/label_flow.hpp"

#include <fmt/format.h>

#include <boost/numeric/odeint/integrate/integrate_adaptive.hpp>
#include <boost/numeric/odeint/stepper/controlled_runge_kutta.hpp>
#include <boost/numeric/odeint/stepper/generation.hpp>
#include <boost/numeric/odeint/stepper/generation/generation_controlled_runge_kutta.hpp>
#include <boost/numeric/odeint/stepper/generation/generation_runge_kutta_dopri5.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>

#include "manifolds/errors.hpp"

namespace valleydrift::sde {

std::vector<Vector> deterministic_path(const Manifold& manifold, const NoiseFactor& noise_factor, const LimitForm& form,
                                       const Vector& y0, const std::vector<double>& times) {
  namespace odeint = boost::numeric::odeint;
  using State = std::vector<double>;
  constexpr double tolerance = 1e-12;  // per step; a thousand steps stay below the stated 1e-9
  // A flow that runs to infinity in finite time takes ever smaller steps without end. At rest the method takes steps of
  // some 3 over the rate, so this many evaluations still cover a millionth of a time of 1e9.
  constexpr int evaluations_to_advance = 20000;
  constexpr double least_advance = 1e-6;

  const Vector first = manifold.geometry(y0).spectrum;
  const double steepest = first[first.size() - 1];
  int evaluations = 0;
  double least_time = 0.0, advance = 0.0;  // to be reached within evaluations_to_advance
  const auto drift = [&](const State& y, State& dydt, double time) {
    if (++evaluations % evaluations_to_advance == 0) {
      if (!(time >= least_time)) {
        throw NumericalError(
            fmt::format("{}: the deterministic limit does not get beyond t = {:.6g}: {} evaluations of its drift at {} "
                        "advance it by less than {:.2g}; shorten --time or start elsewhere",
                        manifold.name(), time, evaluations_to_advance,
                        manifolds::format_point(Eigen::Map<const Vector>(y.data(), y0.size())), advance));
      }
      least_time = time + advance;
    }
    const Vector point = Eigen::Map<const Vector>(y.data(), static_cast<Eigen::Index>(y.size()));
    const Vector d =
        limit_coefficients(manifold, manifold.geometry(point, steepest), noise_factor(point), form).drift();
    for (std::size_t i = 0; i < y.size(); ++i) dydt[i] = d[static_cast<Eigen::Index>(i)];
  };
  State y(y0.data(), y0.data() + y0.size());
  std::vector<Vector> out;
  double t = 0.0;
  for (double next : times) {
    if (next > t) {
      evaluations = 0;
      advance = least_advance * (next - t);
      least_time = t + advance;
      const double first_step = (next - t) / 16.0;  // a guess; the error control finds its own
      odeint::integrate_adaptive(odeint::make_controlled(tolerance, tolerance, odeint::runge_kutta_dopri5<State>()),
                                 drift, y, t, next, first_step);
      const Vector retracted = manifold.retract(Eigen::Map<const Vector>(y.data(), y0.size()));
      y.assign(retracted.data(), retracted.data() + retracted.size());
    }
    t = next;
    out.emplace_back(Eigen::Map<const Vector>(y.data(), y0.size()));
  }
  return out;
}

Vector deterministic_flow(const Manifold& manifold, const NoiseFactor& noise_factor, const LimitForm& form,
                          const Vector& y0, double t) {
  return deterministic_path(manifold, noise_factor, form, y0, {t}).front();
}

}  // namespace valleydrift::sde
