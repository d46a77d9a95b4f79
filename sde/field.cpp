// The kernels by the type of a manifold's loss.
#include "sde/field.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "sde/field_entry.hpp"

namespace valleydrift::sde {

std::vector<FieldEntry> built_in_entries();  ///< CMake makes it of the list in cmake/models.cmake

namespace {

std::vector<FieldEntry>& entries() {
  static std::vector<FieldEntry> all = built_in_entries();
  return all;
}

template <class T>
const FieldMakers<T>& makers_for(const Manifold& manifold) {
  const PointwiseLoss& pointwise = manifold.pointwise();
  const std::type_index loss = typeid(pointwise);
  const auto found = std::find_if(entries().begin(), entries().end(), [&](const auto& e) { return e.loss == loss; });
  if (found == entries().end()) {
    throw std::logic_error(manifold.name() + ": its model has no kernels in sde/, see run/add_model.hpp");
  }
  if constexpr (std::is_same_v<T, double>) {
    return found->single;
  } else {
    return found->lanes;
  }
}

}  // namespace

void add_entry(const FieldEntry& entry) {
  if (entry.width != manifolds::lane_count) {
    throw std::logic_error(
        fmt::format("the model was compiled for {} lanes, the library for {}: compile both for one processor",
                    entry.width, manifolds::lane_count));
  }
  entries().push_back(entry);
}

template <class T>
std::unique_ptr<PointGeometry<T>> make_geometry(const Manifold& manifold) {
  return makers_for<T>(manifold).geometry(manifold.pointwise());
}
template <class T>
std::unique_ptr<Field<T>> make_field(const Manifold& manifold, const LyapunovOperator& lyapunov,
                                     const NoiseFactor& noise) {
  return makers_for<T>(manifold).field(manifold.pointwise(), lyapunov, noise);
}
template <class T>
std::unique_ptr<LabelDrift<T>> make_label_drift(const Manifold& manifold, const LyapunovOperator& lyapunov) {
  return makers_for<T>(manifold).label_drift(manifold.pointwise(), lyapunov);
}

template std::unique_ptr<PointGeometry<double>> make_geometry(const Manifold&);
template std::unique_ptr<PointGeometry<Lanes>> make_geometry(const Manifold&);
template std::unique_ptr<Field<double>> make_field(const Manifold&, const LyapunovOperator&, const NoiseFactor&);
template std::unique_ptr<Field<Lanes>> make_field(const Manifold&, const LyapunovOperator&, const NoiseFactor&);
template std::unique_ptr<LabelDrift<double>> make_label_drift(const Manifold&, const LyapunovOperator&);
template std::unique_ptr<LabelDrift<Lanes>> make_label_drift(const Manifold&, const LyapunovOperator&);

}  // namespace valleydrift::sde
