#include "cli/unused.hpp"

#include <fmt/format.h>

namespace valleydrift::cli {
namespace {

/// `option`, with this value or any (""), is of no use where `beside`, with this value or any, is given.
struct Pair {
  const char *option, *value, *beside, *beside_value, *why;
};
constexpr const char *one_path = "a replay runs one path, not the ensemble", *only_list = "the list runs no check";
constexpr Pair pairs[] = {
    {"dry-run", "", "print-config", "", "each prints one thing and stops; give one of them"},
    {"json", "", "print-config", "", "a configuration has a format of its own; give one of them"},
    {"path", "", "save-paths", "", one_path},
    {"path", "", "benchmark", "", one_path},
    {"path", "", "dry-run", "", one_path},
    {"ladder", "", "path", "", one_path},
    {"shared-noise", "", "path", "", "the two processes of a replay share their noise in any case"},
    {"threads", "", "path", "", "one path runs on one thread"},
    {"ladder", "brief", "form", "paper", "the paper form is judged on learning rates, which brief leaves out"},
    {"prefactor-eta", "", "no-prefactor", "", "that part is left out; give one of them"},
    {"prefactor-C", "", "no-prefactor", "", "that part is left out; give one of them"},
    {"prefactor-paths", "", "no-prefactor", "", "that part is left out; give one of them"},
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
/// or `other`, if there is one.
struct Need {
  Command command;
  const char *option, *unless, *needed, *needed_value, *other, *why;
};
constexpr Need needs[] = {
    {Command::compare, "force", "", "output", "", "", "a new folder is made, in which nothing is to be replaced"},
    {Command::scan, "force", "", "output", "", "", "a new folder is made, in which nothing is to be replaced"},
    {Command::compare, "phase1", "none", "start", "", "",
     "the manifold's own start is on the valley: nothing descends"},
    {Command::inspect, "seed", "", "start", random_word, "search",
     "only a random start and those of a search are drawn"},
    {Command::advise, "seed", "", "search", "", "", "only the starts of a search are drawn"},
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
  const auto typed = [&](const char* option, const char* value) {
    const Setting* s = given(option, value);
    return s && !s->from_file ? s : nullptr;
  };
  for (const Pair& p : pairs) {
    const Setting *option = typed(p.option, p.value), *beside = given(p.beside, p.beside_value);
    if (!option || !beside) continue;
    throw ConfigError(fmt::format("{} with {}: {}", shown_as(option->where, p.value),
                                  shown_as(beside->where, p.beside_value), p.why));
  }
  for (const Need& n : needs) {
    const Setting* option = n.command == command ? typed(n.option, "") : nullptr;
    if (!option || option->text == n.unless || given(n.needed, n.needed_value)) continue;
    if (*n.other && given(n.other, "")) continue;
    throw ConfigError(fmt::format(
        "{} without {}: {}", shown_as(option->where, *n.unless ? option->text.c_str() : ""),
        shown_as(fmt::format("--{}", n.needed), n.needed_value) + (*n.other ? fmt::format(" or --{}", n.other) : ""),
        n.why));
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
