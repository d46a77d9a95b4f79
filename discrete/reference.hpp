// The iteration written as plainly as it can be: one path, dense vectors, one draw at a time.
#pragma once

#include <functional>

#include "manifolds/hyperparameters.hpp"
#include "manifolds/manifold.hpp"
#include "manifolds/random/noise.hpp"

namespace valleydrift::discrete {

/// One path of the noisy iteration, DERIVATION (1), (2), from momentum 0. The definition that the lockstep loop of
/// discrete/iteration.hpp is tested against; nothing in an ensemble runs through it.
class ReferencePath {
 public:
  /// sigma at a point, D x r.
  using NoiseFactor = std::function<manifolds::Matrix(const manifolds::Vector&)>;

  ReferencePath(const manifolds::Manifold& manifold, const manifolds::Hyperparameters& hyperparameters,
                NoiseFactor noise_factor, manifolds::NoiseLaw law, manifolds::NoiseKey key, std::uint64_t path,
                manifolds::Vector start);

  void step();
  const manifolds::Vector& w() const { return w_; }
  const manifolds::Vector& p() const { return p_; }
  std::uint64_t step_count() const { return k_; }

 private:
  const manifolds::Manifold& manifold_;
  manifolds::Hyperparameters h_;
  NoiseFactor noise_factor_;
  manifolds::NoiseLaw law_;
  manifolds::NoiseKey key_;
  std::uint64_t path_, k_ = 0;
  manifolds::Vector w_, p_;
};

}  // namespace valleydrift::discrete
