// S4: single paths of the iteration against the limiting diffusion driven by the same draws.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "manifolds/errors.hpp"
#include "validation/run/plan.hpp"
#include "validation/verify/sampling.hpp"

namespace valleydrift::verify {
namespace {

using namespace sampling;

/// The path of an ensemble that is told the wrong covariance: the squared distances at the end, by batches, between the
/// slow variable and the limit of noise of size epsilon factor^(1/2), driven by the same draws.
std::vector<double> distorted_squares(const run::DiscreteRequest& rung, double factor) {
  run::DiscreteRequest wrong = rung;
  wrong.hyperparameters.epsilon *= std::sqrt(factor);
  std::vector<Vector> slow, limit;
  const auto collected = [](run::DiscreteRequest request, auto part, std::vector<Vector>& out) {
    request.sampled_paths = request.paths;
    request.sink = [&](const std::vector<run::PathRecord>& rows) {
      for (const run::PathRecord& row : rows) {
        if (row.record == 0) continue;
        const std::span<const double> x = row.*part;
        out.emplace_back(Eigen::Map<const Vector>(x.data(), static_cast<Eigen::Index>(x.size())));
      }
    };
    run::run_discrete(request);
  };
  collected(rung, &run::PathRecord::slow, slow);
  collected(wrong, &run::PathRecord::limit, limit);
  std::vector<double> squares(run::batch_count, 0.0);
  for (int b = 0; b < run::batch_count; ++b) {
    const std::int64_t first = run::first_path_of(b, rung.paths), last = run::first_path_of(b + 1, rung.paths);
    for (std::int64_t path = first; path < last; ++path) {
      const auto at = static_cast<std::size_t>(path);
      squares[static_cast<std::size_t>(b)] += (slow[at] - limit[at]).squaredNorm() / static_cast<double>(last - first);
    }
  }
  return squares;
}

/// The distance at the end between slow variable and limit driven by the same draws, root mean square within each
/// batch (a few far paths carry most of the square), at epsilon/2^halvings and with the block length of epsilon.
std::vector<double> path_distances(const run::ResolvedRun& run, const run::DiscreteRequest& own, int halvings,
                                   const Distortion& distortion = {}) {
  run::DiscreteRequest rung = own;
  rung.hyperparameters.epsilon = std::ldexp(run.hyperparameters.epsilon, -halvings);
  rung.form = sde::LyapunovOperator(Form::finite_step, rung.hyperparameters);
  rung.record_steps = {0, own.record_steps.back() << (2 * halvings)};
  rung.process += static_cast<std::uint32_t>(halvings);
  std::vector<double> distances;
  if (distortion.covariance != 1.0) {
    distances = distorted_squares(rung, distortion.covariance);
  } else {
    const run::DiscreteResult result = run::run_discrete(rung);
    for (int b = 0; b < run::batch_count; ++b) distances.push_back(result.path_error.at(b, 1, 0));
  }
  for (double& x : distances) x = std::sqrt(x);
  return distances;
}

/// Batch samples of the slope log2(coarse/fine)/halvings to first order about the means, at which they have their mean.
std::vector<double> slope_samples(const std::vector<double>& coarse, const std::vector<double>& fine, int halvings) {
  const double of_coarse = statistics::estimate(coarse).mean, of_fine = statistics::estimate(fine).mean;
  const double slope = std::log2(of_coarse / of_fine) / halvings;
  std::vector<double> out;
  for (std::size_t b = 0; b < coarse.size(); ++b) {
    out.push_back(slope + (coarse[b] / of_coarse - fine[b] / of_fine) / (halvings * std::log(2.0)));
  }
  return out;
}

/// The expected slope is 1. The allowance of 1/5 is for the next order in epsilon, which tilts the slope by less than
/// 1/10 on the valley that bends most (torus). A wrong drift or diffusion leaves a distance that no epsilon removes:
/// one as large as the right distance at epsilon makes the slope 0.34, one a third of it 0.6.
double slope_bound(const statistics::Estimate& slope, double level) {
  constexpr double allowance = 0.2;
  return statistics::student_t(run::batch_count - 1, level) * slope.standard_error + allowance;
}

/// Between epsilon and epsilon/4.
Finding run_path_error(const CheckSite& site) {
  constexpr int halvings = 2;
  WorstRatio worst;
  const double level = row_false_alarm / static_cast<double>(start_points(site).size());
  for (const Vector& y : start_points(site)) {
    run::RunConfig config = config_at(site, y, Scheme::heavy_ball, run::NoiseKind::isotropic);
    config.paths = site.thorough ? 32768 : 4096;
    config.time = 0.25;
    const run::ResolvedRun run = run::resolve(config);
    const run::DiscreteRequest own = run::own_rung(run, run::plan_comparison(run));
    std::vector<double> coarse, fine;
    try {
      coarse = path_distances(run, own, 0, site.distortion);
      fine = path_distances(run, own, halvings, site.distortion);
    } catch (const NumericalError&) {
      const std::string steep = steep_within_reach(run);
      if (steep.empty()) throw;
      worst.cannot_tell(sites::named(site, y) + ": " + steep);
      continue;
    }
    const statistics::Estimate slope = statistics::estimate(slope_samples(coarse, fine, halvings));
    const double bound = slope_bound(slope, level);
    const std::string where =
        fmt::format("{}: distance {:.3g} at epsilon {:g}, {:.3g} at a quarter of it: slope {:.3g} +- {:.2g}",
                    sites::named(site, y), statistics::estimate(coarse).mean, run.hyperparameters.epsilon,
                    statistics::estimate(fine).mean, slope.mean, slope.standard_error);
    // On a flat valley the two are the same: then the distance is rounding of some thousand steps at both, far below
    // epsilon, and has no slope.
    const double rounding = 1e-12 * std::max(site.length, y.norm());
    if (statistics::estimate(coarse).mean < rounding && statistics::estimate(fine).mean < rounding) {
      worst.add(0.0, 1.0, where);
      continue;
    }
    worst.add(std::abs(slope.mean - 1.0), bound, where);
    if (!(bound < 0.5)) worst.cannot_tell(where + " does not tell 1 from 0 and 2");
  }
  return worst.finding();
}

/// The slope of one run, between epsilon and epsilon/2, against that of another.
Repeater repeat_path_error(const CheckSite& site) {
  constexpr int halvings = 1;
  const run::ResolvedRun run = short_run(site, site.points.front(), Scheme::heavy_ball, run::NoiseKind::isotropic);
  run::DiscreteRequest own = run::own_rung(run, run::plan_comparison(run));
  own.block *= 32;  // its error is on both sides
  return [run, own, name = sites::named(site, site.points.front())](const SameLaw& same) {
    const auto samples = [&](std::uint64_t seed, double clock) {
      const run::ResolvedRun seeded = with_seed(run, seed);
      run::DiscreteRequest request = own;
      request.run = &seeded;
      request.record_steps.back() = std::llround(clock * static_cast<double>(request.record_steps.back()));
      return slope_samples(path_distances(seeded, request, 0), path_distances(seeded, request, halvings), halvings);
    };
    const statistics::Estimate slope =
        statistics::estimate(difference(1.0, samples(same.seed, 1.0), samples(same.other_seed, same.flaw.clock)));
    Repeated out{{std::abs(slope.mean - 1.0), slope_bound(slope, row_false_alarm), name}};
    add_p_value(out, "slope", slope, 1.0, run::batch_count, same);
    return out;
  };
}

}  // namespace

std::vector<Check> path_error_checks() {
  return {{"S4-path-error", CheckKind::statistical,
           "with shared noise the path error shrinks in proportion to epsilon (false alarm 1e-8; sees 10 % of the "
           "increments)",
           "(27), (28)",
           "if S2 holds the coupling is wrong: validation/run/discrete_group.cpp (step_limit, the draws it sums), the "
           "slow variable in validation/run/observer.hpp, EulerMaruyama in sde/steppers.hpp",
           can_diffuse, run_path_error, repeat_path_error}};
}

}  // namespace valleydrift::verify
