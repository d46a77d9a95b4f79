// Names of the schemes, and the stability limits of heavy ball and Nesterov, DERIVATION (5).
#include "manifolds/hyperparameters.hpp"

namespace valleydrift::manifolds {

std::string name_of(Scheme scheme) {
  switch (scheme) {
    case Scheme::heavy_ball:
      return "heavy-ball";
    case Scheme::nesterov:
      return "nesterov";
    case Scheme::sgd:
      return "sgd";
  }
  return {};
}

double Hyperparameters::stability_limit() const {
  const double b = beta();
  const double heavy_ball = 2.0 * (1.0 + b);
  return scheme == Scheme::nesterov ? heavy_ball / (1.0 + 2.0 * b) : heavy_ball;
}

}  // namespace valleydrift::manifolds
