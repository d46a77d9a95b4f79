// Makes the file with a name of its own, writes and renames it; removed if it is not committed.
#include "validation/output/pending_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "manifolds/errors.hpp"
#include "validation/output/file_failure.hpp"

namespace valleydrift::output {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t buffer_size = 1 << 18;  // few system calls for paths.csv, little memory

/// Throws unless a file may take this name: nothing is there, or a regular file. A device, or what a link leads to, is
/// never replaced.
void require_replaceable(const fs::path& path) {
  std::error_code error;
  const fs::file_type type = fs::symlink_status(path, error).type();
  if (type == fs::file_type::not_found || type == fs::file_type::regular) return;
  if (error) fail("write", path, error);
  throw FileError(
      fmt::format("cannot write {}: it is {}, and only a regular file is replaced", path.string(), kind_of(type)));
}

}  // namespace

PendingFile::PendingFile(fs::path target) : target_(std::move(target)), part_(target_) {
  part_ += ".part";
  require_replaceable(target_);
  // A file of its own: what a run that was killed has left there, or a link that somebody has laid there, goes first.
  constexpr int most_attempts = 3;
  for (int attempt = 1; descriptor_ < 0; ++attempt) {
    do {
      descriptor_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    } while (descriptor_ < 0 && errno == EINTR);
    if (descriptor_ >= 0) break;
    if (errno != EEXIST || attempt == most_attempts) fail("write", part_, errno);
    if (::unlink(part_.c_str()) != 0 && errno != ENOENT) fail("write", part_, errno);
  }
  pending_ = true;
}

PendingFile::PendingFile(PendingFile&& other) noexcept
    : target_(std::move(other.target_)),
      part_(std::move(other.part_)),
      buffer_(std::move(other.buffer_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      pending_(std::exchange(other.pending_, false)) {}

PendingFile::~PendingFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (pending_) ::unlink(part_.c_str());
}

void PendingFile::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", part_, errno);
    if (written == 0) fail("write", part_, ENOSPC);  // no progress, no error: would never end
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
}

void PendingFile::write(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= buffer_size) flush();
}

void PendingFile::close() {
  if (descriptor_ < 0) return;
  flush();
  // After EINTR Linux has closed the descriptor all the same.
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) fail("write", part_, errno);
}

void PendingFile::commit() {
  close();
  if (::rename(part_.c_str(), target_.c_str()) != 0) fail("write", target_, errno);
  pending_ = false;
}

}  // namespace valleydrift::output
