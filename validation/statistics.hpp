// Standard errors from batch means, and the bounds they are judged by.
#pragma once

#include <vector>

namespace valleydrift::validation {

/// Mean of independent samples, and its standard error (sample standard deviation / sqrt(n)).
struct Estimate {
  double mean = 0.0;
  double standard_error = 0.0;
};
Estimate estimate(const std::vector<double>& samples);

/// Student's t at which `degrees` degrees of freedom are exceeded in absolute value with probability `two_sided`.
double student_t(int degrees, double two_sided);

}  // namespace valleydrift::validation
