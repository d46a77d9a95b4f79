// The parts that theorem_checks() joins.
#pragma once

#include <vector>

#include "validation/verify/check.hpp"

namespace valleydrift::verify {

std::vector<Check> stationary_checks();  ///< D5, D8
std::vector<Check> invariance_checks();  ///< D10

}  // namespace valleydrift::verify
