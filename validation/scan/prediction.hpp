// What the theory says about a cell before it is run.
#pragma once

#include <optional>
#include <string>

#include "sde/moment_hierarchy.hpp"
#include "validation/scan/scan_config.hpp"

namespace valleydrift::scan {

/// Where the predicted times along the valley come from: the limiting flow (10), or the hierarchy (44), (45) with its
/// separated limit (45a).
enum class Source { none, limiting_flow, hierarchy };
std::span<const manifolds::Named<Source>> names_of(Source);

/// Time scales in steps at the flattest point, DERIVATION (29) to (31).
struct TimeScales {
  double tau_1 = 0.0;         ///< slowest transverse mode
  double tau_momentum = 0.0;  ///< 0 without momentum
  double tau_2 = 0.0;         ///< along the valley, at this eta and beta
  /// mu over k_0^(1/3), k_0 = tau_momentum^-2 / tau_2; infinite without momentum.
  double scaled_friction = 0.0;
  /// Steps: k_0^(-1/3), or tau_2 without momentum.
  double unit = 0.0;
  /// The rates of DERIVATION (43), if they describe the run: one underdamped transverse mode, one slow coordinate.
  std::optional<sde::HierarchyRates> rates = {};
};

struct Prediction {
  TimeScales scales;
  /// DERIVATION (41), in steps.
  std::optional<double> mean, root_mean_square, transverse;
  /// Relative: how far off the times along the valley may be, DERIVATION section 13.
  std::optional<double> accuracy = {};
  /// What the decay of the limiting flow to delta says, where that is the source: tau_2 if a single exponential decays.
  std::optional<double> decay_time = {};
  Source source = Source::none;
  std::string reason = {};   ///< why there is no time along the valley
  std::string outside = {};  ///< why the cell cannot enter a fit; empty if it can
};

/// For one cell's run, with its own initial condition. The hierarchy where it exists, with the drift that takes the
/// limiting flow from the start to delta; else that flow where the scales are 10 apart.
Prediction predict(const ResolvedScan& scan, const run::ResolvedRun& run);

/// Asymptotic rate of decay per step, if there is a source.
std::optional<double> decay_rate(const Prediction& prediction, sde::Moment moment);

/// Below this friction over k_0^(1/3) the linearised moments do not describe a run (theory and simulation part).
inline constexpr double smallest_scaled_friction = 0.35;

}  // namespace valleydrift::scan
