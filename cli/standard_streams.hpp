// Standard input, output and error as the program finds them, and makes them.
#pragma once

#include <array>
#include <ostream>
#include <streambuf>

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

}  // namespace valleydrift::cli
