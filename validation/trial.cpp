#include "validation/trial.hpp"

#include <algorithm>
#include <ctime>
#include <limits>

#include "validation/threads.hpp"

namespace valleydrift::validation {

double seconds_of_trial(const std::function<void()>& trial) {
  double shortest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 3; ++i) {
    const std::clock_t began = std::clock();
    trial();
    shortest = std::min(shortest, static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC);
  }
  return shortest / thread_count();
}

}  // namespace valleydrift::validation
