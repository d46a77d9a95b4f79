// What a message may hold: any text of the user, shown so that no terminal obeys it and no screen is filled by it.
#pragma once

#include <string>
#include <string_view>

namespace valleydrift::cli {

/// The text with control characters, and bytes that are not UTF-8, written as \xNN; line ends stay.
std::string escaped(std::string_view text);

/// A message as it is printed: escaped, and every quotation and every word cut at 200 characters, with how many there
/// were.
std::string shown(std::string_view message);

}  // namespace valleydrift::cli
