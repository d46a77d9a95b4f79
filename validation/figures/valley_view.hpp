// What the picture of the valley shows: which trajectories, in which coordinates, in which window.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "validation/compare/comparison.hpp"
#include "validation/figures/figure.hpp"
#include "validation/figures/valley_mesh.hpp"

namespace valleydrift::figures {

/// A state that can be drawn: a process without a state at a record has an empty vector.
bool is_drawable(const Vector& w);

/// The trajectories of the picture: one where each path of the limit is another, else two.
struct Trajectories {
  std::vector<const compare::SampledPath*> paths;
  std::vector<Vector> on_valley;  ///< all states of slow variable and limit
  std::vector<Vector> raw;        ///< all weights
};
Trajectories trajectories_of(const compare::Comparison& comparison);

/// Coordinates of the picture: the weights themselves for D = 2 and 3, a projection to two otherwise.
class View {
 public:
  /// `proportion` is width over height of a flat picture.
  View(const Manifold& manifold, const Vector& start, const Trajectories& shown, double proportion);

  /// Three axes; else two.
  bool is_space() const { return rows_.rows() == 3; }
  int dimension() const { return static_cast<int>(rows_.rows()); }
  double coordinate(const Vector& w, int axis) const { return rows_.row(axis).dot(w - origin_); }
  const std::string& label(int axis) const { return labels_[static_cast<std::size_t>(axis)]; }
  const Range& window(int axis) const { return window_[static_cast<std::size_t>(axis)]; }
  /// The largest width of the window.
  double extent() const;
  /// Whether w lies in the window, enlarged by a fraction of its extent.
  bool is_inside(const Vector& w, double margin) const;
  void include(const Vector& w);

 private:
  void project(const Manifold& manifold, const Vector& start, const std::vector<Vector>& points);
  void fit_window(const Vector& start, double length, const Trajectories& shown, double proportion);

  Matrix rows_;  // of the projection
  Vector origin_;
  std::array<std::string, 3> labels_;
  std::array<Range, 3> window_;
};

}  // namespace valleydrift::figures
