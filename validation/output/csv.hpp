// Cells of a CSV file.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <string>

namespace valleydrift::output {

/// A number that reads back to the same bits; an empty cell where there is none.
inline void append_number(std::string& line, double value) {
  line += ',';
  if (std::isfinite(value)) fmt::format_to(std::back_inserter(line), "{}", value);
}

/// A CSV cell; names such as cov(x1,x3) hold a comma.
inline std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

}  // namespace valleydrift::output
