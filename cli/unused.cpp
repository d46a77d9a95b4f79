// Two tables, of options that exclude each other and of options that need another, and their refusals.
#include "cli/unused.hpp"

#include <fmt/format.h>

#include <array>

namespace valleydrift::cli {
namespace {

/// `option`, with this value or any (""), is of no use where `beside`, with this value or any, is given. A file may
/// hold the option for other commands and other uses, unless both stand in it and contradict each other.
struct Pair {
  const char *option, *value, *beside, *beside_value, *why;
  bool contradict = false;
};
constexpr const char *one_path = "a replay runs one path, not the ensemble", *only_list = "the list runs no check",
                     *only_config = "the configuration is printed, and nothing is run or written",
                     *only_cost = "the cost is stated, and nothing is run",
                     *left_out = "that part is left out; give one of them",
                     *diffuses = "it diffuses along the valley: no flow ends at a flattest point";
constexpr Pair pairs[] = {
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

/// `option`, in this command and with any value but `unless`, is of no use without `needed`, with this value or any,
/// or one of the others; in a file neither, unless that may be another command's.
struct Need {
  Command command;
  const char *option, *unless, *needed, *needed_value;
  std::array<const char*, 2> others;
  const char* why;
  bool of_others = false;
};
constexpr const char* always_kept = "the manifold's own start is on the valley and is never moved";
constexpr Need needs[] = {
    {Command::compare, "force", "", "output", "", {}, "a new folder is made, in which nothing is to be replaced"},
    {Command::scan, "force", "", "output", "", {}, "a new folder is made, in which nothing is to be replaced"},
    {Command::compare,
     "phase1",
     "none",
     "start",
     "",
     {"manifold-file"},
     "the manifold's own start is on the valley: nothing descends"},
    {Command::compare, "strict", "", "start", "", {"manifold-file"}, always_kept},
    {Command::inspect, "strict", "", "start", "", {"at", "manifold-file"}, always_kept},
    {Command::inspect,
     "seed",
     "",
     "start",
     random_word,
     {"search"},
     "only a random start and those of a search are drawn",
     true},
    {Command::advise, "seed", "", "search", "", {}, "only the starts of a search are drawn"},
};

std::string shown_as(const std::string& where, const char* value) {
  return *value ? fmt::format("{} {}", where, value) : where;
}

}  // namespace

void refuse_unused(const Settings& settings, Command command) {
  const auto given = [&](const char* option, const char* value) -> const Setting* {
    const Setting* s = settings.find(option);
    return s && s->text != "false" && (!*value || s->text == value) ? s : nullptr;
  };
  for (const Pair& p : pairs) {
    const Setting *option = given(p.option, p.value), *beside = given(p.beside, p.beside_value);
    if (!option || !beside || (option->from_file && !p.contradict)) continue;
    if (option == given("output", "") && given("resume", "")) continue;  // its configuration is printed
    throw ConfigError(fmt::format("{} with {}: {}", shown_as(option->where, p.value),
                                  shown_as(beside->where, p.beside_value), p.why));
  }
  for (const Need& n : needs) {
    const Setting* option = n.command == command ? given(n.option, "") : nullptr;
    if (!option || option->text == n.unless || (option->from_file && n.of_others)) continue;
    std::string allowed = shown_as(fmt::format("--{}", n.needed), n.needed_value);
    bool met = given(n.needed, n.needed_value);
    for (const char* other : n.others) {
      if (!other) continue;
      met = met || given(other, "");
      allowed += fmt::format(" or --{}", other);
    }
    if (met) continue;
    throw ConfigError(fmt::format("{} without {}: {}", shown_as(option->where, *n.unless ? option->text.c_str() : ""),
                                  allowed, n.why));
  }
  const bool asymptotic = given("form", "asymptotic");
  if (const Setting* gamma = settings.find("gamma"); gamma && command != Command::scan && !settings.find("C")) {
    if (!settings.find("beta") && !asymptotic) {
      throw ConfigError(fmt::format(
          "{} without --C: 1 - beta = C eta^gamma needs both; alone, with --beta or --form asymptotic, gamma chooses "
          "the regime of the asymptotic form",
          gamma->where));
    }
    if (settings.find("path") && !asymptotic && !gamma->from_file) {
      throw ConfigError(
          fmt::format("{} with --path: it only chooses the regime of --form asymptotic here", gamma->where));
    }
  }
}

}  // namespace valleydrift::cli
