// Reads and checks the options of each command: iteration, noise, start, comparison, verify, output.
#include "cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "cli/arguments.hpp"
#include "cli/manifold_options.hpp"
#include "cli/scan_options.hpp"
#include "cli/settings.hpp"
#include "cli/unused.hpp"
#include "cli/values.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/formula/formula.hpp"
#include "manifolds/registry.hpp"

namespace valleydrift::cli {
namespace {

using run::Ladder;
using run::NoiseKind;
using run::Phase1;
using run::RunConfig;
using run::SlowVariable;

Range above_zero(const std::string& what) { return {0.0, false, infinity, false, what + " > 0"}; }
Range from_zero_to_one(const std::string& what) { return {0.0, true, 1.0, false, "0 <= " + what + " < 1"}; }

void read_iteration(const Settings& settings, run::RunConfig& run) {
  if (const Setting* s = settings.find("scheme")) {
    run.scheme = choice<Scheme>(*s, {Scheme::heavy_ball, Scheme::nesterov, Scheme::sgd}, name);
  }
  if (const Setting* s = settings.find("eta")) run.eta = number_in(*s, above_zero("eta"));
  if (const Setting* s = settings.find("beta")) run.beta = number_in(*s, from_zero_to_one("beta"));
  if (const Setting* s = settings.find("C")) run.C = number_in(*s, above_zero("C"));
  if (const Setting* s = settings.find("gamma")) run.gamma = number_in(*s, from_zero_to_one("gamma"));
  if (const Setting* s = settings.find("epsilon")) run.epsilon = number_in(*s, above_zero("epsilon"));

  settings.refuse_both("beta", "C", "both set the momentum; give one of them");
  if (run.C && !run.gamma) {
    throw ConfigError(fmt::format("{} without --gamma: 1 - beta = C eta^gamma needs both", settings.find("C")->where));
  }
  if (run.scheme == Scheme::sgd) {
    const std::string scheme = settings.find("scheme")->where;
    if (run.C) throw ConfigError(fmt::format("{} sgd with {}: sgd has no momentum", scheme, settings.find("C")->where));
    if (run.beta.value_or(0.0) > 0.0) {
      throw ConfigError(fmt::format("{} sgd with {} {}: sgd has no momentum, allowed is beta = 0", scheme,
                                    settings.find("beta")->where, settings.find("beta")->text));
    }
  }
  run.hyperparameters();  // mu in (0, 1]
}

void read_noise(const Settings& settings, run::RunConfig& run, int dimension) {
  if (const Setting* s = settings.find("noise")) {
    run.noise = choice<run::NoiseKind>(
        *s, {run::NoiseKind::label, run::NoiseKind::isotropic, run::NoiseKind::constant, run::NoiseKind::minibatch},
        name);
  }
  if (const Setting* s = settings.find("noise-law")) {
    run.noise_law = choice<NoiseLaw>(*s, {NoiseLaw::gaussian, NoiseLaw::rademacher}, name);
  }
  const Setting* sigma = settings.find("sigma");
  if (run.noise == run::NoiseKind::constant && !sigma) {
    throw ConfigError(fmt::format("{} constant without --sigma: the noise factor comes from a CSV file",
                                  settings.find("noise")->where));
  }
  if (!sigma) return;
  if (run.noise != run::NoiseKind::constant) {
    throw ConfigError(fmt::format("{} with --noise {}: only --noise constant reads a noise factor", sigma->where,
                                  name_of(run.noise)));
  }
  std::filesystem::path path = sigma->text;
  if (sigma->from_file) {
    // Relative to the configuration file, so that an output folder can be moved as a whole.
    path = std::filesystem::path(settings.find("config")->text).parent_path() / path;
  }
  run.sigma_file = path.string();
  run.sigma = read_matrix(sigma->where, run.sigma_file, dimension);
}

}  // namespace

bool read_random_start(const Settings& settings, run::RunConfig& run) {
  const Setting* start = settings.find("start");
  const Setting* scale = settings.find("start-scale");
  run.random_start = start && start->text == random_word;
  if (scale && !run.random_start) {
    throw ConfigError(fmt::format("{} without --start random: only a random start has a scale", scale->where));
  }
  if (scale) run.start_scale = number_in(*scale, above_zero("S"));
  return run.random_start;
}

void read_batch(const Settings& settings, run::RunConfig& run) {
  const Setting* batch = settings.find("batch");
  const Setting* draw = settings.find("draw");
  const bool drawn = run.noise == run::NoiseKind::label || run.noise == run::NoiseKind::minibatch;
  for (const Setting* s : {batch, draw}) {
    if (s && !drawn) {
      throw ConfigError(
          fmt::format("{} with --noise {}: only label and minibatch noise draw samples", s->where, name_of(run.noise)));
    }
  }
  if (draw && !batch && run.noise == run::NoiseKind::label) {
    throw ConfigError(fmt::format("{} without --batch: the full batch draws nothing", draw->where));
  }
  // How many samples there are is known once the manifold is made.
  if (batch) run.batch = static_cast<int>(whole_number_in(*batch, 1, 65536));
  if (draw)
    run.draw =
        choice<manifolds::Draw>(*draw, {manifolds::Draw::without_replacement, manifolds::Draw::with_replacement}, name);
}

namespace {

void read_comparison(const Settings& settings, run::RunConfig& run, int dimension) {
  if (const Setting* s = settings.find("form")) {
    run.form = choice<Form>(*s, {Form::finite_step, Form::paper, Form::asymptotic}, name);
    if (run.form == Form::asymptotic && !run.gamma) {
      throw ConfigError(fmt::format("{} asymptotic without --gamma: gamma chooses its regime", s->where));
    }
  }
  settings.refuse_both("time", "steps", "both set the length of the run; give one of them");
  if (const Setting* s = settings.find("time")) run.time = number_in(*s, above_zero("time"));
  if (const Setting* s = settings.find("steps")) {
    run.steps = static_cast<std::int64_t>(whole_number_in(*s, 1, static_cast<std::uint64_t>(most_steps)));
  }
  if (const Setting* s = settings.find("limit-step")) {
    run.limit_step = number_in(*s, above_zero("limit-step"));
    if (run.noise == run::NoiseKind::label || run.noise == run::NoiseKind::minibatch) {
      throw ConfigError(fmt::format("{} with --noise {}: its limit does not diffuse and takes no steps", s->where,
                                    name_of(run.noise)));
    }
  }
  // The statistics need 128 batches of at least two paths each; 10^8 paths are days of work.
  if (const Setting* s = settings.find("paths"))
    run.paths = static_cast<std::int64_t>(whole_number_in(*s, 256, 100'000'000));
  if (run.steps) check_size("--steps with --paths", static_cast<double>(*run.steps), run.paths, dimension);
  if (const Setting* s = settings.find("slow-variable")) {
    run.slow_variable =
        choice<run::SlowVariable>(*s, {run::SlowVariable::first_order, run::SlowVariable::iterated}, name);
  }
  if (const Setting* s = settings.find("ladder"))
    run.ladder = choice<run::Ladder>(*s, {run::Ladder::brief, run::Ladder::full}, name);
  if (const Setting* s = settings.find("seed")) {
    run.seed = whole_number_in(*s, 0, std::numeric_limits<std::uint64_t>::max());
  }
  run.shared_noise = settings.flag("shared-noise");
}

run::RunConfig read_run(const Settings& settings) {
  run::RunConfig run;
  const manifolds::Manifold manifold = read_manifold(settings, run);

  settings.refuse_both("at", "start", "both name the point; give one of them");
  read_random_start(settings, run);
  for (const char* option : {"start", "at"}) {
    const Setting* s = settings.find(option);
    if (!s || (run.random_start && s == settings.find("start"))) continue;
    run.start = number_list(*s);
    if (static_cast<int>(run.start->size()) != manifold.dimension()) {
      throw ConfigError(fmt::format("{}: {} numbers given, allowed is {}: {}", s->where, run.start->size(),
                                    manifold.dimension(), manifold.description().coordinates));
    }
  }
  run.strict = settings.flag("strict");
  if (run.random_start && run.strict) {
    throw ConfigError(fmt::format("{} with {} random: a random start is off the valley; give one of them",
                                  settings.find("strict")->where, settings.find("start")->where));
  }
  if (const Setting* s = settings.find("phase1")) {
    run.phase1 = choice<run::Phase1>(*s, {run::Phase1::none, run::Phase1::gd, run::Phase1::noisy}, name);
  }
  read_iteration(settings, run);
  read_noise(settings, run, manifold.dimension());
  read_batch(settings, run);
  read_comparison(settings, run, manifold.dimension());
  return run;
}

std::vector<std::string> read_patterns(const Setting& setting) {
  std::vector<std::string> patterns;
  std::string_view rest = setting.text;
  for (;;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    if (comma == 0) throw ConfigError(fmt::format("{}: '{}': an ID is empty", setting.where, setting.text));
    patterns.emplace_back(rest.substr(0, comma));
    if (comma == rest.size()) return patterns;
    rest.remove_prefix(comma + 1);
  }
}

std::optional<std::string> read_file_name(const Settings& settings, const char* option) {
  const Setting* s = settings.find(option);
  if (!s) return {};
  if (s->text.empty()) throw ConfigError(fmt::format("{}: the name of the file is empty", s->where));
  return s->text;
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

void read_verify(const Settings& settings, Options& options) {
  if (const Setting* s = settings.find("only")) options.verify.only = read_patterns(*s);
  if (const Setting* s = settings.find("manifold")) options.verify.manifold = manifolds::description_of(s->text).name;
  options.verify.formula = read_formula_source(settings);
  if (const Setting* s = settings.find("start"); s && s->text == random_word) {
    throw ConfigError(fmt::format("{} {}: the checks need a point, D numbers", s->where, s->text));
  }
  if (options.verify.formula) {  // an error in it comes before any check
    manifolds::Manifold(manifolds::description_of(*options.verify.formula), {}).default_start();
  } else if (const Setting* s = settings.find("start")) {
    throw ConfigError(fmt::format("{} without --variables: only a formula needs a start", s->where));
  }
  if (const Setting* s = settings.find("seed")) {
    options.verify.seed = whole_number_in(*s, 0, std::numeric_limits<std::uint64_t>::max());
  }
  options.verify.thorough = settings.flag("thorough");
  require_use(
      settings, "seed", options.verify, [](const verify::Check* c) { return c->uses_seed; },
      "none of these checks draws numbers");
  require_use(
      settings, "thorough", options.verify, [](const verify::Check* c) { return !c->run_once; },
      "these checks concern no valley, and are made in one size");
  options.list_checks = settings.flag("list");
  // 10^6 repeats are two days of work.
  if (const Setting* s = settings.find("aa")) {
    options.repeats = static_cast<std::int64_t>(whole_number_in(*s, 1, 1'000'000));
  }
  options.json_file = read_file_name(settings, "json");
  options.junit_file = read_file_name(settings, "junit");
  if (options.json_file && options.junit_file && same_file(*options.json_file, *options.junit_file)) {
    throw ConfigError(fmt::format("{} with {}: both name the file {}; give two", settings.find("json")->where,
                                  settings.find("junit")->where, *options.json_file));
  }
}

Command read_command(const std::string& word) {
  if (word == "help") throw ConfigError("help: write `valleydrift --help` or `valleydrift COMMAND --help`");
  std::vector<std::string> names;
  for (const Command command : all_commands()) {
    names.push_back(name_of(command));
    if (names.back() == word) return command;
  }
  const std::string near = suggestion(word, names);
  throw ConfigError(fmt::format("{}: unknown command{}; allowed is one of {}", word,
                                near.empty() ? "" : ", did you mean " + near + "?", fmt::join(names, ", ")));
}

/// The option that a word without one may be the value of, as in compare uv, --start 2 0.5, verify D4; or nothing.
std::string meant_by(const std::string& word, const Arguments& arguments, Command command) {
  const auto takes = [&](const char* option) { return belongs_to(*find_option(option, command), command); };
  const auto after = arguments.word_after.find(word);
  const bool number = word.find_first_not_of("+-.,0123456789eE") == std::string::npos;
  if (after != arguments.word_after.end() && number) {
    const auto before = arguments.settings.find(after->second);
    if (before != arguments.settings.end()) return fmt::format("--{} {},{}", after->second, before->second.text, word);
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
void read_command(const Arguments& arguments, Options& options) {
  if (arguments.words.empty()) {
    if (options.help || options.version) return;
    throw ConfigError(
        "a command is missing: manifolds, inspect, compare, verify, scan or advise; `valleydrift --help` explains "
        "them");
  }
  options.command = read_command(arguments.words.front());
  const std::size_t most_words = options.command == Command::manifolds ? 2 : 1;
  if (arguments.words.size() > most_words) {
    const std::string& word = arguments.words[most_words];
    const std::string meant = meant_by(word, arguments, *options.command);
    throw ConfigError(
        fmt::format("{}: '{}' is not expected here{}", name_of(*options.command), word,
                    meant.empty() ? "; every value follows its --option" : fmt::format(", did you mean {}?", meant)));
  }
  if (arguments.words.size() > 1) options.name = arguments.words[1];

  const auto check = [&](const std::string& option) {
    if (belongs_to(*find_option(option, options.command), *options.command)) return;
    throw ConfigError(fmt::format("--{} does not belong to {}; it is an option of {}", option,
                                  name_of(*options.command), fmt::join(owners_of(option), " and ")));
  };
  for (const auto& [option, setting] : arguments.settings) check(option);
  for (const auto& [option, settings] : arguments.repeated) check(option);
}

}  // namespace

namespace {

Options read_options(const Arguments& arguments, Settings& settings) {
  Options options;
  options.help = settings.flag("help");
  options.version = settings.flag("version");
  read_command(arguments, options);
  if (options.help || options.version) return options;

  options.json = settings.flag("json");
  if (options.command == Command::manifolds) {
    if (!options.name.empty()) manifolds::description_of(options.name);
    return options;
  }

  if (const Setting* s = settings.find("search")) options.search = static_cast<int>(whole_number_in(*s, 1, 1000));
  if (const Setting* s = settings.find("threads")) options.threads = static_cast<int>(whole_number_in(*s, 1, 1024));
  options.quiet = settings.flag("quiet");
  if (options.command == Command::verify) {
    read_verify(settings, options);
    refuse_unused(settings, *options.command);
    return options;
  }

  if (const Setting* s = settings.find("config")) settings.add_file(read_config_file(s->text, *options.command));
  if (const Setting* s = settings.find("output")) {
    if (s->text.empty()) throw ConfigError("--output: the name of the folder is empty");
    options.output = s->text;
  }
  options.force = settings.flag("force");
  options.no_plots = settings.flag("no-plots");
  options.dry_run = settings.flag("dry-run");
  options.print_config = settings.flag("print-config");
  if (options.command == Command::scan || options.command == Command::advise) {
    read_scan(settings, options);
    refuse_unused(settings, *options.command);
    return options;
  }
  options.run = read_run(settings);
  refuse_unused(settings, *options.command);
  if (const Setting* s = settings.find("path")) {
    options.path = static_cast<std::int64_t>(whole_number_in(*s, 0, static_cast<std::uint64_t>(options.run.paths - 1)));
  }
  options.save_paths = settings.flag("save-paths");
  options.benchmark = settings.flag("benchmark");
  return options;
}

}  // namespace

Options parse_options(const std::vector<std::string>& tokens) {
  const Arguments arguments = read_command_line(tokens);
  Settings settings(arguments);
  try {
    Options options = read_options(arguments, settings);
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

std::string config_text(const run::RunConfig& c, const std::string& sigma_file) {
  std::string text = "# valleydrift --config THIS-FILE runs this job again\n";
  const auto line = [&](const std::string& key, const auto& value) { text += fmt::format("{} = {}\n", key, value); };
  text += manifold_lines(c);
  if (c.random_start) {
    line("start", random_word);
    if (c.start_scale) line("start-scale", *c.start_scale);
  } else if (c.start) {
    line("start", fmt::format("{}", fmt::join(*c.start, ",")));
  }
  line("phase1", name(c.phase1));
  line("strict", c.strict);
  line("scheme", name(c.scheme));
  line("eta", c.eta);
  if (c.C) {
    line("C", *c.C);
  } else if (c.scheme != Scheme::sgd) {
    line("beta", c.beta.value_or(0.9));
  }
  if (c.gamma) line("gamma", *c.gamma);
  if (c.epsilon) line("epsilon", *c.epsilon);
  line("noise", name(c.noise));
  if (c.noise == run::NoiseKind::constant) line("sigma", sigma_file);
  line("noise-law", name(c.noise_law));
  if (c.batch) {
    line("batch", *c.batch);
    line("draw", name(c.draw));
  }
  line("form", name(c.form));
  if (c.steps) line("steps", *c.steps);
  if (c.time) line("time", *c.time);
  if (c.limit_step) line("limit-step", *c.limit_step);
  line("paths", c.paths);
  line("shared-noise", c.shared_noise);
  line("slow-variable", name(c.slow_variable));
  line("ladder", name(c.ladder));
  line("seed", c.seed);
  return text;
}

std::string printed_config(const run::RunConfig& c) {
  return config_text(c, c.sigma_file.empty() ? "" : std::filesystem::absolute(c.sigma_file).string());
}

}  // namespace valleydrift::cli
