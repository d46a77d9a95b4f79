// A model as an entry of the list of manifolds.
#pragma once

#include "manifolds/formula/formula_source.hpp"
#include "manifolds/registry.hpp"
#include "manifolds/typed_loss.hpp"

namespace valleydrift::manifolds {

/// The entry of a model of residuals, as least squares, or of a loss.
template <class M>
LossEntry entry_of() {
  using L = LossOf<M>;
  LossEntry entry;
  if constexpr (DescribedModel<L>) entry.description = L::describe();
  entry.serves_some = ServesSome<M>;
  entry.make = [name = entry.description ? entry.description->name : std::string()](
                   const ManifoldDescription& wanted,
                   const ParameterValues& parameters) -> std::shared_ptr<const PointwiseLoss> {
    if constexpr (TypedModel<M>) {
      if (!wanted.source) return nullptr;
      return std::make_shared<TypedLoss<L>>(L(M::read(*wanted.source, parameters)));
    } else {
      if (wanted.source || wanted.name != name) return nullptr;
      if constexpr (ServesSome<M>) {
        if (!M::serves(parameters)) return nullptr;
      }
      return std::make_shared<TypedLoss<L>>(L(parameters));
    }
  };
  return entry;
}

}  // namespace valleydrift::manifolds
