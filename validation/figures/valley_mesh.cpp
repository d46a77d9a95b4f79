// A curve along the one tangent, or rays from the middle of the trajectories, joined to a mesh.
#include "validation/figures/valley_mesh.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "manifolds/errors.hpp"

namespace valleydrift::figures {
namespace {

using Polyline = std::vector<ValleyPoint>;

ValleyPoint valley_point(const Manifold& manifold, const Vector& y) {
  return {y, manifold.geometry(y).trace_hessian()};
}

/// From `start` along `direction`, tangent at each point, in steps of `step` that are retracted; ends after `count`
/// steps, where `inside` ends, where the curve closes, or where the valley cannot be followed.
template <class Inside>
Polyline march(const Manifold& manifold, const Vector& start, Vector direction, double step, int count,
               const Inside& inside) {
  Polyline points = {valley_point(manifold, start)};
  try {
    for (int i = 0; i < count; ++i) {
      const Vector here = points.back().w;
      const Vector along = manifold.geometry(here).longitudinal(direction);
      const double length = along.norm();
      if (!(length > 1e-9 * direction.norm())) break;  // the valley has turned across
      const Vector next = manifold.retract(here + (step / length) * along);
      const double moved = (next - here).norm();
      if (!(moved > 0.2 * step && moved < 5.0 * step)) break;  // jumped to another sheet
      direction = next - here;
      points.push_back(valley_point(manifold, next));
      if (!inside(next)) break;
      if (i > 2 && (next - start).norm() < 0.75 * step) {
        points.push_back(points.front());
        break;
      }
    }
  } catch (const NumericalError&) {
    // The valley ends here, or changes its rank: what has been found is drawn.
  }
  return points;
}

/// The point nearest to the mean of `points`: the mean itself may be far from a valley that turns.
Vector middle_of(const std::vector<Vector>& points) {
  Vector mean = Vector::Zero(points.front().size());
  for (const Vector& w : points) mean += w / static_cast<double>(points.size());
  return *std::min_element(points.begin(), points.end(), [&](const Vector& a, const Vector& b) {
    return (a - mean).squaredNorm() < (b - mean).squaredNorm();
  });
}

/// The ring of the mesh, counted from its middle, that is nearest to w.
std::size_t ring_of(const ValleyMesh& rays, const Vector& w) {
  double nearest = INFINITY;
  std::size_t ring = 0;
  for (const Polyline& ray : rays) {
    for (std::size_t r = 0; r < ray.size(); ++r) {
      const double distance = (ray[r].w - w).squaredNorm();
      if (distance < nearest) {
        nearest = distance;
        ring = r;
      }
    }
  }
  return ring;
}

}  // namespace

ValleyMesh curve_mesh(const Manifold& manifold, const Vector& start, double step,
                      const std::function<bool(const Vector&)>& inside) {
  constexpr int most_points = 4000;
  const Vector direction = manifold.geometry(start).longitudinal_basis().col(0);
  const Polyline forward = march(manifold, start, direction, step, most_points, inside);
  Polyline line;
  if (forward.size() < 2 || forward.back().w != start) {
    line = march(manifold, start, -direction, step, most_points, inside);
    std::reverse(line.begin(), line.end());
    line.pop_back();
  }
  line.insert(line.end(), forward.begin(), forward.end());
  return {line};
}

ValleyMesh surface_mesh(const Manifold& manifold, const Vector& start, const std::vector<Vector>& on_valley,
                        double least_extent, const std::function<bool(const Vector&)>& covered) {
  constexpr int angles = 120, rings_per_extent = 40, most_extents = 4;
  constexpr std::size_t margin = 3, most_tested = 400;
  const Vector centre = on_valley.empty() ? start : manifold.retract(middle_of(on_valley));
  double extent = least_extent;
  for (const Vector& w : on_valley) extent = std::max(extent, 1.15 * (w - centre).norm());

  const Matrix basis = manifold.geometry(centre).longitudinal_basis();
  const auto everywhere = [](const Vector&) { return true; };
  ValleyMesh rays;
  for (int a = 0; a <= angles; ++a) {
    const double angle = 2.0 * std::numbers::pi * a / angles;
    const Vector direction = std::cos(angle) * basis.col(0) + std::sin(angle) * basis.col(1);
    rays.push_back(
        march(manifold, centre, direction, extent / rings_per_extent, most_extents * rings_per_extent, everywhere));
  }
  std::size_t rings = rings_per_extent;
  for (std::size_t i = 0; i < on_valley.size(); i += 1 + on_valley.size() / most_tested) {
    rings = std::max(rings, ring_of(rays, on_valley[i]) + margin);
  }
  for (const Polyline& ray : rays) {
    const auto end = std::find_if(ray.begin(), ray.end(), [&](const ValleyPoint& p) { return covered(p.w); });
    rings = std::max(rings, static_cast<std::size_t>(end - ray.begin()) + margin);
  }
  for (Polyline& ray : rays) {
    if (ray.size() > rings + 1) ray.resize(rings + 1, ray.front());
  }
  return rays;
}

}  // namespace valleydrift::figures
