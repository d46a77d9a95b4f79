// A scan: the grid and everything else that decides its results.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "manifolds/enum_names.hpp"
#include "validation/run/relaxation.hpp"
#include "validation/run/run_config.hpp"

namespace valleydrift::scan {

using manifolds::name_of;

/// What a scan can leave out or get wrong on purpose, so that the two-thirds law must not appear: the transverse part,
/// or the clock (times counted in slow units instead of steps).
enum class Control { none, no_transverse, wrong_clock };
std::span<const manifolds::Named<Control>> names_of(Control);

/// Where the slow coordinates are read: at the weights, or at the nearest point of the valley.
enum class ReadAt { weights, valley };
std::span<const manifolds::Named<ReadAt>> names_of(ReadAt);

/// The part of a scan a cell belongs to: learning rates by exponents, or prefactors at one learning rate.
enum class Part { grid, prefactor };
std::span<const manifolds::Named<Part>> names_of(Part);

/// As given by the user; what is left open is resolved by `resolve_scan`.
struct ScanConfig {
  /// The problem: manifold, start, scheme, noise, epsilon, paths, seed. Its eta, beta, C, gamma are not used. With
  /// phase1 = noisy the runs begin at the start as given, noise and all, instead of on the valley; if it is random,
  /// each at a point of its own.
  run::RunConfig run = {};
  std::vector<double> etas = {};
  std::vector<double> gammas = {};
  std::optional<std::vector<double>> Cs = {};  ///< default: twice C*
  double delta = 0.2;                          ///< a quantity has converged within this part of its excess
  std::optional<std::int64_t> limit = {};      ///< of the steps of a cell; default: ten times the predicted time
  bool prefactor = true;                       ///< also scan C at gamma = 2/3
  double prefactor_eta = 1e-3;
  std::optional<std::vector<double>> prefactor_Cs = {};  ///< default: 0.4 to 1.9 times C*
  std::int64_t prefactor_paths = 65536;
  /// Default: at the weights if there the transverse cloud enters in second order only, see `resolve_scan`.
  std::optional<ReadAt> read_at = {};
  Control control = Control::none;

  /// Whether the runs begin on the valley at rest, as the predictions suppose.
  bool starts_on_valley() const { return run.phase1 == run::Phase1::none; }
  /// Whether every run begins at a random point of its own.
  bool scattered() const { return run.random_start && run.phase1 == run::Phase1::noisy; }
};

/// Where the branches of the paper's law meet.
inline constexpr double two_thirds = 2.0 / 3.0;

/// Default learning rates, logarithmic, and exponents.
std::vector<double> default_etas(Scheme scheme);
std::vector<double> default_gammas(Scheme scheme);

/// One point of the grid. For SGD gamma is 0 and C is 1: mu = 1.
struct Cell {
  int index = 0;
  Part part = Part::grid;
  double eta = 0.0, gamma = 0.0, C = 0.0;
};

/// A scan with nothing left open.
struct ResolvedScan {
  ScanConfig config;
  Manifold manifold;
  Vector start;    ///< on the valley
  Vector initial;  ///< where the iteration begins: `start`, or with a noisy descent the point given; not if random
  Vector flattest_point;  ///< where the label-noise flow from `start` ends
  std::string note;       ///< on the fixed point; may be empty
  double tau_Y;           ///< DERIVATION (31)
  double C_star;          ///< DERIVATION (32)
  bool linear;            ///< the start is in the linear range of the flattest point
  std::vector<Cell> cells;

  /// The run of one cell. Throws ConfigError if its mu is not in (0, 1], NumericalError for an unstable step.
  run::ResolvedRun run_of(const Cell& cell) const;
  std::int64_t paths_of(const Cell& cell) const {
    return cell.part == Part::prefactor ? config.prefactor_paths : config.run.paths;
  }
};

/// Finds the flattest point and fills in the start (without one: the first point of the flow from the manifold's own at
/// which tr H is within 2 % of the flattest), epsilon (0.1), C, where the slow coordinates are read (at the weights if
/// their gradients at the flattest point are tangent to the valley within 1e-3) and the cells. Throws ConfigError where
/// there is no time scale to scan: noise with diffusion, or a flow without a fixed point.
ResolvedScan resolve_scan(const ScanConfig& config);

}  // namespace valleydrift::scan
