// Runs the cells, fits every gamma and branch, and judges the law with its reasons.
#include "validation/scan/scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "manifolds/numbers/lane_math.hpp"

namespace valleydrift::scan {
namespace {

/// A gamma this close to 2/3 belongs to neither branch alone.
constexpr double at_two_thirds = 0.01;
constexpr std::size_t fewest_gammas = 3;

std::uint64_t seed_of_fit(const ResolvedScan& scan, std::size_t row, Figures figure) {
  return scan.config.run.seed * 1000003u + row * 16u + static_cast<std::uint64_t>(figure);
}

Exponent exponent(const ResolvedScan& scan, const std::vector<const CellResult*>& cells, Figures figure,
                  std::uint64_t seed) {
  std::vector<FitPoint> points, predictions;
  std::vector<double> accuracies;
  for (const CellResult* cell : cells) {
    const Figured& f = cell->at(figure);
    if (cell->status != Status::ok || !(f.measured > 0.0) || !std::isfinite(f.standard_error)) continue;
    FitPoint p{manifolds::log(cell->cell.eta), time_of(scan, *cell, f.measured), f.standard_error / f.measured, {}};
    for (const FigureValues& r : cell->replicates) {
      p.resampled.push_back(time_of(scan, *cell, r[static_cast<std::size_t>(figure)]));
    }
    points.push_back(p);
    if (f.predicted > 0.0) {
      p.time = time_of(scan, *cell, f.predicted);
      p.resampled.clear();
      predictions.push_back(p);
      accuracies.push_back(cell->accuracy);
    }
  }
  Exponent e;
  e.law = fit_power(points, seed);
  if (!e.law || predictions.size() != points.size()) return e;
  e.predicted = fit_power(predictions, seed)->alpha;
  if (figure != Figures::transverse) e.predicted_error = alpha_error(predictions, accuracies);
  return e;
}

std::vector<ExponentRow> exponents(const ResolvedScan& scan, const std::vector<CellResult>& cells) {
  std::vector<ExponentRow> rows;
  for (const double C : *scan.config.Cs) {
    for (const double gamma : scan.config.gammas) {
      std::vector<const CellResult*> own;
      for (const CellResult& cell : cells) {
        if (cell.cell.part == Part::grid && cell.cell.C == C && cell.cell.gamma == gamma) own.push_back(&cell);
      }
      const auto fit = [&](Figures f) { return exponent(scan, own, f, seed_of_fit(scan, rows.size(), f)); };
      ExponentRow row{C, gamma, fit(Figures::mean), fit(Figures::rms), {}};
      if (scan.config.control != Control::no_transverse) row.transverse = fit(Figures::transverse);
      rows.push_back(row);
    }
  }
  return rows;
}

/// Distance of x from an interval.
double outside_of(const Interval& interval, double x) { return std::max({0.0, interval.low - x, x - interval.high}); }

std::string text_of(const PowerLaw& law) {
  return fmt::format("{:.3f} in [{:.3f}, {:.3f}]", law.alpha, law.range.low, law.range.high);
}

/// Judges one branch; returns how many of its exponents are off.
int judge_branch(const std::vector<BranchPoint>& branch, const std::string& reading, const std::string& law,
                 double (*expected)(double), std::vector<std::string>& findings) {
  int off = 0;
  double furthest = 0.0;
  for (const BranchPoint& point : branch) {
    furthest = std::max(furthest, std::abs(point.law.alpha - expected(point.gamma)));
    if (outside_of(point.law.range, expected(point.gamma)) <= exponent_allowance) continue;
    ++off;
    findings.push_back(fmt::format("the {} exponent at gamma {:.3f} is {}, not {} = {:.3f}", reading, point.gamma,
                                   text_of(point.law), law, expected(point.gamma)));
  }
  if (off == 0 && !branch.empty()) {
    findings.push_back(fmt::format("the {} exponents at {} values of gamma follow {} to {:.3f}", reading, branch.size(),
                                   law, furthest));
  }
  return off;
}

/// Whether one exponent lies in the ranges of all: the branch cannot be told from a constant.
bool may_be_constant(const std::vector<BranchPoint>& branch) {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  for (const BranchPoint& point : branch) {
    low = std::max(low, point.law.range.low);
    high = std::min(high, point.law.range.high);
  }
  return branch.size() > 1 && low <= high;
}

/// Why the exponents of a branch are too few for a law, of which the grid has values of gamma enough: inconclusive, and
/// not a scan that asks for something else.
LawVerdict of_too_few(const std::vector<CellResult>& cells, double highest_gamma) {
  std::set<double> planned;
  bool lost = false;
  for (const CellResult& r : cells) {
    if (r.cell.part != Part::grid || !(r.cell.gamma <= highest_gamma)) continue;
    planned.insert(r.cell.gamma);
    lost = lost || r.status != Status::ok;
  }
  return lost && planned.size() >= fewest_gammas ? LawVerdict::inconclusive : LawVerdict::not_judged;
}

/// Empty if a cell is ok; else how many are not, and the first one's reason.
std::string why_nothing_was_measured(const std::vector<CellResult>& cells) {
  const auto count = [&](Status status) {
    return std::count_if(cells.begin(), cells.end(), [&](const CellResult& r) { return r.status == status; });
  };
  if (cells.empty() || count(Status::ok) > 0) return {};
  return fmt::format("no cell could be measured: {} outside, {} at the limit of steps, {} failed; the first: {}",
                     count(Status::outside), count(Status::limit), count(Status::failed), cells.front().reason);
}

void judge(const ResolvedScan& scan, ScanResult& result, const std::vector<BranchPoint>& longitudinal,
           const std::vector<BranchPoint>& transverse) {
  auto& findings = result.findings;
  if (const std::string why = why_nothing_was_measured(result.cells); !why.empty()) {
    result.verdict = LawVerdict::inconclusive;
    findings.push_back(why);
    return;
  }
  if (scan.config.run.scheme != Scheme::heavy_ball) {
    findings.push_back(scan.config.run.scheme == Scheme::sgd
                           ? "not judged: sgd has no momentum, and no gamma"
                           : "the two-thirds law is judged for heavy ball only: nesterov comes near it as eta^(1/3)");
    return;
  }
  if (longitudinal.size() < fewest_gammas && scan.config.control == Control::none) {
    findings.push_back(fmt::format("not judged: {} fitted exponents below gamma 2/3, at least {} are needed",
                                   longitudinal.size(), fewest_gammas));
    result.verdict = of_too_few(result.cells, two_thirds - at_two_thirds);
    return;
  }
  if (transverse.size() < fewest_gammas && scan.config.control == Control::none) {
    findings.push_back(fmt::format("not judged: {} fitted transverse exponents, at least {} are needed",
                                   transverse.size(), fewest_gammas));
    result.verdict = of_too_few(result.cells, 1.0);
    return;
  }
  int off = judge_branch(
      longitudinal, "longitudinal (mean)", "2 - 2 gamma", [](double g) { return 2.0 - 2.0 * g; }, findings);
  if (transverse.empty()) {
    findings.push_back("there is no transverse branch: the exponent falls with gamma throughout, and no gamma is best");
    ++off;
  } else {
    off += judge_branch(
        transverse, "transverse", "gamma", [](double g) { return g; }, findings);
  }
  bool wide = false;
  for (const auto& [branch, reading] :
       {std::pair(&longitudinal, "longitudinal"), std::pair(&transverse, "transverse")}) {
    if (!may_be_constant(*branch)) continue;
    wide = true;
    findings.push_back(
        fmt::format("the {} exponents are too wide to tell: one value lies in the ranges of all", reading));
  }
  if (result.crossing) {
    const Crossing& c = *result.crossing;
    const std::string where = fmt::format("the branches meet at gamma = {:.3f} in [{:.3f}, {:.3f}]", c.gamma,
                                          c.interval.low, c.interval.high);
    const bool wide_optimum = !(c.interval.half_width() <= widest_optimum);
    wide = wide || wide_optimum;
    if (outside_of(c.interval, two_thirds) > exponent_allowance) ++off;
    findings.push_back(where + (wide_optimum ? ", an interval too wide to tell" : ""));
  } else {
    findings.push_back("no optimal gamma: " + result.crossing_reason);
  }
  const bool open = wide || !result.crossing || longitudinal.empty();
  result.verdict = off > 0 ? LawVerdict::disagree : open ? LawVerdict::inconclusive : LawVerdict::agree;
  findings.push_back(result.verdict == LawVerdict::agree      ? "the V of the two-thirds law appears"
                     : result.verdict == LawVerdict::disagree ? "the V of the two-thirds law does not appear"
                                                              : "whether the V appears is open: take more paths");
}

/// 0 if it will not run.
CellWork planned_work(const ResolvedScan& scan, const Cell& cell) {
  try {
    return plan_cell(scan, cell).work;
  } catch (const ConfigError&) {
    return {};
  } catch (const NumericalError&) {
    return {};
  }
}

/// A row of the grid: all learning rates, or all prefactors; and where along it a cell lies.
bool same_row(const Cell& a, const Cell& b) {
  return a.part == b.part && a.gamma == b.gamma && (a.part == Part::prefactor || a.C == b.C);
}
double place(const Cell& cell) { return manifolds::log(cell.part == Part::prefactor ? cell.C : cell.eta); }

}  // namespace

std::span<const manifolds::Named<LawVerdict>> names_of(LawVerdict) {
  static constexpr manifolds::Named<LawVerdict> names[] = {{LawVerdict::agree, "agree"},
                                                           {LawVerdict::disagree, "disagree"},
                                                           {LawVerdict::inconclusive, "inconclusive"},
                                                           {LawVerdict::not_judged, "not judged"}};
  return names;
}

double time_of(const ResolvedScan& scan, const CellResult& cell, double steps) {
  if (scan.config.control != Control::wrong_clock) return steps;
  const double per_step = cell.cell.eta * *scan.config.run.epsilon / cell.mu;
  return steps * per_step * per_step;
}

ScanResult evaluate(const ResolvedScan& scan, std::vector<CellResult> cells) {
  ScanResult result;
  result.cells = std::move(cells);
  result.exponents = exponents(scan, result.cells);
  result.rate_mean = best_c(scan, result.cells, Figures::rate_mean, true);
  result.rate_rms = best_c(scan, result.cells, Figures::rate_rms, true);
  result.time_mean = best_c(scan, result.cells, Figures::mean, false);
  result.time_rms = best_c(scan, result.cells, Figures::rms, false);

  std::vector<BranchPoint> longitudinal, transverse;
  for (const ExponentRow& row : result.exponents) {
    if (row.C != scan.config.Cs->front()) continue;
    // The overdamped transverse motion at gamma < 1/2 is on another branch.
    if (row.gamma < two_thirds - at_two_thirds && row.mean.law) longitudinal.push_back({row.gamma, *row.mean.law});
    if (row.gamma >= 0.5 && row.transverse.law) transverse.push_back({row.gamma, *row.transverse.law});
  }
  result.crossing = cross(longitudinal, transverse);
  if (!result.crossing) {
    result.crossing_reason = longitudinal.size() < 2 ? "fewer than two exponents below gamma 2/3"
                             : transverse.size() < 2 ? "no transverse branch"
                                                     : "the branches do not meet between gamma 0 and 1";
  }
  judge(scan, result, longitudinal, transverse);
  return result;
}

std::vector<CellWork> expected_work(const ResolvedScan& scan) {
  constexpr std::size_t most_planned = 40;  // of up to 25 ms
  const std::vector<Cell>& cells = scan.cells;
  const std::size_t stride = (cells.size() + most_planned - 1) / most_planned;
  std::vector<std::size_t> planned;
  std::vector<CellWork> found;
  for (std::size_t i = 0; i < cells.size(); i += stride) {
    throw_if_interrupted();
    planned.push_back(i);
    found.push_back(planned_work(scan, cells[i]));
  }
  std::vector<CellWork> work;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    // The planned cells beside it, of its own row if that has any: two of them make a power law.
    const auto row = [&](std::size_t k) { return same_row(cells[planned[k]], cells[i]); };
    std::size_t near = std::min(i / stride, planned.size() - 1);
    if (!row(near) && near + 1 < planned.size() && row(near + 1)) ++near;
    const std::size_t far = near + 1 < planned.size() && row(near + 1) ? near + 1 : near > 0 ? near - 1 : near;
    CellWork expected = found[near];
    if (planned[near] != i && far != near && row(near) && row(far)) {
      const double x = place(cells[planned[near]]), part = (place(cells[i]) - x) / (place(cells[planned[far]]) - x);
      for (const auto figure :
           {&CellWork::path_steps, &CellWork::path_records, &CellWork::records, &CellWork::unforeseen}) {
        const double a = found[near].*figure, b = found[far].*figure;
        if (a > 0.0 && b > 0.0) expected.*figure = a * manifolds::exp(part * manifolds::log(b / a));
      }
    }
    work.push_back(expected);
  }
  return work;
}

std::vector<CellResult> run_cells(const ResolvedScan& scan, std::vector<CellResult> done, const CellSink& sink,
                                  const ScanProgress& progress) {
  const std::vector<CellWork> work = expected_work(scan);
  double total = 0.0, finished = 0.0;
  for (std::size_t i = 0; i < work.size(); ++i) (i < done.size() ? finished : total) += work[i].path_steps;
  total += finished;
  for (std::size_t i = done.size(); i < scan.cells.size(); ++i) {
    done.push_back(run_cell(scan, scan.cells[i]));
    if (sink) sink(done.back());
    finished += work[i].path_steps;
    if (progress && total > 0.0) progress(finished / total);
  }
  return done;
}

}  // namespace valleydrift::scan
