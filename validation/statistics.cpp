#include "validation/statistics.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace valleydrift::validation {

Estimate estimate(const std::vector<double>& samples) {
  const auto n = static_cast<double>(samples.size());
  double sum = 0.0;
  for (double x : samples) sum += x;
  const double mean = sum / n;
  double squares = 0.0;
  for (double x : samples) squares += (x - mean) * (x - mean);
  return {mean, std::sqrt(squares / (n - 1.0) / n)};
}

double student_t(int degrees, double two_sided) {
  return boost::math::quantile(boost::math::complement(boost::math::students_t(degrees), two_sided / 2.0));
}

}  // namespace valleydrift::validation
