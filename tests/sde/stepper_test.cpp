// That wrong steps have no order, or a lower one, where the right ones have theirs (the checks O1 and O2, on ellipse
// and sphere, with strong orders). On the ellipse, a curve, the weak error is computed without sampling: one step is a
// transition operator on functions of the angle (Gauss-Hermite quadrature over the noise, trigonometric interpolation),
// and its powers are held against the exponential of the generator, which is built from sde/theorem.hpp
// alone.
#include <Eigen/Dense>
#include <algorithm>
#include <boost/numeric/odeint/integrate/integrate_n_steps.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "manifolds/random/noise.hpp"
#include "sde/field.hpp"
#include "sde/steppers.hpp"
#include "sde/theorem.hpp"
#include "support.hpp"

using namespace support;
using valleydrift::manifolds::fill_noise;
using valleydrift::manifolds::Hyperparameters;
using valleydrift::manifolds::lane;
using valleydrift::manifolds::lane_count;
using valleydrift::manifolds::Lanes;
using valleydrift::manifolds::NoiseLaw;
using valleydrift::manifolds::Scheme;
using valleydrift::sde::Coefficients;
using valleydrift::sde::DrivenDiffusion;
using valleydrift::sde::EulerMaruyama;
using valleydrift::sde::Form;
using valleydrift::sde::LyapunovOperator;
using valleydrift::sde::make_field;
using valleydrift::sde::theorem;
using valleydrift::sde::WeakOrderTwo;

namespace {

const LyapunovOperator form(Form::finite_step, Hyperparameters{Scheme::heavy_ball, 0.1, 0.2, 0.0});

using Field = valleydrift::sde::Field<double>;
using Out = std::span<double>;
using In = std::span<const double>;

// --- One step y -> y, given the increments dw (variance h) and half (variance h/2)
// --------------------------------------

struct Euler {
  void operator()(Field& field, Out y, In dw, In /*half*/, double h) {
    EulerMaruyama<double>(static_cast<int>(y.size()), static_cast<int>(dw.size())).step(field, y, dw, h);
  }
};
struct Ninomiya {
  void operator()(Field& field, Out y, In dw, In half, double h) {
    WeakOrderTwo<double>(static_cast<int>(y.size()), static_cast<int>(dw.size())).step(field, y, dw, half, h);
  }
};

// Steps with something left out.

/// Euler-Maruyama with the Stratonovich drift: the Ito correction is missing.
struct EulerWithoutIto {
  void operator()(Field& field, Out y, In dw, In /*half*/, double h) {
    std::vector<double> move(y.size());
    field.stratonovich_increment(y, h, dw, Out(move));
    for (std::size_t k = 0; k < y.size(); ++k) y[k] += move[k];
    field.retract(y);
  }
};
/// Euler-Maruyama without the curvature term, with the retraction (which does not need it) or put back along the ray
/// from the centre (which does).
template <bool retracted>
struct EulerWithoutCurvature {
  void operator()(Field& field, Out y, In dw, In /*half*/, double h) {
    std::vector<double> move(y.size());
    field.ito_increment(y, h, dw, Out(move));
    field.project(y, Out(move));
    for (std::size_t k = 0; k < y.size(); ++k) y[k] += move[k];
    if (retracted) field.retract(y);  // otherwise the angle is read along the ray
  }
};
/// One Runge-Kutta flow of h V_0 + sum_j dw_j V_j, or with the Ito drift in place of V_0.
template <bool ito>
struct OneFlow {
  void operator()(Field& field, Out y, In dw, In /*half*/, double h) {
    const Vector start = Eigen::Map<const Vector>(y.data(), static_cast<Eigen::Index>(y.size()));
    Vector slope = Vector::Zero(start.size()), end = start;
    constexpr double node[] = {0.0, 0.5, 0.5, 1.0}, weight[] = {1.0, 2.0, 2.0, 1.0};
    for (int stage = 0; stage < 4; ++stage) {
      const Vector point = start + node[stage] * slope;
      if (ito)
        field.ito_increment(view(point), h, dw, view(slope));
      else
        field.stratonovich_increment(view(point), h, dw, view(slope));
      end += weight[stage] / 6.0 * slope;
    }
    std::copy(end.begin(), end.end(), y.begin());
    field.retract(y);
  }
};

// --- Quadrature -----------------------------------------------------------------------------------------------------

struct Quadrature {
  Vector nodes, weights;
};
/// Gauss-Hermite for a standard normal (Golub-Welsch), exact to degree 2 n - 1.
Quadrature gauss_hermite(int n) {
  Matrix jacobi = Matrix::Zero(n, n);
  for (int k = 1; k < n; ++k) jacobi(k, k - 1) = jacobi(k - 1, k) = std::sqrt(k);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(jacobi);
  return {solver.eigenvalues(), solver.eigenvectors().row(0).array().square().matrix().transpose()};
}

/// Calls use(weight, z) for the product rule in `count` independent standard normals.
template <class Use>
void for_all_normals(const Quadrature& rule, std::size_t count, const Use& use) {
  std::vector<std::size_t> index(count, 0);
  std::vector<double> z(count);
  const auto n = static_cast<std::size_t>(rule.nodes.size());
  for (;;) {
    double weight = 1.0;
    for (std::size_t i = 0; i < count; ++i) {
      z[i] = rule.nodes[static_cast<Eigen::Index>(index[i])];
      weight *= rule.weights[static_cast<Eigen::Index>(index[i])];
    }
    use(weight, z);
    std::size_t i = 0;
    while (i < count && ++index[i] == n) index[i++] = 0;
    if (i == count) return;
  }
}

/// E[use(y after one step)], for a step that reads dw and, if two_draws, half.
template <class Step, class Use>
void for_all_steps(Field& field, const Vector& y, std::size_t r, double h, bool two_draws, const Use& use) {
  static const Quadrature rule = gauss_hermite(5);  // exact to degree 9: what is left is of order h^5
  for_all_normals(rule, two_draws ? 2 * r : r, [&](double weight, const std::vector<double>& z) {
    std::vector<double> dw(r), half(r);
    for (std::size_t j = 0; j < r; ++j) {
      dw[j] = std::sqrt(h) * z[j];
      if (two_draws) half[j] = std::sqrt(h / 2.0) * z[r + j];
    }
    Vector end = y;
    Step()(field, view(end), dw, half, h);
    use(weight, end);
  });
}

// --- The ellipse as a circle of angles ------------------------------------------------------------------------------

constexpr double axis_a = 1.5, axis_b = 1.0;

Vector at_angle(double t) { return Vector{{axis_a * std::cos(t), axis_b * std::sin(t)}}; }
double angle_of(const Vector& y) { return std::atan2(y[1] / axis_b, y[0] / axis_a); }

class Circle {
 public:
  explicit Circle(int count) : count_(count) {}  // odd
  int count() const { return count_; }
  double angle(int i) const { return 2.0 * std::numbers::pi * i / count_; }
  /// The trigonometric interpolant's weight of node i at the angle t.
  double weight(double t, int i) const {
    const double s = std::sin((t - angle(i)) / 2.0);
    return std::abs(s) < 1e-13 ? 1.0 : std::sin(count_ * (t - angle(i)) / 2.0) / (count_ * s);
  }
  /// d/dt of the interpolant at the nodes.
  Matrix derivative() const {
    Matrix d = Matrix::Zero(count_, count_);
    for (int i = 0; i < count_; ++i) {
      for (int k = 0; k < count_; ++k) {
        if (i != k) d(i, k) = ((i - k) % 2 == 0 ? 0.5 : -0.5) / std::sin((angle(i) - angle(k)) / 2.0);
      }
    }
    return d;
  }

 private:
  int count_;
};

/// e^a by scaling, a Taylor polynomial and squaring.
Matrix exponential(Matrix a) {
  int squarings = 0;
  while (a.cwiseAbs().rowwise().sum().maxCoeff() > 0.25) a /= 2.0, ++squarings;
  Matrix sum = Matrix::Identity(a.rows(), a.cols()), term = sum;
  for (int k = 1; k <= 14; ++k) sum += term = term * a / k;
  for (int i = 0; i < squarings; ++i) sum = sum * sum;
  return sum;
}

/// The weak problem E q(Y(1)) on the ellipse for two noise columns that do not commute, for all starting angles.
class WeakProblem {
 public:
  WeakProblem() {
    for (int i = 0; i < circle_.count(); ++i)
      q_[i] = std::cos(circle_.angle(i)) + 0.5 * std::sin(2.0 * circle_.angle(i));
    exact_ = exponential(generator()) * q_;
  }
  const Vector& exact() const { return exact_; }
  const Vector& observable() const { return q_; }

  /// |P_h^(1/h) q - e^L q| over the starting angles.
  template <class Step>
  double error(double h, bool two_draws) const {
    const auto field = make_field<double>(manifold_, form, sigma_);
    Matrix p = Matrix::Zero(circle_.count(), circle_.count());
    for (int i = 0; i < circle_.count(); ++i) {
      for_all_steps<Step>(*field, at_angle(circle_.angle(i)), 2, h, two_draws, [&](double weight, const Vector& end) {
        const double t = angle_of(end);
        for (int k = 0; k < circle_.count(); ++k) p(i, k) += weight * circle_.weight(t, k);
      });
    }
    Vector u = q_;
    for (int n = 0; n < static_cast<int>(std::lround(1.0 / h)); ++n) u = p * u;
    return (u - exact_).norm() / exact_.norm();
  }

 private:
  /// q -> drift of the angle q' + diffusion of the angle q''/2, by Ito's formula for atan2(y/b, x/a).
  Matrix generator() const {
    const Matrix first = circle_.derivative();
    Vector drift(circle_.count()), half_variance(circle_.count());
    for (int i = 0; i < circle_.count(); ++i) {
      const Vector y = at_angle(circle_.angle(i));
      const Coefficients c = theorem(manifold_, manifold_.geometry(y), sigma_, form);
      const double x1 = y[0] / axis_a, x2 = y[1] / axis_b;
      const Vector gradient{{-x2 / axis_a, x1 / axis_b}};
      const double cross = (x2 * x2 - x1 * x1) / (axis_a * axis_b);
      const Matrix hessian{{2.0 * x1 * x2 / (axis_a * axis_a), cross}, {cross, -2.0 * x1 * x2 / (axis_b * axis_b)}};
      const Matrix covariance = c.diffusion * c.diffusion.transpose();
      drift[i] = gradient.dot(c.drift()) + 0.5 * (covariance * hessian).trace();
      half_variance[i] = 0.5 * gradient.dot(covariance * gradient);
    }
    return drift.asDiagonal() * first + half_variance.asDiagonal() * (first * first);
  }

  Manifold manifold_{"ellipse", {{"a", axis_a}, {"b", axis_b}}};
  Matrix sigma_ = Matrix{{0.5, 0.1}, {-0.2, 0.45}};
  Circle circle_{41};
  Vector q_ = Vector(41), exact_;
};

const WeakProblem& weak_problem() {
  static const WeakProblem problem;
  return problem;
}

/// The order from errors at h, h/2, h/4: the local slopes p0, p1 with the first correction, of order h, removed; the
/// half width is that correction, and 0.03 for the next one, of order h^2.
struct Order {
  Order(double one, double two, double four) {
    const double p0 = std::log2(one / two), p1 = std::log2(two / four);
    value = 2.0 * p1 - p0;
    half_width = std::abs(p1 - p0) + 0.03;
  }
  bool contains(double expected) const { return std::abs(value - expected) <= half_width; }
  /// No convergence: the error settles at the distance between two laws.
  bool is_nil() const { return std::abs(value) < 0.1; }
  double value, half_width;
};

template <class Step>
Order weak_order(double h, bool two_draws) {
  const WeakProblem& problem = weak_problem();
  const Order order(problem.error<Step>(h, two_draws), problem.error<Step>(h / 2.0, two_draws),
                    problem.error<Step>(h / 4.0, two_draws));
  BOOST_TEST_MESSAGE("order " << order.value << " +- " << order.half_width);
  BOOST_TEST(order.half_width < 0.3);  // tells 0, 1 and 2 apart
  return order;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(steppers)

BOOST_AUTO_TEST_CASE(euler_maruyama_has_weak_order_one) {
  BOOST_TEST((weak_problem().exact() - weak_problem().observable()).norm() > 0.1 * weak_problem().exact().norm());
  BOOST_TEST(weak_order<Euler>(1.0 / 16, false).contains(1.0));
  BOOST_TEST(weak_order<EulerWithoutCurvature<true>>(1.0 / 16, false).contains(1.0));
  BOOST_TEST(weak_order<EulerWithoutIto>(1.0 / 16, false).is_nil());
  BOOST_TEST(weak_order<EulerWithoutCurvature<false>>(1.0 / 16, false).is_nil());
}

BOOST_AUTO_TEST_CASE(weak_order_two_has_weak_order_two) {
  BOOST_TEST(weak_order<Ninomiya>(1.0 / 4, true).contains(2.0));
  BOOST_TEST(weak_order<OneFlow<false>>(1.0 / 8, false).contains(1.0));
  BOOST_TEST(weak_order<OneFlow<true>>(1.0 / 8, false).is_nil());
}

// --- By sampling: lanes and odeint's interface
// --------------------------------------------------------------------------

namespace {

/// The Brownian path of one group of lanes on the finest grid, and its sums over coarser steps; `half` draws are
/// others.
class SharedPath {
 public:
  SharedPath(std::uint64_t seed, std::uint64_t first_path, int r, int steps, double finest)
      : r_(r),
        finest_(finest),
        dw_(static_cast<std::size_t>(r * steps)),
        half_(dw_.size()) {
    fill_noise<1>(NoiseLaw::gaussian, {seed, 0}, first_path, 0, steps, r, dw_.data());
    fill_noise<1>(NoiseLaw::gaussian, {seed, 1}, first_path, 0, steps, r, half_.data());
  }
  void operator()(double t, double dt, std::span<Lanes> dw, std::span<Lanes> half) const {
    const auto first = static_cast<std::size_t>(std::lround(t / finest_)),
               count = static_cast<std::size_t>(std::lround(dt / finest_));
    for (std::size_t j = 0; j < dw.size(); ++j) {
      dw[j] = Lanes(0.0);
      for (std::size_t i = first; i < first + count; ++i) dw[j] += dw_[i * static_cast<std::size_t>(r_) + j];
      dw[j] *= Lanes(std::sqrt(finest_));
      half[j] = std::sqrt(dt / 2.0) * half_[first * static_cast<std::size_t>(r_) + j];
    }
  }

 private:
  int r_;
  double finest_;
  std::vector<Lanes> dw_, half_;
};

/// Y(1) in lanes, through odeint.
template <class Stepper, class Increments>
std::vector<Lanes> integrate(valleydrift::sde::Field<Lanes>& field, Increments& increments, const Vector& y0,
                             int steps) {
  std::vector<Lanes> y(y0.begin(), y0.end());
  std::span<Lanes> state(y);
  boost::numeric::odeint::integrate_n_steps(Stepper(field.dimension(), field.noise_count()),
                                            DrivenDiffusion<Lanes, Increments>{&field, &increments}, state, 0.0,
                                            1.0 / steps, static_cast<std::size_t>(steps));
  return y;
}

}  // namespace

// The same through sampling: E[Y_1 . y_0] = exp(-(D-1)/2) for D = 4.
BOOST_AUTO_TEST_CASE(sphere_by_sampling) {
  const Manifold manifold("sphere", {{"D", 4}});
  const auto field = make_field<Lanes>(manifold, form, Matrix(Matrix::Identity(4, 4)));
  const Vector y0 = Random(3).direction(4);
  constexpr int groups = 8192 / lane_count, steps = 16;
  double sum = 0.0, worst = 0.0;
  for (int group = 0; group < groups; ++group) {
    SharedPath path(9, static_cast<std::uint64_t>(group * lane_count), 4, steps, 1.0 / steps);
    const auto y = integrate<WeakOrderTwo<Lanes>>(*field, path, y0, steps);
    for (int l = 0; l < lane_count; ++l) {
      double along = 0.0, norm = 0.0;
      for (std::size_t k = 0; k < 4; ++k) {
        along += lane(y[k], l) * y0[static_cast<Eigen::Index>(k)];
        norm += lane(y[k], l) * lane(y[k], l);
      }
      sum += along;
      worst = std::max(worst, std::abs(norm - 1.0));
    }
  }
  const int paths = groups * lane_count;
  // The variance is 1/4 + (3/4) e^-4 - e^-3 < 1/4; 5 standard errors. The weak error at h = 1/16 is below 2e-3.
  const double bound = 5.0 * std::sqrt(0.25 / paths) + 2e-3;
  const double mean = sum / paths;
  BOOST_TEST_MESSAGE("sphere D=4: " << mean << ", exact " << std::exp(-1.5) << ", bound " << bound);
  BOOST_TEST(std::abs(mean - std::exp(-1.5)) < bound);
  BOOST_TEST(std::abs(mean - std::exp(-2.0)) > bound);  // the sphere in five dimensions
  BOOST_TEST(worst < 1e-9);
}

BOOST_AUTO_TEST_CASE(lanes_step_as_a_single_path_does) {
  const Manifold manifold("ellipse", {{"a", axis_a}, {"b", axis_b}});
  const Matrix sigma{{0.5, 0.1}, {-0.2, 0.45}};
  const auto lanes = make_field<Lanes>(manifold, form, sigma);
  const auto single = make_field<double>(manifold, form, sigma);
  SharedPath path(10, 0, 2, 64, 1.0 / 64);
  const auto one = integrate<EulerMaruyama<Lanes>>(*lanes, path, at_angle(1.1), 64);
  const auto two = integrate<WeakOrderTwo<Lanes>>(*lanes, path, at_angle(1.1), 64);
  for (int l = 0; l < lane_count; ++l) {
    Vector euler = at_angle(1.1), ninomiya = euler;
    for (int i = 0; i < 64; ++i) {
      std::vector<Lanes> dw(2), half(2);
      path(i / 64.0, 1.0 / 64, dw, half);
      const std::vector<double> own = {lane(dw[0], l), lane(dw[1], l)}, own_half = {lane(half[0], l), lane(half[1], l)};
      Euler()(*single, view(euler), own, own_half, 1.0 / 64);
      Ninomiya()(*single, view(ninomiya), own, own_half, 1.0 / 64);
    }
    for (std::size_t k = 0; k < 2; ++k) {  // no function of the C library on the way: the same arithmetic
      BOOST_TEST(lane(one[k], l) == euler[static_cast<Eigen::Index>(k)]);
      BOOST_TEST(lane(two[k], l) == ninomiya[static_cast<Eigen::Index>(k)]);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
