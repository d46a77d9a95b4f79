// The fields of the registered models on lanes.
#include "sde/limit_fields.hpp"

namespace valleydrift::sde {

#define VALLEYDRIFT_COMPILED_HERE(Model) template class LimitField<manifolds::Lanes, manifolds::Model>;
VALLEYDRIFT_MODELS(VALLEYDRIFT_COMPILED_HERE)

}  // namespace valleydrift::sde
