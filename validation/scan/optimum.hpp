// The friction with which the valley coordinate decays fastest.
#pragma once

#include "validation/scan/prediction.hpp"

namespace valleydrift::validation {

/// mu in [low, high] at which the predicted RMS decays fastest, to 1e-3 of itself; everything else as in `base`. Meant
/// for runs that the moment hierarchy describes: 1/tau_2 counts where the scales are separated, 0 where neither
/// applies.
double fastest_friction(const ResolvedScan& scan, const ResolvedRun& base, double low, double high);

}  // namespace valleydrift::validation
