// Text in lines of one width.
#pragma once

#include <string>
#include <string_view>

namespace valleydrift::report {

inline constexpr std::size_t text_width = 100;

/// Breaks `text` at blanks so that no line is wider than that; the first line follows `head`, the others are indented
/// by its length.
std::string wrapped(const std::string& head, std::string_view text);

}  // namespace valleydrift::report
