// The program with a valley of its own.
#include "cli/program.hpp"
#include "hyperbola.hpp"
#include "validation/run/add_model.hpp"

int main(int argc, char** argv) {
  valleydrift::add_model<Hyperbola>();
  return valleydrift::cli::run_program(argc, argv);
}
