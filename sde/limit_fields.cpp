// The fields of the registered models on single doubles.
#include "sde/limit_fields.hpp"

namespace valleydrift::sde {

#define VALLEYDRIFT_COMPILED_HERE(Model) template class LimitField<double, manifolds::Model>;
VALLEYDRIFT_MODELS(VALLEYDRIFT_COMPILED_HERE)

}  // namespace valleydrift::sde
