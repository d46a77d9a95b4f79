// The kernels of a model, as what makes them: for the sources that CMake makes of each model, and for models of your
// own.
#pragma once

#include <typeindex>

#include "manifolds/typed_loss.hpp"
#include "sde/field.hpp"
#include "sde/kernel/given_noise.hpp"
#include "sde/kernel/isotropic_noise.hpp"
#include "sde/kernel/label_noise.hpp"

namespace valleydrift::sde {

using manifolds::PointwiseLoss;

/// What makes the kernels of one model on numbers T; the loss is of the model's own type.
template <class T>
struct FieldMakers {
  std::unique_ptr<PointGeometry<T>> (*geometry)(const PointwiseLoss&);
  std::unique_ptr<Field<T>> (*field)(const PointwiseLoss&, const LyapunovOperator&, const NoiseFactor&);
  std::unique_ptr<LabelDrift<T>> (*label_drift)(const PointwiseLoss&, const LyapunovOperator&);
};
struct FieldEntry {
  std::type_index loss;
  int width;  ///< lane_count where the entry was compiled
  FieldMakers<double> single;
  FieldMakers<Lanes> lanes;
};

/// Adds an entry, so that make_field and the others know the model. Throws std::logic_error if it was compiled for
/// lanes of another width. Not for two threads at once.
void add_entry(const FieldEntry& entry);

template <class T, class L>
FieldMakers<T> field_makers() {
  using Model = typename L::model_type;
  static constexpr auto model = [](const PointwiseLoss& loss) -> const Model& {
    return static_cast<const manifolds::TypedLoss<L>&>(loss).loss().model();
  };
  return {[](const PointwiseLoss& loss) -> std::unique_ptr<PointGeometry<T>> {
            return std::make_unique<OnModel<PointGeometry<T>, T, GeometryKernel<T, Model>>>(model(loss));
          },
          [](const PointwiseLoss& loss, const LyapunovOperator& lyapunov,
             const NoiseFactor& noise) -> std::unique_ptr<Field<T>> {
            if (noise.is_isotropic()) return std::make_unique<IsotropicField<T, Model>>(model(loss), lyapunov);
            return std::make_unique<GivenNoiseField<T, Model>>(model(loss), lyapunov, noise.matrix());
          },
          [](const PointwiseLoss& loss, const LyapunovOperator& lyapunov) -> std::unique_ptr<LabelDrift<T>> {
            return std::make_unique<LabelNoiseDrift<T, Model>>(model(loss), lyapunov);
          }};
}

/// The entry of a model of residuals, or of a loss.
template <class M>
FieldEntry field_entry_of() {
  using L = manifolds::LossOf<M>;
  return {typeid(manifolds::TypedLoss<L>), manifolds::lane_count, field_makers<double, L>(), field_makers<Lanes, L>()};
}

}  // namespace valleydrift::sde
