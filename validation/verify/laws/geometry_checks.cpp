// D2 and D3: the geometry of the valley against dense linear algebra and differences, and the limit maps.
#include <Eigen/Dense>

#include "sde/gradient_flow.hpp"
#include "validation/verify/iterated_map.hpp"
#include "validation/verify/site_cases.hpp"

namespace valleydrift::verify {
namespace {

using namespace sites;
using manifolds::Geometry;

/// The dense Hessian has M eigenvalues 0, and the others are those of the geometry's m x m problem.
Finding rank(const CheckSite& site) {
  // Backward stable solvers on both sides: a few hundred times 1.1e-16 of the largest eigenvalue, and of the matrix as
  // it changes where y is rounded.
  WorstRatio worst;
  for_points(site, 21, [&](const Vector& y, Random&, const std::string& where) {
    const Matrix h = site.manifold.hessian(y);
    const Geometry g = site.manifold.geometry(y);
    const Eigen::Index m = site.manifold.transverse_dimension(), valley = site.manifold.valley_dimension();
    if (g.spectrum.size() != m) return worst.add(infinite, 1.0, "size of the spectrum " + where);
    const Vector dense = Eigen::SelfAdjointEigenSolver<Matrix>(h, Eigen::EigenvaluesOnly).eigenvalues();
    const double top = dense.tail(1)[0], bound = 1e-12 * rounding_of(site, y);
    worst.add(largest(dense.head(valley)) / top, bound, "eigenvalues along the valley " + where);
    worst.add(largest(dense.tail(m) - g.spectrum) / top, bound, "transverse eigenvalues " + where);
    worst.add(std::abs(g.trace_hessian() - h.trace()) / (top * static_cast<double>(m)), bound, "trace " + where);
    worst.add(std::abs(g.rank_gap - dense[valley] / top), bound, "rank gap " + where);
  });
  return worst.finding();
}

/// Projectors, bases and pseudo-inverse against the dense eigenvectors and their defining properties.
Finding projector(const CheckSite& site) {
  // Times the rank gap, because eigenvectors lose what the gap to 0 is smaller than the norm: then a few hundred
  // roundings of 1.1e-16.
  WorstRatio worst;
  for_points(site, 22, [&](const Vector& y, Random& random, const std::string& where) {
    const Manifold& m = site.manifold;
    const Geometry g = m.geometry(y);
    const Matrix h = m.hessian(y), u = g.transverse, basis = g.longitudinal_basis();
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(h);
    const double top = solver.eigenvalues().tail(1)[0], gap = solver.eigenvalues()[m.valley_dimension()] / top;
    const auto add = [&](const Matrix& error, const char* what) {
      worst.add(gap * largest(error), 1e-12 * rounding_of(site, y), what + where);
    };
    if (basis.cols() != m.valley_dimension())
      return worst.add(infinite, 1.0, "dimension of the tangent space " + where);
    const Matrix identity = Matrix::Identity(y.size(), y.size());
    const Matrix across = solver.eigenvectors().rightCols(m.transverse_dimension());
    const Matrix p_t = across * across.transpose(), p_l = g.longitudinal(identity);
    add(u * u.transpose() - p_t, "P_T ");
    add(p_l - (identity - p_t), "P_L ");
    add(p_l * p_l - p_l, "P_L P_L ");
    add(u.transpose() * u - Matrix::Identity(u.cols(), u.cols()), "orthonormal eigenvectors ");
    add((h * u - u * g.spectrum.asDiagonal()) / top, "eigenvectors of H ");
    add(basis.transpose() * basis - Matrix::Identity(basis.cols(), basis.cols()), "orthonormal tangents ");
    add(p_l - basis * basis.transpose(), "tangent basis ");
    add(m.jacobian(y) * basis / largest(m.jacobian(y)), "J P_L ");
    const Vector x = random.direction(y.size());
    add((h * g.pseudo_inverse(h * x) - h * x) / top, "H H^+ H ");
    add(g.longitudinal(g.pseudo_inverse(x)) * top, "P_L H^+ ");
  });
  return worst.finding();
}

Finding third_along_valley(const CheckSite& site) {
  // y is within 1e-15 |y| of the valley, the contraction a sum of at most 128^2 products: 1e-12 of what is not
  // projected.
  WorstRatio worst;
  for_points(site, 23, [&](const Vector& y, Random& random, const std::string& where) {
    const Geometry g = site.manifold.geometry(y);
    const Matrix x = random.symmetric(y.size());
    const Matrix within = g.longitudinal(g.longitudinal(x).transpose());
    const double unprojected = largest(site.manifold.third_contraction(y, x));
    const double scale = std::max(unprojected, largest(x) * g.trace_hessian() / site.length);
    worst.add(largest(g.longitudinal(site.manifold.third_contraction(y, within))) / scale, 1e-11 * rounding_of(site, y),
              where);
  });
  return worst.finding();
}

/// P_L turns as the valley bends: moved along a tangent v, P_L n of a normal n changes by -S_n v with the shape
/// operator S_n, DERIVATION (33a). The root of the largest eigenvalue of sum_n S_n^2.
double measured_curvature(const Manifold& m, const Geometry& g, double length) {
  const Matrix basis = g.longitudinal_basis();
  const auto moved = [&](const Vector& v) {
    return Matrix(m.geometry(m.retract(g.point + v)).longitudinal(g.transverse));
  };
  std::vector<Matrix> shape(static_cast<std::size_t>(g.spectrum.size()), Matrix(basis.cols(), basis.cols()));
  for (Eigen::Index k = 0; k < basis.cols(); ++k) {
    const auto slope = [&](double h) {
      return Matrix((moved(h * basis.col(k)) - moved(-h * basis.col(k))) / (2.0 * h));
    };
    const double h = 0x1p-8 * length;
    const Matrix turned = basis.transpose() * (4.0 * slope(h / 2.0) - slope(h)) / 3.0;
    for (std::size_t n = 0; n < shape.size(); ++n) shape[n].col(k) = turned.col(static_cast<Eigen::Index>(n));
  }
  Matrix squares = Matrix::Zero(basis.cols(), basis.cols());
  for (const Matrix& s : shape) squares += s.transpose() * s;
  const double top = Eigen::SelfAdjointEigenSolver<Matrix>(squares, Eigen::EigenvaluesOnly).eigenvalues().maxCoeff();
  return std::sqrt(std::max(0.0, top));
}

Finding curvature(const CheckSite& site) {
  // Relative, at least to 1 over the valley's length: Richardson leaves O(h^4) = 2e-10 times fifth derivatives of the
  // projector, rounding 1e-15 / h. In large dimensions the radius is known to 1e-3.
  Worst worst(1e-6);
  const double weight = site.manifold.valley_dimension() > 32 ? 1e-3 : 1.0;
  for_points(site, 24, [&](const Vector& y, Random&, const std::string& where) {
    const Geometry g = site.manifold.geometry(y);
    const double measured = measured_curvature(site.manifold, g, site.length);
    const double claimed = 1.0 / site.manifold.curvature_radius(g);
    worst.add(weight * std::abs(claimed - measured) / std::max(1.0 / site.length, measured), where);
  });
  return worst.finding();
}

/// The flow's limit map and the iteration's, DERIVATION (6): points of the valley stay, and ends are ends.
Finding limit_map_fixes_valley(const CheckSite& site) {
  Worst worst(1e-10);  // what limit_map promises
  for_points(site, 31, [&](const Vector& y, Random& random, const std::string& where) {
    const Manifold& m = site.manifold;
    const ExtendedVector at_rest = ExtendedVector::Zero(y.size());
    const double size = std::max(site.length, largest(y));
    worst.add(largest(sde::limit_map(m, y) - y) / size, "flow, stays " + where);
    const Vector w = y + 0.1 * site.length * random.direction(y.size());
    const Vector end = sde::limit_map(m, w);
    worst.add(m.valley_residual(end) / (m.jacobian(end).norm() * size), "flow, reaches the valley from " + shown(w));
    worst.add(largest(sde::limit_map(m, end) - end) / size, "flow, idempotent from " + shown(w));
    const double eta = visible_step(m.geometry(y).spectrum);
    for (const Scheme scheme : both_schemes) {
      const Hyperparameters h = hyperparameters(scheme, eta, 0.1);
      const Vector same = iterated_limit(m, h, y.cast<long double>(), at_rest, site.length).cast<double>();
      worst.add(largest(same - y) / size, fmt::format("{}, stays {}", describe(h), where));
    }
  });
  return worst.finding();
}

/// Gradient descent with step h ends O(h) from the flow's end: Richardson's extrapolation from h, h/2, h/4.
Finding limit_map_is_flow(const CheckSite& site) {
  // Relative to the way: the next term is (h l)^3 / 64 with h l < 0.02, 1e-7; and limit_map is known to 1e-10 of |w|.
  WorstRatio worst;
  for_points(site, 32, [&](const Vector& y, Random& random, const std::string& where) {
    const Manifold& m = site.manifold;
    const double way = 0.1 * site.length;
    const Vector w = y + way * random.direction(y.size()), spectrum = m.geometry(y).spectrum;
    const double step = visible_step(spectrum) / 20.0;
    // The slowest mode falls by e^-45, to rounding, at the shortest step; as many as take some seconds.
    const double steps = 45.0 / (step / 4.0 * spectrum.minCoeff());
    if (!(steps < 2e7)) {
      return worst.cannot_tell(
          fmt::format("gradient descent would take {:.2g} steps: the largest eigenvalue is {:.2g} "
                      "times the smallest",
                      steps, condition(spectrum)));
    }
    const auto descent = [&](double h) {
      return Vector(iterated_limit(m, hyperparameters(Scheme::sgd, h, 1.0), w.cast<long double>(),
                                   ExtendedVector::Zero(w.size()), site.length)
                        .cast<double>());
    };
    const Vector one = descent(step), two = descent(step / 2.0), four = descent(step / 4.0);
    const Vector extrapolated = (4.0 * (2.0 * four - two) - (2.0 * two - one)) / 3.0;
    worst.add(largest(extrapolated - sde::limit_map(m, w)) / way, 1e-6 + 1e-9 * rounding_of(site, y),
              fmt::format("{:.2g} from {}", way, where));
  });
  return worst.finding();
}

Finding limit_map_derivative(const CheckSite& site) {
  // Richardson leaves (2e-3/length)^4 / 4, with the valley bending over `length`: 4e-8 for 0.1; rounding 1e-15.
  Worst worst(5e-8);
  for_points(site, 33, [&](const Vector& y, Random& random, const std::string& where) {
    const Geometry g = site.manifold.geometry(y);
    const Vector v = random.direction(y.size());
    for (const Hyperparameters& h : all_momenta(visible_step(g.spectrum))) {
      const Vector measured = derivative_of_iteration(site.manifold, h, y, v, site.length);
      const Vector expected = h.increment() * g.longitudinal(v);  // eta/mu, as epsilon = 1
      worst.add((measured - expected).norm() / (h.eta / h.mu), fmt::format("{}, {}", describe(h), where));
    }
  });
  return worst.finding();
}

/// The derivative of the retraction is P_L, it reaches the valley, and points of the valley stay.
Finding retraction(const CheckSite& site) {
  // Richardson leaves h^4 = 2e-10 times fifth derivatives, rounding 1e-15 |w| / h.
  WorstRatio worst;
  for_points(site, 34, [&](const Vector& y, Random& random, const std::string& where) {
    const Manifold& m = site.manifold;
    const Geometry g = m.geometry(y);
    const Vector v = random.direction(y.size());
    const auto slope = [&](double h) { return Vector((m.retract(y + h * v) - m.retract(y - h * v)) / (2.0 * h)); };
    const double h = 0x1p-8 * site.length;
    const Vector measured = (4.0 * slope(h / 2.0) - slope(h)) / 3.0;
    worst.add(largest(measured - g.longitudinal(v)), 1e-7 + 1e-12 * rounding_of(site, y), "derivative " + where);
    const Vector w = y + 0.15 * site.length * random.direction(y.size());
    const Vector end = m.retract(w);
    // To rounding of w, some 1e-14 |w|: |f| by the slope, |grad L| by the Hessian, and w by the steepest slope over the
    // gentlest.
    const double size = std::max(site.length, end.norm());
    worst.add(m.valley_residual(end) / (m.jacobian(end).norm() * size), 1e-14, "|f| after retraction from " + shown(w));
    worst.add(largest(m.gradient(end)) / (m.hessian(end).trace() * size), 1e-14, "|grad L| " + where);
    worst.add(largest(m.retract(end) - end) / (size * std::sqrt(condition(g.spectrum))), 1e-14,
              "distance of a second retraction from " + shown(w));
  });
  return worst.finding();
}

}  // namespace

std::vector<Check> geometry_checks() {
  const auto kind = CheckKind::deterministic;
  return {
      {"D2-rank", kind, "On the valley the Hessian has rank D - M, and its nonzero spectrum is the geometry's.",
       "(3), (20a)",
       "manifolds/manifold.cpp, geometry() and solve_gram(); if eigenvalues along the valley are not 0, residuals and "
       "Hessian disagree (see D1) or the residuals are not independent there.",
       everywhere, rank},
      {"D2-projector", kind, "P_L, P_T, H^+ and the tangent basis are those of the dense Hessian's eigenvectors.",
       "(3), (20a)", "manifolds/geometry.hpp, or solve_gram() and longitudinal_basis() in manifolds/manifold.cpp.",
       everywhere, projector},
      {"D2-third-along-valley", kind, "Third derivatives along the valley have no component along it.", "(10e)",
       "manifolds/manifold.cpp, third_contraction(), or P_L in manifolds/geometry.hpp; see also D1-third.", everywhere,
       third_along_valley},
      {"D2-curvature", kind, "The curvature radius is that of the second fundamental form.", "(33), (33a)",
       "manifolds/manifold.cpp, curvature_radius(), largest_squared_curvature_dense() and, beyond dimension 32, "
       "_by_lanczos().",
       everywhere, curvature},
      {"D3-fixed", kind, "The limit maps of flow and iteration fix the valley and are idempotent.", "(6)",
       "sde/gradient_flow.cpp, or a gradient that does not vanish on the valley: manifolds/loss.hpp.", everywhere,
       limit_map_fixes_valley},
      {"D3-flow", kind, "The limit map of the gradient flow is that of gradient descent as the step goes to 0.", "(6)",
       "sde/gradient_flow.cpp, limit_map(), or the update of p and w in discrete/iteration.hpp.", everywhere,
       limit_map_is_flow},
      {"D3-derivative", kind, "The limit map's derivative along the kick (eta v, v) is (eta/mu) P_L v.", "(7)",
       "discrete/iteration.hpp (the iteration is not that of (1) or (2)), manifolds/hyperparameters.hpp, increment(), "
       "or "
       "P_L in manifolds/geometry.hpp.",
       everywhere, limit_map_derivative},
      {"D3-retraction", kind, "The retraction reaches the valley, stays there, and has the derivative P_L.", "(36)",
       "manifolds/manifold.cpp, retract().", everywhere, retraction}};
}

}  // namespace valleydrift::verify
