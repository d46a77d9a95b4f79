// The prose of --help for every command, around the options that the table lists.
#include "cli/help.hpp"

#include <fmt/format.h>

#include "cli/option_table.hpp"
#include "validation/report/text.hpp"

namespace valleydrift::cli {
namespace {

std::string options_of(Command command) {
  std::string text;
  std::string_view group;
  for (const OptionInfo& option : option_table()) {
    if (!belongs_to(option, command)) continue;
    if (option.group != group) {
      group = option.group;
      text += fmt::format("\n{}\n", group);
    }
    const std::string left = fmt::format("--{}{}{}", option.name, option.argument.empty() ? "" : " ", option.argument);
    text += report::wrapped(fmt::format("  {:<24} ", left), help_text(option, command));
  }
  return text;
}

constexpr const char* exit_codes = R"(
Exit codes
  0  done; theory and simulation agree, every check passes
  1  they disagree, or the run cannot decide; the report says why and what to do next
  2  bad input: an option, a value, what a file says
  3  numerical failure, such as a step beyond the stability limit or a Hessian whose rank changes
  4  a file, or standard output, cannot be read or written
  128 + n   interrupted by signal n: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP
)";

/// Of the commands that are about the iteration; DERIVATION (1) to (5).
constexpr const char* iteration_text = R"(
The iteration, from p = 0 (DERIVATION (1) to (4))
  heavy ball  p <- beta p - grad L(w) + epsilon sigma(w) xi,   w <- w + eta p
  Nesterov    the same with gradient and noise at the look-ahead point w + eta beta p;  SGD: beta = 0
  xi          drawn anew in every step, independent, of mean 0 and variance 1; label noise,
              sigma = s J^T, moves the labels: the gradient is that of (s/2) sum (f_a - epsilon xi_a)^2
  slow time   t = k (eta epsilon/(1 - beta))^2 after k steps
In PyTorch, torch.optim.SGD(lr, momentum) with dampening 0 and weight_decay 0 is this iteration for its
own loss with eta = lr, beta = momentum, p = -momentum_buffer; with nesterov=True its parameters are the
look-ahead point. MSELoss, (1/n) sum f_a^2, is 2 L where s = 1/n: there lr = eta/2. Where s = 1 it is
(2/n) L: lr = n eta/2.
)";

constexpr const char* manifolds_text = R"(usage: valleydrift manifolds [NAME] [--json]

Lists the built-in problems, each a loss L(w) whose minima form a valley; with a NAME, shows one: its
formula, coordinates, parameters with their ranges, default start, and what is known about it exactly.
)";
constexpr const char* manifolds_examples = R"(
Examples
  valleydrift manifolds
  valleydrift manifolds torus
)";

constexpr const char* inspect_text = R"(usage: valleydrift inspect [OPTIONS]

Prints what the theory says about one point of a valley, without running anything: the spectrum of the
Hessian, the drift of the limiting diffusion (its curvature, mixed and transverse terms, in each form of the
theorem), the diffusion, the time scales tau_1 (fast, transverse) and tau_2 (slow, along the valley), and
whether the theory applies at these hyperparameters. Without options: uv at its default start.
)";
constexpr const char* inspect_examples = R"(
Examples
  valleydrift inspect --manifold uv --at 2,0.5
  valleydrift inspect --manifold torus --param R=1 --param r=0.3 --eta 0.02 --beta 0.95
  valleydrift inspect --manifold sphere --param D=3 --noise isotropic --C 0.3 --gamma 0.6 --json
)";

constexpr const char* compare_text = R"(usage: valleydrift compare [OPTIONS]

Runs noisy SGD with momentum and the limiting diffusion of the theorem on the same clock, and judges whether
they agree: for each observable (slow coordinates, trace of the Hessian, transverse variance, loss) the
difference is followed as the noise scale epsilon shrinks, and must extrapolate to zero within its error.
Every option has a default; without any, the run is uv with label noise and takes a few seconds.
Results go to a folder: summary.json, series.csv, plots, and config.ini, which --config runs again.
)";
constexpr const char* compare_examples = R"(
Examples
  valleydrift compare
  valleydrift compare --manifold sphere --param D=3 --noise isotropic
  valleydrift compare --manifold quadratic-pair --noise constant --sigma sigma.csv --beta 0.99
  valleydrift compare --scheme nesterov --ladder full --paths 65536 --output nesterov-run
  valleydrift compare --config nesterov-run/config.ini --seed 2
)";

constexpr const char* verify_text = R"(usage: valleydrift verify [OPTIONS]

Checks the formulas of the derivation on every manifold, each against a computation that does not contain it:
derivatives, geometry, the drift of the theorem term by term against the iterated noiseless map, its forms and
their limits, closed forms, exact identities, the noise, orders of the integrators, and sampled laws. Prints a
row per check and manifold. Exit code 0 only if every check passes; a failure says what to look at.
)";
constexpr const char* verify_examples = R"(
Examples
  valleydrift verify
  valleydrift verify --list
  valleydrift verify --only 'D4,D5-*' --manifold torus
  valleydrift verify --thorough --junit verify.xml --json verify.json
  valleydrift verify --aa 1000
)";

constexpr const char* scan_text = R"(usage: valleydrift scan [OPTIONS]

Measures how long the discrete iteration takes to converge over a grid of learning rates eta and
momenta 1 - beta = C eta^gamma, in three readings: the mean of the slow coordinate over runs, its root
mean square, and the transverse part. Every time stands beside its prediction, from the limiting flow
or, where the time scales are not separated, from the moment hierarchy. Power laws T ~ eta^-alpha are
fitted for each gamma, the optimal gamma is where the longitudinal and the transverse branch meet, and
the best prefactor C at gamma = 2/3 is where the decay is fastest. Cells that the theory does not cover
are run and shown, but enter no fit. Results go to a folder and grow with the scan: cells.csv,
replicates.csv, curves.csv, then summary.json and plots. An interrupted scan continues with --resume
--output FOLDER.
)";
constexpr const char* scan_examples = R"(
Examples
  valleydrift scan
  valleydrift scan --dry-run
  valleydrift scan --manifold ellipse --param a=2 --param b=1 --output ellipse-scan
  valleydrift scan --resume --output ellipse-scan
  valleydrift scan --scheme nesterov --eta 0.02 --gamma 0.7 --epsilon 0.005 --prefactor-eta 0.02
  valleydrift scan --no-prefactor --control wrong-clock
)";

constexpr const char* advise_text = R"(usage: valleydrift advise [OPTIONS]

Prints the momentum with which training moves fastest along the valley at a given learning rate and noise
scale, the time scales and convergence times predicted for it, for beta = 0 and for beta = 0.9, and where the
prediction holds. Nothing is simulated.
)";
constexpr const char* advise_examples = R"(
Examples
  valleydrift advise --manifold uv --eta 0.001 --epsilon 0.1
  valleydrift advise --manifold ellipse --eta 0.01 --scheme nesterov --json
)";

constexpr const char* general_text =
    R"(valleydrift: how noisy SGD with momentum moves along a valley of minima, theory against simulation

usage: valleydrift COMMAND [OPTIONS]

Commands
)";
constexpr const char* general_examples = R"(
`valleydrift COMMAND --help` explains the options of a command, `valleydrift compare --help` also the update rule
and what learning rate and momentum are in PyTorch. --version prints the version.
Results go to standard output, messages and progress to standard error.

Examples
  valleydrift compare
  valleydrift manifolds ellipse
  valleydrift inspect --manifold ellipse --eta 0.01
  valleydrift verify
)";

}  // namespace

std::string general_help() {
  std::string text = general_text;
  for (const manifolds::Named<Command>& command : names_of(Command{})) {
    text += fmt::format("  {:<12}{}\n", command.name, command.meaning);
  }
  return text + general_examples + exit_codes;
}

std::string help_for(Command command) {
  switch (command) {
    case Command::manifolds:
      return manifolds_text + options_of(command) + manifolds_examples + exit_codes;
    case Command::inspect:
      return inspect_text + options_of(command) + iteration_text + inspect_examples + exit_codes;
    case Command::compare:
      return compare_text + options_of(command) + iteration_text + compare_examples + exit_codes;
    case Command::verify:
      return verify_text + options_of(command) + verify_examples + exit_codes;
    case Command::scan:
      return scan_text + options_of(command) + iteration_text + scan_examples + exit_codes;
    case Command::advise:
      return advise_text + options_of(command) + iteration_text + advise_examples + exit_codes;
  }
  return {};
}

std::string version_text() { return "valleydrift " VALLEYDRIFT_VERSION "\n"; }

}  // namespace valleydrift::cli
