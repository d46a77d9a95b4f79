// Reads every option by its row of the table, then checks what several of them together must be.
#include "cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/option_table.hpp"
#include "cli/values.hpp"
#include "manifolds/catalogue.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/formula/formula.hpp"

namespace valleydrift::cli {
namespace {

using manifolds::FormulaSource;
using run::NoiseKind;

// What no row can check by itself.

/// The formula of a file, each key read by the row of its name: `verify` takes them all as parts of a formula.
FormulaSource formula_in(const std::string& path) {
  Options options;
  const Settings file = read_manifold_file(path);
  for (const auto& [key, settings] : file.by_option) {
    for (const Setting& setting : settings) find_option(key, Command::verify)->value.read(setting, options);
  }
  return options.formula;
}

/// The formula that --variables and --residual, or --manifold-file, have put into `options`; nothing if a manifold of
/// the list is asked for. Throws ConfigError for both at once, or for half a formula.
std::shared_ptr<const FormulaSource> checked_formula(const Settings& settings, const Options& options) {
  const Setting* file = settings.find("manifold-file");
  const Setting* part = settings.first_of({"variables", "residual", "constant", "parameter", "weight", "name"});
  if (!file && !part) return nullptr;
  if (const Setting* manifold = settings.find("manifold")) {
    throw ConfigError(fmt::format("{} with {}: a manifold of the list and a formula; give one of them", manifold->where,
                                  (file ? file : part)->where));
  }
  if (file && part) throw ConfigError(fmt::format("{} with {}: the file holds the formula", part->where, file->where));
  FormulaSource source = file ? formula_in(file->text) : options.formula;
  if (options.formula.start) source.start = options.formula.start;
  // A formula has no start of its own; the one that is given for the run serves for it.
  const Setting* start = settings.first_of({"start", "at"});
  if (start && !source.start && start->text != random_word) source.start = {start->where, start->text};
  const auto missing = [&](const char* option, const char* what, const char* example) {
    if (file)
      return ConfigError(fmt::format("{} {}: {}, write {} = {}", file->where, file->text, what, option, example));
    return ConfigError(fmt::format("{0} without --{1}: {2}, write --{1} \"{3}\"", part->where, option, what, example));
  };
  if (source.variables.where.empty()) throw missing("variables", "the names of the weights are missing", "u,v");
  if (source.residuals.empty()) throw missing("residual", "a formula that is 0 on the valley is missing", "u*v - 1");
  return std::make_shared<const FormulaSource>(std::move(source));
}

/// The manifold of the run, which is in `options` from here on.
manifolds::Manifold checked_manifold(const Settings& settings, Options& options) {
  run::RunConfig& run = options.run;
  run.formula = checked_formula(settings, options);
  if (run.formula) run.manifold = manifolds::description_of(*run.formula).name;
  manifolds::Manifold manifold = run.make_manifold();
  if (run.formula && !run.random_start) manifold.default_start();  // there is one
  const Setting* start = settings.first_of({"start", "at"});
  if (run.start && static_cast<int>(run.start->size()) != manifold.dimension()) {
    throw ConfigError(fmt::format("{}: {} numbers given, allowed is {}: {}", start->where, run.start->size(),
                                  manifold.dimension(), manifold.description().coordinates));
  }
  return manifold;
}

void check_momentum(const Settings& settings, const run::RunConfig& run) {
  if (run.scheme == Scheme::sgd && run.beta.value_or(0.0) > 0.0) {
    throw ConfigError(fmt::format("{} sgd with {} {}: sgd has no momentum, allowed is beta = 0",
                                  settings.find("scheme")->where, settings.find("beta")->where,
                                  settings.find("beta")->text));
  }
  run.hyperparameters();  // mu in (0, 1]
}

/// The noise factor, the batches and the steps of the limit go with some noise only.
void check_noise(const Settings& settings, run::RunConfig& run, int dimension) {
  const Setting *sigma = settings.find("sigma"), *draw = settings.find("draw"), *step = settings.find("limit-step");
  const std::string noise = name_of(run.noise);
  if (sigma && run.noise != NoiseKind::constant) {
    throw ConfigError(
        fmt::format("{} with --noise {}: only --noise constant reads a noise factor", sigma->where, noise));
  }
  if (sigma) run.sigma = read_matrix(sigma->where, run.sigma_file, dimension);
  const bool drawn = run.noise == NoiseKind::label || run.noise == NoiseKind::minibatch;
  if (const Setting* s = settings.first_of({"batch", "draw"}); s && !drawn) {
    throw ConfigError(fmt::format("{} with --noise {}: only label and minibatch noise draw samples", s->where, noise));
  }
  if (draw && !run.batch && run.noise == NoiseKind::label) {
    throw ConfigError(fmt::format("{} without --batch: the full batch draws nothing", draw->where));
  }
  if (step && drawn) {
    throw ConfigError(
        fmt::format("{} with --noise {}: its limit does not diffuse and takes no steps", step->where, noise));
  }
}

void check_run(const Settings& settings, Options& options) {
  const int dimension = checked_manifold(settings, options).dimension();
  run::RunConfig& run = options.run;
  check_momentum(settings, run);
  check_noise(settings, run, dimension);
  if (run.steps) check_size("--steps with --paths", static_cast<double>(*run.steps), run.paths, dimension);
}

void check_scan(const Settings& settings, Options& options) {
  const int dimension = checked_manifold(settings, options).dimension();
  run::RunConfig& run = options.run;
  if (options.command == Command::advise && run.random_start) {
    const Setting& start = *settings.find("start");
    throw ConfigError(fmt::format("{} {}: nothing is simulated; give a point", start.where, start.text));
  }
  if (run.noise == NoiseKind::minibatch) {
    throw ConfigError(
        fmt::format("{} minibatch: sampling without label noise vanishes on the valley, so there is no motion along it "
                    "at order epsilon^2 and no time scale to measure; `valleydrift compare --noise minibatch` shows it",
                    settings.find("noise")->where));
  }
  check_noise(settings, run, dimension);
  options.scan.run = run;
}

/// Whether two names lead to one file, which need not be there yet.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code one, other;
  if (std::filesystem::equivalent(a, b, one)) return true;
  const auto place = std::filesystem::weakly_canonical(std::filesystem::absolute(a), one);
  return !one && place == std::filesystem::weakly_canonical(std::filesystem::absolute(b), other);
}

/// Throws if none of the selected checks uses the option.
template <class Uses>
void require_use(const Settings& settings, const char* option, const verify::VerifyRequest& request, const Uses& uses,
                 const char* why) {
  const std::vector<const verify::Check*> checks = verify::selected_checks(request);
  const Setting* s = settings.find(option);
  if (!s || s->text == "false" || std::any_of(checks.begin(), checks.end(), uses)) return;
  const Setting& only = *settings.find("only");
  throw ConfigError(fmt::format("{} with {} {}: {}", s->where, only.where, only.text, why));
}

void check_verify(const Settings& settings, Options& options) {
  options.verify.formula = checked_formula(settings, options);
  const Setting* start = settings.find("start");
  if (start && start->text == random_word) {
    throw ConfigError(fmt::format("{} {}: the checks need a point, D numbers", start->where, start->text));
  }
  if (options.verify.formula) {  // an error in it comes before any check
    manifolds::Manifold(manifolds::description_of(*options.verify.formula), {}).default_start();
  } else if (start) {
    throw ConfigError(fmt::format("{} without --variables: only a formula needs a start", start->where));
  }
  require_use(
      settings, "seed", options.verify, [](const verify::Check* c) { return c->uses_seed; },
      "none of these checks draws numbers");
  require_use(
      settings, "thorough", options.verify, [](const verify::Check* c) { return !c->run_once; },
      "these checks concern no valley, and are made in one size");
  if (options.json_file && options.junit_file && same_file(*options.json_file, *options.junit_file)) {
    throw ConfigError(fmt::format("{} with {}: both name the file {}; give two", settings.find("json")->where,
                                  settings.find("junit")->where, *options.json_file));
  }
}

/// The configuration in the output folder, which lies below the command line.
void add_interrupted(Settings& settings) {
  const Setting* output = settings.find("output");
  if (!output) throw ConfigError("--resume without --output: the folder of the interrupted scan is missing");
  if (settings.find("force")) throw ConfigError("--resume with --force: --force starts again; give one of them");
  const std::filesystem::path config = std::filesystem::path(output->text) / "config.ini";
  std::error_code ignored;
  if (!std::filesystem::exists(config, ignored)) {
    throw ConfigError(
        fmt::format("--resume --output {}: there is no {}: no scan was interrupted there; without "
                    "--resume a new one is started",
                    output->text, config.string()));
  }
  settings.add_file(read_config_file(config.string(), Command::scan));
}

Command read_command(const std::string& word) {
  if (word == "help") throw ConfigError("help: write `valleydrift --help` or `valleydrift COMMAND --help`");
  std::vector<std::string> names;
  for (const manifolds::Named<Command>& command : names_of(Command{})) {
    names.emplace_back(command.name);
    if (command.name == word) return command.value;
  }
  const std::string near = suggestion(word, names);
  throw ConfigError(fmt::format("{}: unknown command{}; allowed is one of {}", word,
                                near.empty() ? "" : ", did you mean " + near + "?", fmt::join(names, ", ")));
}

/// The option that a word without one may be the value of, as in compare uv, --start 2 0.5, verify D4; or nothing.
std::string meant_by(const std::string& word, const Settings& settings, Command command) {
  const auto takes = [&](const char* option) { return belongs_to(*find_option(option, command), command); };
  const auto after = settings.word_after.find(word);
  const bool number = word.find_first_not_of("+-.,0123456789eE") == std::string::npos;
  if (after != settings.word_after.end() && number) {
    if (const Setting* before = settings.find(after->second)) {
      return fmt::format("--{} {},{}", after->second, before->text, word);
    }
  }
  if (number) return {};
  const std::filesystem::path file = word;
  const std::size_t equals = word.find('=');
  if (equals != std::string::npos && equals > 0) {
    const OptionInfo* option = find_option(word.substr(0, equals), command);
    if (option && belongs_to(*option, command)) return "--" + word;
    return takes("param") ? "--param " + word : "";
  }
  if (file.extension() == ".ini" && takes("config")) return "--config " + word;
  if (file.extension() == ".csv" && takes("sigma")) return "--sigma " + word;
  const auto listed = manifolds::descriptions();
  const bool is_manifold = std::any_of(listed.begin(), listed.end(), [&](const auto& d) { return d.name == word; });
  if (is_manifold && takes("manifold")) return "--manifold " + word;
  if (command == Command::verify) return "--only " + word;
  if (const OptionInfo* option = find_option(word, command); option && belongs_to(*option, command)) {
    return fmt::format("--{}{}{}", word, option->argument.empty() ? "" : " ", option->argument);
  }
  return {};
}

/// The command and its name; and every option must belong to it.
void read_command(const Settings& settings, Options& options) {
  if (settings.words.empty()) {
    if (options.help || options.version) return;
    throw ConfigError(
        "a command is missing: manifolds, inspect, compare, verify, scan or advise; `valleydrift --help` explains "
        "them");
  }
  options.command = read_command(settings.words.front());
  const std::size_t most_words = options.command == Command::manifolds ? 2 : 1;
  if (settings.words.size() > most_words) {
    const std::string& word = settings.words[most_words];
    const std::string meant = meant_by(word, settings, *options.command);
    throw ConfigError(
        fmt::format("{}: '{}' is not expected here{}", name_of(*options.command), word,
                    meant.empty() ? "; every value follows its --option" : fmt::format(", did you mean {}?", meant)));
  }
  if (settings.words.size() > 1) options.name = settings.words[1];

  for (const auto& [option, given] : settings.by_option) {
    if (belongs_to(*find_option(option, options.command), *options.command)) continue;
    throw ConfigError(fmt::format("--{} does not belong to {}; it is an option of {}", option,
                                  name_of(*options.command), fmt::join(owners_of(option), " and ")));
  }
}

/// Each option by its row, in the order of the table.
void read_values(const Settings& settings, Options& options) {
  for (const OptionInfo& option : option_table()) {
    if (!option.value.read || reader_of(option.name, *options.command) != &option) continue;
    for (const Setting& setting : settings.all(std::string(option.name))) option.value.read(setting, options);
  }
}

Options read_options(Settings& settings) {
  Options options;
  options.help = settings.given("help");
  options.version = settings.given("version");
  read_command(settings, options);
  if (options.help || options.version) return options;

  const Command command = *options.command;
  const std::string name = options.name;
  options = default_options(command);
  options.name = name;
  if (!name.empty()) manifolds::description_of(name);
  if (const Setting* s = settings.find("config")) settings.add_file(read_config_file(s->text, command));
  if (settings.find("resume")) add_interrupted(settings);
  read_values(settings, options);
  refuse_unused(settings, command);
  if (command == Command::verify) check_verify(settings, options);
  if (command == Command::scan || command == Command::advise) check_scan(settings, options);
  if (command == Command::inspect || command == Command::compare) check_run(settings, options);
  return options;
}

/// The rows that a configuration of this command has, in the order of its lines: the table's but for these.
std::vector<const OptionInfo*> recorded_options(Command command) {
  std::vector<const OptionInfo*> rows;
  for (const OptionInfo& option : option_table()) {
    if (belongs_to(option, command) && option.decides_results) rows.push_back(&option);
  }
  const auto move_behind = [&](std::string_view name, std::string_view behind) {
    const auto at = [&](std::string_view n) {
      return std::find_if(rows.begin(), rows.end(), [n](const OptionInfo* option) { return option->name == n; });
    };
    const OptionInfo* row = *at(name);
    rows.erase(at(name));
    rows.insert(at(behind) + 1, row);
  };
  // The bytes of a configuration are fixed, as --resume compares them; the help has the order in which one reads.
  move_behind("name", "manifold");
  move_behind("parameter", "residual");
  move_behind("param", "weight");
  if (command == Command::compare) {
    move_behind("batch", "noise-law");
    move_behind("draw", "batch");
  }
  return rows;
}

std::string lines_of(const Options& options) {
  std::string text;
  for (const OptionInfo* option : recorded_options(*options.command)) {
    if (option->value.applies && !option->value.applies(options)) continue;
    for (const std::string& value : option->value.written(options)) {
      text += fmt::format("{} = {}\n", option->name, value);
    }
  }
  return text;
}

}  // namespace

Options default_options(Command command) {
  Options options;
  options.command = command;
  if (command == Command::scan) {
    options.run.noise_law = NoiseLaw::rademacher;  // what the limit sees of noise is its covariance; a bit is cheaper
    options.run.paths = 8192;
  }
  return options;
}

Options parse_options(const std::vector<std::string>& tokens) {
  Settings settings = read_command_line(tokens);
  try {
    Options options = read_options(settings);
    options.from_file = settings.from_file();
    return options;
  } catch (const ConfigError& error) {
    throw ConfigError(placed(error.what(), settings.from_file()));
  }
}

void check_size(const std::string& options, double steps, std::int64_t paths, int dimension) {
  constexpr double countable = 9e18;  // below 2^63
  if (!(steps <= most_steps)) {
    throw ConfigError(fmt::format("{}: {:.6g} steps, allowed is at most {:g}", options, steps, most_steps));
  }
  const double size = steps * static_cast<double>(paths) * dimension;
  if (!(size <= countable)) {
    throw ConfigError(
        fmt::format("{}: steps x paths x dimension = {:.3g} x {:.3g} x {} = {:.3g}, allowed is at most {:g}", options,
                    steps, static_cast<double>(paths), dimension, size, countable));
  }
}

std::string config_text(const run::RunConfig& config, const std::string& sigma_file) {
  Options options;
  options.command = Command::compare;
  options.run = config;
  options.run.sigma_file = sigma_file;
  return "# valleydrift --config THIS-FILE runs this job again\n" + lines_of(options);
}

std::string printed_config(const run::RunConfig& config) {
  return config_text(config, config.sigma_file.empty() ? "" : std::filesystem::absolute(config.sigma_file).string());
}

std::string config_text(const scan::ScanConfig& config) {
  Options options;
  options.command = Command::scan;
  options.run = config.run;
  options.scan = config;
  return "# valleydrift scan --config THIS-FILE runs this scan again\n" + lines_of(options);
}

}  // namespace valleydrift::cli
