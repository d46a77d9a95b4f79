// A whole scan: its cells, and what they say about the two-thirds law.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "validation/scan/cell_run.hpp"
#include "validation/scan/fit.hpp"
#include "validation/scan/optimum.hpp"

namespace valleydrift::scan {

/// One reading's exponent, and that of the cells' predictions fitted in the same way, with what their accuracy lets it
/// be off at most; of transverse times none is stated.
struct Exponent {
  std::optional<PowerLaw> law = {};
  std::optional<double> predicted = {}, predicted_error = {};
};
struct ExponentRow {
  double C, gamma;
  Exponent mean, rms, transverse;
};

/// What the verdict allows: an exponent, or the optimal gamma, may lie this much beyond its range from its limit at
/// vanishing learning rates, which the finite ones of a scan only approach ...
inline constexpr double exponent_allowance = 0.03;
/// ... and a range of the optimal gamma with a greater half-width than this tells no law from another: 3/4 is 0.083
/// off.
inline constexpr double widest_optimum = 0.05;

/// not_judged: the scan is no test of the law (another scheme, too few exponents).
enum class LawVerdict { agree, disagree, inconclusive, not_judged };
std::span<const manifolds::Named<LawVerdict>> names_of(LawVerdict);

struct ScanResult {
  std::vector<CellResult> cells;
  std::vector<ExponentRow> exponents;
  std::optional<Crossing> crossing;  ///< of the first C
  std::string crossing_reason;       ///< why it is absent
  BestC rate_mean, rate_rms;         ///< fastest asymptotic decay
  BestC time_mean, time_rms;         ///< shortest time
  LawVerdict verdict = LawVerdict::not_judged;
  std::vector<std::string> findings;  ///< what the verdict rests on, a sentence each
};

/// Everything that follows from the cells; with a control, from what it leaves of them.
ScanResult evaluate(const ResolvedScan& scan, std::vector<CellResult> cells);

/// The times of a cell that enter the fits: as measured, or with the control's error.
double time_of(const ResolvedScan& scan, const CellResult& cell, double steps);

/// Is told after every cell, in order; and how much of the work is done.
using CellSink = std::function<void(const CellResult&)>;
using ScanProgress = std::function<void(double fraction)>;

/// Runs the cells that `done` does not hold, in order. Throws Interrupted.
std::vector<CellResult> run_cells(const ResolvedScan& scan, std::vector<CellResult> done, const CellSink& sink,
                                  const ScanProgress& progress = {});

/// The work of each cell as expected beforehand; 0 for one that will not run. Of many cells every so many are
/// planned, the others read off a power law between those of their row. Throws Interrupted.
std::vector<CellWork> expected_work(const ResolvedScan& scan);

}  // namespace valleydrift::scan
