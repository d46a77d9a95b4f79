// Mean and standard error, Student's t, and the two Kolmogorov-Smirnov distances with their probabilities.
#include "validation/statistics/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>

namespace valleydrift::statistics {

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

double exceedance(const Estimate& e, int degrees) {
  const double t = std::abs(e.mean) / e.standard_error;
  if (!std::isfinite(t)) return t > 0.0 ? 0.0 : t;  // NaN stays
  return 2.0 * boost::math::cdf(boost::math::complement(boost::math::students_t(degrees), t));
}

double distance_bound(double n, double probability) { return std::sqrt(std::log(2.0 / probability) / (2.0 * n)); }

double distance_from_uniform(std::vector<double> p) {
  for (const double x : p) {
    if (!(x >= 0.0 && x <= 1.0)) return 1.0;
  }
  std::sort(p.begin(), p.end());
  const auto n = static_cast<double>(p.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto below = static_cast<double>(i);
    distance = std::max({distance, p[i] - below / n, (below + 1.0) / n - p[i]});
  }
  return distance;
}

namespace {

/// P(n D >= k) for two samples of n: 2 sum_j (-1)^(j+1) C(2n, n - j k) / C(2n, n).
double probability_of_distance(int n, int k) {
  using boost::math::lgamma;  // the C library's has a global sign
  if (k <= 0) return 1.0;
  double sum = 0.0, sign = 1.0;
  for (int j = 1; j * k <= n; ++j, sign = -sign) {
    sum += sign * std::exp(2.0 * lgamma(n + 1.0) - lgamma(n - j * k + 1.0) - lgamma(n + j * k + 1.0));
  }
  return std::clamp(2.0 * sum, 0.0, 1.0);
}

}  // namespace

TwoSamples compare_samples(std::vector<double> one, std::vector<double> other) {
  std::sort(one.begin(), one.end());
  std::sort(other.begin(), other.end());
  const auto n = static_cast<int>(one.size());
  int largest = 0, ahead = 0;
  for (std::size_t i = 0, j = 0; i < one.size() && j < other.size();) {
    if (one[i] <= other[j]) {
      ++i, ++ahead;
    } else {
      ++j, --ahead;
    }
    largest = std::max(largest, std::abs(ahead));
  }
  return {static_cast<double>(largest) / n, probability_of_distance(n, largest),
          probability_of_distance(n, largest + 1)};
}

}  // namespace valleydrift::statistics
