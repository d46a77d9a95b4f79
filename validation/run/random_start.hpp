// Starts drawn at random, as weights are initialised.
#pragma once

#include <cstdint>

#include "manifolds/geometry.hpp"

namespace valleydrift::run {

/// (2/D)^(1/2): Kaiming's scale with the number of weights D for the fan-in, which a valley in general has none of.
double default_start_scale(int dimension);

/// The random start of one path, D numbers: `scale` times a standard normal for each weight, drawn by a process of the
/// seed that nothing else draws from. `compare` takes that of path 0 for all runs; so does
/// `scan` without a first phase, and with one a path's own for each.
manifolds::Vector random_start(std::uint64_t seed, std::uint64_t path, double scale, int dimension);

}  // namespace valleydrift::run
