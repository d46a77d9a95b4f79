#include "validation/scan/cell_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "manifolds/errors.hpp"
#include "validation/ensemble.hpp"

namespace valleydrift::validation {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// Independent noise for every cell: the finaliser of SplitMix64 on seed and index.
std::uint64_t seed_of(const ResolvedScan& scan, const Cell& cell) {
  std::uint64_t z = scan.config.run.seed + 0x9e3779b97f4a7c15u * static_cast<std::uint64_t>(cell.index + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// Where the asymptotic rates are read, in units of k_0^(-1/3): the other modes have decayed, the mean still stands
/// above its sampling error.
constexpr std::array<double, 2> rate_window = {3.0, 9.0};

/// The steps of the records: as fine as the transverse motion asks until it has relaxed, then as fine as that along the
/// valley.
class Schedule {
 public:
  Schedule(const CellPlan& plan, bool to_the_end_of_window) {
    const Prediction& p = plan.prediction;
    const double transverse = *p.transverse;
    const double along = std::max(transverse, std::min(p.mean.value_or(p.scales.tau_2), p.scales.tau_2));
    fine_ = std::max(1.0, std::floor(transverse / per_time));
    fine_until_ = 3.0 * transverse;
    coarse_ = std::max(fine_, std::floor(along / per_time));
    if (to_the_end_of_window) {
      // Equal distances within the window.
      fine_ = coarse_ = std::max(1.0, std::floor(p.scales.unit / 20.0));
    }
  }
  /// The next records, up to `limit`.
  std::vector<std::int64_t> next(std::int64_t limit) {
    constexpr int at_once = 32;
    std::vector<std::int64_t> steps;
    for (int i = 0; i < at_once && last_ < limit; ++i) {
      const double spacing = static_cast<double>(last_) < fine_until_ ? fine_ : coarse_;
      last_ = std::min(limit, last_ + static_cast<std::int64_t>(spacing));
      steps.push_back(last_);
    }
    return steps;
  }

 private:
  static constexpr double per_time = 60.0;  // interpolation between records is then good to 1e-4
  double fine_, fine_until_, coarse_;
  std::int64_t last_ = 0;
};

/// Whether every time is known: within delta for half as long again, and through more than the oscillation of the
/// valley coordinate, 2 pi units at most.
bool bracketed(const Curves& c, double delta, double unit, bool oscillates) {
  const double last = c.steps.back();
  for (const auto* ratio : {&c.mean, &c.rms}) {
    const auto time = last_crossing(c.steps, *ratio, delta);
    if (!time || last < 1.25 * *time + (oscillates ? 5.0 * unit : 0.0)) return false;
  }
  const auto time = last_crossing(c.steps, c.transverse, delta);
  return time && last >= 1.5 * *time;
}

Curves thinned(const Curves& c) {
  constexpr std::size_t most = 240;
  const std::size_t stride = c.steps.size() / most + 1;
  Curves out;
  for (std::size_t i = 0; i < c.steps.size(); i += stride) {
    out.steps.push_back(c.steps[i]);
    out.mean.push_back(c.mean[i]);
    out.rms.push_back(c.rms[i]);
    out.transverse.push_back(c.transverse[i]);
    out.trace.push_back(c.trace[i]);
  }
  return out;
}

double value(const std::optional<double>& x) { return x.value_or(none); }

void measure(const ResolvedScan& scan, const CellPlan& plan, CellResult& result) {
  const Prediction& p = plan.prediction;
  const double delta = scan.config.delta, unit = p.scales.unit;
  const std::int64_t paths = plan.run.config.paths;
  const bool rates = result.cell.part == Part::prefactor;
  const std::array<double, 2> window =
      rates ? std::array{rate_window[0] * unit, rate_window[1] * unit} : std::array{0.0, 0.0};
  const manifolds::Geometry geometry = plan.run.manifold.geometry(scan.flattest_point);
  const Hyperparameters& h = plan.run.hyperparameters;
  const double plateau = h.epsilon * h.epsilon *
                         sde::transverse_plateau(geometry, plan.run.noise_factor(scan.flattest_point),
                                                 sde::LimitForm(Form::finite_step, h))
                             .loss /
                         geometry.trace_hessian();

  const std::uint64_t seed = seed_of(scan, result.cell);
  const std::unique_ptr<CellEnsemble> ensemble = CellEnsemble::make(scan, plan.run, seed);
  CellRecords records;
  Schedule schedule(plan, rates);
  const std::vector<int> once(batch_count, 1);
  bool done = false;
  while (!done && (records.steps.empty() || records.steps.back() < plan.limit)) {
    ensemble->advance(schedule.next(plan.limit), records);
    const Curves curves = curves_of(records, once, paths, plateau);
    done = bracketed(curves, delta, unit, h.mu < 1.0) && curves.steps.back() >= window[1];
  }
  result.steps = records.steps.back();
  const Curves curves = curves_of(records, once, paths, plateau);
  const FigureValues figures = read_figures(curves, delta, window);
  result.replicates = bootstrap(records, paths, plateau, delta, window, seed);
  for (int f = 0; f < figure_count; ++f) {
    result.figure[static_cast<std::size_t>(f)].measured = figures[static_cast<std::size_t>(f)];
    result.figure[static_cast<std::size_t>(f)].standard_error =
        standard_error(result.replicates, static_cast<Figures>(f));
  }
  result.curves = thinned(curves);
  result.reason = p.outside.empty() ? p.reason : p.outside;
  result.status = !p.outside.empty() ? Status::outside : done ? Status::ok : Status::limit;
  if (result.status == Status::limit) {
    result.reason = fmt::format("not bracketed after {} steps, the limit: times beyond it are not given", result.steps);
  }
}

}  // namespace

std::string name_of(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::outside:
      return "outside";
    case Status::limit:
      return "limit";
    case Status::failed:
      return "failed";
  }
  return {};
}

CellPlan plan_cell(const ResolvedScan& scan, const Cell& cell) {
  CellPlan plan{.run = scan.run_of(cell), .prediction = {}};
  plan.prediction = predict(scan, plan.run);
  const Prediction& p = plan.prediction;
  if (!p.transverse) return plan;
  const double along =
      std::max(p.mean.value_or(p.scales.tau_2 * std::log(1.0 / scan.config.delta)), p.root_mean_square.value_or(0.0));
  const bool oscillates = plan.run.hyperparameters.mu < 1.0;
  plan.expected_steps = std::max(1.25 * along + (oscillates ? 5.0 * p.scales.unit : 0.0), 1.5 * *p.transverse);
  if (cell.part == Part::prefactor) plan.expected_steps = std::max(plan.expected_steps, rate_window[1] * p.scales.unit);
  constexpr double patience = 10.0, most = 1e15;
  plan.limit = scan.config.limit.value_or(static_cast<std::int64_t>(std::min(most, patience * plan.expected_steps)));
  return plan;
}

CellResult run_cell(const ResolvedScan& scan, const Cell& cell) {
  CellResult result{.cell = cell, .figure = {}};
  result.figure.fill({none, none, none});
  try {
    const CellPlan plan = plan_cell(scan, cell);
    const Prediction& p = plan.prediction;
    result.mu = plan.run.hyperparameters.mu;
    result.scaled_friction = p.scales.scaled_friction;
    result.tau_momentum = p.scales.tau_momentum;
    result.unit = p.scales.unit;
    result.source = p.source;
    if (!p.transverse) {
      result.status = Status::outside;
      result.reason = p.outside;
      return result;
    }
    const auto predicted = [&](Figures f) -> double& { return result.figure[static_cast<std::size_t>(f)].predicted; };
    predicted(Figures::mean) = value(p.mean);
    predicted(Figures::rms) = value(p.root_mean_square);
    predicted(Figures::transverse) = value(p.transverse);
    predicted(Figures::tau_1) = p.scales.tau_1;
    predicted(Figures::tau_2) = p.scales.tau_2;
    predicted(Figures::rate_mean) = value(p.rate_mean);
    predicted(Figures::rate_rms) = value(p.rate_root_mean_square);
    measure(scan, plan, result);
  } catch (const ConfigError& error) {  // 1 - beta out of range
    result.status = Status::outside;
    result.reason = error.what();
  } catch (const NumericalError& error) {
    result.status = Status::failed;
    result.reason = error.what();
  }
  return result;
}

}  // namespace valleydrift::validation
