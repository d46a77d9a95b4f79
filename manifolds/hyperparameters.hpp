// What an iteration is run with, and the clock that both processes share.
#pragma once

#include <string>

namespace valleydrift::manifolds {

/// Heavy ball is DERIVATION (1), Nesterov (2); SGD is heavy ball at beta = 0.
enum class Scheme { heavy_ball, nesterov, sgd };

std::string name_of(Scheme scheme);

/// Learning rate eta > 0, momentum beta in [0, 1) with mu = 1 - beta kept apart so that small mu loses no digits, and
/// noise scale epsilon >= 0.
struct Hyperparameters {
  Scheme scheme = Scheme::heavy_ball;
  double eta = 0.05;
  double mu = 0.1;
  double epsilon = 0.0;

  double beta() const { return 1.0 - mu; }
  /// Steps in one unit of slow time, (mu / (eta epsilon))^2: DERIVATION (9).
  double slow_unit() const {
    const double r = mu / (eta * epsilon);
    return r * r;
  }
  /// Size of the coupled increment per unit draw, eta epsilon / mu: DERIVATION (28).
  double increment() const { return eta * epsilon / mu; }
  /// The largest eta * eigenvalue at which a transverse mode is stable: DERIVATION (5).
  double stability_limit() const;
};

}  // namespace valleydrift::manifolds

namespace valleydrift {
using manifolds::Hyperparameters;
using manifolds::Scheme;
}  // namespace valleydrift
