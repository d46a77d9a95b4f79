// Picks the two or three weights, or principal directions, along which the trajectories vary most.
#include "validation/figures/valley_view.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cctype>
#include <sstream>

#include "validation/figures/plot_text.hpp"

namespace valleydrift::figures {
namespace {

/// The names in "u, v" if there is one per weight, else w1, ..., wD.
std::vector<std::string> weight_names(const Manifold& manifold) {
  std::vector<std::string> names;
  std::istringstream words(manifold.description().coordinates);
  for (std::string name; std::getline(words, name, ',');) {
    std::erase(name, ' ');
    names.push_back(name);
  }
  const auto is_name = [](const std::string& n) {
    return !n.empty() &&
           std::all_of(n.begin(), n.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  };
  if (std::ssize(names) == manifold.dimension() && std::all_of(names.begin(), names.end(), is_name)) return names;
  names.clear();
  for (int i = 1; i <= manifold.dimension(); ++i) names.push_back(fmt::format("w{}", i));
  return names;
}

Matrix covariance_of(const std::vector<Vector>& points, Eigen::Index dimension) {
  Vector mean = Vector::Zero(dimension);
  for (const Vector& w : points) mean += w / static_cast<double>(points.size());
  Matrix covariance = Matrix::Zero(dimension, dimension);
  for (const Vector& w : points) covariance += (w - mean) * (w - mean).transpose();
  return covariance;
}

/// The two axes along which the points vary most, in ascending order.
std::array<Eigen::Index, 2> widest_axes(const Matrix& covariance) {
  Vector variances = covariance.diagonal();
  std::array<Eigen::Index, 2> axes{};
  for (Eigen::Index& axis : axes) {
    variances.maxCoeff(&axis);
    variances[axis] = -1.0;
  }
  std::sort(axes.begin(), axes.end());
  return axes;
}

}  // namespace

bool is_drawable(const Vector& w) { return w.size() > 0 && w.allFinite(); }

Trajectories trajectories_of(const compare::Comparison& comparison) {
  const auto& samples = comparison.samples;
  const bool same_limit = samples.size() > 1 && samples[0].limit == samples[1].limit;
  Trajectories out;
  const auto add = [](std::vector<Vector>& to, const std::vector<Vector>& from) {
    std::copy_if(from.begin(), from.end(), std::back_inserter(to), is_drawable);
  };
  for (std::size_t k = 0; k < std::min<std::size_t>(same_limit ? 2 : 1, samples.size()); ++k) {
    out.paths.push_back(&samples[k]);
    add(out.on_valley, samples[k].slow);
    add(out.on_valley, samples[k].limit);
    add(out.raw, samples[k].discrete);
  }
  return out;
}

View::View(const Manifold& manifold, const Vector& start, const Trajectories& shown, double proportion) {
  project(manifold, start, shown.on_valley);
  fit_window(start, manifold.length(start), shown, is_space() ? 1.0 : proportion);
}

/// The two weights that vary most along the trajectories, or in higher dimension their principal directions.
void View::project(const Manifold& manifold, const Vector& start, const std::vector<Vector>& points) {
  const Eigen::Index dimension = start.size();
  constexpr Eigen::Index few_weights = 4;
  const auto names = weight_names(manifold);
  origin_ = Vector::Zero(dimension);
  rows_ = Matrix::Zero(dimension == 3 ? 3 : 2, dimension);
  const auto show_weight = [&](Eigen::Index axis, Eigen::Index weight) {
    rows_(axis, weight) = 1.0;
    labels_[static_cast<std::size_t>(axis)] =
        formula(names[static_cast<std::size_t>(weight)], manifold.description().source != nullptr);
  };
  if (dimension <= 3) {
    for (Eigen::Index i = 0; i < dimension; ++i) show_weight(i, i);
    return;
  }
  const Matrix covariance = covariance_of(points, dimension);
  if (dimension <= few_weights || !(covariance.trace() > 0.0)) {
    const auto axes = widest_axes(covariance);
    for (Eigen::Index i = 0; i < 2; ++i) show_weight(i, axes[static_cast<std::size_t>(i)]);
    return;
  }
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(covariance);
  origin_ = start;
  for (Eigen::Index i = 0; i < 2; ++i) {
    Vector direction = solver.eigenvectors().col(dimension - 1 - i);
    Eigen::Index largest = 0;
    direction.cwiseAbs().maxCoeff(&largest);
    if (direction[largest] < 0.0) direction = -direction;
    rows_.row(i) = direction.transpose();
    labels_[static_cast<std::size_t>(i)] = fmt::format("principal direction {} of the path, from the start", i + 1);
  }
}

/// Around the trajectories, with equal units on all axes: the narrow sides grow. Where nothing moves, as wide as
/// `length`.
void View::fit_window(const Vector& start, double length, const Trajectories& shown, double proportion) {
  include(start);
  for (const auto* points : {&shown.on_valley, &shown.raw}) {
    for (const Vector& w : *points) include(w);
  }
  const auto share = [&](int axis) { return axis == 0 ? proportion : 1.0; };
  double unit = 0.0;
  for (int i = 0; i < dimension(); ++i) unit = std::max(unit, window(i).width() / share(i));
  if (!(unit > 1e-9 * start.norm())) unit = length;
  constexpr double margin = 1.16;
  for (int i = 0; i < dimension(); ++i) {
    Range& r = window_[static_cast<std::size_t>(i)];
    const double middle = r.middle(), half = 0.5 * margin * unit * share(i);
    r = {middle - half, middle + half};
  }
}

double View::extent() const {
  double extent = 0.0;
  for (int i = 0; i < dimension(); ++i) extent = std::max(extent, window(i).width());
  return extent;
}

bool View::is_inside(const Vector& w, double margin) const {
  for (int i = 0; i < dimension(); ++i) {
    const Range& r = window(i);
    const double more = margin * extent();
    if (!Range(r.low - more, r.high + more).contains(coordinate(w, i))) return false;
  }
  return true;
}

void View::include(const Vector& w) {
  for (int i = 0; i < dimension(); ++i) window_[static_cast<std::size_t>(i)].add(coordinate(w, i));
}

}  // namespace valleydrift::figures
