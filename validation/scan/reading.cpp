// Last crossings of delta, slopes of logarithms in a window, and the width of the replicates.
#include "validation/scan/reading.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "manifolds/interrupt.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "validation/run/ensemble.hpp"

namespace valleydrift::scan {
namespace {

constexpr int most_modes = 3;

std::size_t index(Figures figure) { return static_cast<std::size_t>(figure); }

/// Half the width of the middle 68 % of the replicates. Near a double root a resample now and then has a root of its
/// own, which would decide a standard deviation alone.
double middle_half_width(const std::vector<FigureValues>& replicates, Figures figure) {
  std::vector<double> values;
  for (const FigureValues& r : replicates) {
    if (std::isfinite(r[index(figure)])) values.push_back(r[index(figure)]);
  }
  if (values.size() < 10 || 10 * values.size() < 9 * replicates.size()) return not_reached;
  std::sort(values.begin(), values.end());
  constexpr double below = 0.1587;  // of a normal law below one standard deviation
  const auto at = [&](double part) {
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
  };
  return 0.5 * (at(1.0 - below) - at(below));
}

}  // namespace

void extend(Curves& curves, const CellRecords& records, const std::vector<int>& weights, std::int64_t paths,
            const Plateau& plateau) {
  double count = 0.0;
  for (int b = 0; b < run::batch_count; ++b) {
    count += weights[static_cast<std::size_t>(b)] *
             static_cast<double>(run::first_path_of(b + 1, paths) - run::first_path_of(b, paths));
  }
  for (std::size_t r = curves.steps.size(); r < records.steps.size(); ++r) {
    CellRecords::BatchSums sums{};
    for (int b = 0; b < run::batch_count; ++b) {
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

std::optional<double> mode_rate(const std::vector<double>& steps, const std::vector<double>& ratio, double begin,
                                double end, int modes) {
  std::vector<double> x;
  double spacing = 0.0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i] < begin || steps[i] > end) continue;
    if (!x.empty()) spacing = steps[i] - steps[i - 1];
    x.push_back(ratio[i]);
  }
  const auto n = static_cast<std::size_t>(modes);
  const std::size_t lag = std::max<std::size_t>(1, x.size() / (4 * n));
  if (x.size() < n * lag + n) return {};
  // x(k + n h) = c_0 x(k) + ... + c_{n-1} x(k + (n-1) h). Every record weighs the same relative to the curve's size:
  // the early ones would decide alone.
  using Vector = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, most_modes, 1>;
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, most_modes, most_modes>;
  Matrix normal = Matrix::Zero(modes, modes);
  Vector right = Vector::Zero(modes), row(modes);
  for (std::size_t i = 0; i + n * lag < x.size(); ++i) {
    for (std::size_t c = 0; c < n; ++c) row[static_cast<Eigen::Index>(c)] = x[i + c * lag];
    const double weight = 1.0 / row.squaredNorm();
    normal += weight * row * row.transpose();
    right += weight * x[i + n * lag] * row;
  }
  Vector c = normal.ldlt().solve(right);
  if (!c.allFinite()) return {};
  // The largest root of z^n = c_0 + ... + c_{n-1} z^(n-1): what the recursion grows by, over many steps of it.
  Matrix companion = Matrix::Zero(modes, modes);
  companion.row(modes - 1) = c.transpose();
  for (int k = 0; k + 1 < modes; ++k) companion(k, k + 1) = 1.0;
  constexpr int squarings = 30;  // of the step: constants and equal roots no longer matter
  double log_size = 0.0;
  for (int k = 0; k < squarings; ++k) {
    companion = (companion * companion).eval();
    const double size = companion.norm();
    if (!(size > 0.0) || !std::isfinite(size)) return {};
    companion /= size;
    log_size = 2.0 * log_size + manifolds::log(size);
  }
  const double growth = std::ldexp(log_size, -squarings);
  if (!(growth < 0.0)) return {};
  return -growth / (spacing * static_cast<double>(lag));
}

FigureValues read_figures(const Curves& curves, double delta, std::array<double, 2> window) {
  FigureValues out;
  const auto put = [&](Figures figure, const std::optional<double>& value) {
    out[index(figure)] = value.value_or(not_reached);
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
  out[index(Figures::rate_mean)] = out[index(Figures::rate_rms)] = not_reached;
  if (window[0] < window[1]) {
    put(Figures::rate_mean, mode_rate(curves.steps, curves.mean, window[0], window[1], 2));
    // The mean square is a sum of exponentials, its root is none; two rates of the mean make three of it.
    std::vector<double> square;
    for (const double rms : curves.rms) square.push_back(rms * rms);
    const auto rate = mode_rate(curves.steps, square, window[0], window[1], 3);
    put(Figures::rate_rms, rate ? std::optional(0.5 * *rate) : std::nullopt);
  }
  return out;
}

std::vector<FigureValues> bootstrap(const CellRecords& records, std::int64_t paths, const Plateau& plateau,
                                    double delta, std::array<double, 2> window, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::vector<FigureValues> out;
  for (int r = 0; r < replicate_count; ++r) {
    throw_if_interrupted();
    std::vector<int> weights(run::batch_count, 0);
    for (int b = 0; b < run::batch_count; ++b) ++weights[static_cast<std::size_t>(engine() % run::batch_count)];
    Curves curves;
    extend(curves, records, weights, paths, plateau);
    out.push_back(read_figures(curves, delta, window));
  }
  return out;
}

double standard_error(const std::vector<FigureValues>& replicates, Figures figure) {
  if (figure == Figures::rate_mean || figure == Figures::rate_rms) return middle_half_width(replicates, figure);
  double n = 0.0, sum = 0.0, squares = 0.0;
  for (const FigureValues& r : replicates) {
    const double x = r[index(figure)];
    if (!std::isfinite(x)) continue;
    n += 1.0;
    sum += x;
    squares += x * x;
  }
  if (!(n >= 0.9 * static_cast<double>(replicates.size())) || n < 2.0) return not_reached;
  return std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1.0)));
}

}  // namespace valleydrift::scan
