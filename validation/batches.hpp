// Batches of paths over threads, with errors and interruption passed on in order.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

#include <exception>
#include <vector>

#include "validation/ensemble.hpp"
#include "validation/interrupt.hpp"

namespace valleydrift::validation {

/// Threads that the next for_each_batch runs on.
inline int thread_count() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

/// Calls make_worker() once per thread and worker(batch) for every batch, in any order; the first error by batch index
/// is thrown after all threads have stopped. `after(batch)` runs in the order of batches, one at a time.
template <class MakeWorker, class After>
void for_each_batch(const MakeWorker& make_worker, const After& after) {
  std::vector<std::exception_ptr> errors(batch_count);
  std::atomic<int> first_failed{batch_count};
#pragma omp parallel
  {
    auto worker = make_worker();
#pragma omp for schedule(dynamic, 1) ordered
    for (int batch = 0; batch < batch_count; ++batch) {
      if (batch < first_failed.load() && pending_signal() == 0) {
        try {
          worker(batch);
        } catch (const std::exception&) {
          errors[static_cast<std::size_t>(batch)] = std::current_exception();
          int lowest = first_failed.load();
          while (batch < lowest && !first_failed.compare_exchange_weak(lowest, batch)) {
          }
        }
      }
#pragma omp ordered
      if (batch < first_failed.load() && pending_signal() == 0) {
        try {
          after(batch);
        } catch (const std::exception&) {
          errors[static_cast<std::size_t>(batch)] = std::current_exception();
          first_failed.store(std::min(first_failed.load(), batch));
        }
      }
    }
  }
  throw_if_interrupted();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace valleydrift::validation
