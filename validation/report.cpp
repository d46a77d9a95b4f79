#include "validation/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

namespace valleydrift::validation {
namespace {

constexpr std::size_t report_width = 100;
constexpr int schema_version = 1;

// --- Text -----------------------------------------------------------------------------------------------------------

/// Breaks `text` at blanks so that no line is wider than the report; the first line follows `head`, the others are
/// indented by its length.
std::string wrapped(const std::string& head, const std::string& text) {
  std::string out, line = head;
  bool first_word = true;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    begin = end + 1;
    if (word.empty()) continue;
    if (!first_word && line.size() + 1 + word.size() > report_width) {
      out += line + '\n';
      line = std::string(head.size(), ' ') + word;
    } else {
      line += (first_word ? "" : " ") + word;
    }
    first_word = false;
  }
  return out + line + '\n';
}

/// A figure in a column: as many digits as a reader can use, "-" where there is none.
std::string figure(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  if (value == 0.0) return "0";
  return fmt::format("{:.{}g}", value, digits);
}
std::string signed_figure(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  if (value == 0.0) return "0";
  return fmt::format("{:+.{}g}", value, digits);
}

/// The first phase: how long, where it arrives, how far apart the runs do.
std::string descent_text(const DescentResult& d) {
  const FirstPhase& phase = d.phase;
  std::string text = fmt::format("{} steps {}, to within {} of the valley", phase.steps,
                                 phase.noisy ? "with the noise on" : "without noise", figure(phase.distance, 2));
  if (d.flow_end) {
    text += fmt::format("; the noiseless iteration arrives {} from where the gradient flow does",
                        figure((*d.flow_end - phase.arrival).norm(), 3));
  }
  std::string out = wrapped("  first phase ", text);
  if (phase.noisy) {
    text = "runs arrive, root mean square from there,";
    for (std::size_t r = 0; r < d.epsilon.size(); ++r) {
      text += fmt::format("{} {} +- {} at epsilon = {}", r ? "," : "", figure(d.spread[r], 3),
                          figure(d.spread_error[r], 1), figure(d.epsilon[r], 3));
    }
    out += wrapped("              ", text);
  }
  return out;
}

std::string configuration_text(const Comparison& comparison) {
  const RunConfig& c = comparison.config;
  const Hyperparameters h = c.hyperparameters();
  std::string parameters;
  for (const auto& [key, value] : c.parameters) parameters += fmt::format(", {} = {}", key, value);
  std::string momentum = fmt::format("beta = {:.6g}", h.beta());
  if (c.C) momentum += fmt::format(" (1 - beta = C eta^gamma, C = {:g}, gamma = {:g})", *c.C, c.gamma.value_or(0.0));
  const std::string epsilon = c.epsilon ? fmt::format("epsilon = {:g}", *c.epsilon) : "epsilon open";
  const std::string steps = comparison.steps.empty() ? "" : fmt::format(" = {} steps", comparison.steps.back());
  const double end = comparison.times.empty() ? std::nan("") : comparison.times.back();
  std::string moved;
  if (comparison.distance_moved > 0.0) {
    moved = fmt::format(", {} onto the valley",
                        comparison.descent ? fmt::format("descended from {}",
                                                         manifolds::format_point(comparison.descent->phase.initial))
                                           : fmt::format("moved by {}", figure(comparison.distance_moved, 4)));
  }
  if (c.random_start) moved += fmt::format(", drawn at random, {:.4g} times normal", *c.start_scale);
  std::string noise = name_of(c.noise);
  if (c.noise == NoiseKind::constant) noise += fmt::format(" sigma ({} x {})", c.sigma.rows(), c.sigma.cols());
  noise += batch_text(c);
  return wrapped("  manifold    ", fmt::format("{}{}, start {}{}", c.manifold, parameters,
                                               manifolds::format_point(comparison.start), moved)) +
         (comparison.descent ? descent_text(*comparison.descent) : "") +
         wrapped("  iteration   ", fmt::format("{}, eta = {:g}, {}, {}", name_of(c.scheme), c.eta, momentum, epsilon)) +
         wrapped("  noise       ", fmt::format("{}, {}, {} for both processes", noise, name_of(c.noise_law),
                                               c.shared_noise ? "shared" : "independent")) +
         wrapped("  run         ",
                 fmt::format("{} paths, slow time {}{}, seed {}", c.paths, figure(end, 6), steps, c.seed)) +
         wrapped("  judged      ", fmt::format("limiting diffusion in its {} form, slow variable {}", name_of(c.form),
                                               name_of(c.slow_variable)));
}

std::string applicability_text(const Comparison& comparison) {
  const Applicability& a = comparison.applicability;
  std::string out =
      fmt::format("Where the theory applies: {}\n", !a.applies()                  ? "NOT HERE"
                                                    : comparison.obstacle.empty() ? "all conditions hold"
                                                                                  : "not here, see above");
  std::size_t width = 0;
  for (const Condition& c : a.conditions) width = std::max(width, c.name.size());
  for (const Condition& c : a.conditions) {
    out += wrapped(fmt::format("  {:<3} {:<{}}  {:>9}  bound {:>8}   ", c.ok ? "ok" : "NO", c.name, width,
                               figure(c.value, 4), figure(c.bound, 4)),
                   c.meaning);
  }
  return out + fmt::format("  tau_1 {} steps, momentum {} steps, one unit of slow time {} steps\n", figure(a.tau_1, 4),
                           figure(a.tau_momentum, 4), figure(a.slow_unit, 6));
}

bool is_judged(const ObservableResult& o, std::size_t i) { return i < o.judged.size() && o.judged[i]; }

/// |difference| / bound; NaN where nothing is judged.
double severity(const ObservableResult& o, const std::vector<double>& difference, const std::vector<double>& bound,
                std::size_t i) {
  return is_judged(o, i) ? std::abs(at(difference, i)) / at(bound, i) : std::nan("");
}

/// The record where |difference| / bound is largest; a value that is not finite counts as largest.
std::size_t worst_record(const ObservableResult& o, const std::vector<double>& difference,
                         const std::vector<double>& bound, std::size_t count) {
  std::size_t worst = count ? count - 1 : 0;
  double largest = -1.0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_judged(o, i)) continue;
    const double here = severity(o, difference, bound, i);
    if (!(here <= largest)) {
      worst = i;
      largest = here;
      if (std::isnan(largest)) break;
    }
  }
  return worst;
}

std::string table_row(const std::string& first, int first_width, const Comparison& comparison,
                      const ObservableResult& o, std::size_t i) {
  const bool judged = is_judged(o, i);
  const char* verdict = !judged || o.bound.empty() || !comparison.obstacle.empty() ? ""
                        : severity(o, o.extrapolated, o.bound, i) <= 1.0           ? "  ok"
                                                                                   : "  off";
  return fmt::format("  {:<{}} {:>7} {:>11} {:>11} {:>10} {:>8} {:>11} {:>8} {:>8}{}\n", first, first_width,
                     figure(at(comparison.times, i), 4), figure(at(o.theory, i), 5), figure(at(o.discrete, i), 5),
                     signed_figure(at(o.difference, i), 3), figure(at(o.standard_error, i), 2),
                     signed_figure(at(o.extrapolated, i), 3), figure(at(o.extrapolated_error, i), 2),
                     judged ? figure(at(o.bound, i), 3) : "-", verdict);
}

/// Where the judged ladder is extrapolated to.
const char* end_of_ladder(const Comparison& comparison) {
  return comparison.config.form == Form::paper ? "at eta = 0" : "at eps = 0";
}

std::string table_head(const std::string& first, int first_width, const Comparison& comparison) {
  return fmt::format("  {:<{}} {:>7} {:>11} {:>11} {:>10} {:>8} {:>11} {:>8} {:>8}\n", first, first_width, "t",
                     "theory", "discrete", "difference", "SE", end_of_ladder(comparison), "SE", "bound");
}

/// "a drift off by 2 % (x), a noise variance off by 12 %"; empty where nothing is seen.
std::string visible_text(const VisibleErrors& visible, const std::string& drift_in, const std::string& noise_in) {
  std::string out;
  const auto add = [&](const char* what, const std::optional<double>& error, const std::string& in) {
    if (!error) return;
    out += fmt::format("{}a {} off by {} %{}", out.empty() ? "" : ", ", what, figure(100.0 * *error, 2),
                       in.empty() ? "" : " (" + in + ")");
  };
  add("drift", visible.drift, drift_in);
  add("noise variance", visible.noise, noise_in);
  return out;
}

std::string observable_text(const Comparison& comparison, const ObservableResult& o) {
  const std::size_t count = comparison.times.size();
  constexpr std::size_t handful = 5;
  std::set<std::size_t> records;
  for (std::size_t k = 1; k <= handful && count > 1; ++k) records.insert(k * (count - 1) / handful);
  records.insert(worst_record(o, o.extrapolated, o.bound, count));
  const bool named = o.meaning.find(o.name) != std::string::npos;
  const std::string title = o.meaning.empty() ? o.name : named ? o.meaning : o.name + ": " + o.meaning;
  std::string out = fmt::format("{:<82} {:>13}\n", title, name_of(o.verdict));
  if (!o.reason.empty()) out += wrapped("  ", explanation(o));
  out += table_head("", 0, comparison);
  for (const std::size_t i : records) {
    if (i < count) out += table_row("", 0, comparison, o, i);
  }
  if (!o.independent.empty() && count > 0) {
    const std::size_t i = worst_record(o, o.independent, o.independent_bound, count);
    out += fmt::format("  with independent noise, {}, worst at t = {}: {} +- {}, bound {}  {}\n",
                       end_of_ladder(comparison), figure(at(comparison.times, i), 4),
                       signed_figure(at(o.independent, i), 3), figure(at(o.independent_error, i), 2),
                       figure(at(o.independent_bound, i), 3),
                       !is_judged(o, i) || !comparison.obstacle.empty()            ? ""
                       : severity(o, o.independent, o.independent_bound, i) <= 1.0 ? "ok"
                                                                                   : "off");
  }
  const std::string seen = visible_text(o.visible, "", "");
  if (!seen.empty()) out += wrapped("  would be called a disagreement: ", seen);
  return out + '\n';
}

bool is_covariance(const ObservableResult& o) { return o.name.starts_with("cov("); }

/// One line per observable at the record where it is furthest from its bound.
std::string brief_table(const Comparison& comparison, const std::vector<const ObservableResult*>& observables) {
  int width = 10;
  for (const auto* o : observables) width = std::max(width, static_cast<int>(o->name.size()));
  width = std::min(width, 12);
  std::string out = table_head("", width, comparison);
  for (const auto* o : observables) {
    out +=
        table_row(o->name, width, comparison, *o, worst_record(*o, o->extrapolated, o->bound, comparison.times.size()));
  }
  return out + '\n';
}

std::string observables_text(const Comparison& comparison) {
  std::vector<const ObservableResult*> brief;
  std::string out;
  for (const ObservableResult& o : comparison.observables) {
    if (is_covariance(o) && o.verdict == Verdict::agree) {
      brief.push_back(&o);
    } else {
      out += observable_text(comparison, o);
    }
  }
  if (!brief.empty()) {
    out += fmt::format("{:<82} {:>13}\n",
                       fmt::format("covariances: {}, each at its least favourable time", brief.size()), "agree");
    out += brief_table(comparison, brief);
  }
  return out;
}

/// At most three rungs are shown: coarsest, middle, finest.
std::vector<std::size_t> shown_rungs(std::size_t count) {
  if (count <= 3) {
    std::vector<std::size_t> all(count);
    for (std::size_t i = 0; i < count; ++i) all[i] = i;
    return all;
  }
  return {0, count / 2, count - 1};
}

std::string ladder_text(const std::string& title, const std::string& variable,
                        const std::vector<LadderResult>& ladder) {
  if (ladder.empty()) return "";
  std::string out = title + '\n';
  int width = 10;
  for (const LadderResult& l : ladder) width = std::max(width, static_cast<int>(l.observable.size()));
  width = std::min(width, 19);
  const auto rungs = shown_rungs(ladder.front().rung.size());
  out += fmt::format("  {:<{}} {:>5}", "", width, "t");
  for (const std::size_t i : rungs) out += fmt::format(" {:>9}", variable + " " + figure(ladder.front().rung[i], 3));
  out += fmt::format(" {:>5} {:<13} {:>9} {:>7}\n", "slope", "interval", "at 0", "SE");
  for (const LadderResult& l : ladder) {
    out += fmt::format("  {:<{}} {:>5}", l.observable.substr(0, static_cast<std::size_t>(width)), width,
                       figure(l.time, 3));
    for (const std::size_t i : rungs) out += fmt::format(" {:>9}", signed_figure(at(l.difference, i), 3));
    if (l.slope) {
      const std::string interval = fmt::format("[{:.2f}, {:.2f}]", l.slope_low, l.slope_high);
      out += fmt::format(" {:>5.2f} {:<13} {:>9} {:>7}{}\n", *l.slope, interval, signed_figure(l.extrapolated, 2),
                         figure(l.extrapolated_error, 2), l.consistent ? "" : " off");
      if (!l.note.empty()) out += wrapped("    ", l.note);
    } else {
      out += fmt::format(" {:>5} {:<13} {:>9} {:>7}\n", "-", "not resolved", signed_figure(l.extrapolated, 2),
                         figure(l.extrapolated_error, 2));
    }
  }
  return out + '\n';
}

// --- JSON -----------------------------------------------------------------------------------------------------------

using Json = nlohmann::json;

/// Text that is valid UTF-8 whatever it came from (a file name in a reason): JSON has no other.
std::string utf8(const std::string& text) {
  const Json copy = text;
  return Json::parse(copy.dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

const char* why_not_finite(double value) {
  return std::isnan(value) ? "not a number" : value > 0.0 ? "infinite" : "minus infinite";
}

void put(Json& object, const std::string& key, double value) {
  if (std::isfinite(value)) {
    object[key] = value;
  } else {
    object[key] = nullptr;
    object[key + "_reason"] = why_not_finite(value);
  }
}

void put_null(Json& object, const std::string& key, const std::string& reason) {
  object[key] = nullptr;
  object[key + "_reason"] = reason;
}

/// A series; single values that are not finite are null, and the reason names the first of them.
void put(Json& object, const std::string& key, const std::vector<double>& values) {
  Json array = Json::array();
  std::string reason;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) {
      array.push_back(values[i]);
    } else {
      array.push_back(nullptr);
      if (reason.empty()) reason = fmt::format("{} at record {}", why_not_finite(values[i]), i);
    }
  }
  object[key] = std::move(array);
  if (!reason.empty()) object[key + "_reason"] = reason;
}

void put_or_null(Json& object, const std::string& key, const std::vector<double>& values, const std::string& reason) {
  if (values.empty()) {
    put_null(object, key, reason);
  } else {
    put(object, key, values);
  }
}

template <class T>
void put_optional(Json& object, const std::string& key, const std::optional<T>& value, const std::string& reason) {
  if (!value) {
    put_null(object, key, reason);
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    object[key] = *value;
  } else {
    put(object, key, *value);
  }
}

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

Json config_json(const RunConfig& c) {
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
  if (c.noise == NoiseKind::constant) {  // the numbers, not the file: the same run from elsewhere is the same run
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

Json observable_json(const Comparison& comparison, const ObservableResult& o) {
  Json out;
  out["name"] = o.name;
  out["meaning"] = utf8(o.meaning);
  out["verdict"] = name_of(o.verdict);
  out["reason"] = utf8(explanation(o));
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

Json ladder_json(const LadderResult& l, const char* variable) {
  Json out;
  out["observable"] = l.observable;
  put(out, "time", l.time);
  out["rungs"] = Json::array();
  for (std::size_t i = 0; i < l.rung.size(); ++i) {
    Json rung;
    put(rung, variable, l.rung[i]);
    put(rung, "difference", at(l.difference, i));
    put(rung, "standard_error", at(l.standard_error, i));
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

void put_ladder(Json& object, const char* variable, const std::vector<LadderResult>& ladder, const char* reason) {
  if (ladder.empty()) return put_null(object, variable, reason);
  object[variable] = Json::array();
  for (const LadderResult& l : ladder) object[variable].push_back(ladder_json(l, variable));
}

Json descent_json(const DescentResult& d) {
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

Json visible_json(const Comparison& c) {
  Json out{{"probability", visible_with}};
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

std::string report_text(const Comparison& comparison) {
  std::string out = "Discrete dynamics against the limiting diffusion\n";
  if (!comparison.obstacle.empty()) out += wrapped("Nothing of it is judged: ", comparison.obstacle) + '\n';
  out += configuration_text(comparison) + '\n' + applicability_text(comparison) + '\n';
  if (comparison.obstacle.empty() && !comparison.moves_along_valley) {
    out += wrapped("",
                   "Neither process moves along the valley: under this noise every point of it is as good as its "
                   "start, in theory and in the discrete runs.") +
           '\n';
  }
  out += observables_text(comparison);
  out += ladder_text("Ladder in epsilon at fixed eta and beta: discrete - theory, expected to fall as epsilon^2", "eps",
                     comparison.epsilon_ladder);
  out += ladder_text("Ladder in eta at fixed beta: discrete - paper form, expected to fall as eta^1", "eta",
                     comparison.eta_ladder);
  if (comparison.path_error) {
    out += ladder_text("Path by path with shared noise: rms |slow - Y|, expected to fall as epsilon^1", "eps",
                       {*comparison.path_error});
  }
  if (comparison.integrator_error > 0.0) {
    out += fmt::format(
        "Euler-Maruyama error of the coupled theory, steps of {}, before it is extrapolated away: {} +- {} of the "
        "range\n",
        figure(comparison.limit_step, 2), figure(comparison.integrator_error, 2),
        figure(comparison.integrator_standard_error, 1));
  }
  const std::string seen = visible_text(comparison.visible, comparison.drift_seen_in, comparison.noise_seen_in);
  if (!seen.empty()) {
    out += wrapped(fmt::format("Called a disagreement with probability {:g}: ", visible_with), seen);
  }
  const bool diffuses = comparison.limit_step > 0.0;
  for (const std::string& why : {comparison.drift_unseen, diffuses ? comparison.noise_unseen : ""}) {
    if (!why.empty() && comparison.obstacle.empty()) out += wrapped("  ", why);
  }
  out += fmt::format("Probability that a true agreement is called a disagreement, or a true slope refused: {} each\n\n",
                     figure(comparison.false_alarm, 2));
  return out + fmt::format("Verdict: {}\n", name_of(comparison.verdict)) + wrapped("  ", comparison.reason);
}

nlohmann::json summary_json(const Comparison& comparison) {
  Json out;
  out["schema_version"] = schema_version;
  out["program_version"] = VALLEYDRIFT_VERSION;
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
  const Applicability& a = comparison.applicability;
  out["applies"] = a.applies();
  out["applicability"] = Json::array();
  for (const Condition& c : a.conditions) {
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
  for (const ObservableResult& o : comparison.observables) out["observables"].push_back(observable_json(comparison, o));
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

}  // namespace valleydrift::validation
