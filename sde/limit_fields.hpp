// The fields of the registered models, which sde/limit_fields*.cpp compile: once for the whole program.
#pragma once

#include "manifolds/numbers/lanes.hpp"
#include "manifolds/registry.hpp"
#include "sde/limit_field.hpp"

namespace valleydrift::sde {

#define VALLEYDRIFT_COMPILED_ELSEWHERE(Model)                 \
  extern template class LimitField<double, manifolds::Model>; \
  extern template class LimitField<manifolds::Lanes, manifolds::Model>;
VALLEYDRIFT_MODELS(VALLEYDRIFT_COMPILED_ELSEWHERE)
#undef VALLEYDRIFT_COMPILED_ELSEWHERE

}  // namespace valleydrift::sde
