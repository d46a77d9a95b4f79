// JUnit XML as CI systems read it; tests/data/junit.xsd is its schema.
#pragma once

#include <string>
#include <vector>

namespace valleydrift::report {

struct JunitCase {
  std::string group;  ///< what belongs together: the check
  std::string name;
  double seconds = 0.0;
  std::string verdict = {};  ///< of a failure; empty: passed
  std::string message = {};  ///< in one line
  std::string details = {};
};

/// One suite of this name.
std::string junit_xml(const std::string& suite, const std::vector<JunitCase>& cases, double seconds);

}  // namespace valleydrift::report
