// The commands of the program.
#pragma once

#include <iosfwd>

#include "cli/options.hpp"

namespace valleydrift::cli {

/// Runs the program: results on `out`, messages on `err`. Returns the exit code: 0 done and in agreement, 1 not in
/// agreement, 2 bad input, 3 numerical failure, 4 a file or `out` cannot be read or written, 128 + signal interrupted.
int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

/// Exit codes of the commands themselves.
inline constexpr int success = 0, not_in_agreement = 1, bad_input = 2, numerical_failure = 3, file_failure = 4;

// The commands throw the errors of manifolds/errors.hpp.
int manifolds_command(const Options& options, std::ostream& out);
int inspect_command(const Options& options, std::ostream& out);
int compare_command(const Options& options, std::ostream& out, std::ostream& err);
int verify_command(const Options& options, std::ostream& out, std::ostream& err);
int scan_command(const Options& options, std::ostream& out, std::ostream& err);
int advise_command(const Options& options, std::ostream& out);

}  // namespace valleydrift::cli
