// Default grids, the linear start beside the flattest point, and what the grid's cells are.
#include "validation/scan/scan_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "manifolds/catalogue.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/numbers/portable_math.hpp"
#include "sde/label_flow.hpp"
#include "validation/run/random_start.hpp"
#include "validation/scan/optimum.hpp"

namespace valleydrift::scan {
namespace {

constexpr double scan_epsilon = 0.1;
/// tr H within this part of its flattest value: what is neglected in DERIVATION (43) is of this order.
constexpr double linear_range = 0.02;
/// A start given by the user counts as in the linear range up to here.
constexpr double nearly_linear = 0.03;

/// count values from low to high, each ratio the same.
std::vector<double> logarithmic(double low, double high, int count) {
  std::vector<double> out;
  for (int i = 0; i < count; ++i) out.push_back(low * manifolds::pow(high / low, i / (count - 1.0)));
  return out;
}

double trace_at(const Manifold& manifold, const Vector& y) { return manifold.geometry(y).trace_hessian(); }

/// The first point of the flow from the run's start at which tr H exceeds that of the flattest point by at most
/// `linear_range`, by bisection in slow time.
Vector linear_start(const run::ResolvedRun& run, const Vector& flattest) {
  const double bound = (1.0 + linear_range) * trace_at(run.manifold, flattest);
  if (trace_at(run.manifold, run.start) <= bound) return run.start;
  const sde::LyapunovOperator form(Form::paper, run.hyperparameters);
  const auto at = [&](double t) { return sde::label_flow(run.manifold, form, run.start, t, run.batch_noise()); };
  double late = 1.0;
  constexpr int most_doublings = 40, bisections = 40;
  for (int i = 0; i < most_doublings && trace_at(run.manifold, at(late)) > bound; ++i) late *= 2.0;
  double early = 0.0;
  for (int i = 0; i < bisections; ++i) {
    const double middle = 0.5 * (early + late);
    (trace_at(run.manifold, at(middle)) > bound ? early : late) = middle;
  }
  return at(late);
}

/// Whether the gradients of the slow coordinates at y are tangent to the valley, by differences along the transverse
/// directions against those along all axes.
bool tangent_coordinates(const Manifold& manifold, const Vector& y, const Vector& start) {
  constexpr double step = 1e-5, small = 1e-3;
  const auto change = [&](const Vector& direction) {
    return Vector(manifold.slow_coordinates(y + step * direction, start) -
                  manifold.slow_coordinates(y - step * direction, start));
  };
  const Matrix& across = manifold.geometry(y).transverse;
  const auto coordinates = static_cast<Eigen::Index>(manifold.slow_coordinate_names().size());
  Vector transverse = Vector::Zero(coordinates), whole = transverse;
  for (Eigen::Index i = 0; i < across.cols(); ++i) transverse += change(across.col(i)).cwiseAbs2();
  for (Eigen::Index i = 0; i < y.size(); ++i) whole += change(Vector::Unit(y.size(), i)).cwiseAbs2();
  return (transverse.array() <= small * small * whole.array()).all();
}

}  // namespace

std::span<const manifolds::Named<Control>> names_of(Control) {
  static constexpr manifolds::Named<Control> names[] = {
      {Control::none, "none"}, {Control::no_transverse, "no-transverse"}, {Control::wrong_clock, "wrong-clock"}};
  return names;
}

std::span<const manifolds::Named<ReadAt>> names_of(ReadAt) {
  static constexpr manifolds::Named<ReadAt> names[] = {{ReadAt::weights, "weights"}, {ReadAt::valley, "valley"}};
  return names;
}

std::span<const manifolds::Named<Part>> names_of(Part) {
  static constexpr manifolds::Named<Part> names[] = {{Part::grid, "grid"}, {Part::prefactor, "prefactor"}};
  return names;
}

std::vector<double> default_etas(Scheme scheme) {
  return scheme == Scheme::sgd ? logarithmic(1e-2, 1e-1, 7) : logarithmic(1e-4, 1e-2, 7);
}

std::vector<double> default_gammas(Scheme scheme) {
  if (scheme == Scheme::sgd) return {0.0};
  return {0.5, 0.55, 0.6, 0.633, two_thirds, 0.7, 0.75, 0.8};
}

namespace {

/// The same from a start on the valley, which the theory knows: where every run has a random start of its own, from the
/// manifold's or, of a formula, that of the first path.
run::RunConfig on_valley(const ScanConfig& scan) {
  run::RunConfig c = scan.run;
  c.phase1 = run::Phase1::none;
  if (c.start || (scan.scattered() && !c.formula)) c.random_start = false;
  return c;
}

}  // namespace

run::ResolvedRun ResolvedScan::run_of(const Cell& cell) const {
  run::RunConfig c = on_valley(config);
  c.eta = cell.eta;
  c.start = std::vector<double>(start.data(), start.data() + start.size());
  c.paths = paths_of(cell);
  if (c.scheme != Scheme::sgd) {
    c.C = cell.C;
    c.gamma = cell.gamma;
  }
  return run::resolve(c);
}

namespace {

/// C* for heavy ball; for Nesterov, whose optimum lies lower at small epsilon, by the moment hierarchy where it exists.
double expected_best_C(const ResolvedScan& scan) {
  const double eta = scan.config.prefactor_eta, power = manifolds::pow(eta, two_thirds);
  if (scan.config.run.scheme != Scheme::nesterov) return scan.C_star;
  const run::ResolvedRun base = scan.run_of({0, Part::prefactor, eta, two_thirds, std::min(scan.C_star, 1.0 / power)});
  if (!predict(scan, base).scales.rates) return scan.C_star;
  const double mu = base.hyperparameters.mu;
  return fastest_friction(scan, base, 0.02 * mu, std::min(1.0, 4.0 * mu)) / power;
}

/// One pass: what it writes into the configuration decides the rest of it.
ResolvedScan resolve_once(const ScanConfig& given) {
  ScanConfig config = given;
  run::RunConfig& c = config.run;
  c.beta = c.C = c.gamma = {};
  if (!c.epsilon) c.epsilon = scan_epsilon;
  if (config.etas.empty()) config.etas = default_etas(c.scheme);
  if (config.gammas.empty()) config.gammas = default_gammas(c.scheme);
  if (c.scheme == Scheme::sgd) {
    config.Cs = {1.0};
    config.prefactor = false;
  }
  c.eta = *std::min_element(config.etas.begin(), config.etas.end());  // the most stable; the paper form knows no eta

  run::ResolvedRun run = run::resolve(on_valley(config));
  if (c.random_start && !c.start_scale) c.start_scale = run::default_start_scale(run.manifold.dimension());
  const run::Relaxation relaxation = run::relaxation_time(run, Form::paper);
  if (!relaxation.time.value) {
    throw ConfigError(
        fmt::format("--manifold {}: there is no time scale along this valley: tau_Y does not exist: {}; "
                    "`valleydrift inspect` gives the local time along the path",
                    c.manifold, relaxation.time.reason));
  }
  const bool descends = c.phase1 == run::Phase1::noisy && !c.random_start;
  if (!given.run.start && (!c.random_start || config.scattered()))
    run.start = linear_start(run, *relaxation.fixed_point);
  ResolvedScan scan{.config = config,
                    .manifold = run.manifold,
                    .start = run.start,
                    .initial = descends ? run.initial : run.start,
                    .flattest_point = *relaxation.fixed_point,
                    .note = relaxation.note,
                    .tau_Y = *relaxation.time.value,
                    .C_star = run::prefactor_where_scales_meet(*c.epsilon, *relaxation.time.value),
                    .linear = trace_at(run.manifold, run.start) <=
                              (1.0 + nearly_linear) * trace_at(run.manifold, *relaxation.fixed_point),
                    .cells = {}};
  scan.config.run.parameters = run.config.parameters;
  if (!scan.config.read_at) {
    const bool tangent = tangent_coordinates(run.manifold, scan.flattest_point, run.start);
    scan.config.read_at = tangent ? ReadAt::weights : ReadAt::valley;
  }
  const Vector& written = descends ? scan.initial : run.start;
  scan.config.run.start = std::vector<double>(written.data(), written.data() + written.size());
  const double excess = (run.manifold.slow_coordinates(run.start, run.start) -
                         run.manifold.slow_coordinates(scan.flattest_point, run.start))
                            .norm();
  if (!(excess > 1e-6)) {
    throw ConfigError(fmt::format("--start {}: is the flattest point, nothing is left to converge; start elsewhere",
                                  manifolds::format_point(run.start)));
  }
  if (!scan.config.Cs) scan.config.Cs = {2.0 * scan.C_star};
  if (!scan.config.prefactor_Cs && config.prefactor) {
    const double best = expected_best_C(scan);
    scan.config.prefactor_Cs = logarithmic(0.4 * best, 1.9 * best, 25);
  }

  constexpr double most_cells = 1e5;
  const double count =
      static_cast<double>(scan.config.Cs->size()) * static_cast<double>(config.gammas.size() * config.etas.size());
  if (!(count <= most_cells)) {
    throw ConfigError(
        fmt::format("scan: --eta, --gamma and --C make {:g} cells, allowed is up to {:g}", count, most_cells));
  }
  const auto add = [&](Part part, double eta, double gamma, double C) {
    scan.cells.push_back({static_cast<int>(scan.cells.size()), part, eta, gamma, C});
  };
  for (const double C : *scan.config.Cs) {
    for (const double gamma : config.gammas) {
      for (const double eta : config.etas) add(Part::grid, eta, gamma, C);
    }
  }
  if (config.prefactor) {
    for (const double C : *scan.config.prefactor_Cs) add(Part::prefactor, config.prefactor_eta, two_thirds, C);
  }
  return scan;
}

}  // namespace

ResolvedScan resolve_scan(const ScanConfig& given) {
  // The flattest point, in its last digits, and C with it depend on where the flow starts. Resolved once more from what
  // was written out, a scan read back from its configuration is the same to the bit.
  return resolve_once(resolve_once(given).config);
}

}  // namespace valleydrift::scan
