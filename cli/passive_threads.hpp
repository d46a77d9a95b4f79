// Threads that wait sleep.
#pragma once

namespace valleydrift::cli {

/// Starts the program once more, with OMP_WAIT_POLICY=passive, unless the user has set that or GOMP_SPINCOUNT: OpenMP
/// reads it when it is loaded, and by default threads that have nothing to do spin, on processors that others need.
/// Process, name, arguments, descriptors and signals stay what they are. Returns where there is nothing to do, or where
/// it cannot be done. To be called first of all.
void wait_passively(char* const* argv);

}  // namespace valleydrift::cli
