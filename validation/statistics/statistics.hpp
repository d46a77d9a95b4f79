// Standard errors from batch means, the bounds they are judged by, and distributions compared as a whole.
#pragma once

#include <vector>

namespace valleydrift::statistics {

/// Mean of independent samples, and its standard error (sample standard deviation / sqrt(n)).
struct Estimate {
  double mean = 0.0;
  double standard_error = 0.0;
};
Estimate estimate(const std::vector<double>& samples);

/// Student's t at which `degrees` degrees of freedom are exceeded in absolute value with probability `two_sided`.
double student_t(int degrees, double two_sided);
/// Its inverse, the p-value: the probability that |t| of `degrees` degrees of freedom exceeds |mean| / standard error.
double exceedance(const Estimate& e, int degrees);

/// What sup |F_n - F| of n independent draws from F exceeds with no more than this probability, for any n (Dvoretzky,
/// Kiefer, Wolfowitz; Massart): (log(2/probability) / (2 n))^(1/2). With n = k l/(k + l) also for two samples of k and
/// l draws each, if k = l is at least 458 (Wei and Dudley).
double distance_bound(double n, double probability);

/// sup |F_n(p) - p| of numbers that should be uniform in [0, 1]; 1 if one of them is not a number.
double distance_from_uniform(std::vector<double> p);

/// The distance sup |F_n - G_n| of two samples of equal size, and the exact probabilities, where both have the same
/// continuous law, of a distance at least as large, and of a larger one (reflection principle).
struct TwoSamples {
  double distance;
  double at_least, larger;
};
TwoSamples compare_samples(std::vector<double> one, std::vector<double> other);

}  // namespace valleydrift::statistics
