// A few discrete paths in lockstep from the first record to the last, with the limiting diffusion driven by their
// draws.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "discrete/lockstep.hpp"
#include "sde/steppers.hpp"
#include "validation/run/ensemble.hpp"
#include "validation/run/noise_chunks.hpp"

namespace valleydrift::run {

/// The paths of one lockstep group, several groups of lanes interleaved; with a coupled limit if the request asks for
/// one, DERIVATION (28). One per thread.
class DiscreteGroup {
 public:
  explicit DiscreteGroup(const DiscreteRequest& request);

  /// Puts a group of paths on the start with momentum 0, before its first phase if it has one: as many of the `left`
  /// ones as run in lockstep. Lanes beyond them run along.
  void start(std::int64_t first_path, std::int64_t left);
  /// Runs to step `last`; on_step(k), if given, sees the state after every step k. The steps of the first phase are
  /// those up to 0.
  void run_to(std::int64_t last, const std::function<void(std::int64_t)>& on_step = {});

  /// The present step, counted from the end of the first phase.
  std::int64_t step() const { return step_; }
  /// Groups of lanes that run, and their paths.
  int groups() const { return groups_; }
  int paths() const { return groups_ * manifolds::lane_count; }
  std::span<const Lanes> w(int g) const { return std::as_const(*lockstep_).w(g); }
  std::span<const Lanes> p(int g) const { return std::as_const(*lockstep_).p(g); }
  std::span<const Lanes> limit_fine(int g) const { return fine_[static_cast<std::size_t>(g)]; }
  std::span<const Lanes> limit_coarse(int g) const { return coarse_[static_cast<std::size_t>(g)]; }

 private:
  void displace(std::int64_t first_path);
  void descend(std::int64_t last, const std::function<void(std::int64_t)>& on_step);
  void advance(std::int64_t last, bool sum, const std::function<void(std::int64_t)>& on_step);
  void step_limit(const std::vector<Lanes>& sums, std::int64_t steps, std::vector<std::vector<Lanes>>& points);

  const DiscreteRequest& request_;
  std::unique_ptr<discrete::Lockstep> lockstep_;
  NoiseChunks chunks_;
  int groups_;
  std::int64_t step_ = 0;
  std::int64_t drawn_before_;  ///< steps with noise before step 0
  Matrix displacement_;        ///< J^+ at the start, once it is needed

  // Of a coupled limit.
  std::unique_ptr<sde::Field<Lanes>> field_;
  std::unique_ptr<sde::EulerMaruyama<Lanes>> stepper_;
  std::vector<Lanes> sums_, coarse_sums_, dw_;
  std::vector<std::vector<Lanes>> fine_, coarse_;
};

}  // namespace valleydrift::run
