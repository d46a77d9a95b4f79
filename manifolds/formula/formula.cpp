// Reads variables, constants, parameters and residuals, and refuses names that are taken or not used.
#include "manifolds/formula/formula.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string_view>

#include "manifolds/catalogue.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/formula/formula_parser.hpp"

namespace valleydrift::manifolds {
namespace {

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

/// NAME=VALUE; where VALUE begins.
struct Assignment {
  std::string name;
  std::size_t value;
};
Assignment split_assignment(const FormulaText& text, const char* form) {
  const std::size_t equals = text.text.find('=');
  if (equals == std::string::npos) {
    throw ConfigError(fmt::format("{}: '{}' is not of the form {}", text.where, text.text, form));
  }
  return {trimmed(std::string_view(text.text).substr(0, equals)), equals + 1};
}

/// A number without any variable, such as 2*pi, in terms of `names`.
double constant_value(const FormulaText& text, std::size_t from, const FormulaNames& names, ExpressionGraph& graph) {
  // Blanks instead of what stands before, so that columns are those of the whole text.
  FormulaText value{text.where, std::string(from, ' ') + text.text.substr(from)};
  return *graph.value(parse_expression(value, names, graph));
}

/// The names of a formula, each once and none that of a function.
class Names {
 public:
  void add(const FormulaText& text, const std::string& name) {
    if (!is_formula_name(name)) {
      throw ConfigError(
          fmt::format("{}: '{}' is not a name: a letter or _, then letters, digits and _", text.where, name));
    }
    const auto& functions = formula_functions();
    if (std::find(functions.begin(), functions.end(), name) != functions.end()) {
      throw ConfigError(fmt::format("{}: {} is the name of a function; choose another", text.where, name));
    }
    if (!taken_.insert(name).second) {
      throw ConfigError(fmt::format("{}: {} is declared twice", text.where, name));
    }
  }

 private:
  std::set<std::string> taken_;
};

/// The names in an expression.
void collect_names(std::string_view text, std::set<std::string, std::less<>>& names) {
  constexpr std::string_view part = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  for (std::size_t first = text.find_first_of(part); first != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_not_of(part, first), text.size());
    names.emplace(text.substr(first, end - first));
    first = text.find_first_of(part, end);
  }
}

/// Throws if a constant or parameter stands in no residual and in no constant: most likely another name was meant.
void refuse_unused(const FormulaSource& source) {
  std::set<std::string, std::less<>> used;
  for (const FormulaText& text : source.residuals) collect_names(text.text, used);
  for (const FormulaText& text : source.constants) {
    collect_names(std::string_view(text.text).substr(text.text.find('=') + 1), used);
  }
  for (const auto* declared : {&source.parameters, &source.constants}) {
    for (const FormulaText& text : *declared) {
      const std::string name = split_assignment(text, "NAME=VALUE").name;
      if (used.contains(name)) continue;
      throw ConfigError(fmt::format("{}: {} stands in no residual and in no other constant", text.where, name));
    }
  }
}

std::vector<std::string> split_list(const FormulaText& text, std::size_t most, const char* what) {
  std::vector<std::string> entries;
  std::string_view rest = text.text;
  for (;;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    entries.push_back(trimmed(rest.substr(0, comma)));
    if (entries.size() > most) throw ConfigError(fmt::format("{}: more than {} {}", text.where, most, what));
    if (comma == rest.size()) return entries;
    rest.remove_prefix(comma + 1);
  }
}

std::vector<std::string> read_variables(const FormulaSource& source, Names& names) {
  if (trimmed(source.variables.text).empty()) {
    throw ConfigError(fmt::format("{}: no variable given; write u,v", source.variables.where));
  }
  const auto variables = split_list(source.variables, most_formula_variables, "variables");
  for (const std::string& name : variables) names.add(source.variables, name);
  return variables;
}

/// "a=2 in 0.1:10", numbers or expressions of numbers.
ParameterInfo read_parameter(const FormulaText& text, Names& names) {
  constexpr const char* form = "NAME=DEFAULT in LOW:HIGH";
  const Assignment assignment = split_assignment(text, form);
  names.add(text, assignment.name);
  const std::size_t in = text.text.find(" in ", assignment.value);
  const std::size_t colon = in == std::string::npos ? in : text.text.find(':', in);
  if (colon == std::string::npos) {
    throw ConfigError(fmt::format("{}: '{}' is not of the form {}", text.where, text.text, form));
  }
  ExpressionGraph graph(0);
  const auto value = [&](std::size_t from, std::size_t to) {
    return constant_value({text.where, text.text.substr(0, to)}, from, {}, graph);
  };
  ParameterInfo info{assignment.name, "a parameter of the formula", value(assignment.value, in), value(in + 4, colon),
                     value(colon + 1, std::string::npos)};
  if (!(info.lowest <= info.default_value && info.default_value <= info.highest)) {
    throw ConfigError(fmt::format("{}: {} = {:g} is not in its own range, {:g} to {:g}", text.where, info.name,
                                  info.default_value, info.lowest, info.highest));
  }
  return info;
}

std::vector<ParameterInfo> read_parameters(const FormulaSource& source, Names& names) {
  const std::size_t count = source.parameters.size() + source.constants.size();
  if (count > most_formula_constants) {
    const auto& last = source.constants.empty() ? source.parameters.back() : source.constants.back();
    throw ConfigError(fmt::format("{}: {} constants and parameters, allowed are up to {}", last.where, count,
                                  most_formula_constants));
  }
  std::vector<ParameterInfo> parameters;
  for (const FormulaText& text : source.parameters) parameters.push_back(read_parameter(text, names));
  return parameters;
}

double read_weight(const FormulaSource& source) {
  if (!source.weight) return 1.0;
  const double weight = parse_number(source.weight->where, trimmed(source.weight->text));
  if (!(weight > 0.0)) {
    throw ConfigError(fmt::format("{}: {} given, allowed is weight > 0", source.weight->where, source.weight->text));
  }
  return weight;
}

std::vector<double> read_start(const FormulaSource& source, const std::vector<std::string>& variables) {
  std::vector<double> start;
  if (!source.start) return start;
  for (const std::string& entry : split_list(*source.start, most_formula_variables, "numbers")) {
    start.push_back(parse_number(fmt::format("{}, entry {}", source.start->where, start.size() + 1), entry));
  }
  if (start.size() != variables.size()) {
    throw ConfigError(fmt::format("{}: {} numbers given, allowed is {}: {}", source.start->where, start.size(),
                                  variables.size(), fmt::join(variables, ", ")));
  }
  return start;
}

}  // namespace

ManifoldDescription description_of(const FormulaSource& source) {
  ManifoldDescription d;
  d.name = "formula";
  if (source.name) {
    constexpr std::size_t longest = 60;  // it becomes the name of a folder
    d.name = trimmed(source.name->text);
    const bool plain = std::all_of(d.name.begin(), d.name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (d.name.empty() || d.name.size() > longest || !plain || d.name.front() == '-') {
      throw ConfigError(fmt::format("{}: '{}' is not a name: letters, digits, - and _, up to {}", source.name->where,
                                    source.name->text, longest));
    }
    for (const ManifoldDescription& built_in : descriptions()) {
      if (built_in.name == d.name) {
        throw ConfigError(
            fmt::format("{}: {} is the name of a built-in manifold; choose another", source.name->where, d.name));
      }
    }
  }
  Names names;
  d.coordinates = fmt::format("{}", fmt::join(read_variables(source, names), ", "));
  d.parameters = read_parameters(source, names);
  for (const FormulaText& residual : source.residuals) {
    d.formula += (d.formula.empty() ? "f = " : "; ") + trimmed(residual.text);
  }
  d.summary = "a formula";
  d.source = std::make_shared<const FormulaSource>(source);
  return d;
}

Formula read_formula(const FormulaSource& source, const ParameterValues& parameters) {
  Formula formula;
  Names names;
  formula.variables = read_variables(source, names);
  const std::string& where = source.variables.where;
  const std::size_t m = source.residuals.size(), dimension = formula.variables.size();
  if (m == 0)
    throw ConfigError(fmt::format("{} without --residual: a formula that is 0 on the valley is missing", where));
  if (m > most_formula_residuals) {
    throw ConfigError(fmt::format("{}: {} residuals, allowed are up to {}", source.residuals.back().where, m,
                                  most_formula_residuals));
  }
  if (m >= dimension) {
    throw ConfigError(
        fmt::format("{}: {} residuals with {} variables leave no valley, only points; allowed are fewer "
                    "residuals than variables",
                    source.residuals.back().where, m, dimension));
  }

  ExpressionGraph graph(static_cast<std::uint32_t>(dimension + m));
  FormulaNames constants, all;
  for (const ParameterInfo& info : read_parameters(source, names)) {
    const auto given = parameters.find(info.name);
    constants[info.name] = graph.constant(given == parameters.end() ? info.default_value : given->second);
  }
  for (const FormulaText& text : source.constants) {
    const Assignment assignment = split_assignment(text, "NAME=VALUE");
    names.add(text, assignment.name);
    constants[assignment.name] = graph.constant(constant_value(text, assignment.value, constants, graph));
  }
  all = constants;
  std::vector<ExpressionGraph::Node> residuals, seeds;
  for (std::uint32_t i = 0; i < dimension; ++i) all[formula.variables[i]] = graph.input(i);
  for (const FormulaText& text : source.residuals) {
    residuals.push_back(parse_expression(text, all, graph));
    if (graph.value(residuals.back())) {
      throw ConfigError(fmt::format("{}: '{}' does not depend on a variable; the variables are {}", text.where,
                                    text.text, fmt::join(formula.variables, ", ")));
    }
    seeds.push_back(graph.input(static_cast<std::uint32_t>(dimension + seeds.size())));
  }
  refuse_unused(source);
  formula.residual_count = static_cast<int>(m);
  formula.weight = read_weight(source);
  formula.start = read_start(source, formula.variables);
  formula.residuals = graph.tape(residuals);
  formula.pullback = graph.tape(graph.pullback(residuals, seeds, static_cast<std::uint32_t>(dimension)));
  return formula;
}

}  // namespace valleydrift::manifolds
