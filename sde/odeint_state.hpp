// A point as Boost.Odeint integrates it.
#pragma once

#include <vector>

#include "manifolds/geometry.hpp"

namespace valleydrift::sde {

using State = std::vector<double>;

inline Eigen::Map<const manifolds::Vector> view(const State& y) {
  return {y.data(), static_cast<Eigen::Index>(y.size())};
}

}  // namespace valleydrift::sde
