// The loops by the type of a manifold's loss.
#include "discrete/lockstep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "discrete/lockstep_entry.hpp"

namespace valleydrift::discrete {

std::vector<LockstepEntry> built_in_entries();  ///< CMake makes it of the list in cmake/models.cmake

namespace {

std::vector<LockstepEntry>& entries() {
  static std::vector<LockstepEntry> all = built_in_entries();
  return all;
}

const LockstepEntry& entry_for(const Manifold& manifold) {
  const PointwiseLoss& pointwise = manifold.pointwise();
  const std::type_index loss = typeid(pointwise);
  const auto found = std::find_if(entries().begin(), entries().end(), [&](const auto& e) { return e.loss == loss; });
  if (found == entries().end()) {
    throw std::logic_error(manifold.name() + ": its model has no loops in discrete/, see run/add_model.hpp");
  }
  return *found;
}

}  // namespace

void add_entry(const LockstepEntry& entry) {
  if (entry.width != manifolds::lane_count) {
    throw std::logic_error(
        fmt::format("the model was compiled for {} lanes, the library for {}: compile both for one processor",
                    entry.width, manifolds::lane_count));
  }
  entries().push_back(entry);
}

std::unique_ptr<Lockstep> make_lockstep(const Manifold& manifold, const Hyperparameters& hyperparameters,
                                        const NoiseModel& noise, std::int64_t paths) {
  return entry_for(manifold).lockstep(manifold.pointwise(), hyperparameters, noise, paths);
}
template <>
std::unique_ptr<NoiselessPath<double>> make_noiseless_path(const Manifold& manifold, const Hyperparameters& h) {
  return entry_for(manifold).noiseless(manifold.pointwise(), h);
}
template <>
std::unique_ptr<NoiselessPath<long double>> make_noiseless_path(const Manifold& manifold, const Hyperparameters& h) {
  return entry_for(manifold).extended(manifold.pointwise(), h);
}

}  // namespace valleydrift::discrete
