#include "validation/scan/reading.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "manifolds/lane_math.hpp"
#include "validation/ensemble.hpp"
#include "validation/interrupt.hpp"

namespace valleydrift::validation {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

std::size_t index(Figures figure) { return static_cast<std::size_t>(figure); }

}  // namespace

void extend(Curves& curves, const CellRecords& records, const std::vector<int>& weights, std::int64_t paths,
            const Plateau& plateau) {
  double count = 0.0;
  for (int b = 0; b < batch_count; ++b) {
    count += weights[static_cast<std::size_t>(b)] *
             static_cast<double>(first_path_of(b + 1, paths) - first_path_of(b, paths));
  }
  for (std::size_t r = curves.steps.size(); r < records.steps.size(); ++r) {
    CellRecords::BatchSums sums{};
    for (int b = 0; b < batch_count; ++b) {
      const auto& batch = records.batches[r][static_cast<std::size_t>(b)];
      const double weight = weights[static_cast<std::size_t>(b)];
      for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += weight * batch[c];
    }
    const auto mean = [&](Sum c) { return sums[static_cast<std::size_t>(c)] / count; };
    curves.steps.push_back(static_cast<double>(records.steps[r]));
    curves.mean.push_back(mean(Sum::along));
    curves.rms.push_back(std::sqrt(mean(Sum::squared)));
    curves.trace.push_back(mean(Sum::trace));
    curves.transverse.push_back(mean(Sum::energy) / (plateau.energy * mean(Sum::trace)) - 1.0);
    curves.loss.push_back(mean(Sum::loss) / (plateau.loss * mean(Sum::trace)));
  }
}

std::optional<double> last_crossing(const std::vector<double>& steps, const std::vector<double>& ratio, double delta) {
  if (ratio.empty() || !(std::abs(ratio.back()) <= delta)) return {};
  std::size_t i = ratio.size() - 1;
  while (i > 0 && std::abs(ratio[i - 1]) <= delta) --i;
  if (i == 0) return steps[0];
  const double above = std::abs(ratio[i - 1]), below = std::abs(ratio[i]);
  return steps[i - 1] + (steps[i] - steps[i - 1]) * (above - delta) / (above - below);
}

std::optional<double> decay_slope(const std::vector<double>& steps, const std::vector<double>& ratio, double high,
                                  double low) {
  std::size_t end = 0;
  while (end < ratio.size() && std::abs(ratio[end]) >= low) ++end;
  double n = 0.0, sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0;
  const double origin = end > 0 ? steps[end - 1] : 0.0;
  for (std::size_t i = 0; i < end; ++i) {
    if (std::abs(ratio[i]) > high) continue;
    const double x = steps[i] - origin, y = manifolds::log(std::abs(ratio[i]));
    n += 1.0;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  const double spread = n * sxx - sx * sx;
  if (n < 4.0 || !(spread > 0.0)) return {};
  return -(n * sxy - sx * sy) / spread;
}

std::optional<double> two_mode_rate(const std::vector<double>& steps, const std::vector<double>& ratio, double begin,
                                    double end) {
  std::vector<double> x;
  double spacing = 0.0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i] < begin || steps[i] > end) continue;
    if (!x.empty()) spacing = steps[i] - steps[i - 1];
    x.push_back(ratio[i]);
  }
  if (x.size() < 4) return {};
  // Every record weighs the same relative to the curve's envelope: the early ones would decide alone.
  double aa = 0.0, ab = 0.0, bb = 0.0, ay = 0.0, by = 0.0;
  const auto lag = std::max<std::size_t>(1, x.size() / 8);
  if (x.size() < 2 * lag + 2) return {};
  for (std::size_t i = lag; i + lag < x.size(); ++i) {
    const double a = x[i], b = x[i - lag], y = x[i + lag];
    const double weight = 1.0 / (a * a + b * b);
    aa += weight * a * a;
    ab += weight * a * b;
    bb += weight * b * b;
    ay += weight * a * y;
    by += weight * b * y;
  }
  const double determinant = aa * bb - ab * ab;
  if (!(determinant > 0.0)) return {};
  const double p = (ay * bb - by * ab) / determinant, q = (by * aa - ay * ab) / determinant;
  // The roots of z^2 = p z + q: a complex pair has the modulus (-q)^(1/2).
  const double discriminant = p * p + 4.0 * q;
  const double modulus = discriminant < 0.0 ? std::sqrt(-q) : 0.5 * (std::abs(p) + std::sqrt(discriminant));
  if (!(modulus > 0.0 && modulus < 1.0)) return {};
  return -manifolds::log(modulus) / (spacing * static_cast<double>(lag));
}

FigureValues read_figures(const Curves& curves, double delta, std::array<double, 2> window) {
  FigureValues out;
  const auto put = [&](Figures figure, const std::optional<double>& value) {
    out[index(figure)] = value.value_or(none);
  };
  put(Figures::mean, last_crossing(curves.steps, curves.mean, delta));
  put(Figures::rms, last_crossing(curves.steps, curves.rms, delta));
  put(Figures::transverse, last_crossing(curves.steps, curves.transverse, delta));
  // The covariance relaxes twice as fast as the mode; the first tenth holds the transient of the other root.
  constexpr double highest = 0.9;
  const auto covariance = decay_slope(curves.steps, curves.transverse, highest, delta);
  put(Figures::tau_1, covariance ? std::optional(2.0 / *covariance) : std::nullopt);
  const auto slow = decay_slope(curves.steps, curves.mean, highest, delta);
  put(Figures::tau_2, slow ? std::optional(1.0 / *slow) : std::nullopt);
  out[index(Figures::rate_mean)] = out[index(Figures::rate_rms)] = none;
  if (window[0] < window[1]) {
    put(Figures::rate_mean, two_mode_rate(curves.steps, curves.mean, window[0], window[1]));
    put(Figures::rate_rms, two_mode_rate(curves.steps, curves.rms, window[0], window[1]));
  }
  return out;
}

std::vector<FigureValues> bootstrap(const CellRecords& records, std::int64_t paths, const Plateau& plateau,
                                    double delta, std::array<double, 2> window, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::vector<FigureValues> out;
  for (int r = 0; r < replicate_count; ++r) {
    throw_if_interrupted();
    std::vector<int> weights(batch_count, 0);
    for (int b = 0; b < batch_count; ++b) ++weights[static_cast<std::size_t>(engine() % batch_count)];
    Curves curves;
    extend(curves, records, weights, paths, plateau);
    out.push_back(read_figures(curves, delta, window));
  }
  return out;
}

double standard_error(const std::vector<FigureValues>& replicates, Figures figure) {
  double n = 0.0, sum = 0.0, squares = 0.0;
  for (const FigureValues& r : replicates) {
    const double x = r[index(figure)];
    if (!std::isfinite(x)) continue;
    n += 1.0;
    sum += x;
    squares += x * x;
  }
  if (!(n >= 0.9 * static_cast<double>(replicates.size())) || n < 2.0) return none;
  return std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1.0)));
}

}  // namespace valleydrift::validation
