// Breaks paragraphs into lines.
#include "validation/report/text.hpp"

#include <algorithm>

namespace valleydrift::report {

std::string wrapped(const std::string& head, std::string_view text) {
  std::string out, line = head;
  bool first_word = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string word(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!first_word && line.size() + 1 + word.size() > text_width) {
      out += line + '\n';
      line = std::string(head.size(), ' ') + word;
    } else {
      line += (first_word ? "" : " ") + word;
    }
    first_word = false;
  }
  return out + line + '\n';
}

}  // namespace valleydrift::report
