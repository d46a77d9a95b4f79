// How long a short trial takes, to say beforehand what a run will.
#pragma once

#include <functional>

namespace valleydrift::validation {

/// Seconds that `trial` takes with all threads on a processor of its own: the shortest of three by the process's
/// processor time, which other programs' load does not lengthen; the first call also warms caches and starts threads.
/// Resolution 1 microsecond.
double seconds_of_trial(const std::function<void()>& trial);

}  // namespace valleydrift::validation
