// One step of the plain iteration: gradient, noise, momentum, weights, DERIVATION (1), (2).
#include "discrete/reference.hpp"

#include <utility>

namespace valleydrift::discrete {

using manifolds::Matrix;
using manifolds::Vector;

ReferencePath::ReferencePath(const manifolds::Manifold& manifold, const manifolds::Hyperparameters& hyperparameters,
                             NoiseFactor noise_factor, manifolds::NoiseLaw law, manifolds::NoiseKey key,
                             std::uint64_t path, Vector start)
    : manifold_(manifold),
      h_(hyperparameters),
      noise_factor_(std::move(noise_factor)),
      law_(law),
      key_(key),
      path_(path),
      w_(std::move(start)),
      p_(Vector::Zero(w_.size())) {}

void ReferencePath::step() {
  const bool nesterov = h_.scheme == manifolds::Scheme::nesterov;
  const Vector x = nesterov ? Vector(w_ + h_.eta * h_.beta() * p_) : w_;
  const Matrix sigma = noise_factor_(x);
  Vector xi(sigma.cols());
  for (Eigen::Index c = 0; c < xi.size(); ++c) {
    xi[c] = manifolds::noise(law_, key_, path_, k_, static_cast<std::uint32_t>(c));
  }
  p_ = h_.beta() * p_ - manifold_.gradient(x) + h_.epsilon * (sigma * xi);
  w_ += h_.eta * p_;
  ++k_;
}

}  // namespace valleydrift::discrete
