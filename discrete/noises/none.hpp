// No noise.
#pragma once

#include <span>

#include "discrete/step_constants.hpp"
#include "manifolds/loss.hpp"

namespace valleydrift::discrete {

/// The gradient alone, for the limit map in phase space, DERIVATION (6).
struct NoNoise {
  template <class Loss>
  int draw_count(const Loss&) const {
    return 0;
  }
  template <class T, class Loss>
  void gradient(const Loss& loss, std::span<const T> x, const StepConstants&, const T* /*xi*/, int /*stride*/,
                std::span<T> /*shift*/, std::span<T> scratch, std::span<T> g) const {
    loss.template gradient<T>(x, scratch, g);
  }
};

}  // namespace valleydrift::discrete
