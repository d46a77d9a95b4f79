// Progress on a terminal.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

namespace valleydrift::cli {

/// "about 12 s".
std::string duration_text(double seconds);

/// One line on standard error, rewritten in place: the part done and the time left. Silent if `err` is nullptr, another
/// stream, or no terminal.
class ProgressLine {
 public:
  explicit ProgressLine(std::ostream* err);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  void show(double fraction);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::ostream* terminal_;
  Clock::time_point start_ = Clock::now(), shown_ = Clock::now();
  bool dirty_ = false;
};

}  // namespace valleydrift::cli
