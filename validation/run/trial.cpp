// Repeats a unit of work on a thread's own clock and takes the shortest.
#include "validation/run/trial.hpp"

#include <algorithm>
#include <ctime>
#include <limits>

#include "validation/run/threads.hpp"

namespace valleydrift::run {
namespace {

/// Everything on this thread while it lives, so that its processor time is that of the work.
class OneThread {
 public:
  OneThread() : before_(thread_count()) { use_threads(1); }
  ~OneThread() { use_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

double seconds_of(const std::function<void()>& work, int repeats, const std::function<double()>& clock) {
  const OneThread alone;
  double shortest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < repeats; ++i) {
    const double began = clock();
    work();
    shortest = std::min(shortest, clock() - began);
  }
  return shortest;
}

}  // namespace

double thread_seconds() {
  std::timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_of_trial(const std::function<void()>& work) { return seconds_of(work, 3, thread_seconds); }

double seconds_per_unit(std::int64_t most, const std::function<void(std::int64_t)>& work,
                        const std::function<double()>& clock) {
  constexpr double enough = 2e-3;  // seconds: a thousand times the resolution
  constexpr double dear = 0.1;     // seconds: no unit is tried again for the sake of what one costs beside it
  constexpr int repeats = 3;
  constexpr double beside = 4.0;  // times what comes with any number of units
  const double one = seconds_of([&] { work(1); }, 1, clock);
  if (one > dear || most <= 1) return one;
  std::int64_t n = std::min<std::int64_t>(4, most);
  double seconds = seconds_of([&] { work(n); }, repeats, clock);
  while (n < most && seconds < dear && !(seconds > enough && seconds > beside * one)) {
    n = n > most / 4 ? most : 4 * n;
    seconds = seconds_of([&] { work(n); }, repeats, clock);
  }
  const std::int64_t fewer = std::max<std::int64_t>(1, n / 4);
  const double less = seconds_of([&] { work(fewer); }, seconds > dear ? 1 : repeats, clock);
  return std::max(0.05 * seconds / static_cast<double>(n), (seconds - less) / static_cast<double>(n - fewer));
}

}  // namespace valleydrift::run
