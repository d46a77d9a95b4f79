// Signals, waiting threads, standard streams, then cli::run.
#include "cli/program.hpp"

#include <unistd.h>

#include <Eigen/Core>
#include <iostream>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"
#include "manifolds/interrupt.hpp"
#include "validation/run/threads.hpp"

namespace valleydrift::cli {

int run_program(int argc, char** argv) {
  run::wait_passively(argv);
  open_standard_descriptors();
  const ThroughDescriptor out(std::cout, STDOUT_FILENO), err(std::cerr, STDERR_FILENO);
  install_signal_handlers();
  // Eigen cuts large products, and so the order of their sums, by the processor's caches; here by the same ones
  // everywhere.
  constexpr std::ptrdiff_t first = 32 << 10, second = 512 << 10, third = 4 << 20;  // bytes
  Eigen::setCpuCacheSizes(first, second, third);
  return cli::run(argc, argv, std::cout, std::cerr);
}

}  // namespace valleydrift::cli
