// The momentum by the moment hierarchy, or else C* eta^(2/3), beside none and beta = 0.9.
#include "validation/scan/advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "manifolds/errors.hpp"
#include "manifolds/numbers/portable_math.hpp"
#include "validation/scan/optimum.hpp"

namespace valleydrift::scan {
namespace {

run::ResolvedRun run_with(const ResolvedScan& scan, double mu) {
  run::RunConfig c = scan.config.run;
  c.start = std::vector<double>(scan.start.begin(), scan.start.end());
  c.C = mu / manifolds::pow(c.eta, 2.0 / 3.0);  // keeps mu to the last digit where 1 - beta would not
  c.gamma = 2.0 / 3.0;
  return run::resolve(c);
}

Option option(const ResolvedScan& scan, const std::string& name, double mu) {
  Option o{.name = name, .beta = 1.0 - mu, .mu = mu, .prediction = {}, .unstable = {}};
  try {
    o.prediction = predict(scan, run_with(scan, mu));
  } catch (const NumericalError& error) {
    o.unstable = error.what();
  }
  return o;
}

}  // namespace

std::string Option::reason() const {
  for (const std::string& text : {unstable, prediction.reason, prediction.outside}) {
    if (!text.empty()) return text;
  }
  return "it does not come within this part, or has not arrived in as many steps as are followed";
}

std::optional<double> Option::time() const {
  if (!prediction.root_mean_square || !prediction.transverse) return {};
  return std::max(*prediction.root_mean_square, *prediction.transverse);
}

Advice advise(const ResolvedScan& scan, int search) {
  const run::RunConfig& c = scan.config.run;
  if (c.scheme == Scheme::sgd) throw ConfigError("--scheme sgd: sgd has no momentum to advise on");
  Advice advice{.eta = c.eta,
                .delta = scan.config.delta,
                .recommended_mu = 0.0,
                .exact = false,
                .limited = false,
                .reason = {},
                .options = {},
                .conditions = {}};
  const double heuristic = scan.C_star * manifolds::pow(c.eta, 2.0 / 3.0);
  double mu = std::min(1.0, heuristic);
  const run::ResolvedRun base = run_with(scan, mu);
  const Prediction there = predict(scan, base);
  if (there.scales.rates) {
    // Heavy ball's optimum is C*; Nesterov's lies below it.
    mu = fastest_friction(scan, base, 0.02 * mu, std::min(1.0, 4.0 * mu));
    advice.exact = true;
    advice.reason = "fastest decay of the RMS along the valley near the flattest point, from the moment hierarchy";
  } else {
    advice.reason =
        "C* eta^(2/3), a heuristic: the moment hierarchy is for one slow coordinate and one underdamped transverse "
        "mode; "
        "`valleydrift scan` measures the best C";
  }
  advice.limited = heuristic >= 1.0;
  advice.recommended_mu = mu;
  advice.options = {option(scan, "recommended", mu), option(scan, "beta = 0", 1.0), option(scan, "beta = 0.9", 0.1)};
  const run::ResolvedRun recommended = run_with(scan, mu);
  advice.conditions = run::applicability_at(recommended, scan.flattest_point).conditions;
  if (search > 0) advice.search = run::search_flattest(recommended, search);
  return advice;
}

}  // namespace valleydrift::scan
