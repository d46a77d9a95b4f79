// The table of momenta with their reasons, and its JSON.
#include "validation/report/advice_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "manifolds/numbers/portable_math.hpp"
#include "validation/report/json.hpp"
#include "validation/report/relaxation_report.hpp"
#include "validation/run/beta_text.hpp"

namespace valleydrift::report {
namespace {

std::string steps_text(const std::optional<double>& x) {
  return fmt::format("{:>13}", x && std::isfinite(*x) ? fmt::format("{:.4g}", *x) : "-");
}

}  // namespace

std::string advice_text(const scan::ResolvedScan& scan, const scan::Advice& advice) {
  const run::RunConfig& c = scan.config.run;
  std::string text = fmt::format(
      "{}: {}, eta = {:g}, epsilon = {:g}, {} noise{}\n"
      "Local flattest point {}, the end of the flow from {}; tau_Y {:.6g}\n{}\n"
      "Recommended momentum  beta = {}, that is 1 - beta = {:.4g} = {:.4g} eta^(2/3); C* = {:.4g}\n  {}\n",
      c.manifold, name_of(c.scheme), c.eta, *c.epsilon, name_of(c.noise), run::batch_text(c),
      manifolds::format_point(scan.flattest_point), manifolds::format_point(scan.start), scan.tau_Y,
      advice.search ? search_text(*advice.search, scan.manifold.slow_coordinate_names()) : "",
      run::beta_text(advice.recommended_mu), advice.recommended_mu,
      advice.recommended_mu / manifolds::pow(c.eta, 2.0 / 3.0), scan.C_star, advice.reason);
  if (advice.limited) text += "  C* eta^(2/3) is above 1: at this noise momentum does not help\n";
  text += fmt::format("\nPredicted steps (to within {:g} of the start's excess, or of the plateau)\n", advice.delta);
  std::size_t width = 10;
  for (const scan::Option& o : advice.options) width = std::max(width, run::beta_text(o.mu).size() + 2);
  text += fmt::format("  {:<13}{:>{}}{:>13}{:>13}{:>13}{:>13}{:>13}{:>13}{:>10}\n", "", "beta", width, "tau_1", "tau_2",
                      "T_mean", "T_rms", "T_transverse", "slowest", "speed-up");
  const std::optional<double> best = advice.options.front().time();
  for (const scan::Option& o : advice.options) {
    if (!o.unstable.empty()) {
      text += fmt::format("  {:<13}{:>{}}  {}\n", o.name, run::beta_text(o.mu), width, o.unstable);
      continue;
    }
    const scan::Prediction& p = o.prediction;
    const auto time = o.time();
    text += fmt::format("  {:<13}{:>{}}{}{}{}{}{}{}{:>10}\n", o.name, run::beta_text(o.mu), width,
                        steps_text(p.scales.tau_1), steps_text(p.scales.tau_2), steps_text(p.mean),
                        steps_text(p.root_mean_square), steps_text(p.transverse), steps_text(time),
                        best && time ? fmt::format("{:.3g}x", *time / *best) : "-");
    if (!p.mean) text += fmt::format("    {}\n", o.reason());
  }
  text += "speed-up: how many times longer this momentum takes than the recommended one\n\nValidity\n";
  for (const run::Condition& condition : advice.conditions) {
    // At the optimum the scales meet: that is the point of it, and the hierarchy needs no separation.
    if (condition.name == "time-scale separation") continue;
    text += fmt::format("  {} {:<18}{:<12.4g}{} {:g}\n", condition.ok ? "ok" : "NO", condition.name, condition.value,
                        condition.meaning, condition.bound);
  }
  const double friction = advice.options.front().prediction.scales.scaled_friction;
  text += fmt::format(
      "  the figures hold within the linear range of the flattest point, for mu between {:g} k0^(1/3) and the\n"
      "  underdamped limit; {}\n",
      scan::smallest_scaled_friction,
      std::isfinite(friction) ? fmt::format("at the recommended momentum mu is {:.3g} k0^(1/3)", friction)
                              : "beta = 0 is recommended, which has no such scale");
  return text;
}

nlohmann::json advice_json(const scan::ResolvedScan& scan, const scan::Advice& advice) {
  nlohmann::json out = {{"schema_version", schema_version},
                        {"manifold", scan.config.run.manifold},
                        {"scheme", name_of(scan.config.run.scheme)},
                        {"eta", advice.eta},
                        {"epsilon", *scan.config.run.epsilon},
                        {"delta", advice.delta},
                        {"flattest_point", json_array(scan.flattest_point)},
                        {"tau_Y", scan.tau_Y},
                        {"C_star", scan.C_star},
                        {"recommended_beta", 1.0 - advice.recommended_mu},
                        {"recommended_mu", advice.recommended_mu},
                        {"exact", advice.exact},
                        {"reason", advice.reason},
                        {"momentum_helps", !advice.limited},
                        {"options", nlohmann::json::array()},
                        {"validity", nlohmann::json::array()}};
  if (scan.config.run.batch) {
    out["batch"] = *scan.config.run.batch;
    out["draw"] = name_of(scan.config.run.draw);
  }
  const std::optional<double> best = advice.options.front().time();
  for (const scan::Option& o : advice.options) {
    const scan::Prediction& p = o.prediction;
    const auto time = o.time();
    const bool scales = p.scales.tau_1 > 0.0;  // else there is none of them
    const auto scale = [&](double x) { return scales ? json_number(x) : nlohmann::json(); };
    nlohmann::json entry = {{"name", o.name},
                            {"beta", o.beta},
                            {"mu", o.mu},
                            {"tau_1", scale(p.scales.tau_1)},
                            {"tau_momentum", scale(p.scales.tau_momentum)},
                            {"tau_2", scale(p.scales.tau_2)},
                            {"T_mean", json_number(p.mean)},
                            {"T_rms", json_number(p.root_mean_square)},
                            {"T_transverse", json_number(p.transverse)},
                            {"speed_up", best && time ? json_number(*time / *best) : nlohmann::json()},
                            {"predicted_by", name_of(p.source)}};
    for (const char* key : {"tau_1", "tau_momentum", "tau_2", "T_mean", "T_rms", "T_transverse", "speed_up"}) {
      explain(entry, key, o.reason());
    }
    out["options"].push_back(entry);
  }
  for (const run::Condition& condition : advice.conditions) {
    out["validity"].push_back({{"name", condition.name},
                               {"value", json_number(condition.value)},
                               {"bound", condition.bound},
                               {"ok", condition.ok}});
    explain(out["validity"].back(), "value", "not finite");
  }
  if (advice.search) out["search"] = search_json(*advice.search, scan.manifold.slow_coordinate_names());
  return out;
}

}  // namespace valleydrift::report
