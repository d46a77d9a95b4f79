// The text of a file.
#pragma once

#include <string>

namespace valleydrift::output {

/// The whole text of a file of at most 64 MiB: a regular file, or standard input under one of its names. Throws
/// FileError with the path and the reason, for a pipe or a device too, which may have no end.
std::string read_text_file(const std::string& path);

}  // namespace valleydrift::output
