// Draws the percentage and the time that is left, and wipes them off again.
#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

namespace valleydrift::cli {

std::string duration_text(double seconds) {
  if (seconds < 1.0) return "under a second";
  if (seconds < 100.0) return fmt::format("about {:.0f} s", seconds);
  if (seconds < 6000.0) return fmt::format("about {:.0f} min", seconds / 60.0);
  constexpr double year = 365.25 * 86400.0;
  if (seconds < year) return fmt::format("about {:.1f} h", seconds / 3600.0);
  return fmt::format("about {:.2g} years", seconds / year);
}

ProgressLine::ProgressLine(std::ostream* err)
    : terminal_(err == &std::cerr && isatty(STDERR_FILENO) != 0 ? err : nullptr) {}

void ProgressLine::show(double fraction) {
  constexpr double seconds_between = 0.2;
  const auto seconds_since = [](Clock::time_point t) {
    return std::chrono::duration<double>(Clock::now() - t).count();
  };
  if (!terminal_ || fraction <= 0.0 || seconds_since(shown_) < seconds_between) return;
  shown_ = Clock::now();
  const double left = seconds_since(start_) * (1.0 - fraction) / fraction;
  *terminal_ << fmt::format("\r{:3.0f} %  {} left \x1b[K", 100.0 * fraction, duration_text(left)) << std::flush;
  dirty_ = true;
}

void ProgressLine::clear() {
  if (dirty_) *terminal_ << "\r\x1b[K" << std::flush;
  dirty_ = false;
}

}  // namespace valleydrift::cli
