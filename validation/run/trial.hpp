// How long a unit of work takes, to say beforehand what a run will.
#pragma once

#include <cstdint>
#include <functional>

namespace valleydrift::run {

/// Seconds of processor time of the calling thread.
double thread_seconds();

/// Seconds of processor time that `work` takes on one thread: the shortest of three. Neither other programs' load nor
/// threads that wait for each other lengthen it.
double seconds_of_trial(const std::function<void()>& work);

/// Seconds of processor time on one thread that a unit more costs: the slope between work(n) and work(n/4), n, at most
/// `most`, so large that the units outweigh what comes with any number of them and take some milliseconds. At least a
/// twentieth of what work(n) takes per unit, whatever the machine does meanwhile. `clock` tells seconds.
double seconds_per_unit(std::int64_t most, const std::function<void(std::int64_t)>& work,
                        const std::function<double()>& clock = thread_seconds);

}  // namespace valleydrift::run
