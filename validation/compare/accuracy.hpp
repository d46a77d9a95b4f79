// What the arithmetic leaves open in every observable, and how far the noise could carry it.
#pragma once

#include <vector>

#include "validation/compare/evidence.hpp"

namespace valleydrift::compare {

/// One number for each column.
struct Accuracy {
  double position = 0.0;       ///< of a point of the valley, in the units of w
  std::vector<double> column;  ///< of an observable: what differs by less is the same
  /// How far the noise of the run could carry the observable if it were free along the valley: what a run must see to
  /// say that nothing moves.
  std::vector<double> reach;
};

/// A point of the valley is known to the tolerance of its projection and the rounding of every step, DERIVATION (39a);
/// an observable to what that moves it by.
Accuracy accuracy_of(const Evidence& evidence);

}  // namespace valleydrift::compare
