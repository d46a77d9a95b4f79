// A fuzzer for formulas: clang's libFuzzer feeds it, see tests/fuzz/README.md.
#include "formula_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  valleydrift::fuzz::try_formula({reinterpret_cast<const char*>(data), size});
  return 0;
}
