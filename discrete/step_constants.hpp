// The numbers of one step of the iteration.
#pragma once

#include "manifolds/hyperparameters.hpp"

namespace valleydrift::discrete {

using manifolds::Hyperparameters;
using manifolds::Scheme;

/// Nesterov takes the gradient at w + look_ahead p, DERIVATION (2); heavy ball has 0 there.
struct StepConstants {
  explicit StepConstants(const Hyperparameters& h)
      : eta(h.eta),
        beta(h.beta()),
        epsilon(h.epsilon),
        look_ahead(h.scheme == Scheme::nesterov ? h.eta * h.beta() : 0.0) {}
  double eta, beta, epsilon, look_ahead;
};

}  // namespace valleydrift::discrete
