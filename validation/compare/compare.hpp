// The main job: both processes on one clock, their differences on ladders, and the verdict.
#pragma once

#include "validation/compare/comparison.hpp"
#include "validation/compare/evidence.hpp"

namespace valleydrift::compare {

/// The comparison that the evidence makes, with verdicts; `samples` are left empty.
Comparison conclude(const Evidence& evidence);

/// Runs the plan and judges it. `saved` receives every path of the ensemble at the run's epsilon, in order, if it is
/// set.
Comparison compare(const run::ResolvedRun& run, const run::Plan& plan, const WorkMeter& meter = {},
                   const run::PathSink& saved = {});

}  // namespace valleydrift::compare
