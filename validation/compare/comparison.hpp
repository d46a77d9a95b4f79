// The result of `compare`: both processes on the same clock, their differences, and the verdict.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "manifolds/enum_names.hpp"
#include "validation/run/applicability.hpp"
#include "validation/run/run_config.hpp"

namespace valleydrift::compare {

using manifolds::name_of;

/// An element of a series; NaN past its end.
inline double at(const std::vector<double>& series, std::size_t i) {
  return i < series.size() ? series[i] : std::numeric_limits<double>::quiet_NaN();
}

enum class Verdict { agree, disagree, inconclusive };
std::span<const manifolds::Named<Verdict>> names_of(Verdict);

/// The smallest relative errors of the theory that the run would call a disagreement with this probability, DERIVATION
/// (39c): of its drift along the valley, and of the variance of its noise there. Absent where not even an error of 1 is
/// seen, or there is nothing to be wrong.
inline constexpr double visible_with = 0.99;
struct VisibleErrors {
  std::optional<double> drift = {}, noise = {};
};

/// One observable on the common clock; all series have the length of `times` of the Comparison (the first is t = 0).
struct ObservableResult {
  std::string name;     ///< "u^2-v^2", "trace_hessian", "cov(x1,x3)", "transverse_variance", "loss"
  std::string meaning;  ///< one phrase for reports and plot axes
  Verdict verdict = Verdict::inconclusive;
  std::string reason;                  ///< why it is not `agree`, with figures; empty otherwise
  std::string remedy = {};             ///< the option of `compare` that would decide it, where there is one
  std::vector<double> theory;          ///< limiting diffusion: exact curve, or ensemble mean with independent noise
  std::vector<double> discrete;        ///< discrete ensemble mean at the run's epsilon
  std::vector<double> standard_error;  ///< of discrete - theory, both sides combined
  std::vector<double> difference;      ///< discrete - theory
  std::vector<double> extrapolated;    ///< the difference at epsilon = 0, DERIVATION (38), against the coupled theory
  std::vector<double> extrapolated_error;  ///< its standard error
  std::vector<double> bound;               ///< what |extrapolated| is judged against, DERIVATION (39)
  /// The same against the theory's ensemble with noise of its own; empty without diffusion and with --shared-noise.
  std::vector<double> independent, independent_error, independent_bound;
  std::vector<bool> judged;  ///< false at t = 0 and while the transverse cloud still fills
  VisibleErrors visible = {};
  /// The theory in the other forms, empty where a form does not exist (asymptotic without gamma).
  std::vector<double> theory_finite_step, theory_paper, theory_asymptotic;
};

/// Reason and remedy as `compare` gives them.
inline std::string explanation(const ObservableResult& o) {
  return o.remedy.empty() ? o.reason : o.reason + ": " + o.remedy;
}

/// A ladder's difference of one observable at its most clearly resolved time, DERIVATION (40).
struct LadderResult {
  std::string observable;
  double time = 0.0;
  std::vector<double> rung;        ///< epsilon or eta of each rung, largest first
  std::vector<double> difference;  ///< signed
  std::vector<double> standard_error;
  double expected_slope = 0.0;                       ///< 2 in epsilon, 1 in eta; 1 for the path error
  std::optional<double> slope;                       ///< absent: not resolved
  double slope_low = 0.0, slope_high = 0.0;          ///< interval, if there is a slope
  double slope_error = 0.0, slope_next_order = 0.0;  ///< standard error; what the next order may add
  bool consistent = true;  ///< the expected slope lies in the interval, or nothing is resolved
  double extrapolated = 0.0, extrapolated_error = 0.0;
  double accuracy = 0.0;  ///< differences below it are none
  std::string note;       ///< "not resolved: ..." and the like
};

/// A few trajectories for the pictures: D numbers per recorded time.
struct SampledPath {
  std::int64_t path;
  std::vector<Vector> discrete;  ///< raw weights w
  std::vector<Vector> slow;      ///< slow variable
  std::vector<Vector> limit;     ///< Y, driven by the same increments where there is diffusion
};

/// The first phase beside what else could have led to the valley, DERIVATION (80) to (83).
struct DescentResult {
  run::FirstPhase phase;
  std::optional<Vector> flow_end;  ///< where the gradient flow from the same start ends; absent: not on the valley
  std::string flow_reason;         ///< why it, or its series, is absent
  /// Distance of the slow variable from `phase.arrival` when the clock starts, root mean square over paths, by rung.
  std::vector<double> epsilon, spread, spread_error;
  /// Every quantity at some steps from the start on, beyond the end of the phase: the loss, the distance from
  /// `phase.arrival`, the slow coordinates of the raw weights.
  struct Quantity {
    std::string name, meaning;
    std::vector<double> noiseless, flow;  ///< of the noiseless iteration; of the gradient flow at time k eta/mu
    std::vector<double> mean, deviation;  ///< of the run itself over `paths` of its paths
  };
  std::vector<std::int64_t> steps;  ///< from the start on
  std::vector<Quantity> quantities;
  std::int64_t paths = 0;
};

struct Comparison {
  run::RunConfig config;        ///< resolved: nothing is left open; the start as given
  Vector start;                 ///< on the valley
  double distance_moved = 0.0;  ///< from `initial`
  Vector initial;               ///< the start as given, or drawn
  run::Applicability applicability;
  std::optional<DescentResult> descent;  ///< with a first phase
  Verdict verdict = Verdict::inconclusive;
  std::string reason;               ///< one or two sentences: why, and what to do next
  std::string obstacle = {};        ///< why nothing in the run is judged; empty if it is
  bool moves_along_valley = true;   ///< false if neither process moves the slow coordinates
  std::vector<double> times;        ///< slow time of each record
  std::vector<std::int64_t> steps;  ///< step count of each record at the run's epsilon
  std::vector<ObservableResult> observables;
  std::vector<LadderResult> epsilon_ladder, eta_ladder;
  std::optional<LadderResult> path_error;  ///< --shared-noise: rms |slow - Y| against epsilon, slope 1
  double false_alarm = 0.0;  ///< probability that a true agreement is called a disagreement, over all comparisons
  /// Largest |E q(Y_h) - E q(Y_2h)| over slow coordinates, relative to their range or spread; and its standard error.
  double integrator_error = 0.0, integrator_standard_error = 0.0;
  double limit_step = 0.0;  ///< slow time per step of the coupled limit; 0 without diffusion
  VisibleErrors visible = {};
  /// Whose they are; or why they are absent.
  std::string drift_seen_in = {}, noise_seen_in = {}, drift_unseen = {}, noise_unseen = {};
  std::vector<SampledPath> samples;
  double nanoseconds_per_step = 0.0;  ///< of processor time per discrete path and step; goes to run.json only
};

}  // namespace valleydrift::compare
