#include "validation/ladder.hpp"

#include <fmt/format.h>

#include <cmath>

#include "manifolds/errors.hpp"
#include "validation/ensemble.hpp"

namespace valleydrift::validation {

std::vector<double> extrapolation_weights(std::size_t rungs, int power) {
  // Error a h^p + b h^(2p): with q = 2^p the two-rung weights are (-1, q)/(q - 1); applying them again at q^2 gives
  // the three-rung ones.
  const double q = std::pow(2.0, power), q2 = q * q;
  if (rungs == 2) return {-1.0 / (q - 1.0), q / (q - 1.0)};
  const double scale = 1.0 / ((q - 1.0) * (q2 - 1.0));
  return {scale, -(q + q2) * scale, q * q2 * scale};
}

std::vector<double> combine(const RungSamples& samples, const std::vector<double>& weights) {
  std::vector<double> out(samples.front().size(), 0.0);
  for (std::size_t r = 0; r < samples.size(); ++r) {
    for (std::size_t b = 0; b < out.size(); ++b) out[b] += weights[r] * samples[r][b];
  }
  return out;
}

LadderResult fit_ladder(const std::string& observable, double time, const std::vector<double>& rungs,
                        const RungSamples& samples, double expected_slope) {
  constexpr double resolved_from = 5.0;       // standard errors of the coarsest difference
  constexpr double two_rung_allowance = 0.5;  // two rungs cannot see the next order; they can tell 2 from 1 and 3
  LadderResult out;
  out.observable = observable;
  out.time = time;
  out.rung = rungs;
  out.expected_slope = expected_slope;
  for (const std::vector<double>& s : samples) {
    const Estimate e = estimate(s);
    out.difference.push_back(e.mean);
    out.standard_error.push_back(e.standard_error);
  }
  const std::vector<double> weights = extrapolation_weights(rungs.size(), static_cast<int>(expected_slope));
  const Estimate zero = estimate(combine(samples, weights));
  out.extrapolated = zero.mean;
  out.extrapolated_error = zero.standard_error;

  const double first = out.difference.front();
  if (!(std::abs(first) > resolved_from * out.standard_error.front()) || std::abs(first) < absolute_allowance) {
    out.note = fmt::format("not resolved: the coarsest difference is {:.2g} with standard error {:.2g}", first,
                           out.standard_error.front());
    return out;
  }
  std::vector<double> local, variance;
  for (std::size_t r = 0; r + 1 < rungs.size(); ++r) {
    const double ratio = out.difference[r] / out.difference[r + 1];
    if (!(ratio > 0.0)) {
      out.note = fmt::format("not resolved: the difference changes sign between {:g} and {:g}", rungs[r], rungs[r + 1]);
      return out;
    }
    local.push_back(std::log2(ratio));
  }
  // d slope / d log D_r: with two rungs (1, -1); with three the extrapolation below.
  const double step = rungs.size() == 3 ? 1.0 / (std::pow(2.0, expected_slope) - 1.0) : 0.0;
  const double slope = rungs.size() == 3 ? local[1] + step * (local[1] - local[0]) : local[0];
  const std::vector<double> gradient =
      rungs.size() == 3 ? std::vector<double>{-step, 1.0 + 2.0 * step, -1.0 - step} : std::vector<double>{1.0, -1.0};
  double square = 0.0;
  for (std::size_t r = 0; r < rungs.size(); ++r) {
    const double relative = gradient[r] * out.standard_error[r] / out.difference[r] / std::log(2.0);
    square += relative * relative;
  }
  const double next_order = rungs.size() == 3 ? std::abs(local[1] - local[0]) : two_rung_allowance;
  const double half = student_t(batch_count - 1, 1e-3) * std::sqrt(square) + next_order;
  out.slope = slope;
  out.slope_low = slope - half;
  out.slope_high = slope + half;
  out.consistent = out.slope_low <= expected_slope && expected_slope <= out.slope_high;
  return out;
}

}  // namespace valleydrift::validation
