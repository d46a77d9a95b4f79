// D1: every derivative that the program takes, against another way to take it.

#include <Eigen/Cholesky>

#include "manifolds/pointwise_loss.hpp"
#include "validation/verify/site_cases.hpp"

namespace valleydrift::verify {
namespace {

using namespace sites;
using manifolds::Dual;
using Extended = std::vector<long double>;

/// w + h v in extended precision, so that differences over small h lose nothing.
Extended shifted(const Vector& w, long double h, const Vector& v) {
  Extended x;
  for (Eigen::Index i = 0; i < w.size(); ++i) x.push_back(w[i] + h * v[i]);
  return x;
}

long double extended_loss(const Manifold& m, const Extended& w) {
  return m.pointwise().value(std::span<const long double>(w));
}

using ExtendedVector = Eigen::Matrix<long double, Eigen::Dynamic, 1>;

/// The gradient after the labels have moved by `shift`; by nothing if it is empty.
ExtendedVector extended_gradient(const Manifold& m, const Extended& w, const Extended& shift = {}) {
  ExtendedVector out(static_cast<Eigen::Index>(w.size()));
  const std::span<const long double> at(w);
  const std::span<long double> g(out.data(), w.size());
  if (shift.empty()) {
    m.pointwise().gradient(at, g);
  } else {
    m.pointwise().noisy_gradient(at, std::span<const long double>(shift), g);
  }
  return out;
}

/// The residuals at x, of dual numbers.
template <class T>
std::vector<T> residuals_at(const Manifold& m, const std::vector<T>& x) {
  std::vector<T> f(static_cast<std::size_t>(m.transverse_dimension()));
  m.pointwise().residuals(std::span<const T>(x), std::span<T>(f));
  return f;
}

/// J(w)^T r by the model's pullback, D.
Vector pulled_back(const Manifold& m, const Vector& w, const Vector& r) {
  Vector out(w.size());
  m.pointwise().pullback(view(w), view(r), view(out));
  return out;
}

/// J(w) v by dual numbers in the residuals, m.
Vector residual_slope(const Manifold& m, const Vector& w, const Vector& v) {
  std::vector<Dual<double>> x;
  for (Eigen::Index i = 0; i < w.size(); ++i) x.emplace_back(w[i], v[i]);
  const std::vector<Dual<double>> f = residuals_at(m, x);
  Vector slope(m.transverse_dimension());
  for (std::size_t a = 0; a < f.size(); ++a) slope[static_cast<Eigen::Index>(a)] = f[a].slope;
  return slope;
}

/// v^T (Hess f_a) v for all a by second dual numbers in the residuals, m.
Vector residual_second_slope(const Manifold& m, const Vector& w, const Vector& v) {
  using Second = Dual<Dual<double>>;
  std::vector<Second> x;
  for (Eigen::Index i = 0; i < w.size(); ++i) x.emplace_back(Dual<double>(w[i], v[i]), Dual<double>(v[i], 0.0));
  const std::vector<Second> f = residuals_at(m, x);
  Vector slope(m.transverse_dimension());
  for (std::size_t a = 0; a < f.size(); ++a) slope[static_cast<Eigen::Index>(a)] = f[a].slope.slope;
  return slope;
}

/// The Jacobian, made of pullbacks of unit vectors, column by column; and r . (J v) = (J^T r) . v.
Finding pullback(const CheckSite& site) {
  Worst worst(1e-13);  // of the largest entry: sums of at most some 100 products, 1.1e-16 each
  for_points_on_and_off(site, 1, [&](const Vector& w, Random& random, const std::string& where) {
    const Manifold& m = site.manifold;
    const Matrix j = m.jacobian(w);
    const double size = largest(j);
    for (Eigen::Index i = 0; i < w.size(); ++i) {
      const Vector column = residual_slope(m, w, Vector::Unit(w.size(), i));
      worst.add(largest(j.col(i) - column) / size, fmt::format("Jacobian, column {}, {}", i + 1, where));
    }
    const Vector v = random.direction(w.size()), r = random.vector(j.rows());
    worst.add(std::abs(r.dot(residual_slope(m, w, v)) - pulled_back(m, w, r).dot(v)) / size, "pullback " + where);
  });
  return worst.finding();
}

/// By how much the order p of remainder(h) ~ h^p falls short of `expected`. The order is the least-squares slope of
/// log |remainder(h) +- remainder(-h)|, the sign being that which keeps even or odd powers, over h = 2^-7 ... 2^-10 of
/// `length`. A remainder of rounding size (a loss that ends before that order) falls short of nothing: gradient and
/// Hessian are doubles, so less than `rounding` h says nothing, where a wrong derivative leaves its own size times h.
template <class Remainder>
double missing_order(double expected, const Remainder& remainder, double length, double rounding) {
  const bool even = expected == 4.0;
  double sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0;
  int count = 0;
  for (int k = 7; k <= 10; ++k, ++count) {
    const long double h = std::ldexp(static_cast<long double>(length), -k);
    const long double part = std::abs(remainder(h) + (even ? 1.0L : -1.0L) * remainder(-h));
    if (part < rounding * h) return 0.0;
    const auto x = static_cast<double>(std::log(h)), y = static_cast<double>(std::log(part));
    sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  const double order = (count * sxy - sx * sy) / (count * sxx - sx * sx);
  return std::isfinite(order) ? std::max(0.0, expected - order) : infinite;
}

/// The odd part of the Taylor remainder alone sees the gradient, the even part alone the Hessian: h^3 and h^4 are left,
/// where a wrong derivative leaves h or h^2.
Finding hessian(const CheckSite& site) {
  // The parity leaves c h^p (1 + O(h^2)): at h <= 1/128 the slope of a loss whose derivatives grow by less than a
  // factor of 10 per order is off by less than 0.05. A wrong derivative lowers it by 2.
  Worst worst(0.1);
  for_points_on_and_off(site, 2, [&](const Vector& w, Random& random, const std::string& where) {
    const Manifold& m = site.manifold;
    const Vector v = random.direction(w.size());
    const long double value = extended_loss(m, shifted(w, 0.0L, v));
    const Matrix h_matrix = m.hessian(w);
    const long double first = m.gradient(w).dot(v), second = v.dot(h_matrix * v);
    // Each a sum of D products, of which rounding w alone changes the gradient by 1.1e-16 |H| |w|.
    const double rounding = 4e-16 * h_matrix.norm() * std::max(site.length, w.norm());
    const auto less_first = [&](long double h) { return extended_loss(m, shifted(w, h, v)) - value - h * first; };
    const auto less_second = [&](long double h) { return less_first(h) - h * h / 2.0L * second; };
    worst.add(missing_order(3.0, less_first, site.length, rounding), "gradient " + where);
    worst.add(missing_order(4.0, less_second, site.length, rounding), "Hessian " + where);
  });
  return worst.finding();
}

/// D3L[v v^T] is the second derivative of the gradient along v; D3L is linear in S and symmetric in its arguments.
Finding third(const CheckSite& site) {
  // Relative to tr H over the length if nothing else: Richardson leaves h^4 = 6e-14 times sixth derivatives for
  // h = 2^-11 of the length, rounding 1e-19 |w| / h^2 = 4e-13, of which a difference takes 16.
  WorstRatio worst;
  for_points(site, 3, [&](const Vector& y, Random& random, const std::string& where) {
    const Manifold& m = site.manifold;
    const Vector v = random.direction(y.size());
    const Vector contraction = m.third_contraction(y, v * v.transpose());
    const ExtendedVector here = extended_gradient(m, shifted(y, 0.0L, v));
    const auto difference = [&](long double h) {
      const ExtendedVector sum = extended_gradient(m, shifted(y, h, v)) + extended_gradient(m, shifted(y, -h, v));
      return ExtendedVector((sum - 2.0L * here) / (h * h));
    };
    const long double h = 0x1p-11L * site.length;
    const Vector measured = ((4.0L * difference(h / 2.0L) - difference(h)) / 3.0L).cast<double>();
    const double size = std::max(m.hessian(y).trace() / site.length, largest(measured));
    const double bound = 1e-9 + 1e-11 * rounding_of(site, y);
    worst.add(largest(measured - contraction) / size, bound, "second difference of the gradient " + where);

    const Matrix s = random.symmetric(y.size());
    const Vector a = random.direction(y.size()), b = random.direction(y.size());
    const Vector of_s = m.third_contraction(y, s);
    const Vector sum = m.third_contraction(y, s + 2.0 * v * v.transpose());
    const double scale = size + largest(of_s), rounding = 1e-12 * rounding_of(site, y);
    worst.add(largest(sum - of_s - 2.0 * contraction) / scale, rounding, "linearity " + where);
    const double one = a.dot(m.third_contraction(y, 0.5 * (b * v.transpose() + v * b.transpose())));
    const double other = v.dot(m.third_contraction(y, 0.5 * (a * b.transpose() + b * a.transpose())));
    worst.add(std::abs(one - other) / scale, rounding, "symmetry of the three arguments " + where);
  });
  return worst.finding();
}

Finding dual(const CheckSite& site) {
  Worst worst(1e-13);  // as for the Jacobian
  for_points_on_and_off(site, 4, [&](const Vector& w, Random& random, const std::string& where) {
    const Vector v = random.direction(w.size());
    const Vector second = residual_second_slope(site.manifold, w, v);
    const Matrix j = site.manifold.jacobian(w);
    for (Eigen::Index a = 0; a < second.size(); ++a) {
      const std::string which = fmt::format("residual {}, {}", a + 1, where);
      const Vector unit = Vector::Unit(second.size(), a);
      const Matrix h = site.manifold.residual_hessian(w, unit);
      const double size = std::max(j.row(a).norm() / site.length, largest(h));
      worst.add(std::abs(v.dot(h * v) - second[a]) / size, which);
      worst.add(largest(h - h.transpose()) / size, "symmetry, " + which);
      worst.add(largest(site.manifold.residual_hessian_times(w, unit, v) - h * v) / size, "H v, " + which);
    }
  });
  return worst.finding();
}

/// The r with grad = J^T r.
Vector multipliers(const Matrix& j, const Vector& gradient) { return (j * j.transpose()).ldlt().solve(j * gradient); }

/// Labels moved by a finite `shift` give J(w)^T r, with the r that grad L = J^T r has where the residuals are f(w) -
/// shift themselves: the largest difference, relative.
double finite_shift_error(const Manifold& m, const Vector& w, const Vector& shift) {
  Vector there = w;
  for (int step = 0; step < 20; ++step) {  // Newton: from a distance of 0.1 each step squares what is left
    const Matrix j = m.jacobian(there);
    there += j.transpose() * (j * j.transpose()).ldlt().solve(m.residuals(w) - shift - m.residuals(there));
  }
  const Extended at = shifted(w, 0.0L, w), labels = shifted(Vector::Zero(shift.size()), 1.0L, shift);
  const Vector moved = multipliers(m.jacobian(w), extended_gradient(m, at, labels).cast<double>());
  const Vector expected = multipliers(m.jacobian(there), m.gradient(there));
  return largest(moved - expected) / largest(expected);
}

/// Moving the labels by eps xi changes -grad L by eps sigma xi; on the valley sigma sigma^T = c H.
Finding label(const CheckSite& site) {
  // Richardson leaves h^4 = 2e-13 times sixth derivatives of the loss that is not least squares; rounding 1e-19 / h of
  // residuals of the size of their slope times |w|.
  WorstRatio worst;
  const Manifold& m = site.manifold;
  for_points_on_and_off(site, 5, [&](const Vector& w, Random& random, const std::string& where) {
    const Vector xi = random.vector(m.label_count()), nothing = Vector::Zero(xi.size());
    const Extended at = shifted(w, 0.0L, w);
    const auto slope = [&](long double h) {
      return ExtendedVector(
          (extended_gradient(m, at, shifted(nothing, -h, xi)) - extended_gradient(m, at, shifted(nothing, h, xi))) /
          (2.0L * h));
    };
    const long double h = 0x1p-11L;
    const Vector measured = ((4.0L * slope(h / 2.0L) - slope(h)) / 3.0L).cast<double>();
    const Matrix sigma = m.label_noise_factor(w), j = m.jacobian(w);
    const double bound = 1e-11 * std::max(1.0, 1e-3 * j.norm() * w.norm());
    worst.add(largest(measured - sigma * xi) / std::max(largest(sigma), largest(measured)), bound,
              "noise factor " + where);
    if (m.scaled_residual(w) > manifolds::on_valley_tolerance) return;
    const Matrix h_matrix = m.hessian(w);
    worst.add(largest(sigma * sigma.transpose() - m.label_constant() * h_matrix) / largest(h_matrix),
              1e-11 * rounding_of(site, w), "Sigma = c H " + where);
    const Vector shift = 0.1 * site.length * (j * random.direction(w.size()));
    worst.add(finite_shift_error(m, w, shift), 1e-11 * rounding_of(site, w),
              "labels moved by a finite amount " + where);
  });
  return worst.finding();
}

}  // namespace

std::vector<Check> derivative_checks() {
  const auto kind = CheckKind::deterministic;
  return {
      {"D1-pullback", kind, "The Jacobian and the pullback J^T r are the derivatives of the residuals.", "(3)",
       "The model's pullback is not the derivative of its residuals: the manifold's header, pullback(); for every "
       "manifold at once, manifolds/derivatives.hpp, jacobian(), or manifolds/numbers/dual.hpp.",
       everywhere, pullback},
      {"D1-hessian", kind, "Taylor remainders of the loss fall as h^3 and h^4 once gradient and Hessian are taken off.",
       "(3)",
       "'gradient': the loss's value and gradient disagree, manifolds/loss.hpp or the model's pullback(). 'Hessian': "
       "manifolds/manifold.cpp, hessian(). The statistic is how much the order falls short.",
       everywhere, hessian},
      {"D1-third", kind,
       "The third-derivative contraction is the second difference of the gradient, linear and symmetric.", "(18)",
       "manifolds/manifold.cpp, third_contraction(): a factor or a transposition in (18); for losses that are not "
       "least squares generic_third_contraction().",
       everywhere, third},
      {"D1-dual", kind, "The Hessians of the residuals are their second derivatives by second dual numbers.", "(18)",
       "manifolds/derivatives.hpp, ResidualHessian, if D1-pullback passes; otherwise the model's pullback().",
       everywhere, dual},
      {"D1-label", kind,
       "The label-noise factor is what moved labels add to the gradient, Sigma = c H on the valley, and a moved label "
       "is a "
       "moved residual.",
       "(4)",
       "manifolds/manifold.cpp, label_noise_factor(), or noisy_gradient() and label_constant() of the loss in "
       "manifolds/loss.hpp.",
       everywhere, label}};
}

}  // namespace valleydrift::verify
