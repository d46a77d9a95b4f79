// What the program must refuse: the command line, its exit code, and the words of its message.
#pragma once

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "run_program.hpp"

namespace valleydrift::cli_test {

struct Case {
  std::vector<std::string> arguments;
  int code;
  std::vector<std::string> words;
};

inline void check(const Case& c) {
  const auto result = run_program(c.arguments);
  std::string line;
  for (const std::string& argument : c.arguments) line += " " + argument;
  BOOST_TEST_CONTEXT("valleydrift" << line << "\n  " << result.err) {
    BOOST_TEST(result.code == c.code);
    BOOST_TEST(result.out == "");
    BOOST_TEST(result.err.starts_with("valleydrift: error: "));
    for (const std::string& word : c.words) BOOST_TEST(result.err.find(word) != std::string::npos, "missing: " << word);
  }
}

}  // namespace valleydrift::cli_test
