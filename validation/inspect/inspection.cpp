// Gathers spectrum, drift terms, time scales and flattest points, and refuses what is not finite.
#include "validation/inspect/inspection.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "manifolds/errors.hpp"
#include "manifolds/numbers/portable_math.hpp"
#include "sde/drift_terms.hpp"

namespace valleydrift::inspect {
namespace {

using manifolds::Geometry;

/// Throws NumericalError for a figure of the theory that has left the range of double precision.
void require_finite(const Inspection& i) {
  const auto require = [&](const std::string& name, bool finite) {
    if (finite) return;
    throw NumericalError(fmt::format(
        "{}: {} at {} is not finite in double precision; take --eta, --epsilon, the noise and the start nearer to 1",
        i.config.manifold, name, manifolds::format_point(i.point)));
  };
  for (const FormDrift& d : i.drift)
    require(fmt::format("the {} form of the drift", name_of(d.form)), d.total().allFinite());
  require("the diffusion", std::isfinite(i.diffusion_rate) && (!i.diffusion || i.diffusion->allFinite()));
  require("tr H", std::isfinite(i.trace_hessian));
  for (const auto& [name, figure] : {std::pair{"tau_Y", i.tau_Y},
                                     {"tau_2", i.tau_2},
                                     {"tau_2 at finite step", i.tau_2_finite_step},
                                     {"C*", i.C_star},
                                     {"the local time", i.local_time}}) {
    require(name, std::isfinite(figure.value.value_or(0.0)));
  }
}

}  // namespace

Inspection inspect(const run::ResolvedRun& run, int search) {
  const Manifold& manifold = run.manifold;
  const Hyperparameters& h = run.hyperparameters;
  const Geometry geometry = manifold.geometry(run.start);

  Inspection out{.config = run.config,
                 .hyperparameters = h,
                 .point = run.start,
                 .distance_moved = run.distance_moved,
                 .dimension = manifold.dimension(),
                 .valley_dimension = manifold.valley_dimension(),
                 .loss = manifold.loss(run.start),
                 .spectrum = geometry.spectrum,
                 .rank_gap = geometry.rank_gap,
                 .trace_hessian = geometry.trace_hessian(),
                 .slow_coordinates = manifold.slow_coordinates(run.start, run.start),
                 .slow_coordinate_names = manifold.slow_coordinate_names(),
                 .drift = {},
                 .diffusion = {},
                 .applicability = run.applicability,
                 .tau_Y = {},
                 .tau_2 = {},
                 .tau_2_finite_step = {},
                 .C_star = {},
                 .local_time = run::local_time(run),
                 .relaxation_note = {},
                 .flattest = {}};
  for (const Form form : {Form::finite_step, Form::paper, Form::asymptotic}) {
    if (form == Form::asymptotic && !run.config.gamma) continue;
    const sde::LyapunovOperator limit(form, h, run.config.gamma);
    const NoiseFactor noise = run.noise_factor(run.start, limit);
    const sde::DriftTerms terms = sde::drift_terms(manifold, geometry, noise, limit);
    out.drift.push_back({form, terms.curvature, terms.mixed, terms.transverse});
    constexpr Eigen::Index most_written = 65536;  // a megabyte of text
    if (noise.rows() * noise.columns() <= most_written) out.diffusion = geometry.longitudinal(noise.dense());
    out.noise_columns = noise.columns();
    out.diffusion_rate = terms.diffusion_rate;
  }

  const run::Relaxation relaxation = run::relaxation_time(run, Form::paper);
  out.tau_Y = relaxation.time;
  out.relaxation_note = relaxation.note;
  out.relaxation_error = relaxation.error;
  if (relaxation.fixed_point) out.flattest = run::describe_flattest(run, *relaxation.fixed_point);
  if (search > 0) out.search = run::search_flattest(run, search);
  if (out.tau_Y.value) {
    out.tau_2.value = h.slow_unit() * *out.tau_Y.value;
    out.tau_2_finite_step = run::relaxation_time(run, Form::finite_step).time;
    if (out.tau_2_finite_step.value) *out.tau_2_finite_step.value *= h.slow_unit();
    out.C_star.value = run::prefactor_where_scales_meet(h.epsilon, *out.tau_Y.value);
  } else {
    out.tau_2.reason = out.tau_2_finite_step.reason = out.C_star.reason = "tau_Y does not exist: " + out.tau_Y.reason;
  }
  require_finite(out);
  return out;
}

}  // namespace valleydrift::inspect
