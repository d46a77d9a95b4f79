// Reads --manifold and --param, or --variables and --residual, into a manifold; and writes them to config.ini.
#include "cli/manifold_options.hpp"

#include "manifolds/formula/formula.hpp"

namespace valleydrift::cli {
namespace {

using manifolds::FormulaSource;
using manifolds::FormulaText;

const std::vector<std::string>& formula_options() {
  static const std::vector<std::string> names = {"variables", "residual", "constant", "parameter", "weight", "name"};
  return names;
}

FormulaText text_of(const Setting& setting) { return {setting.where, setting.text}; }

FormulaSource source_of(const Settings& settings) {
  FormulaSource source;
  const auto one = [&](const char* option, std::optional<FormulaText>& to) {
    if (const Setting* s = settings.find(option)) to = text_of(*s);
  };
  const auto all = [&](const char* option, std::vector<FormulaText>& to) {
    for (const Setting& s : settings.all(option)) to.push_back(text_of(s));
  };
  one("name", source.name);
  one("weight", source.weight);
  one("start", source.start);
  all("residual", source.residuals);
  all("constant", source.constants);
  all("parameter", source.parameters);
  if (const Setting* s = settings.find("variables")) source.variables = text_of(*s);
  return source;
}

}  // namespace

std::shared_ptr<const FormulaSource> read_formula_source(const Settings& settings) {
  const Setting* file = settings.find("manifold-file");
  const Setting* part = settings.first_of(formula_options());
  if (!file && !part) return nullptr;
  const Setting* manifold = settings.find("manifold");
  if (manifold) {
    throw ConfigError(fmt::format("{} with {}: a manifold of the list and a formula; give one of them", manifold->where,
                                  (file ? file : part)->where));
  }
  if (file && part) throw ConfigError(fmt::format("{} with {}: the file holds the formula", part->where, file->where));
  FormulaSource source;
  std::string of = file ? file->where + " " + file->text : part->where;
  if (file) {
    Arguments arguments = read_manifold_file(file->text);
    source = source_of(Settings(std::move(arguments)));
  } else {
    source = source_of(settings);
    if (source.start && source.start->text == random_word) source.start.reset();
  }
  // A formula has no start of its own; the one that is given for the run serves for it.
  for (const char* option : {"start", "at"}) {
    const Setting* start = settings.find(option);
    if (start && !source.start && start->text != random_word) source.start = text_of(*start);
  }
  const auto missing = [&](const char* option, const char* what, const char* example) {
    if (file) return ConfigError(fmt::format("{}: {}, write {} = {}", of, what, option, example));
    return ConfigError(fmt::format("{0} without --{1}: {2}, write --{1} \"{3}\"", of, option, what, example));
  };
  if (source.variables.where.empty()) throw missing("variables", "the names of the weights are missing", "u,v");
  if (source.residuals.empty()) throw missing("residual", "a formula that is 0 on the valley is missing", "u*v - 1");
  return std::make_shared<const FormulaSource>(std::move(source));
}

manifolds::Manifold read_manifold(const Settings& settings, run::RunConfig& run) {
  run.formula = read_formula_source(settings);
  if (const Setting* s = settings.find("manifold")) run.manifold = s->text;
  if (run.formula) run.manifold = manifolds::description_of(*run.formula).name;
  run.parameters = read_parameters(settings);
  manifolds::Manifold manifold = run.make_manifold();
  const Setting* start = settings.find("start");
  if (run.formula && !(start && start->text == random_word)) manifold.default_start();  // there is one
  return manifold;
}

std::string manifold_lines(const run::RunConfig& run) {
  std::string text;
  const auto line = [&](const std::string& key, const std::string& value) {
    text += fmt::format("{} = {}\n", key, value);
  };
  const auto lines = [&](const std::string& key, const std::vector<FormulaText>& values) {
    for (const FormulaText& value : values) line(key, value.text);
  };
  if (run.formula) {
    const FormulaSource& source = *run.formula;
    if (source.name) line("name", source.name->text);
    line("variables", source.variables.text);
    lines("residual", source.residuals);
    lines("parameter", source.parameters);
    lines("constant", source.constants);
    if (source.weight) line("weight", source.weight->text);
  } else {
    line("manifold", run.manifold);
  }
  const auto description = run.description();
  const auto values = manifolds::resolve_parameters(description, run.parameters);
  for (const auto& info : description.parameters) {
    line("param", fmt::format("{}={}", info.name, manifolds::format_parameter(info, values.at(info.name))));
  }
  return text;
}

}  // namespace valleydrift::cli
