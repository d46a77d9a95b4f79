// Test cases written as XML, every text escaped.
#include "validation/report/junit.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace valleydrift::report {
namespace {

std::string xml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML has no control characters but these three.
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t' || c == '\r') out += c;
    }
  }
  return out;
}

}  // namespace

std::string junit_xml(const std::string& suite, const std::vector<JunitCase>& cases, double seconds) {
  const auto failures = std::count_if(cases.begin(), cases.end(), [](const auto& c) { return !c.verdict.empty(); });
  const std::string counts = fmt::format(R"(name="{}" tests="{}" failures="{}" errors="0" time="{:.3f}")", xml(suite),
                                         cases.size(), failures, seconds);
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += fmt::format("<testsuites {}>\n  <testsuite {} skipped=\"0\">\n", counts, counts);
  for (const JunitCase& c : cases) {
    out +=
        fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\"", xml(c.group), xml(c.name), c.seconds);
    if (c.verdict.empty()) {
      out += "/>\n";
      continue;
    }
    out += fmt::format(">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>\n", xml(c.verdict),
                       xml(c.message), xml(c.details));
  }
  return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace valleydrift::report
