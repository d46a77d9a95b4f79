// Descriptions by name, parameters read from text and checked, and the loss made of them.
#include "manifolds/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "manifolds/errors.hpp"
#include "manifolds/formula/formula_model.hpp"

namespace valleydrift::manifolds {
namespace {

/// Calls visit(type tag) for every alternative of AnyLoss.
template <class Visit, std::size_t... I>
void for_each_loss(Visit&& visit, std::index_sequence<I...>) {
  (visit(std::in_place_type<std::variant_alternative_t<I, AnyLoss>>), ...);
}
template <class Visit>
void for_each_loss(Visit&& visit) {
  for_each_loss(visit, std::make_index_sequence<std::variant_size_v<AnyLoss>>{});
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

std::vector<ManifoldDescription> descriptions() {
  std::vector<ManifoldDescription> all;
  for_each_loss([&]<class L>(std::in_place_type_t<L>) {
    if constexpr (DescribedModel<L>) {
      ManifoldDescription next = L::describe();
      if (all.empty() || all.back().name != next.name) all.push_back(std::move(next));
    }
  });
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

RegisteredLoss make_loss(const std::string& name, const ParameterValues& parameters) {
  return make_loss(description_of(name), parameters);
}

RegisteredLoss make_loss(const ManifoldDescription& description, const ParameterValues& parameters) {
  ParameterValues resolved;
  for (const ParameterInfo& info : description.parameters) {
    const auto found = parameters.find(info.name);
    const double value = found == parameters.end() ? info.default_value : found->second;
    if (!(value >= info.lowest && value <= info.highest) || (info.integer && value != std::floor(value))) {
      throw ConfigError(fmt::format("--param {}={:g}: allowed is {}", info.name, value, allowed_text(info)));
    }
    resolved[info.name] = value;
  }
  std::vector<RegisteredLoss> made;
  for_each_loss([&]<class L>(std::in_place_type_t<L> tag) {
    if (!made.empty()) return;
    if constexpr (std::is_same_v<L, LeastSquares<FormulaModel>>) {
      if (description.source) made.push_back({AnyLoss(tag, FormulaModel(read_formula(*description.source, resolved)))});
    } else {
      if (description.source || L::describe().name != description.name) return;
      if constexpr (ServesSome<typename L::model_type>) {
        if (!L::model_type::serves(resolved)) return;
      }
      try {
        made.push_back({AnyLoss(tag, resolved)});
      } catch (const std::invalid_argument& error) {  // a condition between several parameters
        throw ConfigError(fmt::format("--param of {}: {}", description.name, error.what()));
      }
    }
  });
  if (made.empty()) throw ConfigError(fmt::format("{}: the list of manifolds has no formulas", description.name));
  return made.front();
}

}  // namespace valleydrift::manifolds
