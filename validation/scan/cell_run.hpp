// One cell of a scan: planned, run until its times are bracketed, read.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "validation/scan/prediction.hpp"
#include "validation/scan/reading.hpp"

namespace valleydrift::scan {

/// ok: every time is bracketed, or shown not to exist, and may enter a fit; outside: the theory does not cover the cell
/// (unstable ones are not even run), see the reason; limit: the limit of steps was reached first, times not reached are
/// absent; failed: a path was lost.
enum class Status { ok, outside, limit, failed };
std::span<const manifolds::Named<Status>> names_of(Status);

/// One figure, measured and predicted; NaN for what does not exist.
struct Figured {
  double measured, standard_error, predicted;
};

struct CellResult {
  Cell cell;
  // NaN for a cell that cannot be run.
  double mu = std::numeric_limits<double>::quiet_NaN(), scaled_friction = mu, tau_momentum = mu;
  double unit = mu;                          ///< steps, k_0^(-1/3)
  std::array<Figured, figure_count> figure;  ///< by Figures
  Source source = Source::none;
  double accuracy = mu;  ///< relative, of the predicted times along the valley
  Status status = Status::failed;
  std::string reason = {};
  std::int64_t steps = 0;  ///< that were run

  std::vector<FigureValues> replicates = {};
  Curves curves = {};  ///< thinned

  const Figured& at(Figures f) const { return figure[static_cast<std::size_t>(f)]; }
};

/// Steps times paths, the same of records, and records: of the ensemble along the valley and of that across it.
struct CellWork {
  double path_steps = 0.0, path_records = 0.0, records = 0.0;
  double unforeseen = 0.0;  ///< path-steps beside those, as far as the limit, outside the conditions of the theory
};

/// What the cell is expected to take, along the valley and in all, and the limit of steps at which it stops.
struct CellPlan {
  run::ResolvedRun run;
  Prediction prediction;
  double expected_steps = 0.0;
  CellWork work = {};
  std::int64_t limit = 0;
};
CellPlan plan_cell(const ResolvedScan& scan, const Cell& cell);

/// Runs the cell. What makes it fail is in the result; throws Interrupted only.
CellResult run_cell(const ResolvedScan& scan, const Cell& cell);

}  // namespace valleydrift::scan
