// Where the program starts: signals, waiting threads, standard streams, then cli::run.
#include <unistd.h>

#include <Eigen/Core>
#include <iostream>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"
#include "manifolds/interrupt.hpp"
#include "validation/run/threads.hpp"

int main(int argc, char** argv) {
  valleydrift::run::wait_passively(argv);
  valleydrift::cli::open_standard_descriptors();
  const valleydrift::cli::ThroughDescriptor out(std::cout, STDOUT_FILENO), err(std::cerr, STDERR_FILENO);
  valleydrift::install_signal_handlers();
  // Eigen cuts large products, and so the order of their sums, by the processor's caches; here by the same ones
  // everywhere.
  constexpr std::ptrdiff_t first = 32 << 10, second = 512 << 10, third = 4 << 20;  // bytes
  Eigen::setCpuCacheSizes(first, second, third);
  return valleydrift::cli::run(argc, argv, std::cout, std::cerr);
}
