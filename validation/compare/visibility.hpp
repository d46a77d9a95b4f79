// What a run can see: how wrong the theory would have to be for the run to call it a disagreement.
#pragma once

#include <cstdint>
#include <vector>

#include "validation/compare/cost.hpp"
#include "validation/run/plan.hpp"
#include "validation/statistics/statistics.hpp"

namespace valleydrift::compare {

struct Comparison;
struct Evidence;

/// Paths of a wrong theory's ensemble: the derivative of a mean to about 3 % of what it is for one path.
inline constexpr std::int64_t most_sensitivity_paths = 1024;
/// The theories that sensitivity_of computes: ensembles, or curves where nothing diffuses.
inline constexpr int wrong_ensembles = 3, wrong_curves = 2;

/// tr Sigma at a point of the valley; of minibatch noise, which vanishes there, that of label noise of variance 1.
double noise_strength(const run::ResolvedRun& run, const Vector& y);

/// How the theory's columns change with a relative error of the theory, to first order, DERIVATION (39b): per unit of
/// error, records x columns, with the standard error of its computation.
struct Sensitivity {
  using Table = std::vector<std::vector<statistics::Estimate>>;
  bool drifts = false;     ///< the theory has a drift along the valley where the run goes
  bool diffuses = false;   ///< and a diffusion
  std::int64_t paths = 0;  ///< of the ensembles it comes from; 0 along an exact curve
  Table drift, noise;      ///< to an error of the drift along the valley; of the variance of the noise there
};

/// Exactly along the deterministic limit: a drift that is (1 + x) times as large is the same curve at (1 + x) t. With
/// diffusion from ensembles of at most most_sensitivity_paths with the same draws: one with the drift alone wrong by x,
/// and one with the noise, on a clock that is wrong by x and on which the drift is right.
Sensitivity sensitivity_of(const run::ResolvedRun& run, const run::Plan& plan, const WorkMeter& meter = {});

/// Fills in the smallest relative errors that a judged comparison would call a disagreement with probability
/// visible_with, per observable and for the run, DERIVATION (39c). Needs the evidence's sensitivity; `t_bound` is the t
/// of (39).
void state_visible_errors(const Evidence& evidence, double t_bound, Comparison& comparison);

}  // namespace valleydrift::compare
