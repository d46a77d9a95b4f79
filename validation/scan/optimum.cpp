// Golden section over the friction, and the top of the samples over log C with what its reading leaves open.
#include "validation/scan/optimum.hpp"

#include <algorithm>
#include <cmath>

#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "manifolds/numbers/lane_math.hpp"

namespace valleydrift::scan {
namespace {

/// The asymptotic rate of the RMS at this friction, 0 where there is no prediction.
double rate(const ResolvedScan& scan, const run::ResolvedRun& base, double mu) {
  run::ResolvedRun run = base;
  run.hyperparameters.mu = mu;
  return decay_rate(predict(scan, run), sde::Moment::root_mean_square).value_or(0.0);
}

/// Where f is largest between a and b, to `precision`, at a point that was looked at; NaN counts as less than anything.
struct Maximum {
  double x, value;
};
template <class F>
Maximum golden_maximum(double a, double b, double precision, F f) {
  const double golden = 0.5 * (std::sqrt(5.0) - 1.0);
  const auto at = [&](double x) { return Maximum{x, f(x)}; };
  const auto better = [](const Maximum& p, const Maximum& q) { return p.value > q.value || std::isnan(q.value); };
  Maximum left = at(b - golden * (b - a)), right = at(a + golden * (b - a));
  while (b - a > precision) {
    if (better(left, right)) {
      b = right.x;
      right = left;
      left = at(b - golden * (b - a));
    } else {
      a = left.x;
      left = right;
      right = at(a + golden * (b - a));
    }
  }
  return better(left, right) ? left : right;
}

/// The figure as predicted for this C, NaN where there is none: a rate per step, or a time.
double predicted_at(const ResolvedScan& scan, Figures figure, double C) {
  throw_if_interrupted();
  try {
    const Prediction p = predict(scan, scan.run_of({0, Part::prefactor, scan.config.prefactor_eta, two_thirds, C}));
    switch (figure) {
      case Figures::mean:
        return p.mean.value_or(not_reached);
      case Figures::rms:
        return p.root_mean_square.value_or(not_reached);
      case Figures::rate_mean:
        return decay_rate(p, sde::Moment::mean).value_or(not_reached);
      case Figures::rate_rms:
        return decay_rate(p, sde::Moment::root_mean_square).value_or(not_reached);
      default:
        return not_reached;
    }
  } catch (const ConfigError&) {  // 1 - beta above 1
    return not_reached;
  } catch (const NumericalError&) {  // unstable
    return not_reached;
  }
}

/// The samples of a curve over log C, and where its best one lies.
struct Grid {
  std::vector<double> C, y;

  std::optional<Extremum> read(bool largest) const { return extremum(C, y, largest); }
};

/// The predicted optimum between the neighbours of the best of `samples`, and how far off their reading may be.
struct PredictedOptimum {
  double C, y, reading_error;
};
std::optional<PredictedOptimum> predicted_optimum(const ResolvedScan& scan, const Grid& samples, Figures figure,
                                                  bool largest) {
  if (!samples.read(largest)) return {};
  const auto better = [&](double x, double y) { return std::isnan(y) || (largest ? x > y : x < y); };
  std::size_t best = 0;
  for (std::size_t i = 1; i < samples.y.size(); ++i) {
    if (better(samples.y[i], samples.y[best])) best = i;
  }
  const double sign = largest ? 1.0 : -1.0, low = manifolds::log(samples.C[best - 1]);
  const double high = manifolds::log(samples.C[best + 1]), spacing = 0.5 * (high - low);
  const auto at = [&](double log_C) { return predicted_at(scan, figure, manifolds::exp(log_C)); };
  constexpr double precision = 1e-4;
  const auto [top, value] = golden_maximum(low, high, precision, [&](double x) { return sign * at(x); });

  // The same reading on grids that lie differently about the top: on it, and a quarter, a half, three quarters off. On
  // 32 grids it is off by up to 3 % more.
  constexpr int phases = 4, reach = 3;
  std::vector<Grid> grids(phases);
  for (int k = -reach * phases; k <= reach * phases; ++k) {
    const double log_C = top + spacing * k / phases;
    Grid& grid = grids[static_cast<std::size_t>((k + reach * phases) % phases)];
    grid.C.push_back(manifolds::exp(log_C));
    grid.y.push_back(at(log_C));
  }
  double error = 0.0;
  for (const Grid& grid : grids) {
    const auto e = grid.read(largest);
    error = std::max(error, e ? std::abs(manifolds::log(e->x) - top) : spacing);
  }
  return PredictedOptimum{manifolds::exp(top), sign * value, error};
}

/// k_0^(-1/3) in steps at this C, between the cells' straight in the logarithms.
double unit_at(const std::vector<const CellResult*>& cells, double C) {
  std::size_t i = 1;
  while (i + 1 < cells.size() && cells[i]->cell.C < C) ++i;
  const double x = manifolds::log(cells[i - 1]->cell.C), y = manifolds::log(cells[i]->cell.C);
  const double part = (manifolds::log(C) - x) / (y - x);
  return manifolds::exp((1.0 - part) * manifolds::log(cells[i - 1]->unit) + part * manifolds::log(cells[i]->unit));
}

/// The widest step of log C beside C.
double spacing_at(const std::vector<double>& Cs, double C) {
  double widest = 0.0;
  for (std::size_t i = 1; i < Cs.size(); ++i) {
    const bool beside = Cs[i - 1] <= C * (Cs[i] / Cs[i - 1]) && Cs[i] >= C * (Cs[i - 1] / Cs[i]);
    if (beside) widest = std::max(widest, manifolds::log(Cs[i] / Cs[i - 1]));
  }
  return widest;
}

}  // namespace

double fastest_friction(const ResolvedScan& scan, const run::ResolvedRun& base, double low, double high) {
  constexpr double precision = 1e-3;
  const auto best = golden_maximum(manifolds::log(low), manifolds::log(high), precision,
                                   [&](double x) { return rate(scan, base, manifolds::exp(x)); });
  return manifolds::exp(best.x);
}

BestC best_c(const ResolvedScan& scan, const std::vector<CellResult>& cells, Figures figure, bool largest) {
  BestC best;
  if (!scan.config.prefactor) {
    best.reason = "the prefactor part was not run";
    return best;
  }
  std::vector<const CellResult*> own;
  for (const CellResult& cell : cells) {
    if (cell.cell.part == Part::prefactor && cell.status == Status::ok) own.push_back(&cell);
  }
  std::sort(own.begin(), own.end(), [](const auto* a, const auto* b) { return a->cell.C < b->cell.C; });
  Grid measured, predicted;
  for (const CellResult* cell : own) {
    for (Grid* grid : {&measured, &predicted}) grid->C.push_back(cell->cell.C);
    measured.y.push_back(cell->at(figure).measured);
    predicted.y.push_back(cell->at(figure).predicted);
  }
  const auto in_units = [&](double C, double y) { return largest ? y * unit_at(own, C) : y; };
  const auto theory = predicted_optimum(scan, predicted, figure, largest);
  if (theory) {
    best.predicted = theory->C;
    best.predicted_value = in_units(theory->C, theory->y);
  }
  const auto e = measured.read(largest);
  if (!e) {
    best.reason = "no extremum inside the range of C";
    return best;
  }
  best.measured = e->x;
  best.value = in_units(e->x, e->y);
  std::vector<double> samples;
  for (std::size_t r = 0; r < static_cast<std::size_t>(replicate_count); ++r) {
    Grid resampled{measured.C, {}};
    for (const CellResult* cell : own) resampled.y.push_back(cell->replicates[r][static_cast<std::size_t>(figure)]);
    const auto s = resampled.read(largest);
    samples.push_back(s ? manifolds::log(s->x) : not_reached);
  }
  const double grid_error = theory ? theory->reading_error : spacing_at(measured.C, e->x);
  best.grid_error = std::expm1(grid_error);
  if (const auto reach = reach_95(manifolds::log(e->x), samples)) {
    best.interval = {e->x * manifolds::exp(-*reach - grid_error), e->x * manifolds::exp(*reach + grid_error)};
  }
  return best;
}

}  // namespace valleydrift::scan
