// A file that is written beside its final name, checked, and renamed when it is complete.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace valleydrift::output {

/// A file in the making: NAME.part until commit(), removed if that is never reached. A NAME that is there must be a
/// regular file; a NAME.part that is there is removed, and never followed if it is a link. All errors are FileError
/// with the path and the reason.
class PendingFile {
 public:
  explicit PendingFile(std::filesystem::path target);
  PendingFile(PendingFile&& other) noexcept;
  PendingFile& operator=(PendingFile&&) = delete;
  ~PendingFile();

  void write(std::string_view text);
  /// Flushes and closes, so that a full device is noticed; the file keeps its .part name.
  void close();
  /// Closes, and renames to the final name.
  void commit();

 private:
  void flush();

  std::filesystem::path target_, part_;
  std::string buffer_;
  int descriptor_ = -1;
  bool pending_ = false;  // there is a .part to remove
};

}  // namespace valleydrift::output
