// Isotropic noise.
#pragma once

#include <cstddef>
#include <span>

#include "discrete/step_constants.hpp"
#include "manifolds/loss.hpp"

namespace valleydrift::discrete {

/// sigma = I.
struct IsotropicNoise {
  template <class Loss>
  int draw_count(const Loss& loss) const {
    return loss.dimension();
  }
  template <class T, class Loss>
  void gradient(const Loss& loss, std::span<const T> x, const StepConstants& k, const T* xi, int stride,
                std::span<T> /*shift*/, std::span<T> scratch, std::span<T> g) const {
    loss.template gradient<T>(x, scratch, g);
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = g[i] - k.epsilon * xi[i * static_cast<std::size_t>(stride)];
  }
};

}  // namespace valleydrift::discrete
