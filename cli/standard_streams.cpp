// Opens closed descriptors on /dev/null; the buffer that writes a stream to its descriptor.
#include "cli/standard_streams.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace valleydrift::cli {

void open_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number, which is this one. For reading only: what is printed must not vanish in silence.
    if (::open("/dev/null", O_RDONLY) != descriptor) ::_exit(4);  // no system to run on
  }
}

DescriptorBuffer::DescriptorBuffer(int descriptor) : descriptor_(descriptor) {
  setp(buffer_.data(), buffer_.data() + buffer_.size());
}

DescriptorBuffer::int_type DescriptorBuffer::overflow(int_type c) {
  if (sync() != 0) return traits_type::eof();
  if (!traits_type::eq_int_type(c, traits_type::eof())) {
    *pptr() = traits_type::to_char_type(c);
    pbump(1);
  }
  return traits_type::not_eof(c);
}

int DescriptorBuffer::sync() {
  const char* next = pbase();
  while (next < pptr()) {
    const ssize_t written = ::write(descriptor_, next, static_cast<std::size_t>(pptr() - next));
    if (written > 0) {
      next += written;
      continue;
    }
    if (written < 0 && errno == EINTR) continue;
    pollfd one = {descriptor_, POLLOUT, 0};
    if (written < 0 && errno == EAGAIN && (::poll(&one, 1, -1) >= 0 || errno == EINTR)) continue;
    break;
  }
  const bool complete = next == pptr();
  setp(buffer_.data(), buffer_.data() + buffer_.size());  // what could not be written is reported, not tried again
  return complete ? 0 : -1;
}

}  // namespace valleydrift::cli
