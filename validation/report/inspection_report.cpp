// Spectrum, drift, time scales and conditions with as many digits as are right; their JSON.
#include "validation/report/inspection_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "validation/report/json.hpp"
#include "validation/report/relaxation_report.hpp"
#include "validation/run/beta_text.hpp"

namespace valleydrift::report {
namespace {

// --- Text -----------------------------------------------------------------------------------------------------------

/// What rests on tau_Y, with no more digits than are right: an error of 3e-13 leaves 12.
run::Quantity right(const run::Quantity& figure, const inspect::Inspection& i) {
  if (!figure.value) return figure;
  constexpr int fewest = 3, most = 15;
  const int digits = std::clamp(static_cast<int>(-std::log10(std::max(i.relaxation_error, 1e-16))), fewest, most);
  return {std::stod(fmt::format("{:.{}g}", *figure.value, digits)), {}};
}

/// What rounding leaves of a zero, beside numbers of size `scale`, and -0, are not shown.
std::string vector_text(const Vector& v, double scale) {
  constexpr Eigen::Index most_shown = 8;
  std::string text;
  for (Eigen::Index i = 0; i < std::min(v.size(), most_shown); ++i) {
    const double x = std::abs(v[i]) <= 1e-14 * scale ? 0.0 : v[i];
    text += fmt::format("{}{:.6g}", i == 0 ? "" : ", ", x);
  }
  return fmt::format("({}{})", text, v.size() > most_shown ? fmt::format(", ... {} in all", v.size()) : "");
}

std::string vector_text(const Vector& v) { return vector_text(v, v.cwiseAbs().maxCoeff()); }

/// The largest component of the terms of one form, or the slope of tr H across a valley of its size: all terms may be
/// what rounding leaves.
double size_of(const inspect::FormDrift& drift, const inspect::Inspection& i) {
  const double point = i.point.norm();
  double size = i.trace_hessian / (point > 0.0 ? point : 1.0);
  for (const Vector* term : {&drift.curvature, &drift.mixed, &drift.transverse}) {
    size = std::max(size, term->cwiseAbs().maxCoeff());
  }
  return size;
}

std::string figure_text(const run::Quantity& figure, const std::string& unit) {
  return figure.value ? fmt::format("{:.6g}{}", *figure.value, unit.empty() ? "" : " " + unit)
                      : "does not exist: " + figure.reason;
}

// --- JSON -----------------------------------------------------------------------------------------------------------

void put_quantity(nlohmann::json& object, const std::string& key, const run::Quantity& figure) {
  object[key] = json_number(figure.value);
  explain(object, key, figure.reason.empty() ? "not finite" : figure.reason);
}

/// Why P_L sigma is not there.
std::string too_large(const inspect::Inspection& i) {
  return fmt::format("not written, {} x {} numbers", i.dimension, i.noise_columns);
}

const char* const no_asymptotic = "not available without --gamma";

}  // namespace

std::string inspection_text(const inspect::Inspection& i) {
  const Hyperparameters& h = i.hyperparameters;
  const run::RunConfig& c = i.config;
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
  line("run", fmt::format("{}, eta = {:g}, beta = {}, mu = {:.6g}, epsilon = {:g}, {} noise{}", name_of(h.scheme),
                          h.eta, run::short_beta_text(h.mu), h.mu, h.epsilon, name_of(c.noise), run::batch_text(c)));

  text += "\nDrift per unit of slow time\n";
  for (const inspect::FormDrift& d : i.drift) {
    text += fmt::format("  {} form\n", name_of(d.form));
    const double size = size_of(d, i);
    line("  curvature", vector_text(d.curvature, size));
    line("  mixed", vector_text(d.mixed, size));
    line("  transverse", vector_text(d.transverse, size));
    line("  total", vector_text(d.total(), size));
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
      line("", vector_text(i.diffusion->row(r).transpose(), std::sqrt(i.diffusion_rate)));
    }
    if (i.diffusion->rows() > most_rows) line("", "...");
  }

  text += "\nTime scales\n";
  const run::Applicability& a = i.applicability;
  line("tau_1", fmt::format("{:.6g} steps, the slowest transverse mode", a.tau_1));
  line("tau_momentum", fmt::format("{:.6g} steps, momentum along the valley", a.tau_momentum));
  line("slow unit", fmt::format("{:.6g} steps, (mu/(eta epsilon))^2", a.slow_unit));
  line("tau_Y", figure_text(right(i.tau_Y, i), "slow units, to the local flattest point"));
  if (!i.relaxation_note.empty()) line("", i.relaxation_note);
  if (i.flattest) {
    line("  flattest point", vector_text(i.flattest->point) + ", local: the end of the flow from here");
    line("", "with " + text_of(*i.flattest, i.slow_coordinate_names));
  }
  if (i.search) text += search_text(*i.search, i.slow_coordinate_names);
  if (i.tau_Y.value) {
    line("tau_2", figure_text(right(i.tau_2, i), "steps") + ", as eta -> 0; " +
                      figure_text(right(i.tau_2_finite_step, i), "steps") + " at this eta and beta");
    line("C*", figure_text(right(i.C_star, i), "at gamma = 2/3 (a heuristic: there the time scales meet)"));
  } else {
    line("tau_2, C*", "do not exist, since tau_Y does not");
  }
  line("local time", figure_text(i.local_time, "slow units, tr H / |d tr H/dt| here"));

  text += fmt::format("\nWhere the theory applies: {}\n", a.applies() ? "all conditions hold" : "NOT HERE");
  for (const run::Condition& condition : a.conditions) {
    text += fmt::format("  {:<4}{:<24}{:<12.4g}{} {:.4g}\n", condition.ok ? "ok" : "NO", condition.name,
                        condition.value, condition.meaning, condition.bound);
  }
  return text;
}

nlohmann::json inspection_json(const inspect::Inspection& i) {
  const Hyperparameters& h = i.hyperparameters;
  nlohmann::json out = versioned({{"manifold", i.config.manifold},
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
                                  {"relaxation_note", i.relaxation_note}});
  if (i.config.batch) {
    out["batch"] = *i.config.batch;
    out["draw"] = name_of(i.config.draw);
  }
  explain(out, "diffusion", too_large(i));
  out["slow_coordinates"] = coordinates_json(i.slow_coordinate_names, i.slow_coordinates);
  nlohmann::json& drift = out["drift"] = nlohmann::json::object();
  for (const inspect::FormDrift& d : i.drift) {
    drift[name_of(d.form)] = {{"curvature", json_array(d.curvature)},
                              {"mixed", json_array(d.mixed)},
                              {"transverse", json_array(d.transverse)},
                              {"total", json_array(d.total())}};
  }
  if (!i.config.gamma) put_null(drift, "asymptotic", no_asymptotic);

  const run::Applicability& a = i.applicability;
  put_quantity(out, "tau_1", {a.tau_1, {}});
  put_quantity(out, "tau_momentum", {a.tau_momentum, {}});
  put_quantity(out, "slow_unit", {a.slow_unit, {}});
  put_quantity(out, "curvature_radius", {a.curvature_radius, "infinite: the valley is straight here"});
  put_quantity(out, "cloud", {a.cloud, {}});
  for (const auto& [key, figure] : {std::pair{"tau_Y", i.tau_Y},
                                    {"tau_2", i.tau_2},
                                    {"tau_2_finite_step", i.tau_2_finite_step},
                                    {"C_star", i.C_star}}) {
    put_quantity(out, key, right(figure, i));
  }
  put_quantity(out, "local_time", i.local_time);
  if (i.flattest) {
    out["flattest_point"] = json_array(i.flattest->point);
    out["flattest_trace_hessian"] = json_number(i.flattest->trace_hessian);
    out["flattest_slow_coordinates"] = coordinates_json(i.slow_coordinate_names, i.flattest->slow_coordinates);
  } else {
    for (const char* key : {"flattest_point", "flattest_trace_hessian", "flattest_slow_coordinates"}) {
      put_null(out, key, i.tau_Y.reason);
    }
  }
  if (i.search) out["search"] = search_json(*i.search, i.slow_coordinate_names);
  out["applies"] = a.applies();
  out["applicability"] = nlohmann::json::array();
  for (const run::Condition& condition : a.conditions) {
    nlohmann::json entry = {{"name", condition.name}, {"meaning", condition.meaning}, {"ok", condition.ok}};
    put_quantity(entry, "value", {condition.value, {}});
    put_quantity(entry, "bound", {condition.bound, {}});
    out["applicability"].push_back(entry);
  }
  return out;
}

}  // namespace valleydrift::report
