// Reads a text file of the user whole, or says why it cannot: missing, a folder, too large.
#include "validation/output/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "manifolds/errors.hpp"

namespace valleydrift::output {
namespace {

/// A file open for reading, closed at the end of the scope.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : path_(path) {
    // Not blocking: opening a pipe that nobody writes to would wait for ever.
    do {
      descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    } while (descriptor_ < 0 && errno == EINTR);
    if (descriptor_ < 0) fail(std::strerror(errno));
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  [[noreturn]] void fail(const std::string& reason) const {
    throw FileError(fmt::format("cannot read {}: {}", path_, reason));
  }

  /// Throws for what is no regular file; standard input, which the user may have filled by a pipe, is read as it comes.
  void require_an_end() {
    if (::fstat(descriptor_, &status_) != 0) fail(std::strerror(errno));
    if (S_ISREG(status_.st_mode)) return;
    if (S_ISDIR(status_.st_mode)) fail(std::strerror(EISDIR));
    struct stat standard_input = {};
    const bool same = ::fstat(STDIN_FILENO, &standard_input) == 0 && standard_input.st_dev == status_.st_dev &&
                      standard_input.st_ino == status_.st_ino;
    if (!same || S_ISBLK(status_.st_mode)) fail("not a regular file");
    ::fcntl(descriptor_, F_SETFL, 0);  // waits for input again
  }

  /// The next bytes into `buffer`; 0 at the end.
  std::size_t read(char* buffer, std::size_t size) const {
    for (;;) {
      const ssize_t count = ::read(descriptor_, buffer, size);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) fail(std::strerror(errno));
    }
  }

  std::size_t size() const { return S_ISREG(status_.st_mode) ? static_cast<std::size_t>(status_.st_size) : 0; }

  void close() {
    const int descriptor = descriptor_;
    descriptor_ = -1;
    // After EINTR Linux has closed it all the same.
    if (::close(descriptor) != 0 && errno != EINTR) fail(std::strerror(errno));
  }

 private:
  std::string path_;
  int descriptor_ = -1;
  struct stat status_ = {};
};

}  // namespace

std::string read_text_file(const std::string& path) {
  constexpr std::size_t most_bytes = std::size_t{1} << 26;  // far above any configuration and the largest noise factors
  OpenFile file(path);
  file.require_an_end();
  const auto refuse_longer = [&](std::size_t size) {
    if (size > most_bytes) file.fail(fmt::format("longer than {} bytes", most_bytes));
  };
  refuse_longer(file.size());
  constexpr std::size_t piece = 65536;
  std::string text;
  for (std::size_t count = 1; count > 0;) {
    const std::size_t before = text.size();
    text.resize(before + piece);
    count = file.read(text.data() + before, piece);
    text.resize(before + count);
    refuse_longer(text.size());
  }
  file.close();
  return text;
}

}  // namespace valleydrift::output
