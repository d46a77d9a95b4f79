// The table's rows, and how an option or a command is found by its name or by a misspelt one.
#include "cli/option_table.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "manifolds/catalogue.hpp"

namespace valleydrift::cli {
namespace {

constexpr unsigned bit(Command command) { return 1U << static_cast<unsigned>(command); }
constexpr unsigned compare = bit(Command::compare);
constexpr unsigned runs = bit(Command::inspect) | compare;
constexpr unsigned verify = bit(Command::verify);
constexpr unsigned scan = bit(Command::scan);
constexpr unsigned advise = bit(Command::advise);
constexpr unsigned problems = runs | scan | advise;
constexpr unsigned typed = problems | verify;
constexpr unsigned described = bit(Command::manifolds) | problems;
constexpr unsigned every = described | verify;

constexpr std::string_view problem = "The valley", process = "The iteration", noise = "The noise",
                           comparison = "The comparison", grid = "The grid", checks = "The checks", results = "Results",
                           general = "General";

constexpr OptionInfo options[] = {
    {"manifold", "NAME", problem, problems, true, false,
     "the problem, a name from `valleydrift manifolds` (default uv)"},
    {"param", "KEY=VALUE", problem, problems, true, true, "a parameter of the manifold; may be given several times"},
    {"variables", "A,B,...", problem, typed, true, false,
     "instead of --manifold, a formula: its variables, the weights w; the valley is where every --residual is 0"},
    {"residual", "FORMULA", problem, typed, true, true,
     "a residual f_a(w), as in \"u*v - a\"; L = (1/2) sum f_a^2; several make a valley of as many dimensions less. "
     "Operators + - * / ^, functions exp log sqrt sin cos tan tanh atan sinh cosh, pi, e; -u^2 is -(u^2)"},
    {"constant", "NAME=VALUE", problem, typed, true, true,
     "a number with a name for the formulas; may use those before it"},
    {"parameter", "NAME=X in A:B", problem, typed, true, true,
     "a constant with its range, which --param sets; X is its default"},
    {"weight", "S", problem, typed, true, false, "L = (S/2) sum f_a^2 instead (default 1)"},
    {"name", "NAME", problem, typed, true, false, "what results call the formula (default formula)"},
    {"manifold-file", "FILE", problem, typed, false, false,
     "the formula from a file: lines `key = value` with the keys name, variables, residual, constant, parameter, "
     "weight "
     "and start"},
    {"start", "A,B,...", problem, runs, true, false,
     "start point, D numbers (default: the manifold's own, which a formula has only from its file), or random: drawn "
     "from the seed, the same for all runs; a point off the valley is moved onto it by the gradient flow (in compare "
     "unless a first phase is asked for), and the distance is reported"},
    {"start-scale", "S", problem, runs, true, false,
     "of --start random: S times a standard normal for each weight; Kaiming's S is (2/fan-in)^(1/2) (default "
     "(2/D)^(1/2))"},
    {"phase1", "NAME", problem, compare, true, false,
     "how a start off the valley comes onto it: none (default: by the gradient flow, before the run), gd (by the "
     "iteration without noise, as the run's first phase) or noisy (by as many steps with the noise on); the clock "
     "starts at its end, the limiting diffusion where the noiseless iteration arrives"},
    {"at", "A,B,...", problem, bit(Command::inspect), false, false, "the point to inspect; the same as --start"},
    {"start", "A,B,...", problem, scan, true, false,
     "start point, D numbers, moved onto the valley unless --phase1 says otherwise (default: the first point of the "
     "flow along the valley from the manifold's own start at which tr H is within 2 % of its flattest value), or "
     "random: drawn from the seed and moved onto the valley by the gradient flow"},
    {"start", "A,B,...", problem, advise, true, false,
     "start point, D numbers, moved onto the valley (default: the first point of the flow along the valley from the "
     "manifold's own start at which tr H is within 2 % of its flattest value)"},
    {"start-scale", "S", problem, scan, true, false,
     "of --start random: S times a standard normal for each weight; Kaiming's S is (2/fan-in)^(1/2) (default "
     "(2/D)^(1/2))"},
    {"phase1", "NAME", problem, scan, true, false,
     "none (default: runs begin on the valley) or noisy (they begin at the start as it was given, off the valley, with "
     "the noise on during the descent, which counts; with --start random each at a point of its own)"},
    {"search", "N", problem, bit(Command::inspect) | advise, false, false,
     "also look for other local flattest points: from N starts, 1 to 1000, drawn around this one and moved onto the "
     "valley by the gradient flow"},
    {"strict", "", problem, runs, true, false, "refuse a start off the valley instead of moving it"},

    {"scheme", "NAME", process, problems, true, false, "heavy-ball (default), nesterov or sgd"},
    {"eta", "X", process, runs, true, false, "learning rate, > 0 (default 0.05)"},
    {"beta", "X", process, runs, true, false, "momentum, 0 <= beta < 1 (default 0.9; 0 for sgd)"},
    {"C", "X", process, runs, true, false, "with --gamma, instead of --beta: 1 - beta = C eta^gamma"},
    {"gamma", "X", process, runs, true, false,
     "exponent, 0 <= gamma < 1, of --C; with --beta or --form asymptotic it only chooses the regime of that form"},
    {"epsilon", "X", process, runs, true, false,
     "noise scale, > 0 (default: the largest that keeps the time of the motion along the valley above 50 tau_1 and the "
     "transverse cloud below 5 % of the valley's curvature radius)"},

    {"eta", "X", process, advise, true, false, "learning rate, > 0 (default 0.05)"},
    {"epsilon", "X", process, scan | advise, true, false, "noise scale, > 0 (default 0.1)"},

    {"noise", "NAME", noise, runs, true, false,
     "label (default: sigma = s J^T, labels are perturbed), isotropic (sigma = I), constant (sigma from --sigma) or "
     "minibatch (batches are drawn, labels exact: no noise on the valley; runs begin epsilon off it)"},
    {"noise", "NAME", noise, scan | advise, true, false,
     "label (default); minibatch, sampling without label noise, is refused: it has no time scale along the valley"},
    {"batch", "B", noise, problems, true, false,
     "samples drawn in every step, 1 to the number of residuals, for label noise (default: all, nothing is drawn) and "
     "minibatch noise (default 1)"},
    {"draw", "NAME", noise, problems, true, false,
     "how a batch is drawn: without-replacement (default) or with-replacement; needs --batch"},
    {"sigma", "FILE", noise, runs, true, false, "noise factor of --noise constant: CSV, D rows, no header"},
    {"noise-law", "NAME", noise, compare, true, false, "law of each draw: gaussian (default) or rademacher (+1 or -1)"},

    {"noise-law", "NAME", noise, scan, true, false, "law of each draw: rademacher (default, +1 or -1) or gaussian"},

    {"eta", "LIST", grid, scan, true, false,
     "learning rates: A,B,... or LOW:HIGH:COUNT, logarithmic (default 1e-4:1e-2:7; 1e-2:1e-1:7 for sgd)"},
    {"gamma", "LIST", grid, scan, true, false,
     "exponents: A,B,... or LOW:HIGH:COUNT (default 0.5,0.55,0.6,0.633,2/3,0.7,0.75,0.8)"},
    {"C", "LIST", grid, scan, true, false,
     "prefactors in 1 - beta = C eta^gamma: A,B,... or LOW:HIGH:COUNT, logarithmic (default 2 C*); the optimal gamma "
     "is "
     "the first one's"},
    {"delta", "X", grid, scan, true, false,
     "converged: within this part of the initial excess, or of the plateau, 1e-6 <= delta < 1 (default 0.2)"},
    {"limit", "K", grid, scan, true, false,
     "most steps of a cell (default: ten times the expected number); a cell that reaches it gets the status limit"},
    {"paths", "N", grid, scan, true, false, "trajectories of each cell, 256 to 100000000 (default 8192)"},
    {"no-prefactor", "", grid, scan, true, false, "leave out the part that varies C at gamma = 2/3"},
    {"prefactor-eta", "X", grid, scan, true, false, "learning rate of that part (default 1e-3)"},
    {"prefactor-C", "LIST", grid, scan, true, false,
     "its prefactors: A,B,... or LOW:HIGH:COUNT, logarithmic (default: 25 from 0.4 C* to 1.9 C*)"},
    {"prefactor-paths", "N", grid, scan, true, false, "its trajectories for each C (default 65536)"},
    {"read-at", "NAME", grid, scan, true, false,
     "where the slow coordinates are read: at the weights, or at the nearest point of the valley (default: weights, if "
     "the coordinates' gradients at the flattest point are tangent to the valley, so that the noise across it hardly "
     "enters; otherwise valley)"},
    {"control", "NAME", grid, scan, true, false,
     "none (default), or a negative control, with which the two-thirds law must not appear: no-transverse leaves the "
     "transverse times out, wrong-clock counts in units of slow time"},
    {"seed", "N", grid, scan, true, false, "seed of all noise, 0 to 2^64-1 (default 1)"},

    {"form", "NAME", comparison, compare, true, false,
     "the form of the theorem that is judged: finite-step (default: exact as epsilon -> 0), paper (eta -> 0 with "
     "eta/mu^2 kept) or asymptotic (eta -> 0 at fixed C and gamma; needs --gamma)"},
    {"time", "T", comparison, compare, true, false,
     "length in units of slow time, (mu/(eta epsilon))^2 steps each (default 2, less where the valley is steep)"},
    {"steps", "K", comparison, compare, true, false, "length in steps, instead of --time"},
    {"limit-step", "T", comparison, compare, true, false,
     "slow time per step of the limiting diffusion that is driven by the discrete runs' own noise; with noise of its "
     "own "
     "it takes four times that, by a scheme of higher order (default: 1/128 of the time of the motion along the "
     "valley, "
     "halved until a trial does not see the steps); not with label and minibatch noise, whose limit does not diffuse"},
    {"paths", "N", comparison, compare, true, false, "trajectories of each process, 256 to 100000000 (default 32768)"},
    {"shared-noise", "", comparison, compare, true, false,
     "drive both processes by the same noise and compare them path by path"},
    {"slow-variable", "NAME", comparison, compare, true, false,
     "what is compared with the diffusion: first-order (default: projected weights and momentum) or iterated (the "
     "limit map of the noiseless iteration)"},
    {"ladder", "NAME", comparison, compare, true, false,
     "brief (default: epsilon and epsilon/2) or full (adds epsilon/4 and three learning rates)"},
    {"seed", "N", comparison, compare, true, false, "seed of all noise, 0 to 2^64-1 (default 1)"},
    {"seed", "N", problem, bit(Command::inspect), true, false,
     "seed of --start random and --search, 0 to 2^64-1 (default 1)"},
    {"seed", "N", problem, advise, false, false, "seed of --search, 0 to 2^64-1 (default 1)"},

    {"only", "ID,...", checks, verify, false, false,
     "these checks alone: IDs separated by commas, D4 for all that begin with D4-, * and ? as wildcards"},
    {"manifold", "NAME", checks, verify, false, false, "on this manifold alone (default: all)"},
    {"start", "A,B,...", problem, verify, false, false,
     "a point on or near the valley of the formula, D numbers; the checks are made there and around it"},
    {"thorough", "", checks, verify, false, false, "more points and more paths: minutes instead of seconds"},
    {"seed", "N", checks, verify, false, false, "seed of the checks that sample, 0 to 2^64-1 (default 1)"},
    {"aa", "N", checks, verify, false, false,
     "instead of the checks, N repeats of those that sample, small and with fresh seeds, with the same law on both "
     "sides: no verdict may raise an alarm and p-values must be uniform"},
    {"list", "", checks, verify, false, false,
     "list the checks, of a manifold or formula those that apply to it, and stop"},

    {"output", "DIR", results, compare | scan, false, false,
     "folder for the results (default: valleydrift-out/MANIFOLD-NNN, the first free number); a folder that holds "
     "anything is refused"},
    {"force", "", results, compare | scan, false, false,
     "write into the folder --output although it holds something; files of an earlier run are set aside in "
     "replaced-NNN "
     "until this one is complete"},
    {"resume", "", results, scan, false, false,
     "continue the interrupted scan in the folder --output, with its configuration: the files end in the same bytes"},
    {"save-paths", "", results, compare, false, false, "write every trajectory to paths.csv"},
    {"path", "N", results, compare, false, false,
     "do not compare: replay trajectory N alone and write it in full, without pictures; not with what concerns the "
     "ensemble, as --ladder and --save-paths do"},
    {"no-plots", "", results, compare | scan, false, false, "write no pictures"},
    {"json", "", results, described, false, false, "print one JSON object instead of the text"},
    {"json", "FILE", results, verify, false, false, "also write the results as JSON; replaces the file"},
    {"junit", "FILE", results, verify, false, false,
     "also write the results as JUnit XML, which CI systems read; replaces the file"},
    {"quiet", "", results, compare | verify | scan, false, false,
     "print the verdict only, and nothing on stderr but errors"},
    {"benchmark", "", results, compare, false, false, "also print the cost per path and step"},

    {"config", "FILE", general, runs | scan, false, false,
     "read settings from FILE: lines `key = value` with the names above, # for comments. The command line wins, and "
     "also replaces what contradicts it in the file"},
    {"print-config", "", general, runs | scan, false, false,
     "print the resolved configuration, which --config reads again, and stop"},
    {"dry-run", "", general, compare | scan, false, false,
     "check all input, the folder --output too, state the cost, and stop"},
    {"threads", "N", general, compare | verify | scan, false, false,
     "threads, 1 to 1024 (default: all processors); results do not depend on it"},
    {"help", "", general, every, false, false, "print this help; `valleydrift COMMAND --help` for one command"},
    {"version", "", general, every, false, false, "print the version"},
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

}  // namespace

std::string name_of(Command command) {
  switch (command) {
    case Command::manifolds:
      return "manifolds";
    case Command::inspect:
      return "inspect";
    case Command::compare:
      return "compare";
    case Command::verify:
      return "verify";
    case Command::scan:
      return "scan";
    case Command::advise:
      return "advise";
  }
  return {};
}

std::vector<Command> all_commands() {
  return {Command::manifolds, Command::inspect, Command::compare, Command::verify, Command::scan, Command::advise};
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

std::vector<std::string> owners_of(std::string_view name) {
  std::vector<std::string> owners;
  for (const Command command : all_commands()) {
    const OptionInfo* option = find_option(name, command);
    if (option && belongs_to(*option, command)) owners.push_back(name_of(command));
  }
  return owners;
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
