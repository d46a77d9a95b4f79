// Where the theory applies: what is known before a run starts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "manifolds/noise_factor.hpp"
#include "sde/drawn_batches.hpp"
#include "validation/run/first_phase.hpp"
#include "validation/run/run_config.hpp"

namespace valleydrift::run {

/// One condition: a value that must stay on the right side of a bound.
struct Condition {
  std::string name;     ///< "stability", "time-scale separation", "transverse cloud", "rank gap"
  std::string meaning;  ///< the condition in words
  double value;
  double bound;
  bool ok;
  std::string remedy = {};  ///< what to do where it fails
};

/// At a point of the valley. Times in steps unless said otherwise.
struct Applicability {
  double tau_1 = 0.0;         ///< slowest transverse mode, DERIVATION (29)
  double tau_momentum = 0.0;  ///< momentum along the valley, DERIVATION (30)
  double slow_unit = 0.0;     ///< steps per unit of slow time
  double curvature_radius = 0.0;
  double valley_rate = 0.0;  ///< of the motion along the valley per unit of slow time, DERIVATION (33c)
  double cloud = 0.0;        ///< sqrt(tr A)
  std::vector<Condition> conditions;

  /// Slow time of a run: the usual one, or 3 / valley_rate if that is less and nothing diffuses, else 100 /
  /// valley_rate: a drift is seen while it moves, a diffusion goes on.
  double span(double usual, bool deterministic) const;
  bool applies() const;
  /// The conditions that fail, with value, bound and remedy.
  std::string failing() const;
};

/// |V . grad tr H| / tr H at y for a velocity V along the valley, where tr H is proportional to |J|^2.
double rate_of_trace(const Manifold& manifold, const Vector& y, const Vector& velocity);

/// A run with nothing left open: the manifold, the start on the valley, the noise factor there, and epsilon.
struct ResolvedRun {
  RunConfig config;
  Manifold manifold;
  Hyperparameters hyperparameters;
  Vector start;           ///< on the valley: where the limiting diffusion starts
  double distance_moved;  ///< of `start` from `initial`
  Applicability applicability;
  Vector initial = {};  ///< the point given, or drawn
  std::optional<FirstPhase> first_phase = {};

  /// sigma at w with which the theorem is the limit of this run, D x r; of drawn batches it depends on the form and, in
  /// the finite-step form, on the iteration, DERIVATION (49).
  NoiseFactor noise_factor(const Vector& w, const sde::LyapunovOperator& form) const;
  /// The same in the finite-step form of the run's own iteration.
  NoiseFactor noise_factor(const Vector& w) const;
  /// The noise of the samples, for label and minibatch noise.
  sde::BatchNoise batch_noise() const;
  /// No diffusion along the valley: Sigma_LL = 0 everywhere (label noise; minibatch noise, which is none there).
  bool deterministic() const { return config.noise == NoiseKind::label || config.noise == NoiseKind::minibatch; }
};

/// Fills in the start (moved to the valley by the gradient flow or, with a first phase, by the iteration itself; or
/// refused with --strict), epsilon (the motion along the valley at least 50 times slower than the slowest relaxation,
/// transverse cloud at most 5 % of the curvature radius, a noisy first phase of at most a tenth of the time of that
/// motion; rounded down to two digits), the first phase's length and the report. Throws ConfigError; NumericalError
/// (with the word `stability` and the limit) for an unstable step.
ResolvedRun resolve(const RunConfig& config);

/// At y for the noise of the run.
Applicability applicability_at(const ResolvedRun& run, const Vector& y);
/// The same given the geometry at y, the valley's curvature radius and the noise factor there.
Applicability applicability_with(const ResolvedRun& run, const manifolds::Geometry& geometry, double curvature_radius,
                                 const NoiseFactor& sigma);

/// J^+ at a point of the valley, D x n: times epsilon zeta, zeta of variance 1, it is where runs with minibatch noise
/// begin, whose residuals are then epsilon zeta.
Matrix start_displacement(const Manifold& manifold, const manifolds::Geometry& geometry);

/// Relaxation time in steps of the slowest transverse mode, DERIVATION (29), and of momentum along the valley, (30).
double transverse_time(const Vector& spectrum, const Hyperparameters& hyperparameters);
double momentum_time(const Hyperparameters& hyperparameters);

}  // namespace valleydrift::run
