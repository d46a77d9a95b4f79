// What a comparison rests on: the theory in each form and the rungs of both ladders, in batch means.
#pragma once

#include <functional>
#include <optional>

#include "validation/compare/ladder.hpp"
#include "validation/compare/visibility.hpp"
#include "validation/run/plan.hpp"
#include "validation/run/theory.hpp"

namespace valleydrift::compare {

/// One rung of a ladder: what ran, and what it is compared with batch by batch.
struct Rung {
  double parameter;  ///< epsilon or eta
  run::DiscreteResult result;
  std::vector<run::Theory> exact;  ///< the rung's own theory where nothing diffuses, else none

  /// Discrete minus theory: the exact curve, or the coupled limit 2 E q(Y_h) - E q(Y_2h), DERIVATION (37).
  double difference(int batch, int record, int column) const;
};

/// Batch by batch, on every rung.
RungSamples difference_samples(const std::vector<Rung>& rungs, int record, int column);

/// `run` and `plan` outlive it.
struct Evidence {
  const run::ResolvedRun* run;
  const run::Plan* plan;
  run::Columns columns;
  std::vector<run::Theory> theories;  ///< in the order of the plan's forms
  std::vector<Rung> epsilon_rungs, eta_rungs;
  std::optional<Sensitivity> sensitivity = {};  ///< of the run's own form, where it has been measured

  const run::Theory& theory(Form form) const;
  const run::Theory& own_theory() const { return theory(run->config.form); }
  int records() const { return static_cast<int>(plan->times.size()); }
  /// Records are judged once the transverse motion and the momentum have relaxed at the run's own epsilon: until then
  /// the difference is no power of epsilon.
  bool judged(int record) const;
  /// What a difference of the column is measured by: its range along the run; for the plateaus, which need not move,
  /// the plateau itself.
  double scale(int column) const;
  /// The same, or the spread over paths if that is larger: what a bound must resolve. A mean that a symmetry holds in
  /// place has no range, but it has a spread.
  double resolution(int column) const;
  /// The largest variance of a slow coordinate along the run; needs covariances.
  double largest_variance(int slow_coordinate) const;
};

/// Runs everything that the plan asks for. `saved` receives every path at the run's own epsilon, in order, if it is
/// set.
Evidence gather(const run::ResolvedRun& run, const run::Plan& plan, const WorkMeter& meter, const run::PathSink& saved);

}  // namespace valleydrift::compare
