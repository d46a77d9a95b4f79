// How options stand to each other, in three tables: which exclude each other, need another, replace another in a file.
#include <fmt/format.h>

#include <array>

#include "cli/option_table.hpp"
#include "cli/options.hpp"
#include "manifolds/errors.hpp"

namespace valleydrift::cli {
namespace {

constexpr unsigned of_all = ~0U, of_scan = bit(Command::scan), of_compare = bit(Command::compare),
                   of_inspect = bit(Command::inspect), of_runs = of_inspect | of_compare;

/// `option`, with this value or any (""), is of no use where `beside`, with this value or any, is given. A file may
/// hold the option for other commands and other uses, unless both stand in it and contradict each other.
struct Pair {
  const char *option, *value, *beside, *beside_value, *why;
  bool contradict = false;
  unsigned commands = of_all;
};
constexpr const char *one_path = "a replay runs one path, not the ensemble", *only_list = "the list runs no check",
                     *only_config = "the configuration is printed, and nothing is run or written",
                     *only_cost = "the cost is stated, and nothing is run",
                     *left_out = "that part is left out; give one of them",
                     *diffuses = "it diffuses along the valley: no flow ends at a flattest point",
                     *no_momentum = "sgd has no momentum";
constexpr Pair pairs[] = {
    {"at", "", "start", "", "both name the point; give one of them", true},
    {"strict", "", "start", random_word, "a random start is off the valley; give one of them", true},
    {"beta", "", "C", "", "both set the momentum; give one of them", true},
    {"scheme", "sgd", "C", "", no_momentum, true, of_runs},
    {"time", "", "steps", "", "both set the length of the run; give one of them", true},
    {"gamma", "", "scheme", "sgd", no_momentum, true, of_scan},
    {"C", "", "scheme", "sgd", no_momentum, true, of_scan},
    {"prefactor-eta", "", "scheme", "sgd", no_momentum, true, of_scan},
    {"prefactor-C", "", "scheme", "sgd", no_momentum, true, of_scan},
    {"prefactor-paths", "", "scheme", "sgd", no_momentum, true, of_scan},
    {"dry-run", "", "print-config", "", "each prints one thing and stops; give one of them"},
    {"json", "", "print-config", "", "a configuration has a format of its own; give one of them"},
    {"output", "", "print-config", "", only_config},
    {"quiet", "", "print-config", "", only_config},
    {"no-plots", "", "print-config", "", only_config},
    {"save-paths", "", "print-config", "", only_config},
    {"path", "", "print-config", "", only_config},
    {"benchmark", "", "print-config", "", only_config},
    {"threads", "", "print-config", "", only_config},
    {"search", "", "print-config", "", only_config},
    {"quiet", "", "dry-run", "", only_cost},
    {"no-plots", "", "dry-run", "", only_cost},
    {"benchmark", "", "dry-run", "", only_cost},
    {"path", "", "save-paths", "", one_path},
    {"path", "", "benchmark", "", one_path},
    {"path", "", "dry-run", "", one_path},
    {"no-plots", "", "path", "", "a replay draws no pictures"},
    {"ladder", "", "path", "", one_path},
    {"shared-noise", "", "path", "", "the two processes of a replay share their noise in any case"},
    {"threads", "", "path", "", "one path runs on one thread"},
    {"ladder", "brief", "form", "paper", "the paper form is judged on learning rates, which brief leaves out"},
    {"prefactor-eta", "", "no-prefactor", "", left_out, true},
    {"prefactor-C", "", "no-prefactor", "", left_out, true},
    {"prefactor-paths", "", "no-prefactor", "", left_out, true},
    {"no-prefactor", "", "scheme", "sgd", "sgd has no momentum, and its scan no such part"},
    {"search", "", "noise", "isotropic", diffuses},
    {"search", "", "noise", "constant", diffuses},
    {"search", "", "noise", "minibatch", "it vanishes on the valley, along which nothing flows"},
    {"aa", "", "thorough", "", "A/A repeats have one size; give one of them"},
    {"aa", "", "list", "", "the list is of the checks themselves; give one of them"},
    {"thorough", "", "list", "", only_list},
    {"seed", "", "list", "", only_list},
    {"threads", "", "list", "", only_list},
    {"quiet", "", "list", "", only_list},
    {"json", "", "list", "", "the list is printed, no file is written"},
    {"junit", "", "list", "", "the list is printed, no file is written"},
};

/// `option`, in these commands and with this value or any (""), is of no use without `needed`, with this value or any,
/// or one of the others; in a file neither, unless that may be another command's.
struct Need {
  unsigned commands;
  const char *option, *value, *needed, *needed_value;
  std::array<const char*, 2> others;
  const char* why;
  bool of_others = false;
};
constexpr const char *always_kept = "the manifold's own start is on the valley and is never moved",
                     *nothing_descends = "the manifold's own start is on the valley: nothing descends",
                     *new_folder = "a new folder is made, in which nothing is to be replaced";
constexpr Need needs[] = {
    {of_all, "start-scale", "", "start", random_word, {}, "only a random start has a scale"},
    {of_runs, "C", "", "gamma", "", {}, "1 - beta = C eta^gamma needs both"},
    {of_runs, "noise", "constant", "sigma", "", {}, "the noise factor comes from a CSV file"},
    {of_runs, "form", "asymptotic", "gamma", "", {}, "gamma chooses its regime"},
    {of_compare | of_scan, "force", "", "output", "", {}, new_folder},
    {of_compare, "phase1", "gd", "start", "", {"manifold-file"}, nothing_descends},
    {of_compare, "phase1", "noisy", "start", "", {"manifold-file"}, nothing_descends},
    {of_scan, "phase1", "noisy", "start", "", {}, "the point off the valley where the descent begins is missing"},
    {of_compare, "strict", "", "start", "", {"manifold-file"}, always_kept},
    {of_inspect, "strict", "", "start", "", {"at", "manifold-file"}, always_kept},
    {of_inspect,
     "seed",
     "",
     "start",
     random_word,
     {"search"},
     "only a random start and those of a search are drawn",
     true},
    {bit(Command::advise), "seed", "", "search", "", {}, "only the starts of a search are drawn"},
};

/// `option` of the command line, with this value or any (""), or any but one, says what these in a file say, too.
struct Replacement {
  const char *option, *value, *unless;
  std::array<const char*, 5> replaced;
};
constexpr Replacement replacements[] = {
    {"time", "", "", {"steps"}},
    {"steps", "", "", {"time"}},
    {"beta", "", "", {"C"}},
    {"C", "", "", {"beta"}},
    {"at", "", "", {"start", "start-scale"}},
    {"start", "", random_word, {"start-scale"}},
    {"scheme", "sgd", "", {"beta", "C", "prefactor-eta", "prefactor-C", "prefactor-paths"}},
    {"no-prefactor", "", "", {"prefactor-eta", "prefactor-C", "prefactor-paths"}},
    {"prefactor-eta", "", "", {"no-prefactor"}},
    {"prefactor-C", "", "", {"no-prefactor"}},
    {"prefactor-paths", "", "", {"no-prefactor"}},
    {"noise", "", "constant", {"sigma"}},
    {"noise", "isotropic", "", {"batch", "draw"}},
    {"noise", "constant", "", {"batch", "draw"}},
};

std::string shown_as(const std::string& where, const char* value) {
  return *value ? fmt::format("{} {}", where, value) : where;
}

bool names_another_manifold(const Settings& line, const Settings& file) {
  if (line.first_of({"manifold-file", "variables", "residual"})) return true;
  const Setting* manifold = line.find("manifold");
  if (!manifold) return false;
  const Setting* in_file = file.find("manifold");
  const std::string other = file.find("variables") ? "" : in_file ? in_file->text : "uv";
  return other != manifold->text;
}

std::string key_of(const Setting& parameter) { return parameter.text.substr(0, parameter.text.find('=')); }

}  // namespace

void Settings::add_file(Settings file) {
  for (const Replacement& r : replacements) {
    const Setting* option = find(r.option);
    if (!option || (*r.value && option->text != r.value) || (*r.unless && option->text == r.unless)) continue;
    for (const char* replaced : r.replaced) {
      if (replaced) file.by_option.erase(replaced);
    }
  }
  if (given("scheme", "sgd")) {  // has no momentum: gamma is no setting of it, but of the asymptotic form
    const Setting* form = find("form") ? find("form") : file.find("form");
    if (!form || form->text != "asymptotic") file.by_option.erase("gamma");
  }
  if (names_another_manifold(*this, file)) {
    for (const char* option : {"manifold", "name", "variables", "residual", "constant", "parameter", "weight", "param",
                               "start", "start-scale", "phase1", "strict", "sigma"}) {
      file.by_option.erase(option);
    }
  }
  for (const Setting& parameter : all("param")) {
    std::erase_if(file.by_option["param"], [&](const Setting& s) { return key_of(s) == key_of(parameter); });
  }
  for (auto& [option, settings] : file.by_option) {
    std::vector<Setting>& line = by_option[option];
    if (line.empty() || find_option(option)->value.repeatable) {
      line.insert(line.begin(), settings.begin(), settings.end());
    }
  }
}

void refuse_unused(const Settings& settings, Command command) {
  for (const Pair& p : pairs) {
    const Setting *option = settings.given(p.option, p.value), *beside = settings.given(p.beside, p.beside_value);
    if (!option || !beside || !(p.commands & bit(command)) || (option->file && !p.contradict)) continue;
    if (option == settings.given("output") && settings.given("resume")) continue;  // its configuration is printed
    throw ConfigError(fmt::format("{} with {}: {}", shown_as(option->where, p.value),
                                  shown_as(beside->where, p.beside_value), p.why));
  }
  for (const Need& n : needs) {
    const Setting* option = n.commands & bit(command) ? settings.given(n.option, n.value) : nullptr;
    if (!option || (option->file && n.of_others)) continue;
    std::string allowed = shown_as(fmt::format("--{}", n.needed), n.needed_value);
    bool met = settings.given(n.needed, n.needed_value);
    for (const char* other : n.others) {
      if (!other) continue;
      met = met || settings.given(other);
      allowed += fmt::format(" or --{}", other);
    }
    if (!met) throw ConfigError(fmt::format("{} without {}: {}", shown_as(option->where, n.value), allowed, n.why));
  }
  const bool asymptotic = settings.given("form", "asymptotic");
  if (const Setting* gamma = settings.find("gamma"); gamma && command != Command::scan && !settings.find("C")) {
    if (!settings.find("beta") && !asymptotic) {
      throw ConfigError(fmt::format(
          "{} without --C: 1 - beta = C eta^gamma needs both; alone, with --beta or --form asymptotic, gamma chooses "
          "the regime of the asymptotic form",
          gamma->where));
    }
    if (settings.find("path") && !asymptotic && !gamma->file) {
      throw ConfigError(
          fmt::format("{} with --path: it only chooses the regime of --form asymptotic here", gamma->where));
    }
  }
}

}  // namespace valleydrift::cli
