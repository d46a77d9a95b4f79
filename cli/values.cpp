// Numbers, whole numbers, lists, grids and matrices read from text in full and checked against what is allowed.
#include "cli/values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <string_view>

#include "manifolds/catalogue.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/formula/formula.hpp"
#include "manifolds/numbers/portable_math.hpp"
#include "validation/output/text_file.hpp"

namespace valleydrift::cli {
namespace {

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

/// LOW:HIGH:COUNT.
std::vector<double> spaced(const Setting& setting, const std::vector<std::string_view>& parts, const Range& range,
                           bool logarithmic, std::uint64_t most) {
  const auto end_of = [&](std::string_view text) {
    return number_in({setting.where, std::string(text), setting.file}, range);
  };
  const double low = end_of(parts[0]), high = end_of(parts[1]);
  const auto count =
      static_cast<int>(whole_number_in({setting.where + ", count", std::string(parts[2]), setting.file}, 2, most));
  if (logarithmic && !std::isfinite(high / low)) {
    throw ConfigError(fmt::format("{}: '{}' given, HIGH / LOW must be a finite number", setting.where, setting.text));
  }
  if (!(low < high)) {
    throw ConfigError(fmt::format("{}: '{}' given, LOW must be below HIGH", setting.where, setting.text));
  }
  if (logarithmic && !(low > 0.0)) {
    throw ConfigError(fmt::format("{}: '{}' given, LOW must be above 0", setting.where, setting.text));
  }
  std::vector<double> values;
  for (int i = 0; i < count; ++i) {
    const double part = i / (count - 1.0);
    values.push_back(i + 1 == count ? high
                     : logarithmic  ? low * manifolds::pow(high / low, part)
                                    : low + part * (high - low));
  }
  return values;
}

}  // namespace

Range::Range(const std::string& text) : text_(text) {
  const std::vector<std::string_view> words = split(text_, ' ');
  const auto bound = [&](std::string_view word) { return manifolds::parse_number(text_, std::string(word)); };
  if (words.size() == 3) {  // NAME > LOWEST
    lowest_ = bound(words[2]);
    lowest_included_ = words[1] == ">=";
  } else {  // LOWEST <= NAME < HIGHEST
    lowest_ = bound(words.at(0));
    highest_ = bound(words.at(4));
    lowest_included_ = words[1] == "<=";
    highest_included_ = words[3] == "<=";
  }
}

bool Range::contains(double x) const {
  return (lowest_included_ ? x >= lowest_ : x > lowest_) && (highest_included_ ? x <= highest_ : x < highest_);
}

std::string Range::in_help() const {
  return std::isfinite(highest_) ? text_ : text_.substr(std::min(text_.find(' ') + 1, text_.size()));
}

double number_in(const Setting& setting, const Range& range) {
  const double value = manifolds::parse_number(setting.where, setting.text);
  if (!range.contains(value)) {
    throw ConfigError(fmt::format("{}: {} given, allowed is {}", setting.where, setting.text, range.text()));
  }
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
    values.push_back(manifolds::parse_number(fmt::format("{}, entry {}", setting.where, values.size() + 1),
                                             std::string(trimmed(part))));
  }
  return values;
}

std::vector<double> grid_list(const Setting& setting, const Range& range, bool logarithmic) {
  constexpr std::uint64_t most = 1000;
  std::vector<double> values;
  const std::vector<std::string_view> parts = split(setting.text, ':');
  if (parts.size() == 1) {
    values = number_list(setting);
    for (const double x : values) number_in({setting.where, fmt::format("{}", x), setting.file}, range);
  } else if (parts.size() == 3) {
    values = spaced(setting, parts, range, logarithmic, most);
  } else {
    throw ConfigError(
        fmt::format("{}: '{}' is not of the form A,B,... or LOW:HIGH:COUNT", setting.where, setting.text));
  }
  if (values.size() > most) {
    throw ConfigError(fmt::format("{}: {} values given, allowed is up to {}", setting.where, values.size(), most));
  }
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) throw ConfigError(fmt::format("{}: {} is given twice", setting.where, *twice));
  return values;
}

std::size_t place_among(const Setting& setting, const std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), setting.text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const std::string near = suggestion(setting.text, names);
  throw ConfigError(fmt::format("{}: '{}' is unknown{}; allowed is one of {}", setting.where, setting.text,
                                near.empty() ? "" : ", did you mean " + near + "?", fmt::join(names, ", ")));
}

manifolds::Matrix read_matrix(const std::string& where, const std::string& path, Eigen::Index rows) {
  constexpr std::size_t most_columns = 65535;  // components that the noise tells apart
  std::string text;
  try {
    text = output::read_text_file(path);
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
      const std::string cell(trimmed(cells[j]));
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

OptionValue listed_manifold() {
  return {.read = [](const Setting& s, Options& o) { o.run.manifold = s.text; },
          .written = [](const Options& o) { return o.run.formula ? Texts{} : Texts{o.run.manifold}; }};
}

OptionValue parameter() {
  return {.read =
              [](const Setting& s, Options& o) {
                const std::size_t equals = s.text.find('=');
                if (equals == std::string::npos || equals == 0) {
                  throw ConfigError(fmt::format("{}: '{}' is not of the form KEY=VALUE", s.where, s.text));
                }
                const std::string key = s.text.substr(0, equals), value = s.text.substr(equals + 1);
                const auto [place, stored] = o.run.parameters.emplace(key, value);
                if (stored) return;
                throw ConfigError(fmt::format("{} {}: given twice, '{}' and '{}'", s.where, key, place->second, value));
              },
          .written =
              [](const Options& o) {
                Texts texts;
                const manifolds::ManifoldDescription of = o.run.description();
                const manifolds::ParameterValues values = manifolds::resolve_parameters(of, o.run.parameters);
                for (const manifolds::ParameterInfo& info : of.parameters) {
                  const std::string value = manifolds::format_parameter(info, values.at(info.name));
                  texts.push_back(fmt::format("{}={}", info.name, value));
                }
                return texts;
              },
          .repeatable = true};
}

OptionValue start_point() {
  return {.read =
              [](const Setting& s, Options& o) {
                o.run.random_start = s.text == random_word;
                if (!o.run.random_start) o.run.start = number_list(s);
              },
          .written = [](const Options& o) { return o.run.random_start ? Texts{random_word} : texts_of(o.run.start); }};
}

OptionValue noise_factor() {
  return {
      .read =
          [](const Setting& s, Options& o) {
            // Relative to the configuration file, so that an output folder can be moved as a whole.
            const std::filesystem::path folder = std::filesystem::path(s.file.value_or("")).parent_path();
            o.run.sigma_file = (s.file ? folder / s.text : std::filesystem::path(s.text)).string();
          },
      .written =
          [](const Options& o) { return o.run.noise == run::NoiseKind::constant ? Texts{o.run.sigma_file} : Texts{}; }};
}

OptionValue momentum() {
  OptionValue out = number("0 <= beta < 1", &run::RunConfig::beta);
  out.written = [](const Options& o) { return texts_of(o.run.beta.value_or(0.9)); };
  return std::move(out).where([](const Options& o) { return !o.run.C && o.run.scheme != Scheme::sgd; });
}

OptionValue path_number() {
  return {.read = [](const Setting& s, Options& o) {
    const std::uint64_t last = static_cast<std::uint64_t>(o.run.paths) - 1;
    o.path = static_cast<std::int64_t>(whole_number_in(s, 0, last));
  }};
}

OptionValue check_patterns() {
  return value(&verify::VerifyRequest::only, [](const Setting& s) {
    std::vector<std::string> patterns;
    std::string_view rest = s.text;
    for (;;) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (comma == 0) throw ConfigError(fmt::format("{}: '{}': an ID is empty", s.where, s.text));
      patterns.emplace_back(rest.substr(0, comma));
      if (comma == rest.size()) return patterns;
      rest.remove_prefix(comma + 1);
    }
  });
}

OptionValue path_name(std::optional<std::string> Options::*field, const char* of) {
  return value(field, [=](const Setting& s) {
    if (s.text.empty()) throw ConfigError(fmt::format("{}: the name of the {} is empty", s.where, of));
    return s.text;
  });
}

}  // namespace valleydrift::cli
