// Batches of paths over threads, with errors and interruption passed on in order.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "manifolds/interrupt.hpp"
#include "manifolds/numbers/lanes.hpp"
#include "validation/run/ensemble.hpp"

namespace valleydrift::run {

/// Calls make_worker() once per thread and worker(batch) for each of the first `batches`, in any order; after(batch) in
/// the order of batches, one at a time, as soon as that batch and all before it are done. The first error by batch
/// index is thrown after all threads have stopped. By default no thread waits for another's batch: on a shared machine
/// some are slow.
template <class MakeWorker, class After>
void for_each_batch(const MakeWorker& make_worker, const After& after, int batches = batch_count) {
  std::vector<std::exception_ptr> errors(batch_count);
  std::atomic<int> first_failed{batch_count};
  std::mutex in_order;
  std::vector<bool> done(batch_count, false);  // guarded by in_order, like `next`
  int next = 0;
  const auto guarded = [&](int batch, auto& action) {
    if (batch >= first_failed.load() || pending_signal() != 0) return;
    try {
      action(batch);
    } catch (const std::exception&) {
      errors[static_cast<std::size_t>(batch)] = std::current_exception();
      int lowest = first_failed.load();
      while (batch < lowest && !first_failed.compare_exchange_weak(lowest, batch)) {
      }
    }
  };
#pragma omp parallel
  {
    std::optional<decltype(make_worker())> made;
    const auto worker = [&](int batch) {
      if (!made) made.emplace(make_worker());
      (*made)(batch);
    };
#pragma omp for schedule(runtime)  // OMP_SCHEDULE, dynamic unless it is set
    for (int batch = 0; batch < batches; ++batch) {
      guarded(batch, worker);
      const std::lock_guard lock(in_order);
      done[static_cast<std::size_t>(batch)] = true;
      for (; next < batches && done[static_cast<std::size_t>(next)]; ++next) guarded(next, after);
    }
  }
  throw_if_interrupted();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

/// The batch that a path is in, first_path_of turned round.
inline int batch_of(std::int64_t path, std::int64_t paths) {
  return static_cast<int>(((path + 1) * batch_count - 1) / paths);
}

/// So many batches share a unit of work, so that batches of few paths fill the lanes: four groups of them, the most
/// that run interleaved.
inline int batches_together(std::int64_t paths) {
  constexpr std::int64_t filling = std::int64_t{4 * manifolds::lane_count} * batch_count;
  return static_cast<int>(std::clamp<std::int64_t>((filling + paths - 1) / paths, 1, batch_count));
}

/// The same for workers of units: worker(first, last) and after(first, last) for the batches [first, last). Results
/// must not depend on which batches share a unit.
template <class MakeWorker, class After>
void for_each_unit(const MakeWorker& make_worker, const After& after, std::int64_t paths, int batches) {
  const int unit = batches_together(paths);
  const auto range = [=](int u) { return std::pair(u * unit, std::min((u + 1) * unit, batches)); };
  for_each_batch([&] { return [worker = make_worker(), range](int u) mutable { std::apply(worker, range(u)); }; },
                 [&](int u) { std::apply(after, range(u)); }, (batches + unit - 1) / unit);
}

}  // namespace valleydrift::run
