// What the list says of each manifold, and of its dimensions with default parameters.
#include "validation/report/manifold_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "manifolds/catalogue.hpp"
#include "manifolds/manifold.hpp"
#include "validation/report/json.hpp"

namespace valleydrift::report {
namespace {

using manifolds::ManifoldDescription;
using manifolds::ParameterInfo;

/// The manifold with its default parameters.
manifolds::Manifold default_manifold(const ManifoldDescription& d) {
  return manifolds::Manifold(d.name, manifolds::resolve_parameters(d, {}));
}

std::string range_text(const ParameterInfo& info) {
  if (!info.choices.empty()) return fmt::format("one of {}", fmt::join(info.choices, ", "));
  return fmt::format("{}{:g} to {:g}", info.integer ? "whole, " : "", info.lowest, info.highest);
}

std::string description_text(const ManifoldDescription& d) {
  const manifolds::Manifold manifold = default_manifold(d);
  std::string text = fmt::format("{}: {}\n", d.name, d.summary);
  const auto line = [&](const std::string& key, const std::string& value) {
    text += fmt::format("  {:<18}{}\n", key, value);
  };
  line("formula", d.formula);
  if (manifold.is_least_squares() && manifold.label_constant() == 1.0)
    line("loss", manifold.transverse_dimension() == 1 ? "L = f^2 / 2" : "L = sum of f_a^2 / 2");
  line("coordinates", d.coordinates);
  line("dimension", fmt::format("{}, valley of dimension {}{}", manifold.dimension(), manifold.valley_dimension(),
                                d.parameters.empty() ? "" : " (with the default parameters)"));
  for (std::size_t i = 0; i < d.parameters.size(); ++i) {
    const ParameterInfo& info = d.parameters[i];
    line(i == 0 ? "parameters" : "",
         fmt::format("{} = {}: {} ({})", info.name, manifolds::format_parameter(info, info.default_value), info.meaning,
                     range_text(info)));
  }
  line("default start", manifolds::format_point(manifold.default_start()));
  line("slow coordinates", fmt::format("{}", fmt::join(manifold.slow_coordinate_names(), ", ")));
  for (std::size_t i = 0; i < d.known.size(); ++i) line(i == 0 ? "known exactly" : "", d.known[i]);
  return text;
}

nlohmann::json description_json(const ManifoldDescription& d) {
  const manifolds::Manifold manifold = default_manifold(d);
  const manifolds::Vector start = manifold.default_start();
  nlohmann::json parameters = nlohmann::json::array();
  for (const ParameterInfo& info : d.parameters) {
    nlohmann::json entry = {{"name", info.name}, {"meaning", info.meaning}};
    if (info.choices.empty()) {
      entry["default"] = info.default_value;
      entry["lowest"] = info.lowest;
      entry["highest"] = info.highest;
      entry["integer"] = info.integer;
    } else {
      entry["default"] = manifolds::format_parameter(info, info.default_value);
      entry["choices"] = info.choices;
    }
    parameters.push_back(entry);
  }
  return {{"name", d.name},
          {"formula", d.formula},
          {"summary", d.summary},
          {"coordinates", d.coordinates},
          {"least_squares", manifold.is_least_squares()},
          {"parameters", parameters},
          {"dimension", manifold.dimension()},
          {"valley_dimension", manifold.valley_dimension()},
          {"default_start", std::vector<double>(start.begin(), start.end())},
          {"slow_coordinates", manifold.slow_coordinate_names()},
          {"known", d.known}};
}

}  // namespace

std::string manifolds_text() {
  std::string text = fmt::format("{:<16}{:<5}{:<8}{}\n", "name", "D", "valley", "what it is");
  for (const ManifoldDescription& d : manifolds::descriptions()) {
    const manifolds::Manifold manifold = default_manifold(d);
    text += fmt::format("{:<16}{:<5}{:<8}{}\n", d.name, manifold.dimension(), manifold.valley_dimension(), d.summary);
    text += fmt::format("{:<29}{}\n", "", d.formula);
  }
  return text +
         "\nD and the dimension of the valley are for the default parameters; `valleydrift manifolds NAME` shows "
         "one.\n";
}

nlohmann::json manifolds_json() {
  nlohmann::json list = nlohmann::json::array();
  for (const ManifoldDescription& d : manifolds::descriptions()) list.push_back(description_json(d));
  return {{"schema_version", schema_version}, {"manifolds", list}};
}

std::string manifold_text(const std::string& name) { return description_text(manifolds::description_of(name)); }

nlohmann::json manifold_json(const std::string& name) {
  nlohmann::json object = description_json(manifolds::description_of(name));
  object["schema_version"] = schema_version;
  return object;
}

}  // namespace valleydrift::report
