// The kinds of values an option may take: each checks a text, puts it into a field of Options, and writes it back.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <limits>
#include <type_traits>

#include "cli/option_table.hpp"
#include "cli/options.hpp"
#include "manifolds/geometry.hpp"

namespace valleydrift::cli {

/// An interval for numbers, as a message writes it: "eta > 0" or "0 <= beta < 1".
class Range {
 public:
  explicit Range(const std::string& text);
  bool contains(double x) const;
  const std::string& text() const { return text_; }
  std::string in_help() const;  ///< without the name where it would be the first word: "> 0"

 private:
  double lowest_, highest_ = std::numeric_limits<double>::infinity();
  bool lowest_included_ = false, highest_included_ = false;
  std::string text_;
};

double number_in(const Setting& setting, const Range& range);
/// Digits only: no sign, no exponent, no hexadecimal, no overflow.
std::uint64_t whole_number_in(const Setting& setting, std::uint64_t lowest, std::uint64_t highest);
/// Numbers separated by commas.
std::vector<double> number_list(const Setting& setting);
/// A,B,... or LOW:HIGH:COUNT, in equal ratios if `logarithmic`, else in equal steps; each value within `range`, no two
/// the same.
std::vector<double> grid_list(const Setting& setting, const Range& range, bool logarithmic);
/// Throws ConfigError for a text that is none of the names.
std::size_t place_among(const Setting& setting, const std::vector<std::string>& names);

/// A matrix from a CSV file without header, `rows` rows. Messages name file, line and column. Throws FileError if it
/// cannot be read.
manifolds::Matrix read_matrix(const std::string& where, const std::string& path, Eigen::Index rows);

// What follows makes the values of the table's rows. A field is named by a pointer to a member of Options, RunConfig,
// ScanConfig or VerifyRequest; if it is optional, it is absent until the option is given.

/// The part of the options that has the field.
template <class Part, class AnyOptions>
auto& part_of(AnyOptions& options) {
  if constexpr (std::is_same_v<Part, run::RunConfig>) {
    return options.run;
  } else if constexpr (std::is_same_v<Part, scan::ScanConfig>) {
    return options.scan;
  } else if constexpr (std::is_same_v<Part, verify::VerifyRequest>) {
    return options.verify;
  } else if constexpr (std::is_same_v<Part, manifolds::FormulaSource>) {
    return options.formula;
  } else {
    return options;
  }
}

template <class T>
struct Plain {
  using type = T;
};
template <class T>
struct Plain<std::optional<T>> {
  using type = T;
};
/// What an optional field holds.
template <class T>
using plain = typename Plain<T>::type;

using Texts = std::vector<std::string>;

inline Texts texts_of(const std::vector<double>& values) {
  return values.empty() ? Texts{} : Texts{fmt::format("{}", fmt::join(values, ","))};
}
template <class T>
Texts texts_of(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return {name_of(value)};
  } else {
    return {fmt::format("{}", value)};
  }
}
template <class T>
Texts texts_of(const std::optional<T>& value) {
  return value ? texts_of(*value) : Texts{};
}

/// A value that `parse` makes of the setting.
template <class Part, class T, class Parse>
OptionValue value(T Part::*field, Parse parse) {
  return {
      .read = [=](const Setting& s, Options& o) { part_of<Part>(o).*field = static_cast<plain<T>>(parse(s)); },
      .written = [=](const Options& o) { return texts_of(part_of<Part>(o).*field); },
  };
}

template <class Part, class T>
OptionValue number(const char* range, T Part::*field) {
  OptionValue out = value(field, [allowed = Range(range)](const Setting& s) { return number_in(s, allowed); });
  out.range = Range(range).in_help();
  return out;
}

template <class Part, class T>
OptionValue whole(std::uint64_t lowest, std::uint64_t highest, T Part::*field) {
  OptionValue out = value(field, [=](const Setting& s) { return whole_number_in(s, lowest, highest); });
  const bool any = highest == std::numeric_limits<std::uint64_t>::max();
  out.range = fmt::format("{} to {}", lowest, any ? "2^64-1" : fmt::format("{}", highest));
  return out;
}

enum class Spacing { equal_steps, equal_ratios };
template <class Part, class T>
OptionValue spaced(const char* range, Spacing spacing, T Part::*field) {
  return value(field, [=, allowed = Range(range)](const Setting& s) {
    return grid_list(s, allowed, spacing == Spacing::equal_ratios);
  });
}

/// One of the values, which may have a few words on what each means.
template <class E>
struct Choice {
  E value;
  std::string_view meaning = {};
};
template <class Part, class T>
OptionValue choice(T Part::*field, std::vector<Choice<plain<T>>> values) {
  Texts names;
  std::vector<std::pair<std::string, std::string>> choices;
  for (const auto& c : values) {
    names.push_back(name_of(c.value));
    choices.emplace_back(names.back(), c.meaning);
  }
  OptionValue out = value(field, [=](const Setting& s) { return values[place_among(s, names)].value; });
  out.choices = std::move(choices);
  return out;
}
/// Any of the enumeration's table.
template <class Part, class T>
OptionValue choice(T Part::*field) {
  std::vector<Choice<plain<T>>> values;
  for (const auto& entry : names_of(plain<T>{})) values.push_back({entry.value, entry.meaning});
  return choice(field, std::move(values));
}

template <class Part>
OptionValue flag(bool Part::*field) {
  return value(field, [](const Setting& s) { return s.text == "true"; });
}
/// A flag that switches its field off.
template <class Part>
OptionValue no_flag(bool Part::*field) {
  return {.read = [=](const Setting& s, Options& o) { part_of<Part>(o).*field = s.text != "true"; },
          .written = [=](const Options& o) { return texts_of(!(part_of<Part>(o).*field)); }};
}

/// A part of a formula, as it is typed.
template <class T>
OptionValue typed(T manifolds::FormulaSource::*part) {
  OptionValue out;
  if constexpr (std::is_same_v<T, std::vector<manifolds::FormulaText>>) {
    out.repeatable = true;
    out.read = [=](const Setting& s, Options& o) { (o.formula.*part).push_back({s.where, s.text}); };
    out.written = [=](const Options& o) {
      Texts texts;
      if (o.run.formula) {
        for (const manifolds::FormulaText& text : (*o.run.formula).*part) texts.push_back(text.text);
      }
      return texts;
    };
  } else {
    out.read = [=](const Setting& s, Options& o) { o.formula.*part = manifolds::FormulaText{s.where, s.text}; };
    out.written = [=](const Options& o) {
      const std::optional<manifolds::FormulaText> text =
          o.run.formula ? std::optional((*o.run.formula).*part) : std::nullopt;
      return text ? Texts{text->text} : Texts{};
    };
  }
  return out;
}

OptionValue listed_manifold();
/// KEY=VALUE of the manifold.
OptionValue parameter();
/// Numbers, or `random`. How many numbers is known once the manifold is made.
OptionValue start_point();
/// The file of a noise factor, relative to the configuration file that names it.
OptionValue noise_factor();
/// beta, unless C sets it.
OptionValue momentum();
/// One of the paths that there are.
OptionValue path_number();
/// IDs of checks, separated by commas.
OptionValue check_patterns();
/// Of a file, or of a folder.
OptionValue path_name(std::optional<std::string> Options::*field, const char* of);

}  // namespace valleydrift::cli
