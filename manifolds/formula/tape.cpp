// What an evaluation costs, and the tape compiled for numbers, lanes and their dual numbers.
#include "manifolds/formula/tape.hpp"

namespace valleydrift::manifolds {

std::int64_t Tape::cost() const {
  std::int64_t sum = 0;
  for (const Instruction& i : instructions_) sum += i.operation >= Operation::exp ? 8 : 1;
  return sum;
}

template void Tape::execute(double*) const;
template void Tape::execute(Lanes*) const;
template void Tape::execute(Dual<double>*) const;
template void Tape::execute(Dual<Lanes>*) const;

}  // namespace valleydrift::manifolds
