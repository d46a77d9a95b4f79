// Whatever is given is used, or refused: every option of every command, what it changes, and where it is refused.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "cli/option_table.hpp"
#include "manifolds/errors.hpp"
#include "run_program.hpp"

using namespace valleydrift;
using cli::Command;
using cli::Options;
using cli_test::Folder;
using Words = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(unused)

namespace {

const Words uv = {"--variables", "u,v", "--residual", "u*v - 1", "--start", "2,0.5"};
const Words with_a = {"--variables", "u,v", "--residual", "u*v - a", "--start", "2,0.5"};
const Words pair = {"--manifold", "quadratic-pair"};
const Words printed = {"--print-config"};

/// An option with a value, what else must stand there, and what must not: each refused, the message naming the option.
struct Row {
  const char* commands;  ///< their names
  Words option;
  Words beside = {};
  std::vector<Words> refused = {};
  bool changes = true;  ///< the options that are read; else it only lets others pass, or names a file
};

std::vector<Row> table(const Folder& folder) {
  folder.write("config.ini", "manifold = uv\n");
  const std::string interrupted = folder.path("");
  const std::string sigma = folder.write("sigma.csv", "1,0\n0,1\n");
  const std::string config = folder.write("run.ini", "epsilon = 0.07\n");
  const std::string formula = folder.write("valley.ini", "variables = u,v\nresidual = u*v - 1\nstart = 1,1\n");
  const std::string all = "inspect compare scan advise", runs = "inspect compare", shown = "compare scan";
  return {
      {"inspect compare scan advise", {"--manifold", "torus"}, {}, {uv, {"--manifold-file", formula}}},
      {"verify", {"--manifold", "torus"}, {}, {uv}},
      {"inspect compare scan advise", {"--param", "D=4"}, {"--manifold", "sphere"}, {{"--manifold", "uv"}}},
      {"inspect compare scan advise verify",
       {"--variables", "u,v"},
       {"--residual", "u*v - 1", "--start", "2,0.5"},
       {{"--manifold", "uv"}, {"--manifold-file", formula}}},
      {"inspect compare scan advise verify",
       {"--residual", "u*v - 1"},
       {"--variables", "u,v", "--start", "2,0.5"},
       {{"--manifold", "uv"}, {"--manifold-file", formula}}},
      {"inspect compare scan advise verify", {"--constant", "a=1"}, with_a, {{"--manifold", "uv"}, uv}},
      {"inspect compare scan advise verify", {"--parameter", "a=1 in 0:2"}, with_a, {{"--manifold", "uv"}, uv}},
      {"inspect compare scan advise verify", {"--weight", "2"}, uv, {{"--manifold", "uv"}, {}}},
      {"inspect compare scan advise verify", {"--name", "mine"}, uv, {{"--manifold", "uv"}, {}}},
      {"inspect compare scan advise verify",
       {"--manifold-file", formula},
       {},
       {{"--name", "mine"}, {"--weight", "2"}, {"--constant", "a=1"}, uv}},
      {"inspect compare scan advise", {"--start", "1,1"}},
      {"inspect", {"--start", "1,1"}, {}, {{"--at", "1,1"}}},
      {"inspect", {"--at", "1,1"}, {}, {{"--start", "1,1"}}},
      {"verify", {"--start", "2,0.5"}, {"--variables", "u,v", "--residual", "u*v - 1"}, {{}, {"--manifold", "uv"}}},
      {"verify", {"--start", "2,0.5"}, {"--manifold-file", formula}},
      {"inspect compare scan", {"--start-scale", "2"}, {"--start", "random"}, {{}, {"--start", "1,1"}}},
      {"compare scan", {"--phase1", "noisy"}, {"--start", "2,1"}, {{}}},
      {"compare", {"--phase1", "gd"}, {"--start", "2,1"}, {{}}},
      {"inspect compare", {"--strict"}, {"--start", "2,0.5"}, {{}, {"--start", "random"}}},
      {"inspect compare", {"--strict"}, {"--manifold-file", formula}},
      {"inspect", {"--strict"}, {"--at", "2,0.5"}},
      {"compare", {"--phase1", "gd"}, {"--manifold-file", formula}},

      {"inspect compare scan advise", {"--scheme", "nesterov"}},
      {"inspect compare scan advise", {"--eta", "0.01"}},
      {"inspect compare", {"--beta", "0.8"}, {}, {{"--C", "1", "--gamma", "0.5"}, {"--scheme", "sgd"}}},
      {"inspect compare", {"--C", "1"}, {"--gamma", "0.5"}, {{}, {"--beta", "0.9"}, {"--scheme", "sgd"}}},
      {"scan", {"--C", "1"}, {}, {{"--scheme", "sgd"}}},
      {"inspect compare", {"--gamma", "0.5"}, {"--beta", "0.9"}, {{}, {"--scheme", "sgd"}}},
      {"compare", {"--gamma", "0.5"}, {"--form", "asymptotic"}, {{"--form", "paper"}}},
      {"compare", {"--gamma", "0.5"}, {"--path", "1", "--form", "asymptotic"}, {{"--beta", "0.9", "--path", "1"}}},
      {"scan", {"--gamma", "0.5"}, {}, {{"--scheme", "sgd"}}},
      {"inspect compare scan advise", {"--epsilon", "0.01"}},

      {"inspect compare", {"--noise", "isotropic"}, {}, {{"--sigma", sigma}, {"--batch", "1"}}},
      {"scan advise", {"--noise", "label"}, {}, {}, false},
      {"inspect compare scan advise", {"--batch", "1"}, pair},
      {"inspect compare", {"--batch", "1"}, pair, {{"--manifold", "quadratic-pair", "--noise", "isotropic"}}},
      {"inspect compare scan advise",
       {"--draw", "with-replacement"},
       {"--manifold", "quadratic-pair", "--batch", "2"},
       {pair}},
      {"inspect compare", {"--sigma", sigma}, {"--noise", "constant"}, {{}, {"--noise", "isotropic"}}, false},
      {"compare", {"--noise-law", "rademacher"}},
      {"scan", {"--noise-law", "gaussian"}},

      {"scan", {"--delta", "0.1"}},
      {"scan", {"--limit", "1000"}},
      {"compare scan", {"--paths", "512"}},
      {"scan", {"--no-prefactor"}, {}, {{"--scheme", "sgd"}}},
      {"scan", {"--prefactor-eta", "0.01"}, {}, {{"--no-prefactor"}, {"--scheme", "sgd"}}},
      {"scan", {"--prefactor-C", "0.1,0.2"}, {}, {{"--no-prefactor"}, {"--scheme", "sgd"}}},
      {"scan", {"--prefactor-paths", "512"}, {}, {{"--no-prefactor"}, {"--scheme", "sgd"}}},
      {"scan", {"--read-at", "valley"}},
      {"scan", {"--control", "wrong-clock"}},
      {"compare scan", {"--seed", "5"}},
      {"inspect", {"--seed", "5"}, {"--start", "random"}, {{}, {"--start", "1,1"}}},
      {"inspect advise", {"--seed", "5"}, {"--search", "3"}, {{}}},
      {"inspect advise", {"--search", "3"}},
      {"inspect",
       {"--search", "3"},
       {},
       {{"--noise", "isotropic"}, {"--noise", "minibatch"}, {"--noise", "constant", "--sigma", sigma}, printed}},
      {"compare", {"--limit-step", "0.01"}, {"--noise", "isotropic"}},
      {"verify", {"--seed", "5"}, {}, {{"--list"}, {"--only", "D4,D14-draws"}}},

      {"compare", {"--form", "paper"}, {}, {{"--ladder", "brief"}}},
      {"compare", {"--form", "asymptotic"}, {"--gamma", "0.5"}, {{}}},
      {"compare", {"--time", "1"}, {}, {{"--steps", "100"}}},
      {"compare", {"--steps", "100"}, {}, {{"--time", "1"}}},
      {"compare", {"--shared-noise"}, {}, {{"--path", "1"}}},
      {"compare", {"--slow-variable", "iterated"}},
      {"compare", {"--ladder", "full"}, {}, {{"--path", "1"}}},

      {"verify", {"--only", "D4"}},
      {"verify", {"--thorough"}, {}, {{"--aa", "2"}, {"--list"}, {"--only", "D14-draws,D15-ladder"}}},
      {"verify", {"--aa", "2"}, {}, {{"--thorough"}, {"--list"}}},
      {"verify",
       {"--list"},
       {},
       {{"--thorough"},
        {"--seed", "2"},
        {"--quiet"},
        {"--threads", "2"},
        {"--json", "a.json"},
        {"--junit", "a.xml"},
        {"--aa", "2"}}},

      {"compare scan", {"--output", "o"}, {}, {printed}},
      {"scan", {"--print-config"}, {"--resume", "--output", interrupted}},
      {"compare scan", {"--force"}, {"--output", "o"}, {{}}},
      {"scan", {"--resume"}, {"--output", interrupted}, {{}, {"--output", interrupted, "--force"}}},
      {"compare", {"--save-paths"}, {}, {{"--path", "1"}, printed}},
      {"compare", {"--path", "1"}, {}, {{"--save-paths"}, {"--benchmark"}, {"--dry-run"}, {"--threads", "2"}, printed}},
      {"compare scan", {"--no-plots"}, {}, {printed, {"--dry-run"}}},
      {"compare", {"--no-plots"}, {}, {{"--path", "1"}}},
      {"manifolds advise", {"--json"}},
      {"inspect compare scan", {"--json"}, {}, {{"--print-config"}}},
      {"verify", {"--json", "a.json"}, {}, {{"--list"}, {"--junit", "a.json"}, {"--junit", "./a.json"}}},
      {"verify", {"--junit", "a.xml"}, {}, {{"--list"}, {"--json", "a.xml"}}},
      {"compare scan", {"--quiet"}, {}, {printed, {"--dry-run"}}},
      {"verify", {"--quiet"}, {}, {{"--list"}}},
      {"compare", {"--benchmark"}, {}, {{"--path", "1"}, printed, {"--dry-run"}}},

      {"inspect compare scan", {"--config", config}},
      {"inspect compare scan", {"--print-config"}, {}, {{"--json"}}},
      {"compare scan", {"--print-config"}, {}, {{"--dry-run"}}},
      {"compare", {"--dry-run"}, {}, {{"--print-config"}, {"--path", "1"}}},
      {"scan", {"--dry-run"}, {}, {{"--print-config"}}},
      {"compare scan", {"--threads", "2"}, {}, {printed}},
      {"compare", {"--threads", "2"}, {}, {{"--path", "1"}}},
      {"verify", {"--threads", "2"}, {}, {{"--list"}}},
      {"manifolds inspect compare verify scan advise", {"--help"}},
      {"manifolds inspect compare verify scan advise", {"--version"}},
  };
}

/// Everything that the options say, as text.
std::string text_of(const Options& o) {
  std::string text = fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", o.help, o.version, o.threads,
                                 o.output.value_or("-"), o.path.value_or(-1), o.force, o.save_paths, o.json, o.quiet,
                                 o.no_plots, o.dry_run, o.print_config, o.benchmark, o.resume, o.list_checks) +
                     fmt::format(" {}", o.search);
  text += fmt::format(" {} {} {} {} {} {} {}", fmt::join(o.verify.only, ","), o.verify.manifold.value_or("-"),
                      o.verify.seed, o.verify.thorough, o.repeats.value_or(0), o.json_file.value_or("-"),
                      o.junit_file.value_or("-"));
  if (o.verify.formula) {
    const manifolds::FormulaSource& f = *o.verify.formula;
    text += fmt::format(" {} {} {} {} {} {}", f.name ? f.name->text : "-", f.variables.text, f.residuals.size(),
                        f.constants.size(), f.parameters.size(), f.weight ? f.weight->text : "-");
    text += f.start ? f.start->text : "-";
  }
  if (o.help || o.version) return text;
  if (o.command == Command::inspect || o.command == Command::compare) text += cli::config_text(o.run);
  if (o.command == Command::scan || o.command == Command::advise) {
    scan::ScanConfig scan = o.scan;
    scan.run.start_scale = scan.run.start_scale.value_or(0.0);  // resolved later
    text += cli::config_text(scan) + fmt::format("{}", o.scan.run.eta);
    if (o.scan.run.start) text += fmt::format("{}", fmt::join(*o.scan.run.start, ","));
  }
  return text;
}

Words joined(const std::string& command, const Words& a, const Words& b = {}) {
  Words out = {command};
  out.insert(out.end(), a.begin(), a.end());
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

/// The message of the refusal; empty if there is none.
std::string refusal(const Words& line) {
  try {
    cli::parse_options(line);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_option_of_every_command_changes_something_or_is_refused) {
  const Folder folder;
  for (const Row& row : table(folder)) {
    for (const std::string& command : words_of(row.commands)) {
      const Words line = joined(command, row.beside, row.option);
      BOOST_TEST_CONTEXT(fmt::format("{}", fmt::join(line, " "))) {
        BOOST_TEST(refusal(line) == "");
        if (row.changes && refusal(line).empty()) {
          const std::string without = refusal(joined(command, row.beside));
          // Where the line is refused without it, it is plainly used.
          if (without.empty()) {
            BOOST_TEST(text_of(cli::parse_options(line)) != text_of(cli::parse_options(joined(command, row.beside))));
          }
        }
      }
      for (const Words& beside : row.refused) {
        const std::string message = refusal(joined(command, beside, row.option));
        BOOST_TEST(message.find(row.option.front()) != std::string::npos,
                   fmt::format("{} {} {}: '{}'", command, fmt::join(beside, " "), fmt::join(row.option, " "), message));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_table_has_every_option_of_every_command) {
  const Folder folder;
  std::set<std::string> listed;
  for (const Row& row : table(folder)) {
    for (const std::string& command : words_of(row.commands)) listed.insert(command + " " + row.option.front());
  }
  for (const auto& [command, name, meaning] : names_of(Command{})) {
    for (const cli::OptionInfo& option : cli::option_table()) {
      if (!cli::belongs_to(option, command)) continue;
      const std::string entry = fmt::format("{} --{}", name, option.name);
      BOOST_TEST(listed.contains(entry), "not in the table: " << entry);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_file_is_a_record_and_may_say_more) {
  const Folder folder;
  const auto file = [&](const std::string& text) { return folder.write("run.ini", text); };
  // Settings of a comparison that a replay, or an inspection, does not need.
  BOOST_TEST(refusal({"compare", "--path", "1", "--config", file("ladder = full\nshared-noise = true\n")}) == "");
  BOOST_TEST(refusal({"inspect", "--config", file("ladder = full\npaths = 512\nseed = 3\nform = paper\n")}) == "");
  BOOST_TEST(refusal({"compare", "--config", file("form = paper\nladder = brief\n")}) == "");
  // The command line replaces what contradicts it there.
  BOOST_TEST(refusal({"compare", "--scheme", "sgd", "--config", file("C = 1\ngamma = 0.5\n")}) == "");
  BOOST_TEST(refusal({"scan", "--scheme", "sgd", "--config", file("C = 1\ngamma = 0.5\nprefactor-eta = 0.01\n")}) ==
             "");
  BOOST_TEST(refusal({"scan", "--no-prefactor", "--config", file("prefactor-eta = 0.01\n")}) == "");
  BOOST_TEST(cli::parse_options({"scan", "--prefactor-eta", "0.01", "--config", file("no-prefactor = true\n")})
                 .scan.prefactor);
  BOOST_TEST(refusal({"compare", "--manifold", "torus", "--config", file("start = 2,1\nphase1 = gd\n")}) == "");
  BOOST_TEST(refusal({"compare", "--manifold", "torus", "--config", file("start = 2,1\nstrict = true\n")}) == "");
  // But nothing in it is without effect for the command that it belongs to, and its lines do not contradict each other.
  for (const char* line : {"prefactor-eta = 0.01", "prefactor-C = 0.1,0.2", "prefactor-paths = 512"}) {
    const std::string config = file(fmt::format("no-prefactor = true\n{}\n", line));
    BOOST_TEST(refusal({"scan", "--config", config}).find("run.ini, line 2: prefactor-") != std::string::npos);
  }
  // A message names the line that an option contradicts.
  BOOST_TEST(refusal({"scan", "--prefactor-C", "0.1,0.2", "--config", file("scheme = sgd\n")})
                 .find("run.ini, line 1: scheme sgd: sgd has no momentum") != std::string::npos);
  for (const char* line : {"phase1 = gd", "strict = true"}) {
    BOOST_TEST(refusal({"compare", "--config", file(line)}).find("without --start") != std::string::npos, line);
    BOOST_TEST(refusal({"compare", "--config", file(line), "--start", "2,1"}) == "");
  }
  BOOST_TEST(refusal({"inspect", "--config", file("noise = isotropic\n"), "--search", "3"}).find("--search with") == 0);
  BOOST_TEST(refusal({"compare", "--config", file("gamma = 0.5\n")}).find("run.ini, line 1: gamma") !=
             std::string::npos);
  for (const char* key : {"limit = 100", "delta = 0.1", "read-at = valley", "prefactor-eta = 0.1", "control = none"}) {
    BOOST_TEST(refusal({"compare", "--config", file(key)}).find("does not belong to compare") != std::string::npos);
    BOOST_TEST(refusal({"inspect", "--config", file(key)}).find("does not belong to inspect") != std::string::npos);
  }
  for (const char* key : {"beta = 0.9", "form = paper", "shared-noise = true", "strict = true", "ladder = full"}) {
    BOOST_TEST(refusal({"scan", "--config", file(key)}).find("does not belong to scan") != std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()
