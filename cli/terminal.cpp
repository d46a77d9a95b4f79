// Descriptors and their buffers, messages that no terminal obeys, and the line of progress.
#include "cli/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <iostream>

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

namespace {

constexpr std::size_t most_shown = 200;  // characters of a quotation or a word: two or three lines of a terminal
constexpr std::size_t most_in_all = 4000;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Bytes of the printable UTF-8 character at the beginning; 0 if there is none: a control character (U+0080 to U+009F
/// are some, too), or bytes that are no UTF-8.
std::size_t printable(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return byte(0) >= 0x20 && byte(0) != 0x7F ? 1 : 0;
  const std::size_t length = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < length) return 0;
  if (!std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length), is_continuation)) return 0;
  const bool overlong = (byte(0) == 0xE0 && byte(1) < 0xA0) || (byte(0) == 0xF0 && byte(1) < 0x90);
  const bool no_character = (byte(0) == 0xED && byte(1) > 0x9F) || (byte(0) == 0xF4 && byte(1) > 0x8F);
  const bool control = byte(0) == 0xC2 && byte(1) < 0xA0;
  return overlong || no_character || control ? 0 : length;
}

/// Its beginning and its end if it is longer than `most`; no character is split.
std::string cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t head = most * 4 / 5, tail = text.size() - most / 5;
  while (head > 0 && is_continuation(text[head])) --head;
  while (tail < text.size() && is_continuation(text[tail])) ++tail;
  return fmt::format("{}... ({} characters) ...{}", text.substr(0, head), text.size(), text.substr(tail));
}

/// Every stretch without blanks cut.
std::string with_short_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    out += cut(text.substr(0, end), most_shown);
    out += text.substr(end, 1);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// Where the two lines begin, with their line ends, that show a place in a formula by a caret, at the end of a message;
/// its length if there are none. No other line end is ours.
std::size_t drawing(std::string_view message) {
  const std::size_t caret_line = message.rfind("\n  ");
  if (caret_line == std::string_view::npos || caret_line == 0) return message.size();
  const std::string_view caret = message.substr(caret_line + 1);
  const std::size_t line = message.rfind('\n', caret_line - 1);
  const bool drawn = caret.find_first_not_of(' ') == caret.size() - 1 && caret.back() == '^' &&
                     line != std::string_view::npos && message.substr(line).starts_with("\n  ");
  return drawn ? line : message.size();
}

/// The text with control characters, line ends among them, and bytes that are not UTF-8, written as \xNN.
std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = printable(text);
    if (length == 0) {
      out += fmt::format("\\x{:02X}", static_cast<unsigned char>(text.front()));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

}  // namespace

std::string shown(std::string_view message) {
  // Where a quotation ends cannot be told from a quotation mark in it: the first and the last mark enclose them all.
  const auto is_letter = [&](std::size_t i) {
    return i < message.size() && std::isalnum(static_cast<unsigned char>(message[i])) != 0;
  };
  std::size_t open = message.find('\''), close = message.rfind('\'');
  while (open != std::string_view::npos && open > 0 && is_letter(open - 1)) open = message.find('\'', open + 1);
  while (close != std::string_view::npos && close > 0 && is_letter(close + 1)) close = message.rfind('\'', close - 1);
  const bool quotes = open != std::string_view::npos && close > open && close - open > most_shown;
  const std::string text =
      quotes ? fmt::format("{}{}{}", message.substr(0, open + 1),
                           cut(message.substr(open + 1, close - open - 1), most_shown), message.substr(close))
             : std::string(message);
  const std::string all = cut(with_short_words(text), most_in_all);
  const std::size_t lines = drawing(all);
  const std::string message_line = escaped(std::string_view(all).substr(0, lines));
  if (lines == all.size()) return message_line;
  const std::size_t caret = all.rfind('\n');
  const std::string formula = all.substr(lines + 1, caret - lines - 1);
  return fmt::format("{}\n{}{}", message_line, escaped(formula), all.substr(caret));
}

std::string duration_text(double seconds) {
  if (seconds < 1.0) return "under a second";
  if (seconds < 100.0) return fmt::format("about {:.0f} s", seconds);
  if (seconds < 6000.0) return fmt::format("about {:.0f} min", seconds / 60.0);
  constexpr double year = 365.25 * 86400.0;
  if (seconds < year) return fmt::format("about {:.1f} h", seconds / 3600.0);
  return fmt::format("about {:.2g} years", seconds / year);
}

ProgressLine::ProgressLine(std::ostream* err)
    : terminal_(err == &std::cerr && isatty(STDERR_FILENO) != 0 ? err : nullptr) {}

void ProgressLine::show(double fraction) {
  constexpr double seconds_between = 0.2;
  const auto seconds_since = [](Clock::time_point t) {
    return std::chrono::duration<double>(Clock::now() - t).count();
  };
  if (!terminal_ || fraction <= 0.0 || seconds_since(shown_) < seconds_between) return;
  shown_ = Clock::now();
  const double left = seconds_since(start_) * (1.0 - fraction) / fraction;
  *terminal_ << fmt::format("\r{:3.0f} %  {} left \x1b[K", 100.0 * fraction, duration_text(left)) << std::flush;
  dirty_ = true;
}

void ProgressLine::clear() {
  if (dirty_) *terminal_ << "\r\x1b[K" << std::flush;
  dirty_ = false;
}

}  // namespace valleydrift::cli
