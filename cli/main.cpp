#include <iostream>

#include "cli/commands.hpp"
#include "validation/interrupt.hpp"

int main(int argc, char** argv) {
  valleydrift::validation::install_signal_handlers();
  return valleydrift::cli::run(argc, argv, std::cout, std::cerr);
}
