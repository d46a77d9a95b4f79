// Noise with a constant factor.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <span>
#include <utility>

#include "discrete/step_constants.hpp"
#include "manifolds/loss.hpp"

namespace valleydrift::discrete {

/// A constant D x r matrix sigma.
class ConstantNoise {
 public:
  explicit ConstantNoise(Eigen::MatrixXd sigma) : sigma_(std::move(sigma)) {}
  template <class Loss>
  int draw_count(const Loss&) const {
    return static_cast<int>(sigma_.cols());
  }
  template <class T, class Loss>
  void gradient(const Loss& loss, std::span<const T> x, const StepConstants& k, const T* xi, int stride,
                std::span<T> /*shift*/, std::span<T> scratch, std::span<T> g) const {
    loss.template gradient<T>(x, scratch, g);
    for (Eigen::Index j = 0; j < sigma_.cols(); ++j) {
      const T scaled = k.epsilon * xi[static_cast<std::size_t>(j * stride)];
      const double* column = sigma_.col(j).data();
      for (std::size_t i = 0; i < g.size(); ++i) g[i] = g[i] - column[i] * scaled;
    }
  }

 private:
  Eigen::MatrixXd sigma_;
};

}  // namespace valleydrift::discrete
