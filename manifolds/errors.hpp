// The errors a run can end with. A failed check is a result, not an exception.
#pragma once

#include <stdexcept>
#include <string>

namespace valleydrift {

/// Bad input: names the option, the value given, and what is allowed. Exit code 2.
struct ConfigError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A computation that cannot go on: names the manifold, where, the quantity, its bound, and what to try. Exit code 3.
struct NumericalError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A file that cannot be read or written: names the path and the reason. Exit code 4.
struct FileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The user interrupted the run (SIGINT, SIGTERM). Exit code 128 + signal.
struct Interrupted : std::runtime_error {
  explicit Interrupted(int signal_number) : std::runtime_error("interrupted"), signal(signal_number) {}
  int signal;
};

}  // namespace valleydrift
