// Which momentum to take: the fastest decay along the valley, and what it gains.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "validation/scan/prediction.hpp"

namespace valleydrift::scan {

/// One momentum and what is predicted for it.
struct Option {
  std::string name;
  double beta, mu;
  Prediction prediction;
  std::string unstable;  ///< why it cannot be run; empty if it can
  /// Steps until both the RMS along the valley and the transverse part have converged.
  std::optional<double> time() const;
  /// Why there is none, or one of its parts is missing.
  std::string reason() const;
};

struct Advice {
  double eta, delta;
  double recommended_mu;
  bool exact;                              ///< from the moment hierarchy; else C* eta^(2/3), a heuristic
  bool limited;                            ///< mu = 1 is the boundary: momentum does not help
  std::string reason;                      ///< where the recommendation comes from
  std::vector<Option> options;             ///< recommended, beta = 0, beta = 0.9
  std::vector<run::Condition> conditions;  ///< at the flattest point with the recommended momentum
  std::optional<run::FlattestSearch> search = {};
};

/// For the learning rate of scan.config.run.eta; heavy ball or Nesterov; with `search` starts drawn around the scan's
/// for other local flattest points. Throws ConfigError for SGD, NumericalError for a step beyond the stability limit.
Advice advise(const ResolvedScan& scan, int search = 0);

}  // namespace valleydrift::scan
