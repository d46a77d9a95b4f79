// The random processes of a seed, by number: one table, so that no two share draws unless they are meant to.
#pragma once

#include <cstdint>

namespace valleydrift::manifolds::process {

inline constexpr std::uint32_t discrete_rung = 0,  ///< the iteration on the ladder of epsilon; rung r draws from 0 + r
    eta_rung = 16,                                 ///< and on that of eta, 16 + r
    limit = 32,                                    ///< the limiting diffusion with noise of its own
    start = 48,                                    ///< random starts
    batches = 64,      ///< the batches of the ensemble of process p are drawn from 64 + p, up to 111
    brownian = 112,    ///< the path that steppers of all lengths share, in checks of orders,
    half_draws = 113,  ///< and the draws of variance h/2 beside it
    ties = 114,        ///< between probabilities that a sample cannot tell apart, in A/A repeats
    data = 255;        ///< samples, teachers and random parameters of valleys

}  // namespace valleydrift::manifolds::process
