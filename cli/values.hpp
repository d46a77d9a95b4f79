// From text to values, each checked against what is allowed. All throw ConfigError beginning with `setting.where`.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/option_table.hpp"
#include "manifolds/geometry.hpp"
#include "validation/run/run_config.hpp"

namespace valleydrift::cli {

inline constexpr double infinity = std::numeric_limits<double>::infinity();

/// An interval for numbers, and how a message writes it: "eta > 0".
struct Range {
  double lowest;
  bool lowest_included;
  double highest;
  bool highest_included;
  std::string text;
};

double number_in(const Setting& setting, const Range& range);
/// Digits only: no sign, no exponent, no hexadecimal, no overflow.
std::uint64_t whole_number_in(const Setting& setting, std::uint64_t lowest, std::uint64_t highest);
/// Numbers separated by commas.
std::vector<double> number_list(const Setting& setting);

/// A matrix from a CSV file without header, `rows` rows. Messages name file, line and column. Throws FileError if it
/// cannot be read.
manifolds::Matrix read_matrix(const std::string& where, const std::string& path, Eigen::Index rows);

/// name_of of every enumeration, found where it is.
inline constexpr auto name = [](auto value) { return name_of(value); };

/// The value whose name_of is the text.
template <class E>
E choice(const Setting& setting, const std::vector<E>& values, auto name) {
  std::vector<std::string> names;
  for (const E value : values) {
    names.push_back(name(value));
    if (names.back() == setting.text) return value;
  }
  const std::string near = suggestion(setting.text, names);
  throw ConfigError(fmt::format("{}: '{}' is unknown{}; allowed is one of {}", setting.where, setting.text,
                                near.empty() ? "" : ", did you mean " + near + "?", fmt::join(names, ", ")));
}

}  // namespace valleydrift::cli
