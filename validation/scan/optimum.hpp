// The friction with which the valley coordinate decays fastest.
#pragma once

#include "validation/scan/prediction.hpp"

namespace valleydrift::validation {

/// mu in [low, high] at which the predicted RMS decays fastest, to 1e-3 of itself; everything else as in `base`. Meant
/// for runs that the moment hierarchy describes: the rate counts as 0 where it does not.
double fastest_friction(const ResolvedScan& scan, const ResolvedRun& base, double low, double high);

}  // namespace valleydrift::validation
