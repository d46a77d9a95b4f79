// The families of checks joined into one list, in the order of the report.
#include "validation/verify/check.hpp"

namespace valleydrift::verify {

const std::vector<Check>& all_checks() {
  static const std::vector<Check> all = [] {
    std::vector<Check> joined;
    for (const auto& part :
         {derivative_checks(), geometry_checks(), theorem_checks(), form_checks(), closed_form_checks(), noise_checks(),
          drawn_checks(), ensemble_checks(), first_phase_checks(), order_checks(), statistical_checks()}) {
      joined.insert(joined.end(), part.begin(), part.end());
    }
    return joined;
  }();
  return all;
}

}  // namespace valleydrift::verify
