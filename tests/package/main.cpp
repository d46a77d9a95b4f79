// A program of a user's own: the theory at a point, then a short comparison, as data and as text.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "validation/compare/compare.hpp"
#include "validation/inspect/inspection.hpp"
#include "validation/report/report.hpp"
#include "validation/run/plan.hpp"

int main() {
  namespace vd = valleydrift;
  vd::run::RunConfig config;
  config.manifold = "ellipse";
  config.noise = vd::run::NoiseKind::isotropic;
  config.time = 0.5;
  config.paths = 2048;
  const vd::run::ResolvedRun run = vd::run::resolve(config);

  const vd::inspect::Inspection at_start = vd::inspect::inspect(run);
  fmt::print("drift: {:.6f}, {:.6f}\n", at_start.drift.front().total()[0], at_start.drift.front().total()[1]);

  const vd::compare::Comparison result = vd::compare::compare(run, vd::run::plan_comparison(run));
  fmt::print("verdict: {}\n", name_of(result.verdict));
  fmt::print("keys of summary.json: {}\n", vd::report::summary_json(result).size());
}
