// The common clock: which steps are recorded, in whole numbers.
#pragma once

#include <cstdint>
#include <vector>

namespace valleydrift::run {

/// The steps at which a run of `steps` steps is recorded, 0 and the end included: round(j steps / records), without
/// repetition.
std::vector<std::int64_t> record_steps(std::int64_t steps, int records);

/// Cuts the steps between two records into an even number of blocks of nearly `block` steps each: the boundaries,
/// first and last included. Two fine blocks make one coarse block.
std::vector<std::int64_t> block_boundaries(std::int64_t first, std::int64_t last, std::int64_t block);

}  // namespace valleydrift::run
