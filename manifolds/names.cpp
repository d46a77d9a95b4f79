// Misspelt names, and numbers read in full.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "manifolds/catalogue.hpp"
#include "manifolds/errors.hpp"

namespace valleydrift::manifolds {
namespace {

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_name(const std::string& given, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = given.size() / 2 + 1;
  for (const std::string& candidate : candidates) {
    if (given.size() >= candidate.size() + best_distance) continue;  // so many letters too long
    const std::size_t distance = edit_distance(given, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

double parse_number(const std::string& option, const std::string& text) {
  double value = 0.0;
  const char* first = text.data() + (text.starts_with('+') && !text.starts_with("+-") ? 1 : 0);
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    throw ConfigError(fmt::format("{}: '{}' is out of the range of a double", option, text));
  }
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    throw ConfigError(fmt::format("{}: '{}' is not a finite number", option, text));
  }
  return value;
}

}  // namespace valleydrift::manifolds
