// Batches of the iteration shared out among threads, records in order, and the step at which a path is lost.
#include <fmt/format.h>

#include <ctime>

#include "manifolds/errors.hpp"
#include "validation/run/batches.hpp"
#include "validation/run/discrete_group.hpp"
#include "validation/run/observer.hpp"

namespace valleydrift::run {
namespace {

/// The first step up to `step` at which path `path` is no longer finite, by running it again one step at a time.
[[noreturn]] void report_lost_path(DiscreteGroup& group, const DiscreteRequest& request, std::int64_t path,
                                   std::int64_t step) {
  const ResolvedRun& run = *request.run;
  group.start(path, 1);
  const std::int64_t before = request.first_phase ? request.first_phase->steps : 0;
  Vector last = request.first_phase ? request.first_phase->initial : run.start;
  const auto watch = [&](std::int64_t k) {
    const Vector w = first_lane(group.w(0));
    if (!w.allFinite()) {
      throw NumericalError(
          fmt::format("{}: path {} of the discrete iteration (epsilon {:g}, eta {:g}) is not finite at step {}{}; last "
                      "finite state {}; "
                      "take a smaller --eta or --epsilon{}",
                      run.manifold.name(), path, request.hyperparameters.epsilon, request.hyperparameters.eta,
                      k + (k <= 0 ? before : 0), k <= 0 ? fmt::format(" of the {} of its first phase", before) : "",
                      manifolds::format_point(last), k <= 0 ? ", or --phase1 gd" : ""));
    }
    last = w;
  };
  group.run_to(step, watch);
  if (before > 0 && step <= 0) {
    throw NumericalError(
        fmt::format("{}: path {} of the discrete iteration (epsilon {:g}, eta {:g}) has not come to the valley by the "
                    "end of its first phase: its projection from {} after {} steps does not reach it; take a smaller "
                    "--epsilon, or --phase1 gd",
                    run.manifold.name(), path, request.hyperparameters.epsilon, request.hyperparameters.eta,
                    manifolds::format_point(last), before));
  }
  throw NumericalError(
      fmt::format("{}: path {} of the discrete iteration (epsilon {:g}, eta {:g}) has left the valley's neighbourhood: "
                  "its projection "
                  "from {} after {} steps does not reach the valley; take a smaller --epsilon or a shorter --time",
                  run.manifold.name(), path, request.hyperparameters.epsilon, request.hyperparameters.eta,
                  manifolds::format_point(last), step));
}

/// The form of the coupled limit; nullptr without one.
const sde::LyapunovOperator* coupled_form(const DiscreteRequest& request) {
  return request.coupled ? &request.form : nullptr;
}

class DiscreteWorker {
 public:
  DiscreteWorker(const DiscreteRequest& request, const Columns& columns, DiscreteResult& result,
                 std::vector<std::vector<double>>& kept)
      : request_(request),
        columns_(columns),
        result_(result),
        kept_(kept),
        group_(request),
        observer_(*request.run, request.hyperparameters, columns, coupled_form(request)) {}

  /// Runs the batches [first_batch, last_batch), whose paths share groups of lanes.
  void operator()(int first_batch, int last_batch) {
    const int records = static_cast<int>(request_.record_steps.size());
    first_batch_ = first_batch;
    sums_ = std::vector<Sums>(static_cast<std::size_t>(last_batch - first_batch), Sums(records, columns_));
    const std::int64_t last = first_path_of(last_batch, request_.paths);
    for (std::int64_t path = first_path_of(first_batch, request_.paths); path < last; path += group_.paths()) {
      group_.start(path, last - path);
      for (int record = 0; record < records; ++record) {
        group_.run_to(request_.record_steps[static_cast<std::size_t>(record)]);
        for (int g = 0; g < group_.groups(); ++g) {
          const std::int64_t base = path + g * lane_count;
          const int lanes = static_cast<int>(std::clamp<std::int64_t>(last - base, 0, lane_count));
          if (lanes > 0) read(record, g, base, lanes);
        }
      }
    }
    for (int batch = first_batch; batch < last_batch; ++batch) finish(batch);
  }

 private:
  /// Of one batch.
  struct Sums {
    Sums(int records, const Columns& columns)
        : discrete(records, columns),
          fine(records, columns),
          coarse(records, columns),
          errors(static_cast<std::size_t>(records)) {}
    BatchSums discrete, fine, coarse;
    std::vector<double> errors;
  };
  std::size_t dimension() const { return static_cast<std::size_t>(request_.run->start.size()); }
  Sums& sums_of(std::int64_t path) {
    return sums_[static_cast<std::size_t>(batch_of(path, request_.paths) - first_batch_)];
  }

  void finish(int batch) {
    const Sums& sums = sums_[static_cast<std::size_t>(batch - first_batch_)];
    const std::int64_t paths = first_path_of(batch + 1, request_.paths) - first_path_of(batch, request_.paths);
    sums.discrete.finish(paths, observer_.start_coordinates(), batch, result_.discrete);
    if (request_.coupled) {
      sums.fine.finish(paths, observer_.start_coordinates(), batch, result_.limit_fine);
      sums.coarse.finish(paths, observer_.start_coordinates(), batch, result_.limit_coarse);
    }
    for (std::size_t record = 0; record < sums.errors.size(); ++record) {
      result_.path_error.at(batch, static_cast<int>(record), 0) = sums.errors[record] / static_cast<double>(paths);
    }
  }

  void read(int record, int g, std::int64_t base, int lanes) {
    observer_.read(group_.w(g), group_.p(g));
    const std::size_t dimension = this->dimension();
    for (int l = 0; l < lanes; ++l) {
      if (!observer_.ok(l)) {
        report_lost_path(group_, request_, base + l, request_.record_steps[static_cast<std::size_t>(record)]);
      }
      Sums& sums = sums_of(base + l);
      sums.discrete.add(record, observer_.values(l));
      const std::span<const double> slow = observer_.slow(l);
      double squared = 0.0;
      for (std::size_t i = 0; i < dimension; ++i) {
        const double y = limit_component(record, g, l, static_cast<int>(i));
        squared += (slow[i] - y) * (slow[i] - y);
      }
      sums.errors[static_cast<std::size_t>(record)] += squared;
      if (base + l < request_.sampled_paths) keep(record, g, base + l, l);
    }
    if (!request_.coupled) return;
    for (auto [sums, point] :
         {std::pair{&Sums::fine, group_.limit_fine(g)}, std::pair{&Sums::coarse, group_.limit_coarse(g)}}) {
      observer_.read_limit(point);
      for (int l = 0; l < lanes; ++l) {
        if (!observer_.ok(l)) lost_limit(base + l);
        (sums_of(base + l).*sums).add(record, observer_.values(l));
      }
    }
  }

  double limit_component(int record, int g, int l, int i) const {
    if (request_.coupled) return manifolds::lane(group_.limit_fine(g)[static_cast<std::size_t>(i)], l);
    if (request_.deterministic_limit.empty()) return 0.0;
    return request_.deterministic_limit[static_cast<std::size_t>(record)][i];
  }

  /// Weights, slow variable and limit of one path at one record, 3 D numbers.
  void keep(int record, int g, std::int64_t path, int l) {
    const std::size_t dimension = this->dimension();
    std::vector<double>& rows = kept_[static_cast<std::size_t>(path)];
    rows.resize(3 * dimension * request_.record_steps.size());
    double* out = rows.data() + 3 * dimension * static_cast<std::size_t>(record);
    std::copy_n(observer_.weights(l).begin(), dimension, out);
    std::copy_n(observer_.slow(l).begin(), dimension, out + dimension);
    for (std::size_t i = 0; i < dimension; ++i) {
      out[2 * dimension + i] = limit_component(record, g, l, static_cast<int>(i));
    }
  }

  /// Runs the path again step by step to find where its limit was last on the valley.
  [[noreturn]] void lost_limit(std::int64_t path) {
    const ResolvedRun& run = *request_.run;
    group_.start(path, 1);
    Vector last = run.start;
    std::int64_t at = 0;
    const auto watch = [&](std::int64_t k) {
      observer_.read_limit(group_.limit_fine(0));
      if (!observer_.ok(0)) {
        report_lost_limit(run, path, static_cast<double>(at) / request_.hyperparameters.slow_unit(), last);
      }
      last = first_lane(group_.limit_fine(0));
      at = k;
    };
    for (std::int64_t record : request_.record_steps) group_.run_to(record, watch);
    report_lost_limit(run, path, static_cast<double>(at) / request_.hyperparameters.slow_unit(), last);
  }

  const DiscreteRequest& request_;
  const Columns& columns_;
  DiscreteResult& result_;
  std::vector<std::vector<double>>& kept_;
  DiscreteGroup group_;
  Observer observer_;
  int first_batch_ = 0;
  std::vector<Sums> sums_;  ///< of the batches that run
};

/// Gives the records of the paths [first, last) to the sink and frees them.
void hand_over(const DiscreteRequest& request, std::size_t dimension, std::int64_t first, std::int64_t last,
               std::vector<std::vector<double>>& kept) {
  std::vector<PathRecord> records;
  for (std::int64_t path = first; path < last; ++path) {
    const std::span<const double> rows = kept[static_cast<std::size_t>(path)];
    for (std::size_t r = 0; r < request.record_steps.size(); ++r) {
      const auto at = rows.subspan(3 * dimension * r, 3 * dimension);
      records.push_back({path, static_cast<int>(r), at.first(dimension), at.subspan(dimension, dimension),
                         at.subspan(2 * dimension, dimension)});
    }
  }
  request.sink(records);
  for (std::int64_t path = first; path < last; ++path) std::vector<double>().swap(kept[static_cast<std::size_t>(path)]);
}

}  // namespace

void replay_path(const DiscreteRequest& request, std::int64_t path, const StepSink& sink) {
  const ResolvedRun& run = *request.run;
  const Columns columns(run.manifold, false);
  DiscreteGroup group(request);
  Observer observer(run, request.hyperparameters, columns);
  group.start(path, 1);
  const auto show = [&](std::int64_t k) {
    observer.read(group.w(0), group.p(0));
    const Vector slow = observer.ok(0) ? first_lane(observer.slow_lanes()) : Vector();
    sink(k, first_lane(group.w(0)), first_lane(group.p(0)), slow,
         request.coupled && k >= 0 ? first_lane(group.limit_fine(0)) : Vector());
    throw_if_interrupted();
  };
  show(group.step());
  for (std::int64_t record : request.record_steps) group.run_to(record, show);
}

DiscreteResult run_discrete(const DiscreteRequest& request, const Progress& progress) {
  const ResolvedRun& run = *request.run;
  const Columns columns(run.manifold, !run.deterministic());
  const int records = static_cast<int>(request.record_steps.size());
  DiscreteResult result{BatchTable(records, columns.count), BatchTable(records, request.coupled ? columns.count : 0),
                        BatchTable(records, request.coupled ? columns.count : 0), BatchTable(records, 1)};
  const std::clock_t began = std::clock();
  std::vector<std::vector<double>> kept(static_cast<std::size_t>(std::max<std::int64_t>(0, request.sampled_paths)));
  const auto dimension = static_cast<std::size_t>(run.start.size());
  for_each_unit([&] { return DiscreteWorker(request, columns, result, kept); },
                [&](int first_batch, int last_batch) {
                  const std::int64_t first = first_path_of(first_batch, request.paths),
                                     last = first_path_of(last_batch, request.paths);
                  const std::int64_t saved = request.sink ? std::min(last, request.sampled_paths) : first;
                  for (std::int64_t from = first; from < saved; from += request.sink_paths) {
                    hand_over(request, dimension, from, std::min(from + request.sink_paths, saved), kept);
                  }
                  const std::int64_t steps =
                      request.record_steps.back() + (request.first_phase ? request.first_phase->steps : 0);
                  if (progress) progress(static_cast<double>(last - first) * static_cast<double>(steps));
                },
                request.paths, request.batches);
  result.processor_seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  return result;
}

}  // namespace valleydrift::run
