// How many paths and records a cell gets, when it may stop, and the resampling of its batches.
#include "validation/scan/cell_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "manifolds/errors.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "validation/run/ensemble.hpp"
#include "validation/scan/transverse_energy.hpp"

namespace valleydrift::scan {
namespace {

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

/// The steps of the records, `per_time` to the shortest time that is asked for; interpolation is then good to 1e-4.
constexpr double per_time = 60.0;
/// The transverse part has four times as many paths, up to this number: it is over soon, and energies scatter widely.
constexpr std::int64_t enough_paths = 32768;

/// Records between two looks at whether there are enough.
constexpr int at_once = 32;

std::int64_t transverse_paths(const run::ResolvedRun& run) {
  return std::max(run.config.paths, std::min(4 * run.config.paths, enough_paths));
}

/// Of the records along the valley.
double along_spacing(const Cell& cell, const Prediction& p) {
  const double unit = p.scales.unit;
  return (cell.part == Part::prefactor ? 3.0 * unit : p.mean.value_or(std::max(p.scales.tau_2, unit))) / per_time;
}

/// One ensemble with its records and the curves that follow from them.
class Measurement {
 public:
  Measurement(const ResolvedScan& scan, const run::ResolvedRun& run, const Plateau& plateau, std::uint64_t seed)
      : ensemble_(CellEnsemble::make(scan, run, seed)),
        paths_(run.config.paths),
        plateau_(plateau),
        seed_(seed) {}

  /// Records every `spacing` steps until enough(curves), or the limit.
  template <class Enough>
  void run(double spacing, std::int64_t limit, Enough enough) {
    constexpr std::size_t fine = 1024;  // from here on a spacing of a thousandth is as good
    auto step = std::max<std::int64_t>(1, static_cast<std::int64_t>(spacing));
    std::int64_t last = 0;
    do {
      std::vector<std::int64_t> steps;
      for (int i = 0; i < at_once && last < limit; ++i) steps.push_back(last = std::min(limit, last + step));
      ensemble_->advance(steps, records_);
      extend(curves_, records_, std::vector<int>(run::batch_count, 1), paths_, plateau_);
      if (records_.steps.size() % fine == 0) step *= 2;
    } while (last < limit && !enough(curves_));
  }

  const Curves& curves() const { return curves_; }
  std::vector<FigureValues> resampled(double delta, std::array<double, 2> window) const {
    return bootstrap(records_, paths_, plateau_, delta, window, seed_);
  }

 private:
  std::unique_ptr<CellEnsemble> ensemble_;
  CellRecords records_;
  Curves curves_;
  std::int64_t paths_;
  Plateau plateau_;
  std::uint64_t seed_;
};

/// Whether a time along the valley is known: within delta for a quarter longer, and through more than the oscillation
/// of the valley coordinate, 2 pi units at most.
bool bracketed(const Curves& c, const std::vector<double>& ratio, double delta, double confirmation) {
  const auto time = last_crossing(c.steps, ratio, delta);
  return time && c.steps.back() >= 1.25 * *time + confirmation;
}

/// Whether the root mean square has come to rest above delta, at what several modes stir up along the valley: three
/// times the mean's time are over, and from the second third of the run to the last it fell by less than 2 %, a tenth
/// of what the slowest decay of (45) inside the limits would take off in the meantime.
bool rms_rests_above(const Curves& c, double delta, double confirmation) {
  constexpr double fall = 0.02;
  if (!bracketed(c, c.mean, delta, confirmation) || c.rms.back() <= delta) return false;
  if (c.steps.back() < 3.0 * *last_crossing(c.steps, c.mean, delta)) return false;
  const auto mean_between = [&](double from, double to) {
    double sum = 0.0, n = 0.0;
    for (std::size_t i = 0; i < c.steps.size(); ++i) {
      if (c.steps[i] < from * c.steps.back() || c.steps[i] > to * c.steps.back()) continue;
      sum += c.rms[i];
      n += 1.0;
    }
    return sum / n;
  };
  return mean_between(2.0 / 3.0, 1.0) > (1.0 - fall) * mean_between(1.0 / 3.0, 2.0 / 3.0);
}

/// Both times along the valley are known, or the second does not exist.
bool along_settled(const Curves& c, double delta, double confirmation) {
  return bracketed(c, c.mean, delta, confirmation) &&
         (bracketed(c, c.rms, delta, confirmation) || rms_rests_above(c, delta, confirmation));
}

bool transverse_bracketed(const Curves& c, double delta) {
  const auto time = last_crossing(c.steps, c.transverse, delta);
  return time && c.steps.back() >= 1.5 * *time;
}

/// Adds at most `most` records of c in [begin, end) to `out`.
void add_thinned(Curves& out, const Curves& c, double begin, double end, std::size_t most) {
  const auto within = [&](double step) { return step >= begin && step < end; };
  const auto count = static_cast<std::size_t>(std::count_if(c.steps.begin(), c.steps.end(), within));
  const std::size_t stride = count / most + 1;
  for (std::size_t i = 0, kept = 0; i < c.steps.size(); ++i) {
    if (!within(c.steps[i]) || kept++ % stride != 0) continue;
    out.steps.push_back(c.steps[i]);
    out.mean.push_back(c.mean[i]);
    out.rms.push_back(c.rms[i]);
    out.transverse.push_back(c.transverse[i]);
    out.loss.push_back(c.loss[i]);
    out.trace.push_back(c.trace[i]);
  }
}

double value(const std::optional<double>& x) { return x.value_or(not_reached); }

/// Of the transverse motion at the flattest point.
Plateau plateau_of(const ResolvedScan& scan, const run::ResolvedRun& run) {
  const manifolds::Geometry geometry = run.manifold.geometry(scan.flattest_point);
  const TransverseEnergy energy(geometry, run.noise_factor(scan.flattest_point), run.hyperparameters);
  return {energy.plateau() / geometry.trace_hessian(), energy.loss_plateau() / geometry.trace_hessian()};
}

bool is_transverse(Figures f) { return f == Figures::transverse || f == Figures::tau_1; }

void measure(const ResolvedScan& scan, const CellPlan& plan, CellResult& result) {
  const Prediction& p = plan.prediction;
  const double delta = scan.config.delta, unit = p.scales.unit;
  const Plateau plateau = plateau_of(scan, plan.run);
  const std::uint64_t seed = seed_of(scan, result.cell);

  run::ResolvedRun run = plan.run;
  run.config.paths = transverse_paths(run);
  Measurement across(scan, run, plateau, ~seed);
  across.run(*p.transverse / per_time, plan.limit, [&](const Curves& c) { return transverse_bracketed(c, delta); });

  const bool rates = result.cell.part == Part::prefactor;
  const std::array<double, 2> window =
      rates ? std::array{rate_window[0] * unit, rate_window[1] * unit} : std::array{0.0, 0.0};
  const double confirmation = plan.run.hyperparameters.mu < 1.0 ? 5.0 * unit : 0.0;
  Measurement along(scan, plan.run, plateau, seed);
  along.run(along_spacing(result.cell, p), plan.limit,
            [&](const Curves& c) { return c.steps.back() >= window[1] && along_settled(c, delta, confirmation); });
  result.steps = static_cast<std::int64_t>(along.curves().steps.back());

  FigureValues figures = read_figures(along.curves(), delta, window);
  const FigureValues own = read_figures(across.curves(), delta, {0.0, 0.0});
  result.replicates = along.resampled(delta, window);
  const std::vector<FigureValues> replicates = across.resampled(delta, {0.0, 0.0});
  for (int f = 0; f < figure_count; ++f) {
    const auto i = static_cast<std::size_t>(f);
    if (is_transverse(static_cast<Figures>(f))) {
      figures[i] = own[i];
      for (std::size_t r = 0; r < replicates.size(); ++r) result.replicates[r][i] = replicates[r][i];
    }
    result.figure[i].measured = figures[i];
    result.figure[i].standard_error = standard_error(result.replicates, static_cast<Figures>(f));
  }
  // The start, which the records along the valley may step over, from the finer ones.
  const double joint = std::min(4.0 * along.curves().steps.front(), across.curves().steps.back() + 1.0);
  add_thinned(result.curves, across.curves(), 0.0, joint, 60);
  add_thinned(result.curves, along.curves(), joint, std::numeric_limits<double>::infinity(), 180);
  const bool settled = along_settled(along.curves(), delta, confirmation);
  const bool done = settled && transverse_bracketed(across.curves(), delta);
  result.reason = !p.outside.empty() ? p.outside
                  : scan.config.starts_on_valley()
                      ? p.reason
                      : "no predicted times: the theory begins on the valley and does not describe the descent";
  result.status = !p.outside.empty() ? Status::outside : done ? Status::ok : Status::limit;
  if (result.status == Status::ok && rms_rests_above(along.curves(), delta, confirmation)) {
    result.reason = fmt::format("the root mean square rests at {:.3g} of the start's excess, above delta: no such time",
                                along.curves().rms.back());
  }
  if (result.status == Status::limit) {
    result.reason = fmt::format("not bracketed after {} steps, the limit: times beyond it are not given", plan.limit);
  }
}

}  // namespace

std::span<const manifolds::Named<Status>> names_of(Status) {
  static constexpr manifolds::Named<Status> names[] = {
      {Status::ok, "ok"}, {Status::outside, "outside"}, {Status::limit, "limit"}, {Status::failed, "failed"}};
  return names;
}

CellPlan plan_cell(const ResolvedScan& scan, const Cell& cell) {
  CellPlan plan{.run = scan.run_of(cell), .prediction = {}};
  plan.prediction = predict(scan, plan.run);
  const Prediction& p = plan.prediction;
  if (!p.transverse) return plan;
  const double along = std::max(p.mean.value_or(p.scales.tau_2 * manifolds::log(1.0 / scan.config.delta)),
                                p.root_mean_square.value_or(0.0));
  const bool oscillates = plan.run.hyperparameters.mu < 1.0;
  plan.expected_steps = std::max(1.25 * along + (oscillates ? 5.0 * p.scales.unit : 0.0), 1.5 * *p.transverse);
  if (cell.part == Part::prefactor) plan.expected_steps = std::max(plan.expected_steps, rate_window[1] * p.scales.unit);
  constexpr double patience = 10.0, most = 1e15;
  plan.limit = scan.config.limit.value_or(static_cast<std::int64_t>(std::min(most, patience * plan.expected_steps)));
  if (!std::isfinite(plan.expected_steps)) return plan;
  const auto add = [&](double steps, double spacing, std::int64_t paths) {
    spacing = std::max(1.0, spacing);
    steps = std::min(steps, static_cast<double>(plan.limit));
    const double records = at_once * std::ceil(steps / (at_once * spacing));
    plan.work.records += records;
    plan.work.path_records += records * static_cast<double>(paths);
    plan.work.path_steps += std::min(records * spacing, static_cast<double>(plan.limit)) * static_cast<double>(paths);
  };
  add(plan.expected_steps, along_spacing(cell, p), plan.run.config.paths);
  add(1.5 * *p.transverse, *p.transverse / per_time, transverse_paths(plan.run));
  if (!p.outside.empty()) {
    const std::int64_t paths = plan.run.config.paths + transverse_paths(plan.run);
    plan.work.unforeseen = static_cast<double>(plan.limit) * static_cast<double>(paths) - plan.work.path_steps;
  }
  return plan;
}

CellResult run_cell(const ResolvedScan& scan, const Cell& cell) {
  CellResult result{.cell = cell, .figure = {}};
  result.figure.fill({not_reached, not_reached, not_reached});
  std::optional<CellPlan> plan;
  const auto refused = [&](Status status, const std::exception& error) {
    result.status = status;
    result.reason = error.what();
    return result;
  };
  try {
    plan = plan_cell(scan, cell);
  } catch (const ConfigError& error) {  // 1 - beta out of range
    return refused(Status::outside, error);
  } catch (const NumericalError& error) {  // unstable
    return refused(Status::outside, error);
  }
  try {
    const Prediction& p = plan->prediction;
    result.mu = plan->run.hyperparameters.mu;
    if (p.scales.unit > 0.0) {
      result.scaled_friction = p.scales.scaled_friction;
      result.tau_momentum = p.scales.tau_momentum;
      result.unit = p.scales.unit;
    }
    if (scan.config.starts_on_valley()) {
      result.source = p.source;
      result.accuracy = value(p.accuracy);
    }
    if (!p.transverse) {
      result.status = Status::outside;
      result.reason = p.outside;
      return result;
    }
    const auto predicted = [&](Figures f) -> double& { return result.figure[static_cast<std::size_t>(f)].predicted; };
    if (scan.config.starts_on_valley()) {
      predicted(Figures::mean) = value(p.mean);
      predicted(Figures::rms) = value(p.root_mean_square);
      predicted(Figures::transverse) = value(p.transverse);
    }
    predicted(Figures::tau_1) = p.scales.tau_1;
    predicted(Figures::tau_2) = scan.config.starts_on_valley() ? p.decay_time.value_or(p.scales.tau_2) : p.scales.tau_2;
    predicted(Figures::rate_mean) = value(decay_rate(p, sde::Moment::mean));
    predicted(Figures::rate_rms) = value(decay_rate(p, sde::Moment::root_mean_square));
    measure(scan, *plan, result);
  } catch (const NumericalError& error) {
    return refused(Status::failed, error);
  }
  return result;
}

}  // namespace valleydrift::scan
