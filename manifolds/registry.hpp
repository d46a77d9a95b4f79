// The list of manifolds, which is open: the program's own, then those that a project adds.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "manifolds/catalogue.hpp"
#include "manifolds/pointwise_loss.hpp"

namespace valleydrift::manifolds {

/// One model of the list. A name may stand in it more than once in a row, with its sizes known to the compiler before
/// the one whose sizes are not: the first that serves the parameters is taken.
struct LossEntry {
  bool serves_some = false;                        ///< leaves some parameters to the entry after it
  std::optional<ManifoldDescription> description;  ///< nothing for what is typed at run time
  /// The loss of this description with resolved parameters; nullptr if it is another entry's. Throws
  /// std::invalid_argument for a condition between several parameters.
  std::function<std::shared_ptr<const PointwiseLoss>(const ManifoldDescription&, const ParameterValues&)> make;
};

/// Adds an entry at the end. Throws std::invalid_argument if its name is taken, unless by the last entry, which leaves
/// some parameters to it. Not for two threads at once.
void add_entry(LossEntry entry);

/// The loss described, which may be typed. Throws ConfigError for parameters out of range or an unknown name.
std::shared_ptr<const PointwiseLoss> make_loss(const ManifoldDescription& description,
                                               const ParameterValues& parameters);

}  // namespace valleydrift::manifolds
