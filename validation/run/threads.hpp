// How many threads there are, with OpenMP or without.
#pragma once

namespace valleydrift::run {

/// Threads that the next parallel loop runs on.
int thread_count();

/// Makes them, 0 standing for all processors or what OMP_NUM_THREADS says, 1024 at most; returns the number in use.
/// Throws ConfigError if as many as asked for cannot be made; of all processors as many as can be are taken.
int set_thread_count(int threads);

/// Uses so many of those that there are, 1 or more, until it is called again.
void use_threads(int threads);

/// Starts the program once more, with OMP_WAIT_POLICY=passive, unless the user has set that or GOMP_SPINCOUNT: OpenMP
/// reads it when it is loaded, and by default threads that have nothing to do spin, on processors that others need.
/// Process, name, arguments, descriptors and signals stay what they are. Returns where there is nothing to do, or where
/// it cannot be done. To be called first of all.
void wait_passively(char* const* argv);

}  // namespace valleydrift::run
