// Sets OMP_WAIT_POLICY=passive and begins the program again, as OpenMP reads it before main.
#include "cli/passive_threads.hpp"

#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace valleydrift::cli {

void wait_passively([[maybe_unused]] char* const* argv) {
#ifdef _OPENMP
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  // The path as it was started, so that the process keeps its name; if that still leads to this program.
  const auto* path = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  struct stat started = {}, running = {};
  if (!path || ::stat(path, &started) != 0 || ::stat("/proc/self/exe", &running) != 0) return;
  if (started.st_dev != running.st_dev || started.st_ino != running.st_ino) return;
  if (::setenv("OMP_WAIT_POLICY", "passive", 1) != 0) return;
  ::execv(path, argv);
  ::unsetenv("OMP_WAIT_POLICY");
#endif
}

}  // namespace valleydrift::cli
