// Weighted lines, branches with their intervals by resampling, and where two branches meet.
#include "validation/scan/fit.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "manifolds/numbers/lane_math.hpp"
#include "validation/run/ensemble.hpp"

namespace valleydrift::scan {
namespace {

constexpr int bootstrap_fits = 400;
constexpr std::size_t fewest_cells = 3;

struct Sums {
  double w = 0.0, x = 0.0, y = 0.0, xx = 0.0, xy = 0.0;
};

/// Weighted straight line about the mean of x.
Line straight_line(const std::vector<double>& x, const std::vector<double>& y, const std::vector<double>& sigma) {
  Sums s;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double w = 1.0 / (sigma[i] * sigma[i]);
    s.w += w;
    s.x += w * x[i];
    s.y += w * y[i];
  }
  const double mx = s.x / s.w, my = s.y / s.w;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double w = 1.0 / (sigma[i] * sigma[i]);
    s.xx += w * (x[i] - mx) * (x[i] - mx);
    s.xy += w * (x[i] - mx) * (y[i] - my);
  }
  Line line;
  line.slope = s.xy / s.xx;
  line.intercept = my - line.slope * mx;
  return line;
}

/// Adds the quadratic coefficient: the part of (x - mean)^2/2 that a straight line does not reach, and y's part along
/// it.
void add_curvature(Line& line, const std::vector<double>& x, const std::vector<double>& y,
                   const std::vector<double>& sigma) {
  double mean = 0.0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  std::vector<double> square;
  for (const double v : x) square.push_back(0.5 * (v - mean) * (v - mean));
  const Line of_square = straight_line(x, square, sigma);
  double pp = 0.0, py = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double w = 1.0 / (sigma[i] * sigma[i]), p = square[i] - of_square.at(x[i]);
    pp += w * p * p;
    py += w * p * (y[i] - line.at(x[i]));
  }
  if (!(pp > 0.0)) return;
  line.curvature = py / pp;
  double chi2 = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double r = (y[i] - line.at(x[i]) - *line.curvature * (square[i] - of_square.at(x[i]))) / sigma[i];
    chi2 += r * r;
  }
  const double scale = std::max(1.0, chi2 / static_cast<double>(x.size() - 3));
  line.curvature_error = std::sqrt(scale / pp);
}

/// The relative error that a point is weighted with.
double weighed_error(const FitPoint& p) {
  constexpr double smallest = 1e-4;  // the resolution of the records
  return std::max(smallest, p.relative_error);
}

/// The same as another sample would have it: from so few of the resampled times, taken at random, that it scatters as
/// much as one from that many batches and all the resamples does.
template <class OneOf>
double resampled_error(const FitPoint& p, OneOf one_of) {
  constexpr double degrees = run::batch_count - 1;
  const auto count = static_cast<double>(p.resampled.size());
  const auto draws = static_cast<int>(1.0 / (1.0 / degrees + 1.0 / count));
  double n = 0.0, sum = 0.0, squares = 0.0;
  for (int k = 0; k < draws; ++k) {
    const double change = p.resampled[one_of(p.resampled.size())] / p.time - 1.0;
    if (!std::isfinite(change)) continue;  // a resample without the time
    n += 1.0;
    sum += change;
    squares += change * change;
  }
  if (n < 2.0) return weighed_error(p);
  return weighed_error({p.log_eta, p.time, std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1.0))), {}});
}

Interval joined(const Interval& a, const Interval& b) { return {std::min(a.low, b.low), std::max(a.high, b.high)}; }

Interval range_of(const std::vector<double>& samples) {
  const auto [low, high] = std::minmax_element(samples.begin(), samples.end());
  return {*low, *high};
}

std::optional<double> meeting(const Line& a, const Line& b) {
  const double gamma = (b.intercept - a.intercept) / (a.slope - b.slope);
  if (!std::isfinite(gamma)) return {};
  return gamma;
}

/// A branch as points for a line, alpha_of(law) against gamma. `left_out` < 0 leaves out none.
template <class AlphaOf>
Line branch_line(const std::vector<BranchPoint>& branch, AlphaOf alpha_of, int left_out = -1) {
  std::vector<double> x, y, sigma;
  for (std::size_t i = 0; i < branch.size(); ++i) {
    if (static_cast<int>(i) == left_out) continue;
    const PowerLaw& law = branch[i].law;
    x.push_back(branch[i].gamma);
    y.push_back(alpha_of(law));
    constexpr double smallest = 1e-4;  // an alpha is never known better: what is fitted is no exact power law
    sigma.push_back(std::max(smallest, law.range.half_width()));
  }
  return straight_line(x, y, sigma);
}

}  // namespace

Line weighted_line(const std::vector<double>& x, const std::vector<double>& y, const std::vector<double>& sigma) {
  Line line = straight_line(x, y, sigma);
  if (x.size() >= 4) add_curvature(line, x, y, sigma);
  return line;
}

bool PowerLaw::curved() const { return curvature && std::abs(*curvature) > 3.0 * *curvature_error; }

std::optional<PowerLaw> fit_power(const std::vector<FitPoint>& points, std::uint64_t seed) {
  const std::size_t n = points.size();
  if (n < fewest_cells) return {};
  std::vector<double> x, y, sigma;
  for (const FitPoint& p : points) {
    x.push_back(p.log_eta);
    y.push_back(manifolds::log(p.time));
    sigma.push_back(weighed_error(p));
  }
  const Line line = weighted_line(x, y, sigma);
  PowerLaw law;
  law.alpha = -line.slope;
  law.prefactor = manifolds::exp(line.intercept);
  law.curvature = line.curvature;
  law.curvature_error = line.curvature_error;
  law.cells_used = static_cast<int>(n);

  std::mt19937_64 engine(seed);
  const auto one_of = [&](std::size_t count) { return static_cast<std::size_t>(engine() % count); };
  while (law.samples.size() < bootstrap_fits) {
    std::vector<double> resampled = y, errors = sigma;
    for (std::size_t i = 0; i < n; ++i) {
      if (points[i].resampled.empty()) continue;
      const double time = points[i].resampled[one_of(points[i].resampled.size())];
      if (time > 0.0) resampled[i] = manifolds::log(time);  // NaN: a resample without the time
      errors[i] = resampled_error(points[i], one_of);
    }
    law.samples.push_back(-straight_line(x, resampled, errors).slope);
  }
  const double reach = *reach_95(law.alpha, law.samples);
  law.interval = {law.alpha - reach, law.alpha + reach};

  std::vector<double> without;
  for (std::size_t left_out = 0; left_out < n; ++left_out) {
    std::vector<double> lx, ly, ls;
    for (std::size_t i = 0; i < n; ++i) {
      if (i == left_out) continue;
      lx.push_back(x[i]);
      ly.push_back(y[i]);
      ls.push_back(sigma[i]);
    }
    without.push_back(-straight_line(lx, ly, ls).slope);
  }
  law.leave_one_out = range_of(without);

  const std::size_t half = (n + 1) / 2;
  const auto part = [&](std::size_t first) {
    const auto of = [&](const std::vector<double>& v) {
      return std::vector<double>(v.begin() + static_cast<std::ptrdiff_t>(first),
                                 v.begin() + static_cast<std::ptrdiff_t>(first + half));
    };
    return -straight_line(of(x), of(y), of(sigma)).slope;
  };
  const bool ascending = x.front() < x.back();
  law.small_eta = part(ascending ? 0 : n - half);
  law.large_eta = part(ascending ? n - half : 0);
  law.range = joined(law.interval, law.leave_one_out);
  return law;
}

double alpha_error(const std::vector<FitPoint>& points, const std::vector<double>& errors) {
  std::vector<double> x, unit(points.size(), 0.0), sigma;
  for (const FitPoint& p : points) {
    x.push_back(p.log_eta);
    sigma.push_back(weighed_error(p));
  }
  double sum = 0.0;
  for (std::size_t i = 0; i < points.size(); ++i) {  // the slope is linear in y
    unit[i] = 1.0;
    sum += std::abs(straight_line(x, unit, sigma).slope) * errors[i];
    unit[i] = 0.0;
  }
  return sum;
}

std::optional<Crossing> cross(const std::vector<BranchPoint>& longitudinal,
                              const std::vector<BranchPoint>& transverse) {
  if (longitudinal.size() < 2 || transverse.size() < 2) return {};
  const auto alpha = [](const PowerLaw& law) { return law.alpha; };
  Crossing c;
  c.longitudinal = branch_line(longitudinal, alpha);
  c.transverse = branch_line(transverse, alpha);
  const auto gamma = meeting(c.longitudinal, c.transverse);
  if (!(gamma && *gamma >= 0.0 && *gamma <= 1.0)) return {};
  c.gamma = *gamma;
  c.alpha = c.transverse.at(*gamma);

  std::vector<double> samples, others = {*gamma};
  const auto add = [](std::vector<double>& to, const Line& a, const Line& b) {
    if (const auto g = meeting(a, b)) to.push_back(*g);
  };
  for (std::size_t s = 0; s < bootstrap_fits; ++s) {
    const auto sample = [s](const PowerLaw& law) { return law.samples[s]; };
    add(samples, branch_line(longitudinal, sample), branch_line(transverse, sample));
  }
  for (int i = 0; longitudinal.size() > 2 && i < static_cast<int>(longitudinal.size()); ++i) {
    add(others, branch_line(longitudinal, alpha, i), c.transverse);
  }
  for (int i = 0; transverse.size() > 2 && i < static_cast<int>(transverse.size()); ++i) {
    add(others, c.longitudinal, branch_line(transverse, alpha, i));
  }
  for (const auto half : {&PowerLaw::small_eta, &PowerLaw::large_eta}) {
    const auto of_half = [half](const PowerLaw& law) { return law.*half; };
    add(others, branch_line(longitudinal, of_half), branch_line(transverse, of_half));
  }
  const auto reach = reach_95(c.gamma, samples);
  if (!reach) return {};
  c.interval = joined({c.gamma - *reach, c.gamma + *reach}, range_of(others));
  return c;
}

std::optional<Extremum> extremum(const std::vector<double>& x, const std::vector<double>& y, bool largest) {
  std::vector<double> lx, ly;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!(y[i] > 0.0)) continue;
    lx.push_back(manifolds::log(x[i]));
    ly.push_back(largest ? manifolds::log(y[i]) : -manifolds::log(y[i]));
  }
  if (lx.size() < 3) return {};
  const auto best = static_cast<std::size_t>(std::max_element(ly.begin(), ly.end()) - ly.begin());
  if (best == 0 || best + 1 == lx.size()) return {};
  constexpr double jump = 4.0;  // a parabola's steps beside its top grow outwards, at a square root's cusp 2.4 times
  const auto step = [&](std::size_t i, std::size_t j) { return std::abs(ly[i] - ly[j]); };
  const double left = step(best, best - 1), right = step(best, best + 1);
  const auto between = [&](std::size_t neighbour) {
    return Extremum{manifolds::exp(0.5 * (lx[best] + lx[neighbour])), manifolds::exp(largest ? ly[best] : -ly[best])};
  };
  if (best > 1 && left > jump * std::max(right, step(best - 1, best - 2))) return between(best - 1);
  if (best + 2 < lx.size() && right > jump * std::max(left, step(best + 1, best + 2))) return between(best + 1);
  const double a = lx[best - 1] - lx[best], b = lx[best + 1] - lx[best];
  const double p = (ly[best - 1] - ly[best]) / a, q = (ly[best + 1] - ly[best]) / b;
  const double second = (q - p) / (b - a), first = p - second * a;
  if (!(second < 0.0)) return Extremum{manifolds::exp(lx[best]), manifolds::exp(largest ? ly[best] : -ly[best])};
  const double at = -0.5 * first / second, top = ly[best] + at * (first + second * at);
  return Extremum{manifolds::exp(lx[best] + at), manifolds::exp(largest ? top : -top)};
}

std::optional<double> reach_95(double estimate, std::vector<double> samples) {
  constexpr std::size_t fewest = 20;  // below that there is no quantile of 2.5 %
  const std::size_t all = samples.size();
  std::erase_if(samples, [](double x) { return !std::isfinite(x); });
  if (samples.size() < fewest || 10 * samples.size() < 9 * all) return {};
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double part) {
    return samples[static_cast<std::size_t>(part * static_cast<double>(samples.size() - 1))];
  };
  return std::max(std::abs(at(0.025) - estimate), std::abs(at(0.975) - estimate));
}

}  // namespace valleydrift::scan
