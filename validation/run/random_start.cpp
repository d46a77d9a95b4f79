// Normal weights of the process that is set aside for starts.
#include "validation/run/random_start.hpp"

#include <cmath>

#include "manifolds/random/noise.hpp"
#include "manifolds/random/process.hpp"

namespace valleydrift::run {

double default_start_scale(int dimension) { return std::sqrt(2.0 / dimension); }

manifolds::Vector random_start(std::uint64_t seed, std::uint64_t path, double scale, int dimension) {
  manifolds::Vector w(dimension);
  for (int i = 0; i < dimension; ++i) {
    w[i] = scale * manifolds::noise(manifolds::NoiseLaw::gaussian, {seed, manifolds::process::start}, path, 0,
                                    static_cast<std::uint32_t>(i));
  }
  return w;
}

}  // namespace valleydrift::run
