#include "manifolds/tape.hpp"

namespace valleydrift::manifolds {

template void Tape::execute(double*) const;
template void Tape::execute(Lanes*) const;
template void Tape::execute(Dual<double>*) const;
template void Tape::execute(Dual<Lanes>*) const;

}  // namespace valleydrift::manifolds
