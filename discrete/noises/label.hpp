// Label noise of all samples.
#pragma once

#include <cstddef>
#include <span>

#include "discrete/step_constants.hpp"
#include "manifolds/loss.hpp"

namespace valleydrift::discrete {

/// sigma = s J^T: every label is moved by epsilon xi_a.
struct LabelNoise {
  template <class Loss>
  int draw_count(const Loss& loss) const {
    return loss.label_count();
  }
  template <class T, class Loss>
  void gradient(const Loss& loss, std::span<const T> x, const StepConstants& k, const T* xi, int stride,
                std::span<T> shift, std::span<T> scratch, std::span<T> g) const {
    for (std::size_t a = 0; a < shift.size(); ++a) shift[a] = k.epsilon * xi[a * static_cast<std::size_t>(stride)];
    loss.template noisy_gradient<T>(x, shift, scratch, g);
  }
};

}  // namespace valleydrift::discrete
