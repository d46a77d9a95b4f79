// A straight-line program: what a typed formula becomes. It runs on every number type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "manifolds/numbers/dual.hpp"
#include "manifolds/numbers/lane_math.hpp"

namespace valleydrift::manifolds {

/// What an instruction computes from its operands x, y and its constant c.
enum class Operation : std::uint32_t {
  constant,                ///< c
  add,                     ///< x + y
  subtract,                ///< x - y
  multiply,                ///< x y
  divide,                  ///< x / y
  add_constant,            ///< x + c
  subtract_from_constant,  ///< c - x
  multiply_constant,       ///< x c
  divide_by_constant,      ///< x / c
  divide_constant,         ///< c / x
  multiply_add_constant,   ///< x y + c, two roundings
  negate,                  ///< -x
  sqrt,
  exp,
  log,
  sin,
  cos,
  tan,
  tanh,
  atan,
  sinh,
  cosh
};

/// numbers[target] = operation(numbers[left], numbers[right], constant).
struct Instruction {
  Operation operation;
  std::uint32_t target, left, right;
  double constant;
};

/// Instructions one after another on a few numbers: the inputs come first, results are found where `outputs` says. The
/// same bits for T = double and for T = Lanes, since each operation gives them (lane_math.hpp).
class Tape {
 public:
  Tape() = default;
  Tape(std::vector<Instruction> instructions, std::vector<std::uint32_t> outputs, std::size_t numbers)
      : instructions_(std::move(instructions)),
        outputs_(std::move(outputs)),
        numbers_(numbers) {}

  std::size_t instruction_count() const { return instructions_.size(); }
  /// How many additions take as long as a run on doubles, about: a function takes as long as 8 of them.
  std::int64_t cost() const;
  /// Numbers of working memory, the inputs included.
  std::size_t number_count() const { return numbers_; }

  /// The outputs at the inputs `first`, then `second`, which may be of a plainer type. Safe to call from several
  /// threads.
  template <class T, class R>
  void run(std::span<const T> first, std::span<const R> second, std::span<T> out) const {
    constexpr std::size_t most_on_stack = 4096 / sizeof(T);  // beyond 4 KiB: once per thread on the heap
    if (numbers_ <= most_on_stack) {
      alignas(T) std::byte storage[most_on_stack * sizeof(T)];
      run_on(reinterpret_cast<T*>(storage), first, second, out);
    } else {
      thread_local std::vector<T> storage;
      if (storage.size() < numbers_) storage.resize(numbers_);
      run_on(storage.data(), first, second, out);
    }
  }

 private:
  template <class T, class R>
  void run_on(T* numbers, std::span<const T> first, std::span<const R> second, std::span<T> out) const {
    for (std::size_t i = 0; i < first.size(); ++i, few(i)) numbers[i] = first[i];
    for (std::size_t i = 0; i < second.size(); ++i, few(i)) numbers[first.size() + i] = T(second[i]);
    execute(numbers);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = numbers[outputs_[i]];
  }
  /// Keeps the compiler from calling memcpy for two or three numbers, which takes as long as the tape itself.
  static void few(std::size_t& i) { asm("" : "+r"(i)); }

  template <class T>
  void execute(T* numbers) const;

  std::vector<Instruction> instructions_;
  std::vector<std::uint32_t> outputs_;
  std::size_t numbers_ = 0;
};

template <class T>
[[gnu::noinline]] void Tape::execute(T* numbers) const {
  using std::sqrt;
  for (const Instruction& i : instructions_) {
    const T& x = numbers[i.left];
    const T& y = numbers[i.right];
    T& out = numbers[i.target];
    switch (i.operation) {
      case Operation::constant:
        out = T(i.constant);
        break;
      case Operation::add:
        out = x + y;
        break;
      case Operation::subtract:
        out = x - y;
        break;
      case Operation::multiply:
        out = x * y;
        break;
      case Operation::divide:
        out = x / y;
        break;
      case Operation::add_constant:
        out = x + i.constant;
        break;
      case Operation::subtract_from_constant:
        out = i.constant - x;
        break;
      case Operation::multiply_constant:
        out = x * i.constant;
        break;
      case Operation::divide_by_constant:
        out = x / i.constant;
        break;
      case Operation::divide_constant:
        out = i.constant / x;
        break;
      case Operation::multiply_add_constant:
        out = x * y + i.constant;
        break;
      case Operation::negate:
        out = -x;
        break;
      case Operation::sqrt:
        out = sqrt(x);
        break;
      case Operation::exp:
        out = exp(x);
        break;
      case Operation::log:
        out = log(x);
        break;
      case Operation::sin:
        out = sin(x);
        break;
      case Operation::cos:
        out = cos(x);
        break;
      case Operation::tan:
        out = tan(x);
        break;
      case Operation::tanh:
        out = tanh(x);
        break;
      case Operation::atan:
        out = atan(x);
        break;
      case Operation::sinh:
        out = sinh(x);
        break;
      case Operation::cosh:
        out = cosh(x);
        break;
    }
  }
}

// The elementary functions make it long to compile: these are in tape.cpp.
extern template void Tape::execute(double*) const;
extern template void Tape::execute(Lanes*) const;
extern template void Tape::execute(Dual<double>*) const;
extern template void Tape::execute(Dual<Lanes>*) const;

}  // namespace valleydrift::manifolds
