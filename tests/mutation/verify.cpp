// `valleydrift verify` without its command line, tables and reports, so that a mutant is built from half the files.
#include <exception>
#include <iostream>

#include "validation/verify.hpp"

/// Arguments: IDs, with * as wildcard; none: all. Prints ID and site of each row that does not pass, and whether the
/// row ended with an error. Exit: 0 all pass, 1 some do not, 3 verify itself ended with an error, as `valleydrift`.
int main(int argc, char** argv) {
  try {
    const valleydrift::validation::Verification verification =
        valleydrift::validation::verify({.only = {argv + 1, argv + argc}});
    for (const auto& row : verification.results) {
      if (row.verdict == valleydrift::validation::CheckVerdict::pass) continue;
      std::cout << row.check->id << '\t' << row.site << '\t' << (row.error.empty() ? "fails" : "error") << '\n';
    }
    return verification.passed() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
}
