// What a comparison costs: the steps by counting, the time by a short trial of the real loops.
#pragma once

#include <functional>
#include <memory>

#include "validation/run/plan.hpp"

namespace valleydrift::compare {

/// The price of a plan.
struct Cost {
  std::int64_t paths = 0;
  double discrete_steps = 0.0;  ///< path-steps of the discrete iteration, all rungs
  double coupled_steps = 0.0;   ///< path-steps of the limiting diffusion coupled to it
  double limit_steps = 0.0;     ///< path-steps of the limiting diffusion with noise of its own
  double seconds = 0.0;         ///< on the present number of threads; 0 before estimate_cost
  /// Of that, in seconds of one thread: a group of lanes' step of the iteration with what runs beside it, and of the
  /// limit with noise of its own; a theory without diffusion; the pictures' paths.
  double step_seconds = 0.0, limit_seconds = 0.0, curve_seconds = 0.0, picture_seconds = 0.0;
};
/// The steps alone.
Cost count_steps(const run::ResolvedRun& run, const run::Plan& plan);
/// The time as well, with the trial that chooses the limit's steps, the theories that are wrong, and the pictures.
Cost estimate_cost(const run::ResolvedRun& run, const run::Plan& plan);

/// Tells the fraction of the estimated time that is done; copies count together. One without a cost tells nothing.
class WorkMeter {
 public:
  WorkMeter() = default;
  WorkMeter(const Cost& cost, std::function<void(double fraction)> show);
  /// Of an ensemble of so many paths: of the iteration, and of the limit with noise of its own.
  run::Progress of_steps(std::int64_t paths) const { return counted(paths, cost_.step_seconds); }
  run::Progress of_limit(std::int64_t paths) const { return counted(paths, cost_.limit_seconds); }
  /// A theory without diffusion, or the pictures' paths, are done.
  void done(double Cost::*part) const;

 private:
  /// In seconds of one thread.
  struct Work {
    std::function<void(double)> show;
    double total, done = 0.0;
    void add(double seconds);
  };
  run::Progress counted(std::int64_t paths, double group_seconds) const;

  Cost cost_;
  std::shared_ptr<Work> work_;
};

}  // namespace valleydrift::compare
