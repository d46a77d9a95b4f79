// summary.json of a comparison; what is not finite is null, with its reason beside it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "validation/report/json.hpp"
#include "validation/report/report.hpp"

namespace valleydrift::report {
namespace {

using Json = nlohmann::json;

/// As it was typed.
Json formula_json(const manifolds::FormulaSource& source) {
  Json out;
  const auto list = [&](const char* key, const std::vector<manifolds::FormulaText>& texts) {
    out[key] = Json::array();
    for (const manifolds::FormulaText& text : texts) out[key].push_back(utf8(text.text));
  };
  out["variables"] = utf8(source.variables.text);
  list("residuals", source.residuals);
  list("constants", source.constants);
  list("parameters", source.parameters);
  out["weight"] = source.weight ? utf8(source.weight->text) : "1";
  return out;
}

Json config_json(const run::RunConfig& c) {
  Json out;
  out["manifold"] = c.manifold;
  if (c.formula) out["formula"] = formula_json(*c.formula);
  out["parameters"] = Json::object();
  for (const auto& [key, value] : c.parameters) out["parameters"][utf8(key)] = utf8(value);
  put_optional(out, "start", c.start, c.random_start ? "drawn at random, see initial" : "not resolved");
  out["random_start"] = c.random_start;
  put_optional(out, "start_scale", c.start_scale, "the start is not random");
  out["phase1"] = name_of(c.phase1);
  out["strict"] = c.strict;
  out["scheme"] = name_of(c.scheme);
  put(out, "eta", c.eta);
  put(out, "beta", c.beta.value_or(c.hyperparameters().beta()));  // as given: 1 - (1 - beta) may lose a digit
  put(out, "mu", c.hyperparameters().mu);
  put_optional(out, "C", c.C, "beta was given");
  put_optional(out, "gamma", c.gamma, "not given");
  put_optional(out, "epsilon", c.epsilon, "not resolved");
  out["noise"] = name_of(c.noise);
  if (c.noise == run::NoiseKind::constant) {  // the numbers, not the file: the same run from elsewhere is the same run
    out["sigma"] = Json::array();
    for (Eigen::Index i = 0; i < c.sigma.rows(); ++i) {
      std::vector<double> row(static_cast<std::size_t>(c.sigma.cols()));
      for (Eigen::Index j = 0; j < c.sigma.cols(); ++j) row[static_cast<std::size_t>(j)] = c.sigma(i, j);
      out["sigma"].push_back(row);
    }
  } else {
    put_null(out, "sigma", "only for constant noise");
  }
  out["noise_law"] = name_of(c.noise_law);
  put_optional(out, "batch", c.batch, "the full batch");
  if (c.batch) {
    out["draw"] = name_of(c.draw);
  } else {
    put_null(out, "draw", "the full batch");
  }
  out["form"] = name_of(c.form);
  put_optional(out, "time", c.time, "the number of steps was given");
  put_optional(out, "steps", c.steps, "the slow time was given");
  put_optional(out, "limit_step", c.limit_step, "not given");
  out["paths"] = c.paths;
  out["shared_noise"] = c.shared_noise;
  out["slow_variable"] = name_of(c.slow_variable);
  out["ladder"] = name_of(c.ladder);
  out["seed"] = c.seed;
  return out;
}

Json observable_json(const compare::Comparison& comparison, const compare::ObservableResult& o) {
  Json out;
  out["name"] = o.name;
  out["meaning"] = utf8(o.meaning);
  out["verdict"] = name_of(o.verdict);
  out["reason"] = utf8(compare::explanation(o));
  put(out, "times", comparison.times);
  put(out, "theory", o.theory);
  put(out, "discrete", o.discrete);
  put(out, "standard_error", o.standard_error);
  put(out, "difference", o.difference);
  put_or_null(out, "extrapolated", o.extrapolated, "no ladder in epsilon");
  put_or_null(out, "extrapolated_error", o.extrapolated_error, "no ladder in epsilon");
  put_or_null(out, "bound", o.bound, "not judged");
  const std::string no_ensemble = "the theory has no noise of its own in this run";
  put_or_null(out, "independent", o.independent, no_ensemble);
  put_or_null(out, "independent_error", o.independent_error, no_ensemble);
  put_or_null(out, "independent_bound", o.independent_bound, no_ensemble);
  out["judged"] = o.judged;
  const auto unseen = [](const std::string& why) { return why.empty() ? "not even an error of 1 would be seen" : why; };
  put_optional(out, "visible_drift_error", o.visible.drift, unseen(comparison.drift_unseen));
  put_optional(out, "visible_noise_variance_error", o.visible.noise, unseen(comparison.noise_unseen));
  put_or_null(out, "theory_finite_step", o.theory_finite_step, "not computed");
  put_or_null(out, "theory_paper", o.theory_paper, "not computed");
  put_or_null(out, "theory_asymptotic", o.theory_asymptotic,
              comparison.config.gamma ? "not computed" : "not available without --gamma");
  return out;
}

Json ladder_json(const compare::LadderResult& l, const char* variable) {
  Json out;
  out["observable"] = l.observable;
  put(out, "time", l.time);
  out["rungs"] = Json::array();
  for (std::size_t i = 0; i < l.rung.size(); ++i) {
    Json rung;
    put(rung, variable, l.rung[i]);
    put(rung, "difference", compare::at(l.difference, i));
    put(rung, "standard_error", compare::at(l.standard_error, i));
    out["rungs"].push_back(std::move(rung));
  }
  put(out, "expected_slope", l.expected_slope);
  const std::string reason = l.note.empty() ? "not resolved" : utf8(l.note);
  if (l.slope) {
    put(out, "slope", *l.slope);
    put(out, "interval", std::vector<double>{l.slope_low, l.slope_high});
  } else {
    put_null(out, "slope", reason);
    put_null(out, "interval", reason);
  }
  out["consistent"] = l.consistent;
  put(out, "extrapolated", l.extrapolated);
  put(out, "standard_error", l.extrapolated_error);
  out["note"] = utf8(l.note);
  return out;
}

void put_ladder(Json& object, const char* variable, const std::vector<compare::LadderResult>& ladder,
                const char* reason) {
  if (ladder.empty()) return put_null(object, variable, reason);
  object[variable] = Json::array();
  for (const compare::LadderResult& l : ladder) object[variable].push_back(ladder_json(l, variable));
}

Json descent_json(const compare::DescentResult& d) {
  Json out;
  const auto point = [&](const char* key, const Vector& w) { put(out, key, std::vector<double>(w.begin(), w.end())); };
  point("arrival", d.phase.arrival);
  out["steps"] = d.phase.steps;
  put(out, "distance", d.phase.distance);
  out["noisy"] = d.phase.noisy;
  if (d.flow_end) {
    point("gradient_flow_arrival", *d.flow_end);
    put(out, "gradient_flow_apart", (*d.flow_end - d.phase.arrival).norm());
  } else {
    put_null(out, "gradient_flow_arrival", utf8(d.flow_reason));
    put_null(out, "gradient_flow_apart", utf8(d.flow_reason));
  }
  out["spread"] = Json::array();
  for (std::size_t r = 0; r < d.epsilon.size(); ++r) {
    Json rung;
    put(rung, "epsilon", d.epsilon[r]);
    put(rung, "root_mean_square", d.spread[r]);
    put(rung, "standard_error", d.spread_error[r]);
    out["spread"].push_back(std::move(rung));
  }
  return out;
}

Json visible_json(const compare::Comparison& c) {
  Json out{{"probability", compare::visible_with}};
  const auto add = [&](const std::string& key, const std::optional<double>& error, const std::string& in,
                       const std::string& why_not) {
    const std::string reason = why_not.empty() ? "not computed" : utf8(why_not);
    put_optional(out, key, error, reason);
    if (error) {
      out[key + "_in"] = utf8(in);
    } else {
      put_null(out, key + "_in", reason);
    }
  };
  add("drift", c.visible.drift, c.drift_seen_in, c.drift_unseen);
  add("noise_variance", c.visible.noise, c.noise_seen_in, c.noise_unseen);
  return out;
}

}  // namespace

nlohmann::json summary_json(const compare::Comparison& comparison) {
  Json out = versioned({});
  out["seed"] = comparison.config.seed;
  out["config"] = config_json(comparison.config);
  put(out, "start", std::vector<double>(comparison.start.begin(), comparison.start.end()));
  put(out, "distance_moved", comparison.distance_moved);
  put(out, "initial", std::vector<double>(comparison.initial.begin(), comparison.initial.end()));
  if (comparison.descent) {
    out["first_phase"] = descent_json(*comparison.descent);
  } else {
    put_null(out, "first_phase", "the run begins on the valley");
  }
  out["verdict"] = name_of(comparison.verdict);
  out["reason"] = utf8(comparison.reason);
  if (comparison.obstacle.empty()) {
    put_null(out, "not_judged", "the observables are judged");
  } else {
    out["not_judged"] = utf8(comparison.obstacle);
  }
  out["moves_along_valley"] = comparison.moves_along_valley;
  const run::Applicability& a = comparison.applicability;
  out["applies"] = a.applies();
  out["applicability"] = Json::array();
  for (const run::Condition& c : a.conditions) {
    Json condition{{"name", c.name}, {"meaning", utf8(c.meaning)}, {"ok", c.ok}};
    put(condition, "value", c.value);
    put(condition, "bound", c.bound);
    out["applicability"].push_back(std::move(condition));
  }
  put(out, "tau_1", a.tau_1);
  put(out, "tau_momentum", a.tau_momentum);
  put(out, "slow_unit", a.slow_unit);
  put(out, "curvature_radius", a.curvature_radius);
  put(out, "transverse_cloud", a.cloud);
  put(out, "valley_rate", a.valley_rate);
  out["steps"] = comparison.steps;
  out["observables"] = Json::array();
  for (const compare::ObservableResult& o : comparison.observables)
    out["observables"].push_back(observable_json(comparison, o));
  Json ladders;
  put_ladder(ladders, "epsilon", comparison.epsilon_ladder, "not climbed");
  put_ladder(ladders, "eta", comparison.eta_ladder, "not climbed; --ladder full climbs it");
  if (comparison.path_error) {
    ladders["path_error"] = ladder_json(*comparison.path_error, "epsilon");
  } else {
    put_null(ladders, "path_error", "only with --shared-noise");
  }
  out["ladders"] = std::move(ladders);
  put(out, "false_alarm", comparison.false_alarm);
  put(out, "integrator_error", comparison.integrator_error);
  put(out, "integrator_standard_error", comparison.integrator_standard_error);
  if (comparison.limit_step > 0.0) {
    put(out, "limit_step", comparison.limit_step);
  } else {
    put_null(out, "limit_step", "nothing diffuses");
  }
  out["visible_error"] = visible_json(comparison);
  return out;
}

}  // namespace valleydrift::report
