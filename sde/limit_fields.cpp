// Of double, one after the other.
#include "sde/limit_fields.hpp"

namespace valleydrift::sde {

#define VALLEYDRIFT_COMPILED_HERE(Model) template class LimitField<double, manifolds::Model>;
VALLEYDRIFT_MODELS(VALLEYDRIFT_COMPILED_HERE)

}  // namespace valleydrift::sde
