// The momentum in words, near 1.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace valleydrift::run {

/// beta = 1 - mu, in six decimals, or in so many that 1 - beta has four digits, as far as a double has them.
inline std::string beta_text(double mu) {
  constexpr int fewest = 6, most = 17, digits = 4;
  const double places = std::clamp(std::ceil(-std::log10(mu)) + digits - 1.0, double{fewest}, double{most});
  return fmt::format("{:.{}f}", 1.0 - mu, static_cast<int>(places));
}

/// The same without zeros at the end: 0.9.
inline std::string short_beta_text(double mu) {
  std::string text = beta_text(mu);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace valleydrift::run
