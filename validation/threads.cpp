#include "validation/threads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

#include "manifolds/errors.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace valleydrift::validation {
namespace {

/// How many of `wanted` threads, this one included, there can be at a time: OpenMP ends the program if it cannot make
/// those it is told to.
[[maybe_unused]] int threads_to_be_had(int wanted) {
  std::promise<void> counted;
  const std::shared_future<void> end = counted.get_future().share();
  std::vector<std::thread> made;
  made.reserve(static_cast<std::size_t>(wanted));
  try {
    while (static_cast<int>(made.size()) + 1 < wanted) made.emplace_back([end] { end.wait(); });
  } catch (const std::system_error&) {  // the limit of memory or of processes
  } catch (const std::bad_alloc&) {
  }
  counted.set_value();
  for (std::thread& thread : made) thread.join();
  return static_cast<int>(made.size()) + 1;
}

}  // namespace

int thread_count() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

void use_threads([[maybe_unused]] int threads) {
#ifdef _OPENMP
  omp_set_num_threads(threads);
#endif
}

int set_thread_count([[maybe_unused]] int threads) {
#ifdef _OPENMP
  constexpr int most = 1024;  // of --threads too; OMP_NUM_THREADS may be anything
  const int wanted = threads > 0 ? threads : std::min(thread_count(), most);
  const int available = threads_to_be_had(wanted);
  if (threads > available) {
    throw ConfigError(fmt::format(
        "--threads {}: the system lets this program have {} (its limits of memory or processes), take no more", threads,
        available));
  }
  omp_set_num_threads(std::min(wanted, available));
#pragma omp parallel  // made now, while they can be: OpenMP keeps them
  {}
#endif
  return thread_count();
}

}  // namespace valleydrift::validation
