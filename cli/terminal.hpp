// Standard input, output and error as the program finds them, and what it may write there: messages and progress.
#pragma once

#include <array>
#include <chrono>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace valleydrift::cli {

/// Opens what is closed of descriptors 0 to 2, so that no file of results gets one of these numbers and is written into
/// by the report. Writing to one that was closed is an error as before.
void open_standard_descriptors();

/// Writes to a descriptor, again if a signal interrupts the call or a reader is slow.
class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(int descriptor);

 protected:
  int_type overflow(int_type c) override;
  int sync() override;

 private:
  int descriptor_;
  std::array<char, 65536> buffer_;
};

/// A standard stream that writes through a DescriptorBuffer while this object lives.
class ThroughDescriptor {
 public:
  ThroughDescriptor(std::ostream& stream, int descriptor)
      : buffer_(descriptor),
        stream_(stream),
        before_(stream.rdbuf(&buffer_)) {}
  ThroughDescriptor(const ThroughDescriptor&) = delete;
  ThroughDescriptor& operator=(const ThroughDescriptor&) = delete;
  ~ThroughDescriptor() {
    stream_.flush();
    stream_.rdbuf(before_);
  }

 private:
  DescriptorBuffer buffer_;
  std::ostream& stream_;
  std::streambuf* before_;
};

/// A message as it is printed: control characters, and bytes that are not UTF-8, written as \xNN, and every quotation
/// and every word cut at 200 characters, with how many there were. One line; only what shows a place in a formula by a
/// caret has two more.
std::string shown(std::string_view message);

/// "about 12 s".
std::string duration_text(double seconds);

/// One line on standard error, rewritten in place: the part done and the time left. Silent if `err` is nullptr, another
/// stream, or no terminal.
class ProgressLine {
 public:
  explicit ProgressLine(std::ostream* err);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  void show(double fraction);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::ostream* terminal_;
  Clock::time_point start_ = Clock::now(), shown_ = Clock::now();
  bool dirty_ = false;
};

}  // namespace valleydrift::cli
