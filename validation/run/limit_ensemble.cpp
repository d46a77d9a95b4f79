// Batches of the limiting diffusion shared out among threads, from record to record.
#include <cmath>

#include "validation/run/batches.hpp"
#include "validation/run/limit_group.hpp"
#include "validation/run/observer.hpp"

namespace valleydrift::run {
namespace {

class LimitWorker {
 public:
  LimitWorker(const ResolvedRun& run, const sde::LyapunovOperator& form, const Columns& columns,
              const std::vector<double>& times, double step, std::int64_t paths, double drift_excess, BatchTable& table)
      : run_(run),
        columns_(columns),
        times_(times),
        step_(step),
        paths_(paths),
        table_(table),
        group_(run, form, drift_excess),
        observer_(run, run.hyperparameters, columns, &form) {}

  /// Runs the batches [first_batch, last_batch), whose paths share groups of lanes.
  void operator()(int first_batch, int last_batch) {
    std::vector<BatchSums> sums(static_cast<std::size_t>(last_batch - first_batch),
                                BatchSums(table_.records(), columns_));
    const std::int64_t last = first_path_of(last_batch, paths_);
    for (std::int64_t path = first_path_of(first_batch, paths_); path < last; path += lane_count) {
      const int lanes = static_cast<int>(std::min<std::int64_t>(last - path, lane_count));
      group_.start(path);
      for (int record = 0; record < table_.records(); ++record) {
        if (record > 0) {
          const double span = span_before(record);
          group_.run(span, steps_over(span));
        }
        observer_.read_limit(group_.point());
        for (int l = 0; l < lanes; ++l) {
          if (!observer_.ok(l)) lost(record, path + l);
          sums[static_cast<std::size_t>(batch_of(path + l, paths_) - first_batch)].add(record, observer_.values(l));
        }
      }
    }
    for (int batch = first_batch; batch < last_batch; ++batch) {
      sums[static_cast<std::size_t>(batch - first_batch)].finish(
          first_path_of(batch + 1, paths_) - first_path_of(batch, paths_), observer_.start_coordinates(), batch,
          table_);
    }
  }

 private:
  /// Runs the path again step by step to find where it was last on the valley.
  [[noreturn]] void lost(int record, std::int64_t path) {
    group_.start(path);
    Vector last = run_.start;
    for (int r = 1; r <= record; ++r) {
      const double span = span_before(r);
      const int steps = steps_over(span);
      for (int i = 0; i < steps; ++i) {
        group_.run(span / steps, 1);
        observer_.read_limit(group_.point());
        if (!observer_.ok(0)) {
          report_lost_limit(run_, path, times_[static_cast<std::size_t>(r - 1)] + i * span / steps, last);
        }
        last = first_lane(group_.point());
      }
    }
    report_lost_limit(run_, path, times_[static_cast<std::size_t>(record)], last);
  }
  double span_before(int record) const {
    return times_[static_cast<std::size_t>(record)] - times_[static_cast<std::size_t>(record - 1)];
  }
  int steps_over(double span) const { return static_cast<int>(std::ceil(span / step_ * (1.0 - 1e-12))); }

  const ResolvedRun& run_;
  const Columns& columns_;
  const std::vector<double>& times_;
  double step_;
  std::int64_t paths_;
  BatchTable& table_;
  LimitGroup group_;
  Observer observer_;
};

}  // namespace

BatchTable run_limit(const ResolvedRun& run, const sde::LyapunovOperator& form, const std::vector<double>& times,
                     double step, std::int64_t paths, const Progress& progress, double drift_excess, int batches) {
  const Columns columns(run.manifold, !run.deterministic());
  BatchTable table(static_cast<int>(times.size()), columns.count);
  for_each_unit([&] { return LimitWorker(run, form, columns, times, step, paths, drift_excess, table); },
                [&](int first_batch, int last_batch) {
                  const std::int64_t done = first_path_of(last_batch, paths) - first_path_of(first_batch, paths);
                  if (progress) progress(static_cast<double>(done) * times.back() / step);
                },
                paths, batches);
  return table;
}

}  // namespace valleydrift::run
