// Points of the valley around trajectories, found by following its tangents and retracting.
#pragma once

#include <functional>
#include <vector>

#include "manifolds/manifold.hpp"

namespace valleydrift::figures {

struct ValleyPoint {
  Vector w;
  double trace;  ///< tr H
};

/// Lines of points; of a surface, lines of equal length that leave one point in all directions.
using ValleyMesh = std::vector<std::vector<ValleyPoint>>;

/// A valley of dimension 1 from `start` both ways, as far as `inside` holds or until it closes, in steps of `step`. It
/// ends early where the valley cannot be followed.
ValleyMesh curve_mesh(const Manifold& manifold, const Vector& start, double step,
                      const std::function<bool(const Vector&)>& inside);

/// A valley of dimension 2 around the points `on_valley`: until each of them is passed and every direction has led to a
/// point for which `covered` holds, or the surface has been followed four times as far as the points reach.
/// `least_extent` is shown where nothing moves.
ValleyMesh surface_mesh(const Manifold& manifold, const Vector& start, const std::vector<Vector>& on_valley,
                        double least_extent, const std::function<bool(const Vector&)>& covered);

}  // namespace valleydrift::figures
