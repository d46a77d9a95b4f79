// `valleydrift verify` without its command line, tables and reports, so that a mutant is built from half the files.
#include "validation/verify/verify.hpp"

#include <exception>
#include <iostream>

/// Arguments: IDs, with * as wildcard; none: all. Prints, with tabs between, ID, site and `fails` or `error` of each
/// row that does not pass, and where it is worst or what the error is. Exit: 0 all pass, 1 some do not, 3 verify itself
/// ended with an error, as `valleydrift`.
int main(int argc, char** argv) {
  try {
    const valleydrift::verify::Verification verification =
        valleydrift::verify::verify({.only = {argv + 1, argv + argc}});
    for (const auto& row : verification.results) {
      if (row.verdict == valleydrift::verify::CheckVerdict::pass) continue;
      std::cout << row.check->id << '\t' << row.site << '\t'
                << (row.error.empty() ? "fails\t" + row.finding.where : "error\t" + row.error) << '\n';
    }
    return verification.passed() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
}
