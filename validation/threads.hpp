// How many threads there are, with OpenMP or without.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

namespace valleydrift::validation {

/// Threads that the next parallel loop runs on.
inline int thread_count() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

/// Sets them, 0 leaving all processors; returns the number in use.
inline int set_thread_count([[maybe_unused]] int threads) {
#ifdef _OPENMP
  if (threads > 0) omp_set_num_threads(threads);
#endif
  return thread_count();
}

}  // namespace valleydrift::validation
