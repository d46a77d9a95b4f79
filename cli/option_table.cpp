// The options, a row each: name, commands, what is allowed, where it goes, help. And how a row is found by its name.
#include "cli/option_table.hpp"

#include <algorithm>
#include <cctype>

#include "cli/values.hpp"
#include "manifolds/catalogue.hpp"
#include "manifolds/formula/formula.hpp"

namespace valleydrift::cli {
namespace {

using manifolds::Draw;
using manifolds::FormulaSource;
using run::NoiseKind;
using run::Phase1;
using run::RunConfig;
using scan::Control;
using scan::ReadAt;
using scan::ScanConfig;
using verify::VerifyRequest;

bool starts_at_random(const Options& o) { return o.run.random_start; }
bool draws_batches(const Options& o) { return o.run.batch.has_value(); }
bool has_momentum(const Options& o) { return o.run.scheme != Scheme::sgd; }
bool scans_prefactor(const Options& o) { return o.scan.prefactor; }

const std::vector<Choice<Scheme>> schemes = {{Scheme::heavy_ball}, {Scheme::nesterov}, {Scheme::sgd}};
const std::vector<Choice<NoiseKind>> noises = {
    {NoiseKind::label, "sigma = s J^T, labels are perturbed"},
    {NoiseKind::isotropic, "sigma = I"},
    {NoiseKind::constant, "sigma from --sigma"},
    {NoiseKind::minibatch, "batches are drawn, labels exact: no noise on the valley; runs begin epsilon off it"}};
const std::vector<Choice<NoiseKind>> scanned_noises = {{NoiseKind::label}, {NoiseKind::minibatch}};
const std::vector<Choice<Form>> forms = {{Form::finite_step, "exact as epsilon -> 0"},
                                         {Form::paper, "eta -> 0 with eta/mu^2 kept"},
                                         {Form::asymptotic, "eta -> 0 at fixed C and gamma; needs --gamma"}};
const std::vector<Choice<Phase1>> scanned_phases = {
    {Phase1::none, "runs begin on the valley"},
    {Phase1::noisy,
     "they begin at the start as it was given, off the valley, with the noise on during the descent, which counts; "
     "with --start random each at a point of its own"}};

constexpr std::uint64_t any = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t fewest_paths = 256, most_paths = 100'000'000;  // 128 batches of two; days of work
constexpr std::uint64_t step_count = static_cast<std::uint64_t>(most_steps);
constexpr std::uint64_t most_repeats = 1'000'000;  // two days of work
constexpr std::uint64_t most_batch = 65536;        // how many samples there are is known once the manifold is made
constexpr std::uint64_t most_searches = 1000, most_threads = 1024;
// A hundredth of what 10^8 paths resolve, and ten times what predictions do.
constexpr const char* delta_range = "1e-6 <= delta < 1";

constexpr unsigned compare = bit(Command::compare);
constexpr unsigned runs = bit(Command::inspect) | compare;
constexpr unsigned verify = bit(Command::verify);
constexpr unsigned scan = bit(Command::scan);
constexpr unsigned advise = bit(Command::advise);
constexpr unsigned problems = runs | scan | advise;
constexpr unsigned formulas = problems | verify;
constexpr unsigned described = bit(Command::manifolds) | problems;
constexpr unsigned every = described | verify;

constexpr std::string_view problem = "The valley", process = "The iteration", noise = "The noise",
                           comparison = "The comparison", grid = "The grid", checks = "The checks", results = "Results",
                           general = "General";

/// Whether an option decides the results, and may stand in a configuration file; or is of one call.
constexpr bool recorded = true, of_call = false;

const std::vector<OptionInfo> options = {
    {"manifold", "NAME", problem, problems, recorded, listed_manifold(),
     "the problem, a name from `valleydrift manifolds` (default {default})"},
    {"param", "KEY=VALUE", problem, problems, recorded, parameter(),
     "a parameter of the manifold; may be given several times"},
    {"variables", "A,B,...", problem, formulas, recorded, typed(&FormulaSource::variables),
     "instead of --manifold, a formula: its variables, the weights w; the valley is where every --residual is 0"},
    {"residual", "FORMULA", problem, formulas, recorded, typed(&FormulaSource::residuals),
     "a residual f_a(w), as in \"u*v - a\"; L = (1/2) sum f_a^2; several make a valley of as many dimensions less. "
     "Operators + - * / ^, functions exp log sqrt sin cos tan tanh atan sinh cosh, pi, e; -u^2 is -(u^2)"},
    {"constant", "NAME=VALUE", problem, formulas, recorded, typed(&FormulaSource::constants),
     "a number with a name for the formulas; may use those before it"},
    {"parameter", "NAME=X in A:B", problem, formulas, recorded, typed(&FormulaSource::parameters),
     "a constant with its range, which --param sets; X is its default"},
    {"weight", "S", problem, formulas, recorded, typed(&FormulaSource::weight),
     "L = (S/2) sum f_a^2 instead (default 1)"},
    {"name", "NAME", problem, formulas, recorded, typed(&FormulaSource::name),
     "what results call the formula (default formula)"},
    {"manifold-file",
     "FILE",
     problem,
     formulas,
     of_call,
     {},
     "the formula from a file: lines `key = value` with the keys name, variables, residual, constant, parameter, "
     "weight and start"},
    {"start", "A,B,...", problem, runs, recorded, start_point(),
     "start point, D numbers (default: the manifold's own, which a formula has only from its file), or random: drawn "
     "from the seed, the same for all runs; a point off the valley is moved onto it by the gradient flow (in compare "
     "unless a first phase is asked for), and the distance is reported"},
    {"start", "A,B,...", problem, scan, recorded, start_point(),
     "start point, D numbers, moved onto the valley unless --phase1 says otherwise (default: the first point of the "
     "flow along the valley from the manifold's own start at which tr H is within 2 % of its flattest value), or "
     "random: drawn from the seed and moved onto the valley by the gradient flow"},
    {"start", "A,B,...", problem, advise, recorded, start_point(),
     "start point, D numbers, moved onto the valley (default: the first point of the flow along the valley from the "
     "manifold's own start at which tr H is within 2 % of its flattest value)"},
    {"start-scale", "S", problem, runs | scan, recorded,
     number("S > 0", &RunConfig::start_scale).where(starts_at_random),
     "of --start random: S times a standard normal for each weight; Kaiming's S is (2/fan-in)^(1/2) (default "
     "(2/D)^(1/2))"},
    {"phase1", "NAME", problem, compare, recorded, choice(&RunConfig::phase1),
     "how a start off the valley comes onto it: {choices}; the clock starts at its end, the limiting diffusion where "
     "the noiseless iteration arrives"},
    {"phase1", "NAME", problem, scan, recorded, choice(&RunConfig::phase1, scanned_phases), "{choices}"},
    {"at", "A,B,...", problem, bit(Command::inspect), of_call, value(&RunConfig::start, number_list),
     "the point to inspect; the same as --start"},
    {"search", "N", problem, bit(Command::inspect) | advise, of_call, whole(1, most_searches, &Options::search),
     "also look for other local flattest points: from N starts, {range}, drawn around this one and moved onto the "
     "valley by the gradient flow"},
    {"strict", "", problem, runs, recorded, flag(&RunConfig::strict),
     "refuse a start off the valley instead of moving it"},

    {"scheme", "NAME", process, problems, recorded, choice(&RunConfig::scheme, schemes), "{choices}"},
    {"eta", "X", process, runs | advise, recorded, number("eta > 0", &RunConfig::eta),
     "learning rate, {range} (default {default})"},
    {"beta", "X", process, runs, recorded, momentum(), "momentum, {range} (default {default}; 0 for sgd)"},
    {"C", "X", process, runs, recorded, number("C > 0", &RunConfig::C),
     "with --gamma, instead of --beta: 1 - beta = C eta^gamma"},
    {"gamma", "X", process, runs, recorded, number("0 <= gamma < 1", &RunConfig::gamma),
     "exponent, {range}, of --C; with --beta or --form asymptotic it only chooses the regime of that form"},
    {"epsilon", "X", process, runs, recorded, number("epsilon > 0", &RunConfig::epsilon),
     "noise scale, {range} (default: the largest that keeps the time of the motion along the valley above 50 tau_1 and "
     "the transverse cloud below 5 % of the valley's curvature radius)"},

    {"epsilon", "X", process, scan | advise, recorded, number("epsilon > 0", &RunConfig::epsilon),
     "noise scale, {range} (default 0.1)"},

    {"noise", "NAME", noise, runs, recorded, choice(&RunConfig::noise, noises), "{choices}"},
    {"noise", "NAME", noise, scan | advise, recorded, choice(&RunConfig::noise, scanned_noises),
     "label (default); minibatch, sampling without label noise, is refused: it has no time scale along the valley"},
    {"batch", "B", noise, problems, recorded, whole(1, most_batch, &RunConfig::batch),
     "samples drawn in every step, 1 to the number of residuals, for label noise (default: all, nothing is drawn) and "
     "minibatch noise (default 1)"},
    {"draw", "NAME", noise, problems, recorded, choice(&RunConfig::draw).where(draws_batches),
     "how a batch is drawn: {choices}; needs --batch"},
    {"sigma", "FILE", noise, runs, recorded, noise_factor(),
     "noise factor of --noise constant: CSV, D rows, no header"},
    {"noise-law", "NAME", noise, compare, recorded, choice(&RunConfig::noise_law), "law of each draw: {choices}"},

    {"noise-law", "NAME", noise, scan, recorded, choice(&RunConfig::noise_law),
     "law of each draw: rademacher (default, +1 or -1) or gaussian"},

    {"eta", "LIST", grid, scan, recorded, spaced("eta > 0", Spacing::equal_ratios, &ScanConfig::etas),
     "learning rates: A,B,... or LOW:HIGH:COUNT, logarithmic (default 1e-4:1e-2:7; 1e-2:1e-1:7 for sgd)"},
    {"gamma", "LIST", grid, scan, recorded,
     spaced("0 <= gamma < 1", Spacing::equal_steps, &ScanConfig::gammas).where(has_momentum),
     "exponents: A,B,... or LOW:HIGH:COUNT (default 0.5,0.55,0.6,0.633,2/3,0.7,0.75,0.8)"},
    {"C", "LIST", grid, scan, recorded, spaced("C > 0", Spacing::equal_ratios, &ScanConfig::Cs).where(has_momentum),
     "prefactors in 1 - beta = C eta^gamma: A,B,... or LOW:HIGH:COUNT, logarithmic (default 2 C*); the optimal gamma "
     "is the first one's"},
    {"delta", "X", grid, scan, recorded, number(delta_range, &ScanConfig::delta),
     "converged: within this part of the initial excess, or of the plateau, {range} (default {default})"},
    {"limit", "K", grid, scan, recorded, whole(1, step_count, &ScanConfig::limit),
     "most steps of a cell (default: ten times the expected number); a cell that reaches it gets the status limit"},
    {"paths", "N", grid, scan, recorded, whole(fewest_paths, most_paths, &RunConfig::paths),
     "trajectories of each cell, {range} (default {default})"},
    {"no-prefactor", "", grid, scan, recorded, no_flag(&ScanConfig::prefactor),
     "leave out the part that varies C at gamma = 2/3"},
    {"prefactor-eta", "X", grid, scan, recorded, number("eta > 0", &ScanConfig::prefactor_eta).where(scans_prefactor),
     "learning rate of that part (default 1e-3)"},
    {"prefactor-C", "LIST", grid, scan, recorded,
     spaced("C > 0", Spacing::equal_ratios, &ScanConfig::prefactor_Cs).where(scans_prefactor),
     "its prefactors: A,B,... or LOW:HIGH:COUNT, logarithmic (default: 25 from 0.4 C* to 1.9 C*)"},
    {"prefactor-paths", "N", grid, scan, recorded,
     whole(fewest_paths, most_paths, &ScanConfig::prefactor_paths).where(scans_prefactor),
     "its trajectories for each C (default {default})"},
    {"read-at", "NAME", grid, scan, recorded, choice(&ScanConfig::read_at),
     "where the slow coordinates are read: at the weights, or at the nearest point of the valley (default: weights, if "
     "the coordinates' gradients at the flattest point are tangent to the valley, so that the noise across it hardly "
     "enters; otherwise valley)"},
    {"control", "NAME", grid, scan, recorded, choice(&ScanConfig::control),
     "none (default), or a negative control, with which the two-thirds law must not appear: no-transverse leaves the "
     "transverse times out, wrong-clock counts in units of slow time"},
    {"seed", "N", grid, scan, recorded, whole(0, any, &RunConfig::seed),
     "seed of all noise, {range} (default {default})"},

    {"form", "NAME", comparison, compare, recorded, choice(&RunConfig::form, forms),
     "the form of the theorem that is judged: {choices}"},
    {"time", "T", comparison, compare, recorded, number("time > 0", &RunConfig::time),
     "length in units of slow time, (mu/(eta epsilon))^2 steps each (default 2, less where the valley is steep)"},
    {"steps", "K", comparison, compare, recorded, whole(1, step_count, &RunConfig::steps),
     "length in steps, instead of --time"},
    {"limit-step", "T", comparison, compare, recorded, number("limit-step > 0", &RunConfig::limit_step),
     "slow time per step of the limiting diffusion that is driven by the discrete runs' own noise; with noise of its "
     "own it takes four times that, by a scheme of higher order (default: 1/128 of the time of the motion along the "
     "valley, halved until a trial does not see the steps); not with label and minibatch noise, whose limit does not "
     "diffuse"},
    {"paths", "N", comparison, compare, recorded, whole(fewest_paths, most_paths, &RunConfig::paths),
     "trajectories of each process, {range} (default {default})"},
    {"shared-noise", "", comparison, compare, recorded, flag(&RunConfig::shared_noise),
     "drive both processes by the same noise and compare them path by path"},
    {"slow-variable", "NAME", comparison, compare, recorded, choice(&RunConfig::slow_variable),
     "what is compared with the diffusion: {choices}"},
    {"ladder", "NAME", comparison, compare, recorded, choice(&RunConfig::ladder), "{choices}"},
    {"seed", "N", comparison, compare, recorded, whole(0, any, &RunConfig::seed),
     "seed of all noise, {range} (default {default})"},
    {"seed", "N", problem, bit(Command::inspect), recorded, whole(0, any, &RunConfig::seed),
     "seed of --start random and --search, {range} (default {default})"},
    {"seed", "N", problem, advise, of_call, whole(0, any, &RunConfig::seed),
     "seed of --search, {range} (default {default})"},

    {"only", "ID,...", checks, verify, of_call, check_patterns(),
     "these checks alone: IDs separated by commas, D4 for all that begin with D4-, * and ? as wildcards"},
    {"manifold", "NAME", checks, verify, of_call,
     value(&VerifyRequest::manifold, [](const Setting& s) { return manifolds::description_of(s.text).name; }),
     "on this manifold alone (default: all)"},
    {"start", "A,B,...", problem, verify, of_call, typed(&FormulaSource::start),
     "a point on or near the valley of the formula, D numbers; the checks are made there and around it"},
    {"thorough", "", checks, verify, of_call, flag(&VerifyRequest::thorough),
     "more points and more paths: minutes instead of seconds"},
    {"seed", "N", checks, verify, of_call, whole(0, any, &VerifyRequest::seed),
     "seed of the checks that sample, {range} (default {default})"},
    {"aa", "N", checks, verify, of_call, whole(1, most_repeats, &Options::repeats),
     "instead of the checks, N repeats of those that sample, small and with fresh seeds, with the same law on both "
     "sides: no verdict may raise an alarm and p-values must be uniform"},
    {"list", "", checks, verify, of_call, flag(&Options::list_checks),
     "list the checks, of a manifold or formula those that apply to it, and stop"},

    {"output", "DIR", results, compare | scan, of_call, path_name(&Options::output, "folder"),
     "folder for the results (default: valleydrift-out/MANIFOLD-NNN, the first free number); a folder that holds "
     "anything is refused"},
    {"force", "", results, compare | scan, of_call, flag(&Options::force),
     "write into the folder --output although it holds something; files of an earlier run are set aside in "
     "replaced-NNN until this one is complete"},
    {"resume", "", results, scan, of_call, flag(&Options::resume),
     "continue the interrupted scan in the folder --output, with its configuration: the files end in the same bytes"},
    {"save-paths", "", results, compare, of_call, flag(&Options::save_paths), "write every trajectory to paths.csv"},
    {"path", "N", results, compare, of_call, path_number(),
     "do not compare: replay trajectory N alone and write it in full, without pictures; not with what concerns the "
     "ensemble, as --ladder and --save-paths do"},
    {"no-plots", "", results, compare | scan, of_call, flag(&Options::no_plots), "write no pictures"},
    {"json", "", results, described, of_call, flag(&Options::json), "print one JSON object instead of the text"},
    {"json", "FILE", results, verify, of_call, path_name(&Options::json_file, "file"),
     "also write the results as JSON; replaces the file"},
    {"junit", "FILE", results, verify, of_call, path_name(&Options::junit_file, "file"),
     "also write the results as JUnit XML, which CI systems read; replaces the file"},
    {"quiet", "", results, compare | verify | scan, of_call, flag(&Options::quiet),
     "print the verdict only, and nothing on stderr but errors"},
    {"benchmark", "", results, compare, of_call, flag(&Options::benchmark), "also print the cost per path and step"},

    {"config",
     "FILE",
     general,
     runs | scan,
     of_call,
     {},
     "read settings from FILE: lines `key = value` with the names above, # for comments. The command line wins, and "
     "also replaces what contradicts it in the file"},
    {"print-config", "", general, runs | scan, of_call, flag(&Options::print_config),
     "print the resolved configuration, which --config reads again, and stop"},
    {"dry-run", "", general, compare | scan, of_call, flag(&Options::dry_run),
     "check all input, the folder --output too, state the cost, and stop"},
    {"threads", "N", general, compare | verify | scan, of_call, whole(1, most_threads, &Options::threads),
     "threads, {range} (default: all processors); results do not depend on it"},
    {"help", "", general, every, of_call, flag(&Options::help),
     "print this help; `valleydrift COMMAND --help` for one command"},
    {"version", "", general, every, of_call, flag(&Options::version), "print the version"},
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

}  // namespace

OptionValue OptionValue::where(std::function<bool(const Options&)> condition) && {
  applies = std::move(condition);
  return std::move(*this);
}

std::span<const OptionInfo> option_table() { return options; }

const OptionInfo* find_option(std::string_view name, std::optional<Command> command) {
  const OptionInfo* first = nullptr;
  for (const OptionInfo& option : options) {
    if (option.name != name) continue;
    if (command && belongs_to(option, *command)) return &option;
    if (!first) first = &option;
  }
  return first;
}

bool belongs_to(const OptionInfo& option, Command command) { return (option.commands & bit(command)) != 0; }

const OptionInfo* reader_of(std::string_view name, Command command) {
  const OptionInfo* own = find_option(name, command);
  return own && command == Command::inspect && !belongs_to(*own, command) ? find_option(name, Command::compare) : own;
}

std::vector<std::string> owners_of(std::string_view name) {
  std::vector<std::string> owners;
  for (const manifolds::Named<Command>& command : names_of(Command{})) {
    const OptionInfo* option = find_option(name, command.value);
    if (option && belongs_to(*option, command.value)) owners.emplace_back(command.name);
  }
  return owners;
}

std::string help_text(const OptionInfo& option, Command command) {
  const Texts set = option.value.written ? option.value.written(default_options(command)) : Texts{};
  const std::string preset = set.empty() ? "" : set.front();
  std::string names;
  for (std::size_t i = 0; i < option.value.choices.size(); ++i) {
    const auto& [name, meaning] = option.value.choices[i];
    const bool last = i + 1 == option.value.choices.size();
    names += i == 0 ? "" : last ? " or " : ", ";
    const std::string note = name != preset ? meaning : meaning.empty() ? "default" : "default: " + meaning;
    names += note.empty() ? name : fmt::format("{} ({})", name, note);
  }
  return fmt::format(fmt::runtime(option.help), fmt::arg("range", option.value.range), fmt::arg("choices", names),
                     fmt::arg("default", preset));
}

std::string_view own_name(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> words[] = {{"lr", "eta"},
                                                                     {"alpha", "eta"},
                                                                     {"step-size", "eta"},
                                                                     {"learning-rate", "eta"},
                                                                     {"momentum", "beta"},
                                                                     {"mu", "beta"},
                                                                     {"nesterov", "scheme nesterov"},
                                                                     {"optimizer", "scheme"},
                                                                     {"method", "scheme"},
                                                                     {"noise-scale", "epsilon"},
                                                                     {"epochs", "steps"},
                                                                     {"iterations", "steps"},
                                                                     {"max-iter", "steps"},
                                                                     {"num-steps", "steps"},
                                                                     {"batch-size", "batch"},
                                                                     {"runs", "paths"},
                                                                     {"trials", "paths"},
                                                                     {"model", "manifold"},
                                                                     {"init", "start"},
                                                                     {"x0", "start"},
                                                                     {"random-seed", "seed"},
                                                                     {"workers", "threads"},
                                                                     {"jobs", "threads"},
                                                                     {"out", "output"},
                                                                     {"output-dir", "output"},
                                                                     {"overwrite", "force"},
                                                                     {"silent", "quiet"}};
  std::string plain = lower(name);
  std::replace(plain.begin(), plain.end(), '_', '-');
  for (const auto& [word, own] : words) {
    if (word == plain) return own;
  }
  return {};
}

std::string suggestion(const std::string& given, const std::vector<std::string>& candidates) {
  const auto same = std::find_if(candidates.begin(), candidates.end(),
                                 [&](const std::string& candidate) { return lower(candidate) == lower(given); });
  if (same != candidates.end()) return *same;
  std::vector<std::string> longer;
  if (!given.empty()) {
    std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(longer),
                 [&](const std::string& candidate) { return candidate.starts_with(given); });
  }
  return longer.size() == 1 ? longer.front() : manifolds::nearest_name(given, candidates);
}

}  // namespace valleydrift::cli
