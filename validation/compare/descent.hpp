// What happens in the first phase of a run, step by step.
#pragma once

#include "validation/compare/evidence.hpp"

namespace valleydrift::compare {

/// The first phase of the run and how far its runs arrive from where the noiseless iteration does, from the evidence;
/// the series are left empty.
DescentResult arrival_of(const Evidence& evidence);

/// Fills in the series: some hundreds of steps, evenly spaced on a logarithmic axis, from the start to as many steps
/// after the end of the phase (within the run), with the run's own noise over at most 1024 of its own paths.
void describe_descent(const run::ResolvedRun& run, const run::Plan& plan, DescentResult& descent);

}  // namespace valleydrift::compare
