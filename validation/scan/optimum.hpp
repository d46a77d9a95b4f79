// The friction with which the valley coordinate decays fastest, and the best prefactor of a scan.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "validation/scan/cell_run.hpp"
#include "validation/scan/fit.hpp"
#include "validation/scan/prediction.hpp"

namespace valleydrift::scan {

/// mu in [low, high] at which the predicted RMS decays fastest, to 1e-3 of itself; everything else as in `base`. Meant
/// for runs that the moment hierarchy describes: 1/tau_2 counts where the scales are separated, 0 where neither
/// applies.
double fastest_friction(const ResolvedScan& scan, const run::ResolvedRun& base, double low, double high);

/// A best C, measured on the grid of C and predicted to 1e-4 of itself.
struct BestC {
  std::optional<double> measured = {}, predicted = {};
  /// About `measured`: 95 % over resampled batches, and `grid_error` beyond.
  std::optional<Interval> interval = {};
  /// Relative: how far off such a reading may be on a grid of this spacing, whatever lies between the samples. That is
  /// the largest error of the same reading of the predictions on shifted grids, or without them a whole spacing.
  std::optional<double> grid_error = {};
  std::optional<double> value = {}, predicted_value = {};  ///< the rate over k_0^(1/3), or the time, there
  std::string reason = {};                                 ///< why it is absent
};

/// Over the prefactor cells, the fastest rate per step if `largest`, else the shortest time.
BestC best_c(const ResolvedScan& scan, const std::vector<CellResult>& cells, Figures figure, bool largest);

}  // namespace valleydrift::scan
