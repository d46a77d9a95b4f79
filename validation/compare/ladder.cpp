// Weights that remove the powers of a ladder, and slopes by two or three rungs with their errors.
#include "validation/compare/ladder.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "manifolds/errors.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "manifolds/numbers/portable_math.hpp"
#include "validation/run/ensemble.hpp"

namespace valleydrift::compare {

std::vector<double> extrapolation_weights(std::size_t rungs, int power) {
  // Error a h^p + b h^(2p): with q = 2^p the two-rung weights are (-1, q)/(q - 1); applying them again at q^2 gives
  // the three-rung ones.
  const double q = std::ldexp(1.0, power), q2 = q * q;
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

namespace {

struct Slope {
  double value, standard_error, next_order;
};

/// The slope with these derivatives by log D_r, and its standard error by those of the independent rungs.
Slope slope_from(const LadderResult& ladder, const std::vector<double>& gradient, double next_order) {
  Slope out{0.0, 0.0, next_order};
  double square = 0.0;
  for (std::size_t r = 0; r < gradient.size(); ++r) {
    const double per_octave = gradient[r] / std::numbers::ln2;
    out.value += per_octave * manifolds::log(std::abs(ladder.difference[r]));
    const double relative = per_octave * ladder.standard_error[r] / ladder.difference[r];
    square += relative * relative;
  }
  out.standard_error = std::sqrt(square);
  return out;
}

/// DERIVATION (40). Three rungs remove the next order where their statistical error leaves more than they remove;
/// otherwise the two coarsest say more.
Slope best_slope(const LadderResult& ladder, double quantile) {
  constexpr double two_rung_allowance = 0.5;  // two rungs cannot see the next order; they can tell 2 from 1 and 3
  const Slope two = slope_from(ladder, {1.0, -1.0}, two_rung_allowance);
  if (ladder.rung.size() < 3) return two;
  const double step = 1.0 / (manifolds::pow(2.0, ladder.expected_slope) - 1.0);
  const double finer = slope_from(ladder, {0.0, 1.0, -1.0}, 0.0).value;
  const Slope three = slope_from(ladder, {-step, 1.0 + 2.0 * step, -1.0 - step}, std::abs(finer - two.value));
  return quantile * three.standard_error < two_rung_allowance ? three : two;
}

}  // namespace

LadderResult fit_ladder(const std::string& observable, double time, const std::vector<double>& rungs,
                        const RungSamples& samples, double expected_slope, int slopes, double accuracy) {
  constexpr double resolved_from = 5.0;  // standard errors of the coarsest difference
  constexpr double widest = 1.0;         // half an interval that holds the slopes on both sides tells nothing
  constexpr double shown = 1e-3;         // the interval's probability of missing the slope by chance
  LadderResult out;
  out.observable = observable;
  out.time = time;
  out.rung = rungs;
  out.expected_slope = expected_slope;
  out.accuracy = accuracy;
  for (const std::vector<double>& s : samples) {
    const statistics::Estimate e = statistics::estimate(s);
    out.difference.push_back(e.mean);
    out.standard_error.push_back(e.standard_error);
  }
  const std::vector<double> weights = extrapolation_weights(rungs.size(), static_cast<int>(expected_slope));
  const statistics::Estimate zero = statistics::estimate(combine(samples, weights));
  out.extrapolated = zero.mean;
  out.extrapolated_error = zero.standard_error;

  const double first = out.difference.front();
  if (!(std::abs(first) > resolved_from * out.standard_error.front()) || std::abs(first) < accuracy) {
    out.note = fmt::format("not resolved: the coarsest difference is {:.2g} with standard error {:.2g}", first,
                           out.standard_error.front());
    return out;
  }
  for (std::size_t r = 0; r + 1 < rungs.size(); ++r) {
    if (out.difference[r] / out.difference[r + 1] > 0.0) continue;
    out.note = fmt::format("not resolved: the difference changes sign between {:g} and {:g}", rungs[r], rungs[r + 1]);
    return out;
  }
  const double quantile = statistics::student_t(run::batch_count - 1, shown);
  const Slope slope = best_slope(out, quantile);
  const double half = quantile * slope.standard_error + slope.next_order;
  if (!(half <= widest)) {
    out.note = fmt::format("not resolved: slope {:.2g} +- {:.2g}", slope.value, half);
    return out;
  }
  out.slope = slope.value;
  out.slope_error = slope.standard_error;
  out.slope_next_order = slope.next_order;
  out.slope_low = slope.value - half;
  out.slope_high = slope.value + half;
  const double refused_from =
      statistics::student_t(run::batch_count - 1, false_alarm_probability / slopes) * slope.standard_error +
      slope.next_order;
  out.consistent = std::abs(slope.value - expected_slope) <= refused_from;
  return out;
}

}  // namespace valleydrift::compare
