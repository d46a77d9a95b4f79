// The whole program, for main.cpp and for programs with valleys of their own.
#pragma once

namespace valleydrift::cli {

/// What `valleydrift` does with these arguments: waiting threads, standard streams, signals, then `run`. Returns the
/// exit code. Before it, add_model (validation/run/add_model.hpp) may have added valleys;
/// what else main has done is done twice, since the program is started once more where OpenMP is to wait passively.
int run_program(int argc, char** argv);

}  // namespace valleydrift::cli
