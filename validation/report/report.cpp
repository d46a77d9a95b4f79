// The text: configuration, conditions, observables, ladders, what was visible, verdict.
#include "validation/report/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "validation/report/text.hpp"
#include "validation/run/beta_text.hpp"

namespace valleydrift::report {
namespace {

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
std::string descent_text(const compare::DescentResult& d) {
  const run::FirstPhase& phase = d.phase;
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

std::string configuration_text(const compare::Comparison& comparison) {
  const run::RunConfig& c = comparison.config;
  const Hyperparameters h = c.hyperparameters();
  std::string parameters;
  for (const auto& [key, value] : c.parameters) parameters += fmt::format(", {} = {}", key, value);
  std::string momentum = fmt::format("beta = {}", run::short_beta_text(h.mu));
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
  if (c.noise == run::NoiseKind::constant) noise += fmt::format(" sigma ({} x {})", c.sigma.rows(), c.sigma.cols());
  noise += run::batch_text(c);
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

std::string applicability_text(const compare::Comparison& comparison) {
  const run::Applicability& a = comparison.applicability;
  std::string out =
      fmt::format("Where the theory applies: {}\n", !a.applies()                  ? "NOT HERE"
                                                    : comparison.obstacle.empty() ? "all conditions hold"
                                                                                  : "not here, see above");
  std::size_t width = 0;
  for (const run::Condition& c : a.conditions) width = std::max(width, c.name.size());
  for (const run::Condition& c : a.conditions) {
    out += wrapped(fmt::format("  {:<3} {:<{}}  {:>9}  bound {:>8}   ", c.ok ? "ok" : "NO", c.name, width,
                               figure(c.value, 4), figure(c.bound, 4)),
                   c.meaning);
  }
  return out + fmt::format("  tau_1 {} steps, momentum {} steps, one unit of slow time {} steps\n", figure(a.tau_1, 4),
                           figure(a.tau_momentum, 4), figure(a.slow_unit, 6));
}

bool is_judged(const compare::ObservableResult& o, std::size_t i) { return i < o.judged.size() && o.judged[i]; }

/// |difference| / bound; NaN where nothing is judged.
double severity(const compare::ObservableResult& o, const std::vector<double>& difference,
                const std::vector<double>& bound, std::size_t i) {
  return is_judged(o, i) ? std::abs(compare::at(difference, i)) / compare::at(bound, i) : std::nan("");
}

/// The record where |difference| / bound is largest; a value that is not finite counts as largest.
std::size_t worst_record(const compare::ObservableResult& o, const std::vector<double>& difference,
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

std::string table_row(const std::string& first, int first_width, const compare::Comparison& comparison,
                      const compare::ObservableResult& o, std::size_t i) {
  const bool judged = is_judged(o, i);
  const char* verdict = !judged || o.bound.empty() || !comparison.obstacle.empty() ? ""
                        : severity(o, o.extrapolated, o.bound, i) <= 1.0           ? "  ok"
                                                                                   : "  off";
  return fmt::format("  {:<{}} {:>7} {:>11} {:>11} {:>10} {:>8} {:>11} {:>8} {:>8}{}\n", first, first_width,
                     figure(compare::at(comparison.times, i), 4), figure(compare::at(o.theory, i), 5),
                     figure(compare::at(o.discrete, i), 5), signed_figure(compare::at(o.difference, i), 3),
                     figure(compare::at(o.standard_error, i), 2), signed_figure(compare::at(o.extrapolated, i), 3),
                     figure(compare::at(o.extrapolated_error, i), 2), judged ? figure(compare::at(o.bound, i), 3) : "-",
                     verdict);
}

/// Where the judged ladder is extrapolated to.
const char* end_of_ladder(const compare::Comparison& comparison) {
  return comparison.config.form == Form::paper ? "at eta = 0" : "at eps = 0";
}

std::string table_head(const std::string& first, int first_width, const compare::Comparison& comparison) {
  return fmt::format("  {:<{}} {:>7} {:>11} {:>11} {:>10} {:>8} {:>11} {:>8} {:>8}\n", first, first_width, "t",
                     "theory", "discrete", "difference", "SE", end_of_ladder(comparison), "SE", "bound");
}

/// "a drift off by 2 % (x), a noise variance off by 12 %"; empty where nothing is seen.
std::string visible_text(const compare::VisibleErrors& visible, const std::string& drift_in,
                         const std::string& noise_in) {
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

std::string observable_text(const compare::Comparison& comparison, const compare::ObservableResult& o) {
  const std::size_t count = comparison.times.size();
  constexpr std::size_t handful = 5;
  std::set<std::size_t> records;
  for (std::size_t k = 1; k <= handful && count > 1; ++k) records.insert(k * (count - 1) / handful);
  records.insert(worst_record(o, o.extrapolated, o.bound, count));
  const bool named = o.meaning.find(o.name) != std::string::npos;
  const std::string title = o.meaning.empty() ? o.name : named ? o.meaning : o.name + ": " + o.meaning;
  std::string out = fmt::format("{:<82} {:>13}\n", title, name_of(o.verdict));
  if (!o.reason.empty()) out += wrapped("  ", compare::explanation(o));
  out += table_head("", 0, comparison);
  for (const std::size_t i : records) {
    if (i < count) out += table_row("", 0, comparison, o, i);
  }
  if (!o.independent.empty() && count > 0) {
    const std::size_t i = worst_record(o, o.independent, o.independent_bound, count);
    out += fmt::format("  with independent noise, {}, worst at t = {}: {} +- {}, bound {}  {}\n",
                       end_of_ladder(comparison), figure(compare::at(comparison.times, i), 4),
                       signed_figure(compare::at(o.independent, i), 3), figure(compare::at(o.independent_error, i), 2),
                       figure(compare::at(o.independent_bound, i), 3),
                       !is_judged(o, i) || !comparison.obstacle.empty()            ? ""
                       : severity(o, o.independent, o.independent_bound, i) <= 1.0 ? "ok"
                                                                                   : "off");
  }
  const std::string seen = visible_text(o.visible, "", "");
  if (!seen.empty()) out += wrapped("  would be called a disagreement: ", seen);
  return out + '\n';
}

bool is_covariance(const compare::ObservableResult& o) { return o.name.starts_with("cov("); }

/// One line per observable at the record where it is furthest from its bound.
std::string brief_table(const compare::Comparison& comparison,
                        const std::vector<const compare::ObservableResult*>& observables) {
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

std::string observables_text(const compare::Comparison& comparison) {
  std::vector<const compare::ObservableResult*> brief;
  std::string out;
  for (const compare::ObservableResult& o : comparison.observables) {
    if (is_covariance(o) && o.verdict == compare::Verdict::agree) {
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
                        const std::vector<compare::LadderResult>& ladder) {
  if (ladder.empty()) return "";
  std::string out = title + '\n';
  int width = 10;
  for (const compare::LadderResult& l : ladder) width = std::max(width, static_cast<int>(l.observable.size()));
  width = std::min(width, 19);
  const auto rungs = shown_rungs(ladder.front().rung.size());
  out += fmt::format("  {:<{}} {:>5}", "", width, "t");
  for (const std::size_t i : rungs) out += fmt::format(" {:>9}", variable + " " + figure(ladder.front().rung[i], 3));
  out += fmt::format(" {:>5} {:<13} {:>9} {:>7}\n", "slope", "interval", "at 0", "SE");
  for (const compare::LadderResult& l : ladder) {
    out += fmt::format("  {:<{}} {:>5}", l.observable.substr(0, static_cast<std::size_t>(width)), width,
                       figure(l.time, 3));
    for (const std::size_t i : rungs) out += fmt::format(" {:>9}", signed_figure(compare::at(l.difference, i), 3));
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

}  // namespace

std::string report_text(const compare::Comparison& comparison) {
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
    out += wrapped(fmt::format("Called a disagreement with probability {:g}: ", compare::visible_with), seen);
  }
  const bool diffuses = comparison.limit_step > 0.0;
  for (const std::string& why : {comparison.drift_unseen, diffuses ? comparison.noise_unseen : ""}) {
    if (!why.empty() && comparison.obstacle.empty()) out += wrapped("  ", why);
  }
  out += fmt::format("Probability that a true agreement is called a disagreement, or a true slope refused: {} each\n\n",
                     figure(comparison.false_alarm, 2));
  return out + fmt::format("Verdict: {}\n", name_of(comparison.verdict)) + wrapped("  ", comparison.reason);
}

}  // namespace valleydrift::report
