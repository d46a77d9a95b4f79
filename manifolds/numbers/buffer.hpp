// Storage whose extent is fixed at compile time where the model knows it, and allocated once where it does not.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace valleydrift::manifolds {

/// The extent of a model whose size is only known at run time.
inline constexpr int dynamic = -1;

/// The product of two extents, dynamic if one of them is.
constexpr int extent_product(int a, int b) { return a == dynamic || b == dynamic ? dynamic : a * b; }

/// N numbers of type T, not initialised: in place (registers, stack) if N is known, else one allocation when it is
/// made.
template <class T, int N>
class Buffer {
 public:
  explicit Buffer(int size) {
    if constexpr (N == dynamic) data_.resize(static_cast<std::size_t>(size));
  }
  /// Makes room for so many numbers where N is not known; what was there is kept.
  void require(int size) {
    if constexpr (N == dynamic) {
      if (data_.size() < static_cast<std::size_t>(size)) data_.resize(static_cast<std::size_t>(size));
    }
  }
  T& operator[](int i) { return data_[static_cast<std::size_t>(i)]; }
  const T& operator[](int i) const { return data_[static_cast<std::size_t>(i)]; }
  T* data() { return data_.data(); }
  const T* data() const { return data_.data(); }
  std::size_t size() const { return data_.size(); }
  auto begin() { return data_.begin(); }
  auto end() { return data_.end(); }
  auto begin() const { return data_.begin(); }
  auto end() const { return data_.end(); }

 private:
  std::conditional_t<N == dynamic, std::vector<T>, std::array<T, N == dynamic ? 0 : static_cast<std::size_t>(N)>> data_;
};

/// Working storage W of a computation, made from its sizes. `auto&& x = workspace.local();` is a local variable where
/// all sizes are known to the compiler, which can then keep it in registers; elsewhere it was allocated once.
template <class W, bool sizes_known>
class Workspace {
 public:
  template <class... Sizes>
  explicit Workspace(Sizes... sizes) : storage_(sizes...) {}
  W& local() { return storage_; }

 private:
  W storage_;
};
template <class W>
class Workspace<W, true> {
 public:
  template <class... Sizes>
  explicit Workspace(Sizes...) {}
  [[gnu::always_inline]] W local() const { return W(); }
};

}  // namespace valleydrift::manifolds
