// The main job: both processes on one clock, their differences on ladders, and the verdict.
#pragma once

#include "validation/comparison.hpp"
#include "validation/evidence.hpp"

namespace valleydrift::validation {

/// The comparison that the evidence makes, with verdicts; `samples` are left empty.
Comparison conclude(const Evidence& evidence);

/// Runs the plan and judges it. `saved` receives every path of the ensemble at the run's epsilon, in order, if it is
/// set.
Comparison compare(const ResolvedRun& run, const Plan& plan, const WorkMeter& meter = {}, const PathSink& saved = {});

}  // namespace valleydrift::validation
