#include "validation/statistics.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <boost/multiprecision/cpp_bin_float.hpp>
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
  // In integer arithmetic: Boost's own double version calls the C library, whose last digits depend on the processor.
  using Number = boost::multiprecision::cpp_bin_float_double_extended;
  const boost::math::students_t_distribution<Number> law(degrees);
  return static_cast<double>(boost::math::quantile(boost::math::complement(law, Number(two_sided) / 2)));
}

}  // namespace valleydrift::validation
