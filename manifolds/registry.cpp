// Descriptions by name, exact or misspelt, parameters read from text and checked, and the loss made of them.
#include "manifolds/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "manifolds/errors.hpp"

namespace valleydrift::manifolds {

std::vector<LossEntry> built_in_entries();  ///< CMake makes it of the list in cmake/models.cmake

namespace {

std::vector<LossEntry>& entries() {
  static std::vector<LossEntry> all = built_in_entries();
  return all;
}

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

std::string allowed_text(const ParameterInfo& info) {
  if (!info.choices.empty()) return fmt::format("one of {}", fmt::join(info.choices, ", "));
  return fmt::format("{} from {:g} to {:g}", info.integer ? "a whole number" : "a number", info.lowest, info.highest);
}

double parse_parameter(const ParameterInfo& info, const std::string& text) {
  const std::string option = "--param " + info.name;
  if (!info.choices.empty()) {
    const auto found = std::find(info.choices.begin(), info.choices.end(), text);
    if (found == info.choices.end()) {
      throw ConfigError(fmt::format("{}={}: allowed is {}", option, text, allowed_text(info)));
    }
    return static_cast<double>(found - info.choices.begin());
  }
  const double value = parse_number(option, text);
  if (!(value >= info.lowest && value <= info.highest) || (info.integer && value != std::floor(value))) {
    throw ConfigError(fmt::format("{}={}: allowed is {}", option, text, allowed_text(info)));
  }
  return value;
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

void add_entry(LossEntry entry) {
  const auto has_its_name = [&](const LossEntry& e) {
    return e.description && entry.description && e.description->name == entry.description->name;
  };
  std::vector<LossEntry>& all = entries();
  const bool completes = has_its_name(all.back()) && all.back().serves_some;
  if (!completes && std::any_of(all.begin(), all.end(), has_its_name)) {
    throw std::invalid_argument(entry.description->name + ": the list of manifolds has one of this name");
  }
  all.push_back(std::move(entry));
}

std::vector<ManifoldDescription> descriptions() {
  std::vector<ManifoldDescription> all;
  for (const LossEntry& entry : entries()) {
    if (entry.description && (all.empty() || all.back().name != entry.description->name)) {
      all.push_back(*entry.description);
    }
  }
  return all;
}

ManifoldDescription description_of(const std::string& name) {
  std::vector<std::string> names;
  for (ManifoldDescription& d : descriptions()) {
    if (d.name == name) return d;
    names.push_back(d.name);
  }
  const std::string near = nearest_name(name, names);
  throw ConfigError(fmt::format("--manifold {}: unknown{}; allowed is one of {}", name,
                                near.empty() ? "" : ", did you mean " + near + "?", fmt::join(names, ", ")));
}

ParameterValues resolve_parameters(const ManifoldDescription& description,
                                   const std::map<std::string, std::string>& given) {
  ParameterValues values;
  std::vector<std::string> names;
  for (const ParameterInfo& info : description.parameters) {
    names.push_back(info.name);
    const auto found = given.find(info.name);
    values[info.name] = found == given.end() ? info.default_value : parse_parameter(info, found->second);
  }
  for (const auto& [key, text] : given) {
    if (values.contains(key)) continue;
    if (names.empty())
      throw ConfigError(fmt::format("--param {}={}: {} has no parameters", key, text, description.name));
    const std::string near = nearest_name(key, names);
    throw ConfigError(fmt::format("--param {}={}: {} has no such parameter{}; allowed is one of {}", key, text,
                                  description.name, near.empty() ? "" : ", did you mean " + near + "?",
                                  fmt::join(names, ", ")));
  }
  return values;
}

std::string format_parameter(const ParameterInfo& info, double value) {
  if (!info.choices.empty()) return info.choices.at(static_cast<std::size_t>(value));
  return fmt::format("{}", value);
}

std::shared_ptr<const PointwiseLoss> make_loss(const ManifoldDescription& description,
                                               const ParameterValues& parameters) {
  ParameterValues resolved;
  for (const ParameterInfo& info : description.parameters) {
    const auto found = parameters.find(info.name);
    const double value = found == parameters.end() ? info.default_value : found->second;
    if (!(value >= info.lowest && value <= info.highest) || (info.integer && value != std::floor(value))) {
      throw ConfigError(fmt::format("--param {}={:g}: allowed is {}", info.name, value, allowed_text(info)));
    }
    resolved[info.name] = value;
  }
  for (const LossEntry& entry : entries()) {
    try {
      if (std::shared_ptr<const PointwiseLoss> loss = entry.make(description, resolved)) return loss;
    } catch (const std::invalid_argument& error) {  // a condition between several parameters
      throw ConfigError(fmt::format("--param of {}: {}", description.name, error.what()));
    }
  }
  throw ConfigError(fmt::format("{}: the list of manifolds has no model for it", description.name));
}

}  // namespace valleydrift::manifolds
