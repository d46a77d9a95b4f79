#include "validation/inspection.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "manifolds/errors.hpp"
#include "manifolds/portable_math.hpp"
#include "sde/label_flow.hpp"
#include "sde/limit_terms.hpp"
#include "sde/symmetric_eigen.hpp"
#include "validation/json.hpp"

namespace valleydrift::validation {
namespace {

using manifolds::Geometry;

/// The drift of one form along the valley, as a function of the point.
class ValleyDrift {
 public:
  ValleyDrift(const ResolvedRun& run, Form form) : run_(run), form_(form, run.hyperparameters) {}

  Vector operator()(const Vector& y) const {
    const auto c = sde::limit_terms(run_.manifold, run_.manifold.geometry(y), run_.noise_factor(y, form_), form_);
    return c.mixed + c.transverse;
  }
  Vector flow(const Vector& y, double t) const {
    return sde::label_flow(run_.manifold, form_, y, t, run_.batch_noise());
  }
  /// Its derivative on the tangent space at y, M x M, in an orthonormal basis: central differences between points
  /// displaced along the basis and retracted. At a fixed point it is symmetric for a drift that is a gradient.
  Matrix linearised(const Vector& y) const {
    const Geometry geometry = run_.manifold.geometry(y);
    const Matrix basis = geometry.longitudinal_basis();
    // The truncation error is the square of this; rounding, 1e-16 over it, stays below 1e-11.
    constexpr double relative_step = 1e-4;
    const double h = relative_step * std::min(run_.manifold.curvature_radius(geometry), std::max(1.0, y.norm()));
    Matrix a(basis.cols(), basis.cols());
    for (Eigen::Index j = 0; j < basis.cols(); ++j) {
      const Vector ahead = run_.manifold.retract(y + h * basis.col(j));
      const Vector behind = run_.manifold.retract(y - h * basis.col(j));
      a.col(j) = basis.transpose() * ((*this)(ahead) - (*this)(behind)) / (2.0 * h);
    }
    return a;
  }

 private:
  const ResolvedRun& run_;
  sde::LimitForm form_;
};

/// Of a symmetric matrix, in no order. Eigen's own solver would triple the time that this file takes to compile.
Vector eigenvalues(Matrix a) {
  const auto n = static_cast<std::size_t>(a.rows());
  std::vector<double> vectors(n * n), values(n);
  sde::symmetric_eigen<double>(static_cast<int>(n), {a.data(), n * n}, vectors, values);
  return Eigen::Map<const Vector>(values.data(), a.rows());
}

/// A rate along the valley below this counts as zero: 1e-7 of c tr H over the squared size of the point.
double negligible_rate(const ResolvedRun& run, const Vector& y) {
  constexpr double resolution = 1e-7;  // ten times the error of the linearisation
  const double size = 1.0 + y.squaredNorm();
  return resolution * run.batch_noise().label * run.manifold.label_constant() *
         run.manifold.geometry(y).trace_hessian() / size;
}

/// Whether nothing but a symmetry tells the points apart: spectrum and slow coordinates are the same to this part.
bool equivalent(const ResolvedRun& run, const Vector& a, const Vector& b, double part) {
  const auto same = [&](const Vector& x, const Vector& y) { return (x - y).norm() <= part * std::max(1.0, y.norm()); };
  return same(run.manifold.geometry(a).spectrum, run.manifold.geometry(b).spectrum) &&
         same(run.manifold.slow_coordinates(a, run.start), run.manifold.slow_coordinates(b, run.start));
}

/// The end of the flow from the start: horizons that double until the point no longer changes over a doubling. With
/// drawn batches, whose drift is no gradient, it may go on for ever along a symmetry: then it has arrived if nothing
/// else changes over two doublings. The first horizon is the drift's own local time, so that the flow of a channel that
/// flattens for ever (x falls by log(2)/2 with every doubling) is told from one that arrives.
std::optional<Vector> fixed_point(const ResolvedRun& run, const ValleyDrift& drift, std::string& reason) {
  constexpr double unchanged = 1e-7;  // a hundred times the error of the flow
  constexpr int most_doublings = 40;
  // Rate times horizon at which an explicit method has become stiff: some ten thousand steps.
  constexpr double stiff = 3e4;
  Vector y = run.start;
  const double rate = drift.linearised(y).norm();
  if (!(rate > negligible_rate(run, y)) && !(drift(y).norm() > negligible_rate(run, y))) return y;
  double horizon = 1.0 / std::max(rate, negligible_rate(run, y));
  bool along_symmetry = false;
  for (int doubling = 0; doubling < most_doublings; ++doubling) {
    const Vector next = drift.flow(y, horizon);
    const bool rests = (next - y).norm() <= unchanged * std::max(1.0, y.norm());
    const bool before = std::exchange(along_symmetry, run.config.batch && equivalent(run, next, y, unchanged));
    y = next;
    if (rests || (before && along_symmetry)) return y;
    horizon *= 2.0;
    if (doubling % 4 == 3 && drift.linearised(y).norm() * horizon > stiff) {
      reason = fmt::format(
          "the flow has not arrived at a fixed point after the slow time {:.3g}: its directions relax at "
          "rates too different to follow",
          horizon);
      return {};
    }
  }
  reason = fmt::format("the flow has no fixed point: it still moves at the slow time {:.3g}, at {}", horizon,
                       manifolds::format_point(y));
  return {};
}

Quantity local_time(const ResolvedRun& run, const ValleyDrift& drift) {
  if (!run.deterministic()) return {{}, "the noise diffuses along the valley, so tr H has no single path"};
  const Vector velocity = drift(run.start);
  const double rate = rate_of_trace(run.manifold, run.start, velocity);
  const double least = negligible_rate(run, run.start);
  if (velocity.norm() > least && rate * run.manifold.geometry(run.start).trace_hessian() > least) {
    return {1.0 / rate, {}};
  }
  return {{}, "tr H does not change along the flow here"};
}

// --- Text -----------------------------------------------------------------------------------------------------------

std::string vector_text(const Vector& v) {
  constexpr Eigen::Index most_shown = 8;
  std::string text;
  for (Eigen::Index i = 0; i < std::min(v.size(), most_shown); ++i) {
    // What rounding leaves of a zero, and -0, are not shown.
    const double x = std::abs(v[i]) <= 1e-14 ? 0.0 : v[i];
    text += fmt::format("{}{:.6g}", i == 0 ? "" : ", ", x);
  }
  return fmt::format("({}{})", text, v.size() > most_shown ? fmt::format(", ... {} in all", v.size()) : "");
}

std::string figure_text(const Quantity& figure, const std::string& unit) {
  return figure.value ? fmt::format("{:.6g}{}", *figure.value, unit.empty() ? "" : " " + unit)
                      : "does not exist: " + figure.reason;
}

/// tr H and the first slow coordinates, by name.
std::string text_of(const FlattestPoint& flattest, const std::vector<std::string>& names) {
  constexpr std::size_t most_shown = 4;
  std::string text = fmt::format("tr H = {:.6g}", flattest.trace_hessian);
  for (std::size_t k = 0; k < std::min(names.size(), most_shown); ++k) {
    text += fmt::format(", {} = {:.6g}", names[k], flattest.slow_coordinates[static_cast<Eigen::Index>(k)]);
  }
  return text;
}

// --- JSON -----------------------------------------------------------------------------------------------------------

void put(nlohmann::json& object, const std::string& key, const Quantity& figure) {
  object[key] = figure.value ? json_number(*figure.value) : nlohmann::json();
  if (object[key].is_null()) object[key + "_reason"] = figure.reason.empty() ? "not finite" : figure.reason;
}

nlohmann::json coordinates_json(const std::vector<std::string>& names, const Vector& values) {
  nlohmann::json out = nlohmann::json::object();
  for (std::size_t k = 0; k < names.size(); ++k) out[names[k]] = json_number(values[static_cast<Eigen::Index>(k)]);
  return out;
}

/// Why P_L sigma is not there.
std::string too_large(const Inspection& i) {
  return fmt::format("not written, {} x {} numbers", i.dimension, i.noise_columns);
}

const char* const no_asymptotic = "not available without --gamma";

}  // namespace

Relaxation relaxation_time(const ResolvedRun& run, Form form) {
  constexpr int largest_valley = 64;  // two drifts for each dimension, each of the order of D^2: about a second
  if (!run.deterministic())
    return {{{}, "the noise diffuses along the valley: nothing relaxes to a fixed point"}, {}, {}};
  if (run.manifold.valley_dimension() > largest_valley) {
    return {{{},
             fmt::format("not computed: the valley has dimension {}, above {}", run.manifold.valley_dimension(),
                         largest_valley)},
            {},
            {}};
  }
  const ValleyDrift drift(run, form);
  std::string reason;
  std::optional<Vector> end;
  try {
    end = fixed_point(run, drift, reason);
    if (end) run.manifold.geometry(*end, run.manifold.geometry(run.start).trace_hessian());
  } catch (const NumericalError& error) {
    return {{{}, error.what()}, {}, {}};
  }
  if (!end) return {{{}, reason}, {}, {}};

  const Matrix a = drift.linearised(*end);
  const Vector rates = eigenvalues(0.5 * (a + a.transpose()));
  constexpr double relative_zero = 1e-5;  // of the fastest rate: far above the error of the linearisation
  const double zero = std::max(negligible_rate(run, *end), relative_zero * rates.cwiseAbs().maxCoeff());
  int skipped = 0;
  double slowest = 0.0;
  for (const double rate : rates) {
    if (std::abs(rate) <= zero) {
      ++skipped;
    } else if (rate > 0.0) {
      return {{{},
               fmt::format("the flow rests at {}, which is not stable (a deviation grows at the rate {:.3g}); start "
                           "elsewhere",
                           manifolds::format_point(*end), rate)},
              {},
              {}};
    } else if (slowest == 0.0 || -rate < slowest) {
      slowest = -rate;
    }
  }
  if (slowest == 0.0) {
    return {{{}, "nothing relaxes: the drift vanishes at every point of the valley nearby"}, {}, {}};
  }
  Relaxation relaxation{{1.0 / slowest, {}}, {}, end};
  if (skipped > 0) {
    relaxation.note = fmt::format("{} of {} directions along the valley {} without drift (a symmetry) and skipped",
                                  skipped, rates.size(), skipped == 1 ? "is" : "are");
  }
  return relaxation;
}

Inspection inspect(const ResolvedRun& run) {
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
                 .local_time = local_time(run, ValleyDrift(run, Form::paper)),
                 .relaxation_note = {},
                 .flattest = {}};
  for (const Form form : {Form::finite_step, Form::paper, Form::asymptotic}) {
    if (form == Form::asymptotic && !run.config.gamma) continue;
    const sde::LimitForm limit(form, h, run.config.gamma);
    const NoiseFactor noise = run.noise_factor(run.start, limit);
    const sde::LimitTerms terms = sde::limit_terms(manifold, geometry, noise, limit);
    out.drift.push_back({form, terms.curvature, terms.mixed, terms.transverse});
    constexpr Eigen::Index most_written = 65536;  // a megabyte of text
    if (noise.rows() * noise.columns() <= most_written) out.diffusion = geometry.longitudinal(noise.dense());
    out.noise_columns = noise.columns();
    out.diffusion_rate = terms.diffusion_rate;
  }

  const Relaxation relaxation = relaxation_time(run, Form::paper);
  out.tau_Y = relaxation.time;
  out.relaxation_note = relaxation.note;
  if (relaxation.fixed_point) {
    const Vector& end = *relaxation.fixed_point;
    out.flattest = {.point = end,
                    .trace_hessian = manifold.geometry(end).trace_hessian(),
                    .slow_coordinates = manifold.slow_coordinates(end, run.start)};
  }
  if (out.tau_Y.value) {
    out.tau_2.value = h.slow_unit() * *out.tau_Y.value;
    out.tau_2_finite_step = relaxation_time(run, Form::finite_step).time;
    if (out.tau_2_finite_step.value) *out.tau_2_finite_step.value *= h.slow_unit();
    out.C_star.value = manifolds::cbrt(2.0 * h.epsilon * h.epsilon / *out.tau_Y.value);
  } else {
    out.tau_2.reason = out.tau_2_finite_step.reason = out.C_star.reason = "tau_Y does not exist: " + out.tau_Y.reason;
  }
  return out;
}

std::string inspection_text(const Inspection& i) {
  const Hyperparameters& h = i.hyperparameters;
  const RunConfig& c = i.config;
  std::string text;
  const auto line = [&](const std::string& key, const std::string& value) {
    text += fmt::format("  {:<20}{}\n", key, value);
  };

  std::string parameters;
  for (const auto& [key, value] : c.parameters) parameters += fmt::format(", {} = {}", key, value);
  text += fmt::format("{}{}: dimension {}, valley of dimension {}\n", c.manifold, parameters, i.dimension,
                      i.valley_dimension);
  line("point", vector_text(i.point));
  if (i.distance_moved > 0.0)
    line("", fmt::format("the point given is off the valley: moved by {:.4g}", i.distance_moved));
  for (std::size_t k = 0; k < i.slow_coordinate_names.size(); ++k) {
    line(k == 0 ? "slow coordinates" : "",
         fmt::format("{} = {:.6g}", i.slow_coordinate_names[k], i.slow_coordinates[static_cast<Eigen::Index>(k)]));
  }
  line("loss", fmt::format("{:.3g}", i.loss));
  line("spectrum of H", vector_text(i.spectrum) + ", the nonzero eigenvalues");
  line("rank gap", fmt::format("{:.6g}, smallest of them over the largest", i.rank_gap));
  line("tr H", fmt::format("{:.6g}", i.trace_hessian));
  line("run", fmt::format("{}, eta = {:g}, beta = {:.6g}, mu = {:.6g}, epsilon = {:g}, {} noise{}", name_of(h.scheme),
                          h.eta, h.beta(), h.mu, h.epsilon, name_of(c.noise), batch_text(c)));

  text += "\nDrift per unit of slow time\n";
  for (const FormDrift& d : i.drift) {
    text += fmt::format("  {} form\n", name_of(d.form));
    line("  curvature", vector_text(d.curvature));
    line("  mixed", vector_text(d.mixed));
    line("  transverse", vector_text(d.transverse));
    line("  total", vector_text(d.total()));
  }
  if (!c.gamma) text += fmt::format("  asymptotic form: {}\n", no_asymptotic);
  constexpr Eigen::Index most_rows = 8;
  if (std::sqrt(i.diffusion_rate) <= 1e-14 * std::max(1.0, i.trace_hessian)) {
    text += "Diffusion P_L sigma: none\n";
  } else if (!i.diffusion) {
    text += fmt::format("Diffusion P_L sigma: {}; tr(P_L Sigma P_L) = {:.6g}\n", too_large(i), i.diffusion_rate);
  } else {
    text += fmt::format("Diffusion P_L sigma, {} x {}\n", i.diffusion->rows(), i.diffusion->cols());
    for (Eigen::Index r = 0; r < std::min(i.diffusion->rows(), most_rows); ++r) {
      line("", vector_text(i.diffusion->row(r).transpose()));
    }
    if (i.diffusion->rows() > most_rows) line("", "...");
  }

  text += "\nTime scales\n";
  const Applicability& a = i.applicability;
  line("tau_1", fmt::format("{:.6g} steps, the slowest transverse mode", a.tau_1));
  line("tau_momentum", fmt::format("{:.6g} steps, momentum along the valley", a.tau_momentum));
  line("slow unit", fmt::format("{:.6g} steps, (mu/(eta epsilon))^2", a.slow_unit));
  line("tau_Y", figure_text(i.tau_Y, "slow units, to the flattest point"));
  if (!i.relaxation_note.empty()) line("", i.relaxation_note);
  if (i.flattest) {
    line("  flattest point", vector_text(i.flattest->point));
    line("", "with " + text_of(*i.flattest, i.slow_coordinate_names));
  }
  if (i.tau_Y.value) {
    line("tau_2", figure_text(i.tau_2, "steps") + ", as eta -> 0; " + figure_text(i.tau_2_finite_step, "steps") +
                      " at this eta and beta");
    line("C*", figure_text(i.C_star, "at gamma = 2/3 (a heuristic: there the time scales meet)"));
  } else {
    line("tau_2, C*", "do not exist, since tau_Y does not");
  }
  line("local time", figure_text(i.local_time, "slow units, tr H / |d tr H/dt| here"));

  text += fmt::format("\nWhere the theory applies: {}\n", a.applies() ? "all conditions hold" : "NOT HERE");
  for (const Condition& condition : a.conditions) {
    text += fmt::format("  {:<4}{:<24}{:<12.4g}{} {:.4g}\n", condition.ok ? "ok" : "NO", condition.name,
                        condition.value, condition.meaning, condition.bound);
  }
  return text;
}

nlohmann::json inspection_json(const Inspection& i) {
  const Hyperparameters& h = i.hyperparameters;
  nlohmann::json out = {{"schema_version", 1},
                        {"program_version", VALLEYDRIFT_VERSION},
                        {"manifold", i.config.manifold},
                        {"parameters", i.config.parameters},
                        {"point", json_array(i.point)},
                        {"distance_moved", json_number(i.distance_moved)},
                        {"dimension", i.dimension},
                        {"valley_dimension", i.valley_dimension},
                        {"loss", json_number(i.loss)},
                        {"spectrum", json_array(i.spectrum)},
                        {"rank_gap", json_number(i.rank_gap)},
                        {"trace_hessian", json_number(i.trace_hessian)},
                        {"scheme", name_of(h.scheme)},
                        {"noise", name_of(i.config.noise)},
                        {"eta", h.eta},
                        {"beta", h.beta()},
                        {"mu", h.mu},
                        {"epsilon", h.epsilon},
                        {"diffusion", i.diffusion ? json_array(*i.diffusion) : nlohmann::json()},
                        {"diffusion_rate", json_number(i.diffusion_rate)},
                        {"relaxation_note", i.relaxation_note}};
  if (i.config.batch) {
    out["batch"] = *i.config.batch;
    out["draw"] = name_of(i.config.draw);
  }
  if (!i.diffusion) out["diffusion_reason"] = too_large(i);
  out["slow_coordinates"] = coordinates_json(i.slow_coordinate_names, i.slow_coordinates);
  nlohmann::json& drift = out["drift"] = nlohmann::json::object();
  for (const FormDrift& d : i.drift) {
    drift[name_of(d.form)] = {{"curvature", json_array(d.curvature)},
                              {"mixed", json_array(d.mixed)},
                              {"transverse", json_array(d.transverse)},
                              {"total", json_array(d.total())}};
  }
  if (!i.config.gamma) {
    drift["asymptotic"] = nullptr;
    drift["asymptotic_reason"] = no_asymptotic;
  }

  const Applicability& a = i.applicability;
  put(out, "tau_1", {a.tau_1, {}});
  put(out, "tau_momentum", {a.tau_momentum, {}});
  put(out, "slow_unit", {a.slow_unit, {}});
  put(out, "curvature_radius", {a.curvature_radius, "infinite: the valley is straight here"});
  put(out, "cloud", {a.cloud, {}});
  put(out, "tau_Y", i.tau_Y);
  put(out, "tau_2", i.tau_2);
  put(out, "tau_2_finite_step", i.tau_2_finite_step);
  put(out, "C_star", i.C_star);
  put(out, "local_time", i.local_time);
  out["flattest_point"] = i.flattest ? json_array(i.flattest->point) : nlohmann::json();
  out["flattest_trace_hessian"] = i.flattest ? json_number(i.flattest->trace_hessian) : nlohmann::json();
  out["flattest_slow_coordinates"] =
      i.flattest ? coordinates_json(i.slow_coordinate_names, i.flattest->slow_coordinates) : nlohmann::json();
  if (!i.flattest) {
    for (const char* key : {"flattest_point", "flattest_trace_hessian", "flattest_slow_coordinates"}) {
      out[std::string(key) + "_reason"] = i.tau_Y.reason;
    }
  }
  out["applies"] = a.applies();
  out["applicability"] = nlohmann::json::array();
  for (const Condition& condition : a.conditions) {
    nlohmann::json entry = {{"name", condition.name}, {"meaning", condition.meaning}, {"ok", condition.ok}};
    put(entry, "value", {condition.value, {}});
    put(entry, "bound", {condition.bound, {}});
    out["applicability"].push_back(entry);
  }
  return out;
}

}  // namespace valleydrift::validation
