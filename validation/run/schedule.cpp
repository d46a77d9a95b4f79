// Records spread evenly, and blocks in pairs.
#include "validation/run/schedule.hpp"

#include <algorithm>

namespace valleydrift::run {

std::vector<std::int64_t> record_steps(std::int64_t steps, int records) {
  std::vector<std::int64_t> out{0};
  for (int j = 1; j <= records; ++j) {
    const std::int64_t step = (2 * j * steps + records) / (2 * records);
    if (step > out.back()) out.push_back(step);
  }
  return out;
}

std::vector<std::int64_t> block_boundaries(std::int64_t first, std::int64_t last, std::int64_t block) {
  const std::int64_t length = last - first;
  const std::int64_t pairs = std::max<std::int64_t>(1, (length + block) / (2 * block));
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i <= 2 * pairs; ++i) out.push_back(first + i * length / (2 * pairs));
  return out;
}

}  // namespace valleydrift::run
