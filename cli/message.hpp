// What a message may hold: any text of the user, shown so that no terminal obeys it and no screen is filled by it.
#pragma once

#include <string>
#include <string_view>

namespace valleydrift::cli {

/// A message as it is printed: control characters, and bytes that are not UTF-8, written as \xNN, and every quotation
/// and every word cut at 200 characters, with how many there were. One line; only what shows a place in a formula by a
/// caret has two more.
std::string shown(std::string_view message);

}  // namespace valleydrift::cli
