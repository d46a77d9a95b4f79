// Numbers in messages.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

namespace valleydrift::manifolds {

/// A number with `digits` significant digits; of what overflowed only that it is not finite.
inline std::string number_text(double x, int digits = 3) {
  return std::isfinite(x) ? fmt::format("{:.{}g}", x, digits) : "not finite";
}

}  // namespace valleydrift::manifolds
