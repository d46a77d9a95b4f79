// Tables of cells, exponents, prefactors and the law's verdict, and summary.json of a scan.
#include "validation/report/scan_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "validation/report/json.hpp"
#include "validation/run/batches.hpp"
#include "validation/run/threads.hpp"
#include "validation/run/trial.hpp"
#include "validation/scan/cell_ensemble.hpp"

namespace valleydrift::report {
namespace {

constexpr scan::Figures times[] = {scan::Figures::mean, scan::Figures::rms, scan::Figures::transverse};
constexpr const char* time_names[] = {"T_mean", "T_rms", "T_transverse"};

// --- JSON -----------------------------------------------------------------------------------------------------------

nlohmann::json json_array(const scan::Interval& i) {
  return nlohmann::json::array({json_number(i.low), json_number(i.high)});
}
nlohmann::json json_array(const std::optional<scan::Interval>& i) { return i ? json_array(*i) : nlohmann::json(); }

/// Gives every null below `object` its reason beside it.
void explain_nulls(nlohmann::json& object, const std::string& reason) {
  std::vector<std::string> absent;
  for (auto& [key, value] : object.items()) {
    if (value.is_null() && !object.contains(key + "_reason")) absent.push_back(key + "_reason");
    if (value.is_object()) explain_nulls(value, reason);
  }
  for (const std::string& key : absent) object[key] = reason;
}

nlohmann::json exponent_json(const scan::Exponent& e) {
  if (!e.law) return {};
  nlohmann::json out = {{"alpha", json_number(e.law->alpha)},
                        {"interval", json_array(e.law->interval)},
                        {"leave_one_out", json_array(e.law->leave_one_out)},
                        {"range", json_array(e.law->range)},
                        {"small_eta", json_number(e.law->small_eta)},
                        {"large_eta", json_number(e.law->large_eta)},
                        {"predicted_alpha", json_number(e.predicted)},
                        {"predicted_error", json_number(e.predicted_error)},
                        {"curvature", json_number(e.law->curvature)},
                        {"curvature_error", json_number(e.law->curvature_error)},
                        {"curved", e.law->curved()},
                        {"cells_used", e.law->cells_used}};
  explain_nulls(out, "fewer than four cells, a cell without a prediction, or one without a stated accuracy");
  return out;
}

nlohmann::json best_json(const scan::BestC& best, const char* value) {
  nlohmann::json out = {{"predicted", json_number(best.predicted)},
                        {"measured", json_number(best.measured)},
                        {"interval", json_array(best.interval)},
                        {"grid_error", json_number(best.grid_error)},
                        {value, json_number(best.value)},
                        {std::string("predicted_") + value, json_number(best.predicted_value)}};
  explain_nulls(out, best.reason.empty() ? "too few cells or resamples with an extremum" : best.reason);
  return out;
}

nlohmann::json cell_json(const scan::CellResult& r) {
  nlohmann::json out = {{"part", name_of(r.cell.part)},
                        {"eta", json_number(r.cell.eta)},
                        {"gamma", json_number(r.cell.gamma)},
                        {"C", json_number(r.cell.C)},
                        {"mu", json_number(r.mu)},
                        {"scaled_friction", json_number(r.scaled_friction)},
                        {"steps", r.steps},
                        {"status", name_of(r.status)},
                        {"predicted_by", name_of(r.source)},
                        {"predicted_accuracy", json_number(r.accuracy)},
                        {"tau_momentum", json_number(r.tau_momentum)}};
  for (std::size_t i = 0; i < std::size(times); ++i) {
    const scan::Figured& f = r.at(times[i]);
    out[time_names[i]] = json_number(f.measured);
    out["predicted"][time_names[i]] = json_number(f.predicted);
    out["standard_error"][time_names[i]] = json_number(f.standard_error);
  }
  const auto figured = [&](scan::Figures f) {
    return nlohmann::json{{"measured", json_number(r.at(f).measured)},
                          {"standard_error", json_number(r.at(f).standard_error)},
                          {"predicted", json_number(r.at(f).predicted)}};
  };
  out["tau_1"] = figured(scan::Figures::tau_1);
  out["tau_2"] = figured(scan::Figures::tau_2);
  if (r.cell.part == scan::Part::prefactor) {
    out["rate_mean"] = figured(scan::Figures::rate_mean);
    out["rate_rms"] = figured(scan::Figures::rate_rms);
  }
  out["reason"] = r.reason;
  explain_nulls(out, r.reason.empty() ? "cannot be read from this cell" : r.reason);
  return out;
}

// --- Text -----------------------------------------------------------------------------------------------------------

std::string cell_text(double x, int width, int digits = 4) {
  return fmt::format("{:>{}}", std::isfinite(x) ? fmt::format("{:.{}g}", x, digits) : "-", width);
}

/// Measured over predicted less 1, in per cent.
std::string deviation(const scan::Figured& f) {
  const double d = 100.0 * (f.measured / f.predicted - 1.0);
  return fmt::format("{:>7}", std::isfinite(d) ? fmt::format("{:+.1f}%", d) : "-");
}

std::string exponent_cell(const scan::Exponent& e) {
  if (!e.law) return fmt::format("{:>38}", "-");
  const std::string error = e.predicted_error ? fmt::format(" +-{:.3f}", *e.predicted_error) : "";
  return fmt::format("{:>38}", fmt::format("{:.3f} [{:.3f}, {:.3f}]{} {:>6}", e.law->alpha, e.law->interval.low,
                                           e.law->interval.high, e.law->curved() ? "~" : " ",
                                           e.predicted ? fmt::format("{:.3f}{}", *e.predicted, error) : "-"));
}

std::string exponents_text(const scan::ResolvedScan& scan, const scan::ScanResult& result) {
  std::string text = fmt::format(
      "\nExponents, T ~ eta^-alpha: fitted [95 % over resampled runs], then the same fit to the predictions +- what "
      "their accuracy lets it be off; ~ curved in "
      "log-log\n"
      "  {:>6} {:>7}{:>38}{:>38}{:>38}  2-2gamma\n",
      "C", "gamma", "mean", "rms", "transverse");
  for (const scan::ExponentRow& row : result.exponents) {
    text += fmt::format("  {:>6.3g} {:>7.3f}{}{}{} {:>9.3f}\n", row.C, row.gamma, exponent_cell(row.mean),
                        exponent_cell(row.rms), exponent_cell(row.transverse), 2.0 - 2.0 * row.gamma);
  }
  if (result.crossing) {
    const scan::Crossing& c = *result.crossing;
    text += fmt::format(
        "Optimal gamma {:.3f} in [{:.3f}, {:.3f}], resampled and with a point or half of the learning rates left out: "
        "longitudinal branch {:.3f} {:+.3f} gamma (2 - 2 gamma), transverse branch {:.3f} {:+.3f} gamma (gamma)\n",
        c.gamma, c.interval.low, c.interval.high, c.longitudinal.intercept, c.longitudinal.slope,
        c.transverse.intercept, c.transverse.slope);
  } else {
    text += fmt::format("Optimal gamma: none, {}\n", result.crossing_reason);
  }
  if (scan.config.control != scan::Control::none) {
    text += fmt::format("Negative control {}: the law must not appear\n", name_of(scan.config.control));
  }
  return text;
}

std::string best_text(const std::string& name, const scan::BestC& best, double unit, const std::string& what) {
  if (!best.measured) return fmt::format("  {:<34}none: {}\n", name, best.reason);
  const auto ratio = [&](double C) { return fmt::format("{:.4g} = {:.3f} C*", C, C / unit); };
  return fmt::format("  {:<34}C = {:<20}{} grid {:.1f}%  predicted {:<20} {} {:.4g}, predicted {}\n", name,
                     ratio(*best.measured),
                     best.interval ? fmt::format("[{:.4g}, {:.4g}]", best.interval->low, best.interval->high) : "[-]",
                     100.0 * *best.grid_error, best.predicted ? ratio(*best.predicted) : "-", what, *best.value,
                     best.predicted_value ? fmt::format("{:.4g}", *best.predicted_value) : "-");
}

std::string prefactor_text(const scan::ResolvedScan& scan, const scan::ScanResult& result) {
  if (!scan.config.prefactor) return {};
  std::string text = fmt::format(
      "\nPrefactor at gamma = 2/3, eta = {:g}: C* = (2 eps^2/tau_Y)^(1/3) = {:.4g}; [95 % over resampled runs, and the "
      "error of the reading on this grid of C]\n",
      scan.config.prefactor_eta, scan.C_star);
  text += best_text("fastest decay of the RMS", result.rate_rms, scan.C_star, "rate/k0^(1/3)");
  text += best_text("fastest decay of the mean", result.rate_mean, scan.C_star, "rate/k0^(1/3)");
  text += best_text(fmt::format("shortest T_rms({:g})", scan.config.delta), result.time_rms, scan.C_star, "T");
  text += best_text(fmt::format("shortest T_mean({:g})", scan.config.delta), result.time_mean, scan.C_star, "T");
  return text;
}

std::string cells_text(const scan::ScanResult& result) {
  std::string text = fmt::format(
      "\nTimes in steps, with standard error and deviation from the prediction; acc: how far off the predictions of "
      "T_mean "
      "and T_rms may be; mu in units of k0^(1/3)\n"
      "  {:>8} {:>6} {:>6} {:>6} {:>9}{:>8}{:>7} {:>9}{:>8}{:>7} {:>9}{:>8}{:>7} {:>7}  {}\n",
      "eta", "gamma", "C", "mu", "T_mean", "SE", "dev", "T_rms", "SE", "dev", "T_trans", "SE", "dev", "acc", "status");
  for (const scan::CellResult& r : result.cells) {
    text += fmt::format("  {:>8.3g} {:>6.3f} {:>6.3g} {}", r.cell.eta, r.cell.gamma, r.cell.C,
                        cell_text(r.scaled_friction, 6, 3));
    for (const scan::Figures f : times) {
      text += fmt::format(" {}{}{}", cell_text(r.at(f).measured, 9), cell_text(r.at(f).standard_error, 8, 2),
                          deviation(r.at(f)));
    }
    text += fmt::format(" {:>7}", std::isfinite(r.accuracy) ? fmt::format("{:.1f}%", 100.0 * r.accuracy) : "-");
    text += fmt::format("  {}{}\n", name_of(r.status), r.status == scan::Status::ok ? "" : ": " + r.reason);
  }
  return text;
}

/// Of the cells with this eta, the two time scales.
std::string scales_text(const scan::ResolvedScan& scan, const scan::ScanResult& result) {
  const double eta = scan.config.etas[scan.config.etas.size() / 2];
  std::string text = fmt::format(
      "\nTime scales in steps at eta = {:g}, predicted and measured (tau_2 from the mean's decay to delta)\n"
      "  {:>6} {:>9} {:>9}{:>8}{:>7} {:>10} {:>10}{:>8}{:>7}  {}\n",
      eta, "gamma", "tau_1", "measured", "SE", "dev", "tau_2", "measured", "SE", "dev", "scales separated by 10");
  for (const scan::CellResult& r : result.cells) {
    if (r.cell.part != scan::Part::grid || r.cell.eta != eta || r.cell.C != scan.config.Cs->front()) continue;
    const scan::Figured &one = r.at(scan::Figures::tau_1), &two = r.at(scan::Figures::tau_2);
    constexpr double separation = 10.0;
    text += fmt::format("  {:>6.3f} {} {}{}{} {} {}{}{}  {}\n", r.cell.gamma, cell_text(one.predicted, 9),
                        cell_text(one.measured, 9), cell_text(one.standard_error, 8, 2), deviation(one),
                        cell_text(two.predicted, 10), cell_text(two.measured, 10), cell_text(two.standard_error, 8, 2),
                        deviation(two), two.predicted > separation * one.predicted ? "yes" : "no");
  }
  return text;
}

std::string problem_text(const scan::ResolvedScan& scan) {
  const scan::ScanConfig& c = scan.config;
  std::string names;
  for (const std::string& name : scan.manifold.slow_coordinate_names()) names += (names.empty() ? "" : ", ") + name;
  std::string text = fmt::format("{}: {}, epsilon {:g}, delta {:g}, {} paths per cell, {} {} noise{}\n", c.run.manifold,
                                 name_of(c.run.scheme), *c.run.epsilon, c.delta, c.run.paths, name_of(c.run.noise_law),
                                 name_of(c.run.noise), run::batch_text(c.run));
  const std::string start =
      (c.scattered() ? "random" : manifolds::format_point(scan.initial)) +
      (c.run.random_start ? fmt::format(", drawn at random, {:g} times normal", *c.run.start_scale) : "") +
      (!c.starts_on_valley() ? ", with the descent to the valley"
       : c.run.random_start  ? " and moved onto the valley by the gradient flow"
                             : "");
  text +=
      fmt::format("  start {}; flattest point {}, tau_Y {:.6g}{}{}\n", start,
                  manifolds::format_point(scan.flattest_point), scan.tau_Y, scan.note.empty() ? "" : "; ", scan.note);
  text += fmt::format("  slow coordinate {} at the {}{}\n", names,
                      *c.read_at == scan::ReadAt::weights ? "raw weights" : "nearest point of the valley",
                      scan.linear ? "" : "; the start is outside the linear range of the flattest point");
  return text;
}

scan::CellWork total(const std::vector<scan::CellWork>& work) {
  scan::CellWork sum;
  for (const scan::CellWork& w : work) {
    sum.path_steps += w.path_steps;
    sum.path_records += w.path_records;
    sum.records += w.records;
    sum.unforeseen += w.unforeseen;
  }
  return sum;
}

/// What the verdict does not object to, and why.
std::string allowance_text() {
  return fmt::format(
      "allowed: {:g} beyond the range of an exponent (its interval, and the fits that leave out one learning rate) and "
      "of the optimal gamma, which the law states for vanishing learning rates; a half-width of the latter up to {:g}, "
      "beyond which it tells no law from another",
      scan::exponent_allowance, scan::widest_optimum);
}

}  // namespace

nlohmann::json scan_json(const scan::ResolvedScan& scan, const scan::ScanResult& result) {
  const scan::ScanConfig& c = scan.config;
  nlohmann::json out =
      versioned({{"verdict", name_of(result.verdict)},
                 {"findings", result.findings},
                 {"allowed",
                  {{"beyond_range", scan::exponent_allowance},
                   {"optimal_gamma_half_width", scan::widest_optimum},
                   {"reason", allowance_text()}}},
                 {"manifold", c.run.manifold},
                 {"scheme", name_of(c.run.scheme)},
                 {"read_at", name_of(*c.read_at)},
                 {"control", name_of(c.control)},
                 {"epsilon", *c.run.epsilon},
                 {"delta", c.delta},
                 {"paths", c.run.paths},
                 {"seed", c.run.seed},
                 {"noise", name_of(c.run.noise)},
                 {"noise_law", name_of(c.run.noise_law)},
                 {"phase1", name_of(c.run.phase1)},
                 {"random_start", c.run.random_start},
                 {"start", std::vector<double>(scan.initial.begin(), scan.initial.end())},
                 {"start_in_linear_range", scan.linear},
                 {"flattest_point", std::vector<double>(scan.flattest_point.begin(), scan.flattest_point.end())},
                 {"slow_coordinates", scan.manifold.slow_coordinate_names()},
                 {"tau_Y", json_number(scan.tau_Y)},
                 {"tau_Y_note", scan.note},
                 {"exponents", nlohmann::json::array()},
                 {"cells", nlohmann::json::array()}});
  if (c.run.batch) {
    out["batch"] = *c.run.batch;
    out["draw"] = name_of(c.run.draw);
  }
  if (c.run.random_start) out["start_scale"] = *c.run.start_scale;
  if (c.scattered()) {
    put_null(out, "start", "every run begins at a random point of its own");
  }
  for (const scan::ExponentRow& row : result.exponents) {
    nlohmann::json entry = {{"C", row.C}, {"gamma", row.gamma}};
    for (const auto& [name, exponent] :
         {std::pair{"mean", &row.mean}, std::pair{"rms", &row.rms}, std::pair{"transverse", &row.transverse}}) {
      entry[name] = exponent_json(*exponent);
      const bool left_out = exponent == &row.transverse && c.control == scan::Control::no_transverse;
      explain(entry, name,
              left_out ? "left out by --control no-transverse" : "fewer than three cells with status ok and this time");
    }
    out["exponents"].push_back(entry);
  }
  if (result.crossing) {
    out["optimal_gamma"] = {{"value", json_number(result.crossing->gamma)},
                            {"interval", json_array(result.crossing->interval)},
                            {"alpha", json_number(result.crossing->alpha)}};
  } else {
    put_null(out, "optimal_gamma", result.crossing_reason);
  }
  out["prefactor"] = {{"C_star", json_number(scan.C_star)},
                      {"mean", best_json(result.rate_mean, "rate")},
                      {"rms", best_json(result.rate_rms, "rate")},
                      {"time_mean", best_json(result.time_mean, "time")},
                      {"time_rms", best_json(result.time_rms, "time")}};
  for (const scan::CellResult& r : result.cells) out["cells"].push_back(cell_json(r));
  return out;
}

std::string scan_text(const scan::ResolvedScan& scan, const scan::ScanResult& result) {
  std::string text = problem_text(scan) + cells_text(result) + scales_text(scan, result) +
                     exponents_text(scan, result) + prefactor_text(scan, result);
  text += fmt::format("\nVerdict on the two-thirds law: {}\n", name_of(result.verdict));
  for (const std::string& finding : result.findings) text += fmt::format("  {}\n", finding);
  if (result.verdict != scan::LawVerdict::not_judged) text += "  " + allowance_text() + '\n';
  return text;
}

double expected_seconds(const scan::ResolvedScan& scan, const std::vector<scan::CellWork>& work) {
  const auto longest = std::max_element(work.begin(), work.end(), [](const scan::CellWork& x, const scan::CellWork& y) {
    return x.path_steps < y.path_steps;
  });
  if (!(longest->path_steps > 0.0)) return 0.0;
  run::ResolvedRun run = scan.run_of(scan.cells[static_cast<std::size_t>(longest - work.begin())]);
  // As many as there are, since a batch of fewer paths than lanes costs as much as a full one.
  run.config.paths = std::min<std::int64_t>(run.config.paths, 16 * run::batch_count);
  const auto ensemble = scan::CellEnsemble::make(scan, run, run.config.seed);
  std::int64_t last = 0;
  const auto advance = [&](std::int64_t records, std::int64_t apart) {
    std::vector<std::int64_t> steps;
    for (std::int64_t i = 0; i < records; ++i) steps.push_back(last += apart);
    scan::CellRecords unused;
    ensemble->advance(steps, unused);
  };
  constexpr std::int64_t most_steps = 2000, most_records = 64;
  const double of_step = run::seconds_per_unit(most_steps, [&](std::int64_t steps) { advance(1, steps); });
  const double of_record =
      run::seconds_per_unit(most_records, [&](std::int64_t records) { advance(records, 1); }) - of_step;
  const scan::CellWork all = total(work);
  // Every record is resampled, on one thread.
  scan::CellRecords few;
  std::vector<std::int64_t> steps;
  for (std::int64_t i = 0; i < most_records; ++i) steps.push_back(++last);
  ensemble->advance(steps, few);
  const double of_resamples = run::seconds_of_trial([&] {
    scan::bootstrap(few, run.config.paths, {1.0, 1.0}, scan.config.delta, {}, run.config.seed);
  });
  const double resampling = of_resamples / static_cast<double>(most_records) * all.records;
  return (of_step * all.path_steps + std::max(0.0, of_record) * all.path_records) /
             (static_cast<double>(run.config.paths) * run::thread_count()) +
         resampling;
}

std::string scan_plan_text(const scan::ResolvedScan& scan, const std::vector<scan::CellWork>& work) {
  double largest = 0.0;
  for (const scan::CellWork& w : work) largest = std::max(largest, w.path_steps);
  std::string text = problem_text(scan);
  text += fmt::format("  {} cells: eta", scan.cells.size());
  for (const double eta : scan.config.etas) text += fmt::format(" {:.4g}", eta);
  text += "; gamma";
  for (const double gamma : scan.config.gammas) text += fmt::format(" {:.4g}", gamma);
  text += "; C";
  for (const double C : *scan.config.Cs) text += fmt::format(" {:.4g}", C);
  if (scan.config.prefactor) {
    text += fmt::format("; at gamma = 2/3 and eta = {:g} {} values of C", scan.config.prefactor_eta,
                        scan.config.prefactor_Cs->size());
  }
  const scan::CellWork all = total(work);
  text += fmt::format("\n  expected {:.3g} path-steps in all, {:.3g} in the largest cell\n", all.path_steps, largest);
  const auto outside =
      std::count_if(work.begin(), work.end(), [](const scan::CellWork& w) { return w.unforeseen > 0.0; });
  if (outside > 0) {
    text += fmt::format(
        "  {} of {} cells outside the conditions of the theory, which cannot foresee their times: they may take {:.3g} "
        "path-steps more, to the limit of steps\n",
        outside, work.size(), all.unforeseen);
  }
  return text;
}

nlohmann::json scan_plan_json(const scan::ResolvedScan& scan, const std::vector<scan::CellWork>& work) {
  nlohmann::json cells = nlohmann::json::array();
  for (std::size_t i = 0; i < work.size(); ++i) {
    const scan::Cell& cell = scan.cells[i];
    cells.push_back({{"part", name_of(cell.part)},
                     {"eta", cell.eta},
                     {"gamma", cell.gamma},
                     {"C", cell.C},
                     {"expected_path_steps", json_number(work[i].path_steps)},
                     {"unforeseen_path_steps", json_number(work[i].unforeseen)}});
  }
  const scan::CellWork all = total(work);
  return {{"schema_version", schema_version},
          {"expected_path_steps", json_number(all.path_steps)},
          {"unforeseen_path_steps", json_number(all.unforeseen)},
          {"cells", cells}};
}

}  // namespace valleydrift::report
