// A project's own valley, for every command and check.
#pragma once

#include "discrete/lockstep_entry.hpp"
#include "manifolds/model_entry.hpp"
#include "sde/field_entry.hpp"

namespace valleydrift {

/// Adds a model of residuals, as least squares, or a loss to the list of manifolds (manifolds/model.hpp and loss.hpp
/// say what one is), with its kernels. Call it before anything runs. Throws std::invalid_argument if the list has one
/// of its name.
template <class M>
void add_model() {
  static_assert(manifolds::DescribedModel<manifolds::LossOf<M>>, "a model of the list has describe()");
  manifolds::add_entry(manifolds::entry_of<M>());
  discrete::add_entry(discrete::lockstep_entry_of<M>());
  sde::add_entry(sde::field_entry_of<M>());
}

}  // namespace valleydrift
