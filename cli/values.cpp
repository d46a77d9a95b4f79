// Numbers, whole numbers, lists and matrices read from text in full and checked against their range.
#include "cli/values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "manifolds/registry.hpp"

namespace valleydrift::cli {
namespace {

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

/// What stands between the separators; at least one, possibly empty.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t first = 0;;) {
    const std::size_t end = text.find(separator, first);
    parts.push_back(text.substr(first, end - first));
    if (end == std::string_view::npos) return parts;
    first = end + 1;
  }
}

}  // namespace

double number_in(const Setting& setting, const Range& range) {
  const double value = manifolds::parse_number(setting.where, setting.text);
  const bool above = range.lowest_included ? value >= range.lowest : value > range.lowest;
  const bool below = range.highest_included ? value <= range.highest : value < range.highest;
  if (!(above && below))
    throw ConfigError(fmt::format("{}: {} given, allowed is {}", setting.where, setting.text, range.text));
  return value;
}

std::uint64_t whole_number_in(const Setting& setting, std::uint64_t lowest, std::uint64_t highest) {
  const std::string& text = setting.text;
  const std::string allowed = fmt::format("allowed is a whole number from {} to {}", lowest, highest);
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) throw ConfigError(fmt::format("{}: '{}' given, {} in digits", setting.where, text, allowed));
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < lowest || value > highest) {
    throw ConfigError(fmt::format("{}: {} given, {}", setting.where, text, allowed));
  }
  return value;
}

std::vector<double> number_list(const Setting& setting) {
  std::vector<double> values;
  for (const std::string_view part : split(setting.text, ',')) {
    values.push_back(
        manifolds::parse_number(fmt::format("{}, entry {}", setting.where, values.size() + 1), trimmed(part)));
  }
  return values;
}

manifolds::Matrix read_matrix(const std::string& where, const std::string& path, Eigen::Index rows) {
  constexpr std::size_t most_columns = 65535;  // components that the noise tells apart
  std::string text;
  try {
    text = read_text_file(path);
  } catch (const FileError& error) {
    throw FileError(fmt::format("{}: {}", where, error.what()));
  }
  std::string_view rest = text;
  while (!rest.empty() && std::string_view(" \t\r\n").find(rest.back()) != std::string_view::npos) {
    rest.remove_suffix(1);
  }
  if (rest.empty()) throw ConfigError(fmt::format("{}: {}: the file is empty", where, path));

  const auto row_count = static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '\n') + 1);
  const std::string_view head = rest.substr(0, rest.find('\n'));
  const auto columns = static_cast<std::size_t>(std::count(head.begin(), head.end(), ',') + 1);
  if (columns > most_columns) {
    throw ConfigError(fmt::format("{}: {}: {} columns, allowed is up to {}", where, path, columns, most_columns));
  }
  std::vector<double> values;
  for (std::size_t i = 0; i < std::min(row_count, static_cast<std::size_t>(rows)); ++i) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::vector<std::string_view> cells = split(rest.substr(0, end), ',');
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (cells.size() != columns) {
      throw ConfigError(
          fmt::format("{}: {}, line {}: {} columns, but line 1 has {}", where, path, i + 1, cells.size(), columns));
    }
    for (std::size_t j = 0; j < columns; ++j) {
      const std::string cell = trimmed(cells[j]);
      double value = 0.0;
      const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
      const bool plain = error == std::errc{} && stop == cell.data() + cell.size() && std::isfinite(value);
      // Where it stands is spelt out only for what is not plainly a number: a large file has millions.
      values.push_back(
          plain ? value
                : manifolds::parse_number(fmt::format("{}: {}, line {}, column {}", where, path, i + 1, j + 1), cell));
    }
  }
  if (row_count != static_cast<std::size_t>(rows)) {
    throw ConfigError(fmt::format("{}: {}: {} rows, but the manifold has dimension {}: one row for each component of w",
                                  where, path, row_count, rows));
  }
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  return Eigen::Map<const RowMajor>(values.data(), rows, static_cast<Eigen::Index>(columns));
}

}  // namespace valleydrift::cli
