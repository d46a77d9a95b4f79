// Dormand-Prince with retraction; the drift is the model's field's, or one with the noise of drawn batches.
#include "sde/label_flow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>

#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "sde/dormand_prince.hpp"
#include "sde/field.hpp"

namespace valleydrift::sde {
namespace {

/// The transverse drift of (10) with sigma of (49), by one Hessian-vector product for each residual, (20).
Vector drawn_drift(const Manifold& manifold, const LyapunovOperator& form, const Vector& y, const BatchNoise& noise) {
  const manifolds::Geometry geometry = manifold.geometry(y);
  const Vector& l = geometry.spectrum;
  const Matrix a = geometry.transverse.transpose() * drawn_noise_factor(manifold, y, noise, form);
  Matrix response = a * a.transpose();
  for (Eigen::Index i = 0; i < l.size(); ++i) {
    for (Eigen::Index j = 0; j < l.size(); ++j) response(i, j) *= form.inverse(l[i], l[j]);
  }
  const Matrix along = manifold.jacobian(y) * geometry.transverse;  // row a is U^T grad f_a
  Vector sum = Vector::Zero(y.size());
  for (Eigen::Index r = 0; r < along.rows(); ++r) {
    const Vector direction = geometry.transverse * (response * along.row(r).transpose());
    sum += manifold.residual_hessian_times(y, Vector::Unit(along.rows(), r), direction);
  }
  return -manifold.label_constant() * geometry.longitudinal(sum);
}

/// dydt(y, out); the manifold must outlive it.
std::function<void(const State&, State&)> label_drift(const Manifold& manifold, const LyapunovOperator& form,
                                                      const BatchNoise& noise) {
  if (form.form() == Form::finite_step && noise.spread > 0.0 && noise.label > 0.0) {
    return [&manifold, form, noise](const State& y, State& dydt) {
      const Vector d = drawn_drift(manifold, form, view(y), noise);
      std::copy(d.begin(), d.end(), dydt.begin());
    };
  }
  const double label = noise.label;
  if (manifold.is_least_squares()) {
    const std::shared_ptr<LabelDrift<double>> drift = make_label_drift<double>(manifold, form);
    return [drift, label](const State& y, State& dydt) { drift->increment(y, label, dydt); };
  }
  return [&manifold, form, label](const State& y, State& dydt) {
    const manifolds::Geometry geometry = manifold.geometry(view(y));
    const Vector d = label * theorem(manifold, geometry, manifold.label_noise_factor(geometry.point), form).drift();
    std::copy(d.begin(), d.end(), dydt.begin());
  };
}

}  // namespace

std::vector<Vector> label_path(const Manifold& manifold, const LyapunovOperator& form, const Vector& y0,
                               const std::vector<double>& times, const BatchNoise& noise) {
  namespace odeint = boost::numeric::odeint;
  constexpr double tolerance = 1e-12;  // per step; a thousand steps stay below the stated 1e-9
  // The right drift descends and so runs nowhere in finite time; a wrong one would take ever smaller steps without end.
  // At rest the method takes steps of some 3 over the rate, so this many evaluations still cover a millionth of a time
  // of 1e9.
  constexpr int evaluations_to_advance = 20000;
  constexpr double least_advance = 1e-6;
  constexpr int most_evaluations = 1'000'000;  // between two times: some seconds; a run's own takes hundreds

  const double size = std::min(1.0, 10.0 * manifold.length(y0));  // what components that vanish are measured by
  const Vector first = manifold.geometry(y0).spectrum;
  const double steepest = first[first.size() - 1];
  const auto drift = label_drift(manifold, form, noise);
  const auto check_rank = [&](const State& y, double) { manifold.geometry(view(y), steepest); };
  std::exception_ptr no_drift;  // the last failure of the drift
  int evaluations = 0;
  double least_time = 0.0, advance = 0.0;  // to be reached within evaluations_to_advance
  const auto derivative = [&](const State& y, State& dydt, double time) {
    valleydrift::throw_if_interrupted();
    if (++evaluations > most_evaluations) {
      throw NumericalError(
          fmt::format("{}: the deterministic limit is too stiff to follow: at t = {:.6g}, at {}, {} evaluations of its "
                      "drift are spent; shorten --time or start elsewhere",
                      manifold.name(), time, manifolds::format_point(view(y)), most_evaluations));
    }
    if (evaluations % evaluations_to_advance == 0) {
      if (!(time >= least_time)) {
        throw NumericalError(
            fmt::format("{}: the deterministic limit does not get beyond t = {:.6g}: {} evaluations of its drift at {} "
                        "advance it by less than {:.2g}; shorten --time or start elsewhere",
                        manifold.name(), time, evaluations_to_advance, manifolds::format_point(view(y)), advance));
      }
      least_time = time + advance;
    }
    // A trial step may lead where the drift is not finite or does not exist: it must fail as any too long one does, and
    // odeint takes a step whose error is NaN.
    constexpr double beyond = 1e200;
    try {
      drift(y, dydt);
    } catch (const NumericalError&) {
      no_drift = std::current_exception();
      std::fill(dydt.begin(), dydt.end(), beyond);
    }
    if (!view(dydt).allFinite()) std::fill(dydt.begin(), dydt.end(), beyond);
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
      try {
        odeint::integrate_adaptive(dormand_prince(tolerance * size, tolerance), derivative, y, t, next, first_step,
                                   check_rank);
      } catch (const odeint::no_progress_error&) {  // no step is short enough
        if (no_drift) std::rethrow_exception(no_drift);
        throw NumericalError(
            fmt::format("{}: the drift of the deterministic limit is not finite at {}; start elsewhere",
                        manifold.name(), manifolds::format_point(view(y))));
      }
      const Vector retracted = manifold.retract(view(y));
      y.assign(retracted.data(), retracted.data() + retracted.size());
    }
    t = next;
    out.emplace_back(view(y));
  }
  return out;
}

Vector label_flow(const Manifold& manifold, const LyapunovOperator& form, const Vector& y0, double t,
                  const BatchNoise& noise) {
  return label_path(manifold, form, y0, {t}, noise).front();
}

}  // namespace valleydrift::sde
