// Where the program starts.
#include "cli/program.hpp"

int main(int argc, char** argv) { return valleydrift::cli::run_program(argc, argv); }
