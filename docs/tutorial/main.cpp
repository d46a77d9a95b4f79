// The program with the valley of the tutorial.
#include "cli/program.hpp"
#include "tilted_ellipse.hpp"
#include "validation/run/add_model.hpp"

int main(int argc, char** argv) {
  valleydrift::add_model<valleydrift::manifolds::TiltedEllipse>();
  return valleydrift::cli::run_program(argc, argv);
}
