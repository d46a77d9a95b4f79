// Ensembles of both processes: many paths in lockstep, reduced to batch means on the fly.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "manifolds/random/process.hpp"
#include "sde/lyapunov_operator.hpp"
#include "validation/run/applicability.hpp"
#include "validation/run/run_config.hpp"

namespace valleydrift::run {

namespace process = manifolds::process;

/// Paths are cut into this many batches by path index; their means are the independent samples of every standard
/// error: 128 put the Student t bound at 1e-8 within 7 % of the normal one, and make enough units of work for threads.
inline constexpr int batch_count = 128;

/// The columns of a record: the slow coordinates, tr H, |w - y_1|^2 / eps^2, L / eps^2, then, where there is diffusion,
/// the covariances of the slow coordinates (i <= j).
struct Columns {
  Columns(const Manifold& manifold, bool with_covariances);
  int slow;  ///< number of slow coordinates
  int count;
  std::vector<std::string> names, meanings;

  int trace_hessian() const { return slow; }
  int variance() const { return slow + 1; }
  int loss() const { return slow + 2; }
  bool is_plateau(int column) const { return column == variance() || column == loss(); }
  int sums() const { return slow + 3; }  ///< columns that are means; the rest are covariances
  bool has_covariances() const { return count > sums(); }
  /// The column of the covariance of slow coordinates i <= j.
  int covariance(int i, int j) const { return sums() + i * slow - i * (i - 1) / 2 + (j - i); }
};

/// Batch means: batch_count x records x columns.
class BatchTable {
 public:
  BatchTable(int records, int columns)
      : records_(records),
        columns_(columns),
        data_(static_cast<std::size_t>(batch_count) * static_cast<std::size_t>(records * columns)) {}
  int records() const { return records_; }
  int columns() const { return columns_; }
  double& at(int batch, int record, int column) { return data_[index(batch, record, column)]; }
  double at(int batch, int record, int column) const { return data_[index(batch, record, column)]; }

 private:
  std::size_t index(int batch, int record, int column) const {
    return static_cast<std::size_t>((batch * records_ + record) * columns_ + column);
  }
  int records_, columns_;
  std::vector<double> data_;
};

/// One path at one record.
struct PathRecord {
  std::int64_t path;
  int record;
  std::span<const double> weights;  ///< raw w, D
  std::span<const double> slow;     ///< slow variable, D
  std::span<const double> limit;    ///< Y, D; empty if the limiting diffusion is not coupled
};
/// Receives the records of a batch of paths, batches in ascending order.
using PathSink = std::function<void(const std::vector<PathRecord>&)>;

/// What one discrete ensemble is run with.
struct DiscreteRequest {
  const ResolvedRun* run;
  Hyperparameters hyperparameters;         ///< of this rung
  std::vector<std::int64_t> record_steps;  ///< of this rung
  std::int64_t paths;
  std::uint32_t process;  ///< manifolds/random/process.hpp
  /// How the paths come to the valley; absent: they begin on it, at the run's start. The records count from its end.
  std::optional<FirstPhase> first_phase = {};
  /// Couple the limiting diffusion in this form to the same draws, DERIVATION (28), in blocks of about `block` steps.
  bool coupled = false;
  sde::LyapunovOperator form;
  std::int64_t block = 8;
  /// The deterministic limit at the records, for the path error without diffusion.
  std::vector<Vector> deterministic_limit = {};
  int batches = batch_count;       ///< only the first so many are run, to see what a batch takes
  std::int64_t sampled_paths = 0;  ///< the first so many paths are handed to `sink`,
  std::int64_t sink_paths = 64;    ///< so many at a time
  PathSink sink = {};
};

struct DiscreteResult {
  BatchTable discrete;
  /// Coupled limiting diffusion with one Euler-Maruyama step per block, and per two blocks; no columns if not coupled.
  BatchTable limit_fine, limit_coarse;
  BatchTable path_error;           ///< |slow - Y|^2, one column
  double processor_seconds = 0.0;  ///< of all threads together
};

/// Work done so far, in path-steps, over all threads.
using Progress = std::function<void(double path_steps)>;

/// Runs the discrete ensemble of DERIVATION (1), (2). The result does not depend on the number of threads. Throws
/// NumericalError naming path, step and last finite state for the first path that stops being finite or leaves the
/// valley; Interrupted.
DiscreteResult run_discrete(const DiscreteRequest& request, const Progress& progress = {});

/// One step of one replayed path: step (negative in the first phase), w, p, slow variable (empty where there is none,
/// far from the valley), and Y of the coupled limiting diffusion (empty if not coupled, and in the first phase; it
/// moves at the ends of blocks).
using StepSink =
    std::function<void(std::int64_t step, const Vector& w, const Vector& p, const Vector& slow, const Vector& limit)>;

/// Runs path `path` of the ensemble alone and hands every step to `sink`: the same draws and the same arithmetic, so
/// the same bits as in the ensemble.
void replay_path(const DiscreteRequest& request, std::int64_t path, const StepSink& sink);

/// The limiting diffusion with noise of its own, by the weak order 2 scheme with steps of at most `step` between the
/// records at `times` (slow time, first 0). With a `drift_excess` its drift along the valley is that part larger than
/// the theorem's: a theory that is wrong by so much, with the same draws. Only the
/// first `batches` are run, to see what a batch takes.
BatchTable run_limit(const ResolvedRun& run, const sde::LyapunovOperator& form, const std::vector<double>& times,
                     double step, std::int64_t paths, const Progress& progress = {}, double drift_excess = 0.0,
                     int batches = batch_count);

/// Ends the run because the limiting diffusion of a path has left the valley: names path, slow time, the last point on
/// the valley and the spectrum there.
[[noreturn]] void report_lost_limit(const ResolvedRun& run, std::int64_t path, double time, const Vector& last);

/// First path of a batch; batch_count gives the number of paths.
std::int64_t first_path_of(int batch, std::int64_t paths);

}  // namespace valleydrift::run
