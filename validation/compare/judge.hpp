// From the evidence to a verdict on every observable and on the run.
#pragma once

#include "validation/compare/accuracy.hpp"
#include "validation/compare/comparison.hpp"
#include "validation/compare/evidence.hpp"

namespace valleydrift::compare {

/// What an observable may be off by besides the standard error, as a part of its scale; at least its accuracy.
inline constexpr double relative_allowance = 0.005;

/// Sets the verdicts and reasons of a comparison whose observables and ladders are filled in, DERIVATION (39): an
/// observable disagrees if its extrapolated difference exceeds its bound at a judged time, against the coupled theory
/// or against the theory's own ensemble; it is inconclusive if the bound is too wide to tell, the ladder has not
/// converged, or its slope is not the expected one. Where the theory says nothing of the run, nothing is judged. With
/// the evidence's sensitivity the run is inconclusive that would not see the theory's motion doubled.
void judge(const Evidence& evidence, const Accuracy& accuracy, Comparison& comparison);

}  // namespace valleydrift::compare
