// The steppers' orders. Weak: without sampling, from the operator of one step on functions of the angle of the ellipse,
// and from the correlation that Brownian motion keeps on the sphere. Strong: on a Brownian path shared by all steps.
#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "manifolds/random/noise.hpp"
#include "manifolds/random/process.hpp"
#include "sde/steppers.hpp"
#include "sde/theorem.hpp"
#include "validation/verify/sampling.hpp"

namespace valleydrift::verify {
namespace {

using namespace sampling;
using manifolds::lane;
using manifolds::lane_count;
using manifolds::Lanes;
using sde::LyapunovOperator;

const LyapunovOperator form(sde::Form::finite_step, {manifolds::Scheme::heavy_ball, 0.1, 0.2, 0.0});
/// With more momentum, for one column: see StrongCase.
const LyapunovOperator slow_form(sde::Form::finite_step, {manifolds::Scheme::heavy_ball, 0.1, 0.05, 0.0});
/// Two columns that do not commute on any of the valleys, and one that commutes with itself; the first D rows are used.
const Matrix two_columns{{0.5, 0.1}, {-0.2, 0.45}, {0.15, -0.3}};
const Matrix one_column{{0.5}, {-0.2}, {0.15}};

template <class Stepper>
constexpr bool two_draws = false;
template <class T>
constexpr bool two_draws<sde::WeakOrderTwo<T>> = true;

/// One step y -> y of a stepper given the increments dw (variance h) and half (variance h/2, which only one reads).
template <class Stepper, class T>
void step(Stepper& stepper, sde::Field<T>& field, std::span<T> y, std::span<const T> dw, std::span<const T> half,
          double h) {
  if constexpr (two_draws<Stepper>) {
    stepper.step(field, y, dw, half, h);
  } else {
    stepper.step(field, y, dw, h);
  }
}

// --- Weak order ------------------------------------------------------------------------------------------------------

/// Gauss-Hermite nodes and weights for a standard normal (Golub-Welsch), exact to degree 2 n - 1.
struct Quadrature {
  explicit Quadrature(int n) {
    Matrix jacobi = Matrix::Zero(n, n);
    for (int k = 1; k < n; ++k) jacobi(k, k - 1) = jacobi(k - 1, k) = std::sqrt(k);
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(jacobi);
    nodes = solver.eigenvalues();
    weights = solver.eigenvectors().row(0).array().square().matrix().transpose();
  }
  Vector nodes, weights;
};

/// Calls use(weight, y after one step) for the product rule over all normals of a step. Five nodes are exact to degree
/// 9: what is left is of order h^5.
template <class Stepper, class Use>
void for_all_steps(sde::Field<double>& field, const Vector& y, double h, const Use& use) {
  static const Quadrature rule(5);
  const auto r = static_cast<std::size_t>(field.noise_count()), count = two_draws<Stepper> ? 2 * r : r;
  Stepper stepper(field.dimension(), field.noise_count());
  std::vector<Eigen::Index> index(count, 0);
  std::vector<double> dw(r), half(r);
  for (std::size_t i = 0; i < count;) {
    double weight = 1.0;
    for (std::size_t j = 0; j < count; ++j) {
      weight *= rule.weights[index[j]];
      (j < r ? dw[j] : half[j - r]) = std::sqrt(j < r ? h : h / 2.0) * rule.nodes[index[j]];
    }
    Vector end = y;
    step<Stepper, double>(stepper, field, {end.data(), static_cast<std::size_t>(end.size())}, dw, half, h);
    use(weight, end);
    for (i = 0; i < count && ++index[i] == rule.nodes.size(); ++i) index[i] = 0;
  }
}

/// e^a by scaling, a Taylor polynomial and squaring.
Matrix exponential(Matrix a) {
  int squarings = 0;
  while (a.cwiseAbs().rowwise().sum().maxCoeff() > 0.25) a /= 2.0, ++squarings;
  Matrix sum = Matrix::Identity(a.rows(), a.cols()), term = sum;
  for (int k = 1; k <= 14; ++k) sum += term = term * a / k;
  for (int i = 0; i < squarings; ++i) sum = sum * sum;
  return sum;
}

/// E q(Y(1)) on the ellipse for all starting angles: functions of the angle at 41 nodes, interpolated
/// trigonometrically.
class EllipseProblem {
 public:
  explicit EllipseProblem(const Manifold& manifold)
      : manifold_(manifold),
        a_(manifold.parameters().at("a")),
        b_(manifold.parameters().at("b")) {
    for (int i = 0; i < nodes; ++i) q_[i] = std::cos(angle(i)) + 0.5 * std::sin(2.0 * angle(i));
    exact_ = exponential(generator()) * q_;
  }

  /// |P_h^(1/h) q - e^L q| over the starting angles, P_h the operator of one step.
  template <class Stepper>
  double error(double h) const {
    const auto field = sde::make_field<double>(manifold_, form, sigma_);
    Matrix p = Matrix::Zero(nodes, nodes);
    for (int i = 0; i < nodes; ++i) {
      for_all_steps<Stepper>(*field, at(angle(i)), h, [&](double weight, const Vector& end) {
        const double t = std::atan2(end[1] / b_, end[0] / a_);
        for (int k = 0; k < nodes; ++k) p(i, k) += weight * interpolation(t, k);
      });
    }
    Vector u = q_;
    for (int n = 0; n < static_cast<int>(std::lround(1.0 / h)); ++n) u = p * u;
    return (u - exact_).norm() / exact_.norm();
  }

 private:
  static constexpr int nodes = 41;  // odd
  static double angle(int i) { return 2.0 * std::numbers::pi * i / nodes; }
  static double interpolation(double t, int i) {
    const double s = std::sin((t - angle(i)) / 2.0);
    return std::abs(s) < 1e-13 ? 1.0 : std::sin(nodes * (t - angle(i)) / 2.0) / (nodes * s);
  }
  Vector at(double t) const { return Vector{{a_ * std::cos(t), b_ * std::sin(t)}}; }

  /// q -> drift of the angle q' + diffusion of the angle q''/2, by Ito's formula for atan2(y/b, x/a).
  Matrix generator() const {
    Matrix first = Matrix::Zero(nodes, nodes);
    Vector drift(nodes), half_variance(nodes);
    for (int i = 0; i < nodes; ++i) {
      for (int k = 0; k < nodes; ++k) {
        if (i != k) first(i, k) = ((i - k) % 2 == 0 ? 0.5 : -0.5) / std::sin((angle(i) - angle(k)) / 2.0);
      }
      const Vector y = at(angle(i));
      const sde::Coefficients c = sde::theorem(manifold_, manifold_.geometry(y), sigma_, form);
      const double x1 = y[0] / a_, x2 = y[1] / b_, cross = (x2 * x2 - x1 * x1) / (a_ * b_);
      const Vector gradient{{-x2 / a_, x1 / b_}};
      const Matrix hessian{{2.0 * x1 * x2 / (a_ * a_), cross}, {cross, -2.0 * x1 * x2 / (b_ * b_)}};
      const Matrix covariance = c.diffusion * c.diffusion.transpose();
      drift[i] = gradient.dot(c.drift()) + 0.5 * (covariance * hessian).trace();
      half_variance[i] = 0.5 * gradient.dot(covariance * gradient);
    }
    return drift.asDiagonal() * first + half_variance.asDiagonal() * (first * first);
  }

  const Manifold& manifold_;
  double a_, b_;
  Matrix sigma_ = two_columns.topRows(2);
  Vector q_ = Vector(nodes), exact_;
};

/// By symmetry E[y_1 | y_0] = rho(h) y_0 for isotropic noise on the sphere, so E[Y_1 . y_0] = rho^(1/h) ->
/// e^(-(D-1)/2).
template <class Stepper>
double sphere_error(const Manifold& manifold, double h) {
  const int dimension = manifold.dimension();
  const auto field = sde::make_field<double>(manifold, form, Matrix(Matrix::Identity(dimension, dimension)));
  double rho = 0.0;
  for_all_steps<Stepper>(*field, Vector::Unit(dimension, 1), h,
                         [&](double weight, const Vector& end) { rho += weight * end[1]; });
  return std::abs(std::pow(rho, 1.0 / h) - std::exp(-0.5 * (dimension - 1)));
}

/// From errors at h, h/2, h/4: the local slopes p0, p1 with the first correction, of order h, removed; the bound is
/// that correction, and 0.03 for the next one, of order h^2. Above 0.3 it could not tell 0, 1 and 2 apart.
template <class Stepper>
Finding weak_order(const CheckSite& site, double h, double claimed) {
  const double expected = claimed + site.distortion.order;
  std::vector<double> errors;
  if (site.manifold.name() == "ellipse") {
    const EllipseProblem problem(site.manifold);
    for (const double step : {h, h / 2.0, h / 4.0}) errors.push_back(problem.error<Stepper>(step));
  } else {
    for (const double step : {h, h / 2.0, h / 4.0}) errors.push_back(sphere_error<Stepper>(site.manifold, step));
  }
  const double p0 = std::log2(errors[0] / errors[1]), p1 = std::log2(errors[1] / errors[2]);
  const double order = 2.0 * p1 - p0;
  Finding finding{
      std::abs(order - expected), std::abs(p1 - p0) + 0.03,
      fmt::format("weak order {:.4g} between steps {:g} and {:g}, expected {:g}; errors {:.3g}, {:.3g}, {:.3g}", order,
                  h, h / 4.0, expected, errors[0], errors[1], errors[2])};
  if (!(finding.bound < 0.3))
    finding.inconclusive = fmt::format("local slopes {:.3g} and {:.3g} do not settle", p0, p1);
  return finding;
}

// --- Strong order ----------------------------------------------------------------------------------------------------

/// The Brownian path of one group of lanes on the finest grid; increments over coarser steps are its sums. The draws
/// `half` are others, fresh for every step length.
class SharedPath {
 public:
  SharedPath(std::uint64_t seed, std::uint64_t first_path, int r, int steps) : r_(r), steps_(steps) {
    for (auto* numbers : {&dw_, &half_}) {
      numbers->resize(static_cast<std::size_t>(r * steps));
      manifolds::fill_noise<1>(NoiseLaw::gaussian,
                               {seed, numbers == &dw_ ? manifolds::process::brownian : manifolds::process::half_draws},
                               first_path, 0, steps, r, numbers->data());
    }
  }
  /// Y(1) by `steps` steps.
  template <class Stepper>
  std::vector<Lanes> integrate(sde::Field<Lanes>& field, const Vector& y0, int steps) const {
    Stepper stepper(field.dimension(), field.noise_count());
    std::vector<Lanes> y(y0.begin(), y0.end()), dw(static_cast<std::size_t>(r_)), half(dw.size());
    const int length = steps_ / steps;
    for (int n = 0; n < steps; ++n) {
      for (int j = 0; j < r_; ++j) {
        Lanes sum(0.0);
        for (int i = n * length; i < (n + 1) * length; ++i) sum += dw_[static_cast<std::size_t>(i * r_ + j)];
        dw[static_cast<std::size_t>(j)] = std::sqrt(1.0 / steps_) * sum;
        half[static_cast<std::size_t>(j)] =
            std::sqrt(0.5 / steps) * half_[static_cast<std::size_t>(n * length * r_ + j)];
      }
      step<Stepper, Lanes>(stepper, field, y, dw, half, 1.0 / steps);
    }
    return y;
  }

 private:
  int r_, steps_;
  std::vector<Lanes> dw_, half_;
};

/// Least-squares slope of -log2 y over 0, 1, 2, 3.
double slope_of_halvings(const std::vector<double>& y) {
  double slope = 0.0;
  for (std::size_t k = 0; k < y.size(); ++k) slope -= (static_cast<double>(k) - 1.5) / 5.0 * std::log2(y[k]);
  return slope;
}

constexpr int batches = 32;

/// Steps of 1/coarsest to 1/(8 coarsest) against 1/finest; `groups` of lane_count paths make a batch.
struct Resolution {
  int coarsest, finest, groups;
};

/// Batch by batch the fitted order of the root mean square distance at t = 1 between the path with steps h to h/8 and
/// one with the finest steps of the weak order 2 scheme on the same Brownian motion.
template <template <class> class Stepper>
std::vector<double> strong_slopes(const Manifold& manifold, const LyapunovOperator& form, const Vector& y0,
                                  const Matrix& sigma, const Resolution& resolution, std::uint64_t seed) {
  const auto field = sde::make_field<Lanes>(manifold, form, sigma);
  std::vector<double> slopes;
  for (int batch = 0; batch < batches; ++batch) {
    std::vector<double> squares(4, 0.0);
    for (int group = 0; group < resolution.groups; ++group) {
      const auto first = static_cast<std::uint64_t>((batch * resolution.groups + group) * lane_count);
      const SharedPath path(seed, first, static_cast<int>(sigma.cols()), resolution.finest);
      const auto reference = path.integrate<sde::WeakOrderTwo<Lanes>>(*field, y0, resolution.finest);
      for (std::size_t k = 0; k < squares.size(); ++k) {
        const auto y = path.integrate<Stepper<Lanes>>(*field, y0, resolution.coarsest << k);
        for (std::size_t i = 0; i < y.size(); ++i) {
          for (int l = 0; l < lane_count; ++l) squares[k] += std::pow(lane(y[i], l) - lane(reference[i], l), 2);
        }
      }
    }
    slopes.push_back(0.5 * slope_of_halvings(squares));
  }
  return slopes;
}

/// Two columns of noise, and one, whose flow commutes with itself. There Euler-Maruyama still lacks the iterated
/// integral P_L (DV) V (dW^2 - h)/2, while a step of Ninomiya and Ninomiya misses
///   [V_0, V] e,   e = h (S1 + dW)/2 - (integral of W over the step),   E e = 0, E e^2 = 5 h^3/24:
/// in all h |[V_0, V]|, followed by h^2 from the Runge-Kutta steps. On the sphere V_0 = (1/2 - 1/d) (sigma . y) V by
/// (21) and [V_0, V] = (1/d - 1/2) |V|^2 V with d = 1 + beta eta/((1 + beta) mu^2) of (12). At mu = 0.2, d = 2.1, next
/// to nothing is left of it: orders 1.69, 1.31, 1.22 for steps from 1/8, 1/32, 1/64 on. One column is therefore tried
/// at mu = 0.05, d = 20.
struct StrongCase {
  const char* name;
  const Matrix& sigma;
  const LyapunovOperator& form;
  int coarsest;
  double expected;
};
std::array<StrongCase, 2> strong_cases(double commuting) {
  return {StrongCase{"two columns", two_columns, form, 8, 0.5},
          StrongCase{"one column", one_column, slow_form, 32, commuting}};
}

template <template <class> class Stepper>
std::vector<double> strong_slopes(const CheckSite& site, const StrongCase& c, const Resolution& resolution,
                                  std::uint64_t seed) {
  return strong_slopes<Stepper>(site.manifold, c.form, site.points.front(), c.sigma.topRows(site.manifold.dimension()),
                                resolution, seed);
}

/// Student's t of 31 degrees of freedom, for two cases, and 0.1: the mean square is a h^2p + b h^(2p+1), and the local
/// slope is off by (b/a) h/2, below 0.1 at the coarsest step and half of that on average; the reference's own error
/// adds 0.02.
double strong_bound(const statistics::Estimate& order) {
  return statistics::student_t(batches - 1, row_false_alarm / 2.0) * order.standard_error + 0.1;
}

/// Orders 0, 1/2 and 1 are told apart where the bound is below 0.4.
template <template <class> class Stepper>
Finding strong_order(const CheckSite& site, double commuting) {
  WorstRatio worst;
  for (const StrongCase& c : strong_cases(commuting)) {
    const int groups = (site.thorough ? 512 : 160) / lane_count;
    const statistics::Estimate order =
        statistics::estimate(strong_slopes<Stepper>(site, c, {c.coarsest, 1024, groups}, site.seed));
    const double expected = c.expected + site.distortion.order;
    const double bound = strong_bound(order);
    worst.add(std::abs(order.mean - expected), bound,
              fmt::format("{}, steps 1/{} to 1/{}: strong order {:.3g} +- {:.2g}, expected {:g}", c.name, c.coarsest,
                          8 * c.coarsest, order.mean, order.standard_error, expected));
    if (!(bound < 0.4)) worst.cannot_tell(fmt::format("{}: the order is known to {:.2g} only", c.name, bound));
  }
  return worst.finding();
}

/// The order that one set of paths shows against that of another, both cases in turn.
template <template <class> class Stepper>
Repeater repeat_strong_order(const CheckSite& site) {
  return [site](const SameLaw& same) {
    constexpr Resolution few{2, 64, 16 / lane_count};
    const StrongCase c = strong_cases(1.0)[static_cast<std::size_t>(same.repeat % 2)];
    const statistics::Estimate order =
        statistics::estimate(difference(c.expected, strong_slopes<Stepper>(site, c, few, same.seed),
                                        strong_slopes<Stepper>(site, c, few, same.other_seed)));
    Repeated out{{std::abs(order.mean - c.expected), strong_bound(order), c.name}};
    add_p_value(out, "order", order, c.expected, batches, same);
    return out;
  };
}

// --- Where -----------------------------------------------------------------------------------------------------------

/// Noise of size 1/2 and steps of 1/4 and less resolve a valley whose radius of curvature is not much below 1.
bool is_round_ellipse(const Manifold& m) {
  return m.name() == "ellipse" && m.parameters().at("a") <= 2.0 * m.parameters().at("b") &&
         m.parameters().at("b") <= 2.0 * m.parameters().at("a") && m.parameters().at("b") >= 0.8;
}
/// 5^(2D) nodes of the quadrature.
bool has_weak_problem(const Manifold& m) { return is_round_ellipse(m) || (m.name() == "sphere" && m.dimension() <= 3); }

}  // namespace

std::vector<Check> order_checks() {
  constexpr auto order = CheckKind::order;
  const std::string euler = "EulerMaruyama in sde/steppers.hpp or ito_increment in sde/kernel/given_noise.hpp ";
  const std::string two = "WeakOrderTwo in sde/steppers.hpp or stratonovich_increment in sde/kernel/given_noise.hpp ";
  const std::string lost = "has lost its order; order 0 means that it converges to another law than sde/theorem.hpp";
  const std::string strong = " (false alarm 1e-8 each; it tells orders 0, 1/2 and 1 apart)";
  return {
      {"O1-euler-maruyama-weak", order, "Euler-Maruyama with retraction has weak order 1", "(34)", euler + lost,
       has_weak_problem,
       [](const CheckSite& site) { return weak_order<sde::EulerMaruyama<double>>(site, 1.0 / 16, 1.0); }},
      {"O1-weak-order-two-weak", order, "Ninomiya and Ninomiya's scheme has weak order 2", "(35), (35a), (35b)",
       two + lost, has_weak_problem,
       [](const CheckSite& site) {
         return weak_order<sde::WeakOrderTwo<double>>(site, site.manifold.name() == "ellipse" ? 1.0 / 4 : 1.0 / 8, 2.0);
       }},
      {"O2-euler-maruyama-strong", order, "Euler-Maruyama has strong order 1/2" + strong, "(34)", euler + lost,
       has_weak_problem, [](const CheckSite& site) { return strong_order<sde::EulerMaruyama>(site, 0.5); },
       repeat_strong_order<sde::EulerMaruyama>},
      {"O2-weak-order-two-strong", order,
       "Ninomiya and Ninomiya's scheme has strong order 1/2, and 1 where the noise commutes" + strong, "(35)",
       two + lost, has_weak_problem, [](const CheckSite& site) { return strong_order<sde::WeakOrderTwo>(site, 1.0); },
       repeat_strong_order<sde::WeakOrderTwo>},
  };
}

}  // namespace valleydrift::verify
