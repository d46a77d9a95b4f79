// Files that cannot be read or written, as the user is told.
#pragma once

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <system_error>

#include "manifolds/errors.hpp"

namespace valleydrift::output {

/// Throws FileError: cannot WHAT PATH, and the system's reason; `error` is errno.
[[noreturn]] inline void fail(const char* what, const std::filesystem::path& path, int error) {
  throw FileError(fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error)));
}
[[noreturn]] inline void fail(const char* what, const std::filesystem::path& path, const std::error_code& error) {
  throw FileError(fmt::format("cannot {} {}: {}", what, path.string(), error.message()));
}

/// What is there, for a message about what is not a regular file.
inline const char* kind_of(std::filesystem::file_type type) {
  return type == std::filesystem::file_type::directory ? "a folder"
         : type == std::filesystem::file_type::symlink ? "a link"
                                                       : "no regular file";
}

}  // namespace valleydrift::output
