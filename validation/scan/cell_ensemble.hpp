// The discrete ensemble of one cell, which can be continued: how many steps are needed is not known beforehand.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "validation/scan/scan_config.hpp"

namespace valleydrift::scan {

/// What a record holds of one batch of paths: sums over its paths.
enum class Sum { along, squared, loss, energy, trace };
inline constexpr int sum_count = 5;

/// Sums by record and batch, batches being fixed ranges of paths; records at ascending steps.
struct CellRecords {
  /// Sums over the paths of a batch, slow coordinates read where the scan says, or at the weights where the nearest
  /// point of the valley is not found: `along` of the excess of the slow coordinates over the flattest point's, times
  /// the path's own at its start, over the mean square of those; `squared` of its square in the same units; `loss` of
  /// L; `energy` of the transverse energy (EnergyForm); `trace` of the trace of J^T diag(s) J at w.
  using BatchSums = std::array<double, sum_count>;
  std::vector<std::int64_t> steps;
  std::vector<std::vector<BatchSums>> batches;  ///< one row of batch_count entries per record
};

/// All paths of a cell. The records do not depend on the number of threads.
class CellEnsemble {
 public:
  /// `run` is the cell's, `seed` its own.
  static std::unique_ptr<CellEnsemble> make(const ResolvedScan& scan, const run::ResolvedRun& run, std::uint64_t seed);
  virtual ~CellEnsemble() = default;

  /// Runs on to the ascending steps, all beyond the present one, and appends their records. Throws NumericalError with
  /// path and step for the first path whose state is no longer finite; Interrupted.
  virtual void advance(const std::vector<std::int64_t>& steps, CellRecords& records) = 0;
};

}  // namespace valleydrift::scan
