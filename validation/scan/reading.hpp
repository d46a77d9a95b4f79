// From the records of a cell to its times: convergence, relaxation, decay.
#pragma once

#include <array>
#include <limits>
#include <optional>
#include <vector>

#include "validation/scan/cell_ensemble.hpp"

namespace valleydrift::scan {

/// The figures read from one cell, in steps; rates per step.
enum class Figures { mean, rms, transverse, tau_1, tau_2, rate_mean, rate_rms };
inline constexpr int figure_count = 7;
using FigureValues = std::array<double, figure_count>;
/// In the place of a figure that was not reached, or is not to be read.
inline constexpr double not_reached = std::numeric_limits<double>::quiet_NaN();

/// What the transverse motion settles to, over tr H: energy and loss.
struct Plateau {
  double energy, loss;
};

/// The three ratios of DERIVATION (41) at the records, the loss over its plateau, and the mean trace of the Hessian.
struct Curves {
  std::vector<double> steps, mean, rms, transverse, loss, trace;
};
/// Appends what `records` holds beyond the curves' end. `weights` says how often each batch counts: all 1, or a
/// bootstrap resample.
void extend(Curves& curves, const CellRecords& records, const std::vector<int>& weights, std::int64_t paths,
            const Plateau& plateau);

/// The step after which |ratio| stays within delta, interpolated between records; none if it is not within at the last.
std::optional<double> last_crossing(const std::vector<double>& steps, const std::vector<double>& ratio, double delta);

/// Minus the slope of log |ratio| against steps, by least squares over the records from the first one at or below
/// `high` to the last one before it first falls below `low`; none with fewer than 4.
std::optional<double> decay_slope(const std::vector<double>& steps, const std::vector<double>& ratio, double high,
                                  double low);

/// The asymptotic rate of a curve that is a sum of `modes` exponentials, 2 or 3, which may be damped oscillations,
/// between `begin` and `end`: the linear recursion of that order by least squares over equally spaced records, then its
/// largest root. None with too few records, or a root that does not decay.
std::optional<double> mode_rate(const std::vector<double>& steps, const std::vector<double>& ratio, double begin,
                                double end, int modes);

/// Everything at once. `window` (steps) is where the asymptotic rates are read; empty if begin >= end.
FigureValues read_figures(const Curves& curves, double delta, std::array<double, 2> window);

/// How many bootstrap resamples of the batches a cell keeps.
inline constexpr int replicate_count = 100;
/// The figures of that many resamples; deterministic in `seed`.
std::vector<FigureValues> bootstrap(const CellRecords& records, std::int64_t paths, const Plateau& plateau,
                                    double delta, std::array<double, 2> window, std::uint64_t seed);
/// Standard deviation of one figure over the replicates that have it, of a rate half the width of their middle 68 %;
/// NaN if fewer than nine in ten have it.
double standard_error(const std::vector<FigureValues>& replicates, Figures figure);

}  // namespace valleydrift::scan
