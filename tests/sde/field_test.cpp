// The kernels of the limiting diffusion on lanes against their definition in sde/theorem.hpp, lane by lane.
#include "sde/field.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "manifolds/catalogue.hpp"
#include "manifolds/residual_unit.hpp"
#include "sde/field_entry.hpp"
#include "sde/kernel/blocked_algebra.hpp"
#include "sde/kernel/symmetric_eigen.hpp"
#include "sde/theorem.hpp"
#include "support.hpp"
#include "tests/formulas.hpp"

using namespace support;
using valleydrift::manifolds::Geometry;
using valleydrift::manifolds::Hyperparameters;
using valleydrift::manifolds::lane;
using valleydrift::manifolds::lane_count;
using valleydrift::manifolds::Lanes;
using valleydrift::manifolds::Scheme;
using valleydrift::manifolds::set_lane;
using valleydrift::sde::Coefficients;
using valleydrift::sde::Form;
using valleydrift::sde::LyapunovOperator;
using valleydrift::sde::make_field;
using valleydrift::sde::make_geometry;
using valleydrift::sde::make_label_drift;
using valleydrift::sde::theorem;

namespace {

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

/// One vector per lane, with the lanes' own storage.
struct Bundle {
  explicit Bundle(Eigen::Index size) : lanes(static_cast<std::size_t>(size), Lanes(0.0)) {}
  Bundle(Eigen::Index size, const Vector& everywhere) : Bundle(size) {
    for (int i = 0; i < lane_count; ++i) set(i, everywhere);
  }
  void set(int i, const Vector& v) {
    for (std::size_t k = 0; k < lanes.size(); ++k) set_lane(lanes[k], i, v[static_cast<Eigen::Index>(k)]);
  }
  Vector get(int i) const {
    Vector v(static_cast<Eigen::Index>(lanes.size()));
    for (std::size_t k = 0; k < lanes.size(); ++k) v[static_cast<Eigen::Index>(k)] = lane(lanes[k], i);
    return v;
  }
  std::span<const Lanes> in() const { return lanes; }
  std::span<Lanes> out() { return lanes; }
  std::vector<Lanes> lanes;
};

LyapunovOperator form_of(Form form, Scheme scheme) {
  return LyapunovOperator(form, Hyperparameters{scheme, 0.02, 0.1, 0.0}, 0.5);
}

struct Choice {
  Form form;
  Scheme scheme;
};
const Choice choices[] = {{Form::finite_step, Scheme::heavy_ball},
                          {Form::finite_step, Scheme::nesterov},
                          {Form::paper, Scheme::heavy_ball},
                          {Form::asymptotic, Scheme::heavy_ball}};

// Two solvers of an m x m eigenproblem, m <= 2, and sums of at most D = 128 products: some hundred roundings of 1.1e-16
// relative to the terms added. Eigenvectors of near eigenvalues may differ, what is built from them may not.
constexpr double bound = 1e-12;

}  // namespace

BOOST_AUTO_TEST_SUITE(limit_field)

BOOST_AUTO_TEST_CASE(fields_are_those_of_the_definition) {
  double worst = 0.0;
  for_all_least_squares([&](const Manifold& m) {
    const Eigen::Index dimension = m.dimension();
    Random random(1);
    const Matrix sigma = random.matrix(dimension, std::min<Eigen::Index>(dimension, 3));
    const Eigen::Index r = sigma.cols();
    std::vector<Vector> points, noises;
    for (int i = 0; i < lane_count; ++i) {
      points.push_back(valley_point(m, 10 + static_cast<std::uint64_t>(i)));
      noises.push_back(random.vector(r));
    }
    Bundle y(dimension), dw(r), ito(dimension), stratonovich(dimension), diffusion(dimension), projected(dimension);
    for (int i = 0; i < lane_count; ++i) {
      y.set(i, points[static_cast<std::size_t>(i)]);
      dw.set(i, noises[static_cast<std::size_t>(i)]);
    }
    for (const Choice& choice : choices) {
      const LyapunovOperator form = form_of(choice.form, choice.scheme);
      const auto lanes = make_field<Lanes>(m, form, sigma);
      const auto single = make_field<double>(m, form, sigma);
      constexpr double h = 0.3;
      lanes->ito_increment(y.in(), Lanes(h), dw.in(), ito.out());
      lanes->stratonovich_increment(y.in(), Lanes(h), dw.in(), stratonovich.out());
      lanes->diffusion_increment(y.in(), dw.in(), diffusion.out());
      const Lanes trace = lanes->trace_hessian(y.in());
      Lanes variance, loss;
      lanes->plateau(y.in(), variance, loss);
      projected = Bundle(dimension, sigma.col(0));
      lanes->project(y.in(), projected.out());

      for (int i = 0; i < lane_count; ++i) {
        const Vector& point = points[static_cast<std::size_t>(i)];
        const Vector& noise = noises[static_cast<std::size_t>(i)];
        const Geometry g = m.geometry(point);
        const Coefficients c = theorem(m, g, sigma, form);
        const Vector moved = c.diffusion * noise;
        const double size = h * (c.curvature.norm() + c.mixed.norm() + c.transverse.norm()) + sigma.norm();
        const auto agrees = [&](const Vector& a, const Vector& b) {
          BOOST_TEST((a - b).norm() < bound * size);
          worst = std::max(worst, (a - b).norm() / size);
        };
        agrees(ito.get(i), h * c.drift() + moved);
        agrees(diffusion.get(i), moved);
        agrees(projected.get(i), g.longitudinal(sigma.col(0)));
        BOOST_TEST(std::abs(lane(trace, i) / m.hessian(point).trace() - 1.0) < bound);
        const auto plateau = transverse_plateau(g, sigma, form);
        BOOST_TEST(std::abs(lane(variance, i) / plateau.variance - 1.0) < bound);
        BOOST_TEST(std::abs(lane(loss, i) / plateau.loss - 1.0) < bound);
        // A left-out term would be seen.
        BOOST_TEST((ito.get(i) - moved).norm() > 1e3 * bound * size);

        // A field of double, whose Stratonovich drift theorem_test.cpp checks, is the same arithmetic.
        Vector own(dimension), own_stratonovich(dimension), own_diffusion(dimension), own_projected = sigma.col(0);
        single->ito_increment(view(point), h, view(noise), view(own));
        single->stratonovich_increment(view(point), h, view(noise), view(own_stratonovich));
        single->diffusion_increment(view(point), view(noise), view(own_diffusion));
        single->project(view(point), view(own_projected));
        agrees(own, ito.get(i));
        agrees(own_stratonovich, stratonovich.get(i));
        agrees(own_diffusion, diffusion.get(i));
        agrees(own_projected, projected.get(i));
        BOOST_TEST(std::abs(single->trace_hessian(view(point)) / lane(trace, i) - 1.0) < bound);
        double own_variance = 0.0, own_loss = 0.0;
        single->plateau(view(point), own_variance, own_loss);
        BOOST_TEST(std::abs(own_variance / lane(variance, i) - 1.0) < bound);
        BOOST_TEST(std::abs(own_loss / lane(loss, i) - 1.0) < bound);
      }
    }
  });
  BOOST_TEST_MESSAGE("largest relative difference from the definition: " << worst);
}

BOOST_AUTO_TEST_CASE(label_noise_drift_is_that_of_the_definition) {
  for_all_least_squares([&](const Manifold& m) {
    const Eigen::Index dimension = m.dimension();
    std::vector<Vector> points;
    Bundle y(dimension), increment(dimension);
    for (int i = 0; i < lane_count; ++i) {
      points.push_back(valley_point(m, 30 + static_cast<std::uint64_t>(i)));
      y.set(i, points.back());
    }
    for (const Choice& choice : choices) {
      const LyapunovOperator form = form_of(choice.form, choice.scheme);
      constexpr double h = 0.3;
      make_label_drift<Lanes>(m, form)->increment(y.in(), Lanes(h), increment.out());
      for (int i = 0; i < lane_count; ++i) {
        const Vector& point = points[static_cast<std::size_t>(i)];
        const Matrix sigma = m.label_noise_factor(point);
        const Vector drift = theorem(m, m.geometry(point), sigma, form).drift();
        BOOST_TEST((increment.get(i) - h * drift).norm() < bound * (drift.norm() + sigma.squaredNorm()));
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(retraction_reaches_the_valley_and_is_the_definitions) {
  for_all_least_squares([&](const Manifold& m) {
    const Eigen::Index dimension = m.dimension();
    Random random(2);
    Bundle w(dimension);
    std::vector<Vector> starts;
    for (int i = 0; i < lane_count; ++i) {  // distances from 0 to 0.03: arrivals after different numbers of steps
      starts.push_back(valley_point(m, 3) + 0.03 * i / lane_count * random.direction(dimension));
      w.set(i, starts.back());
    }
    make_geometry<Lanes>(m)->retract(w.out());
    for (int i = 0; i < lane_count; ++i) {
      const Vector end = w.get(i);
      BOOST_TEST(m.valley_residual(end) < 1e-10);
      // The definition goes on until |f| stops falling: the two ends differ by the distance of a residual of 1e-10.
      const Vector expected = m.retract(starts[static_cast<std::size_t>(i)]);
      const Geometry g = m.geometry(expected);
      BOOST_TEST((end - expected).norm() < 1e-10 * std::sqrt(2.0 / g.spectrum[0]));
    }
    // Lane 0 started on the valley and did not move.
    for (Eigen::Index k = 0; k < dimension; ++k) BOOST_TEST(same_bits(w.get(0)[k], starts[0][k]));
  });
}

// Residuals are measured by their scale at the point itself, wherever the path began: the retraction goes on until they
// are as small beside that. On u v = 1 their unit is 1e4 at (1e4, 1e-4) and 1 at (1, 1).
BOOST_AUTO_TEST_CASE(retraction_arrives_within_the_units_of_the_point) {
  struct Case {
    std::string residual;
    Vector start, point;
  };
  const Vector uneven{{1e4, 1e-4}}, even{{1.0, 1.0}}, circle{{0.6, 0.8}};
  for (const Case& c :
       {Case{"x*y - 1", uneven, even}, Case{"x*y - 1", even, uneven}, Case{"x*y - 1", uneven, uneven},
        Case{"1e-6*(x*y - 1)", uneven, even}, Case{"exp(-30*x)*y", Vector{{0.0, 0.0}}, Vector{{1.0, 0.0}}},
        Case{"x^2 + y^2 - 1e-16", 1e-8 * circle, 1e-8 * circle}}) {
    const Manifold m(description_of(valleydrift::tests::typed("two", "x,y", {c.residual}, "1,1")), ParameterValues{});
    const auto geometry = make_geometry<Lanes>(m);
    geometry->measure_by(least_length(m, c.start));
    const Vector off = c.point + 1e-7 * c.point.norm() * m.jacobian(c.point).transpose().normalized();
    Bundle w(2, off);
    std::vector<Lanes> unit(1);
    geometry->residual_units(Bundle(2, c.point).in(), unit);
    BOOST_TEST_CONTEXT(c.residual << " from " << c.start.transpose() << " at " << c.point.transpose()) {
      BOOST_TEST(std::abs(lane(unit[0], 0) / m.residual_units(c.point)[0] - 1.0) < 1e-12);
      BOOST_TEST(m.scaled_residual(off) > 1e-9);
      geometry->retract(w.out());
      BOOST_TEST(m.scaled_residual(w.get(0)) < 1e-10);
    }
  }
}

namespace {

/// Bits of every result of a lane, for the given neighbours.
std::vector<double> results_of_lane(const Manifold& m, const Matrix& sigma, const std::vector<Vector>& points,
                                    const std::vector<Vector>& starts, const std::vector<Vector>& noises, int i) {
  const Eigen::Index dimension = sigma.rows(), r = sigma.cols();
  Bundle y(dimension), w(dimension), dw(r), ito(dimension), stratonovich(dimension);
  for (int k = 0; k < lane_count; ++k) {
    y.set(k, points[static_cast<std::size_t>(k)]);
    w.set(k, starts[static_cast<std::size_t>(k)]);
    dw.set(k, noises[static_cast<std::size_t>(k)]);
  }
  const auto field = make_field<Lanes>(m, form_of(Form::finite_step, Scheme::nesterov), sigma);
  field->ito_increment(y.in(), Lanes(0.1), dw.in(), ito.out());
  field->stratonovich_increment(y.in(), Lanes(0.1), dw.in(), stratonovich.out());
  const Lanes trace = field->trace_hessian(y.in());
  Lanes variance, loss;
  field->plateau(y.in(), variance, loss);
  field->retract(w.out());
  std::vector<double> all = {lane(trace, i), lane(variance, i), lane(loss, i)};
  for (const Vector& v : {ito.get(i), stratonovich.get(i), w.get(i)}) all.insert(all.end(), v.begin(), v.end());
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_lane_does_not_depend_on_its_neighbours) {
  for_all_least_squares([&](const Manifold& m) {
    const Eigen::Index dimension = m.dimension();
    Random random(4);
    const Matrix sigma = random.matrix(dimension, 2);
    std::vector<Vector> points, starts, noises;
    for (int i = 0; i < lane_count; ++i) {
      points.push_back(valley_point(m, 20 + static_cast<std::uint64_t>(i)));
      starts.push_back(points.back() + 0.02 * i / lane_count * random.direction(dimension));
      noises.push_back(random.vector(2));
    }
    const int last = lane_count - 1;
    const auto among_others = results_of_lane(m, sigma, points, starts, noises, last);
    // Alone among copies of itself, and beside lanes that run away.
    const std::vector<Vector> same_points(lane_count, points.back()), same_starts(lane_count, starts.back()),
        same_noises(lane_count, noises.back());
    std::vector<Vector> lost = points, lost_starts = starts;
    lost[0].setConstant(std::nan(""));
    lost_starts[0].setConstant(1e300);
    for (const auto& others : {results_of_lane(m, sigma, same_points, same_starts, same_noises, last),
                               results_of_lane(m, sigma, lost, lost_starts, noises, last)}) {
      BOOST_REQUIRE(others.size() == among_others.size());
      for (std::size_t k = 0; k < others.size(); ++k) BOOST_TEST(same_bits(others[k], among_others[k]));
    }
    // Another lane has other results.
    BOOST_TEST(results_of_lane(m, sigma, points, starts, noises, 0) != among_others);
  });
}

// A project compiled for another processor than the library would hand over lanes of another width.
BOOST_AUTO_TEST_CASE(fields_for_lanes_of_another_width_are_refused) {
  BOOST_CHECK_THROW(valleydrift::sde::add_entry({typeid(Bundle), 2 * lane_count, {}, {}}), std::logic_error);
}

// The linear channel f = x y: its Hessian x^2 vanishes at x = 0. A path that steps over it is lost, its neighbours are
// not, and a field that follows no path does not look back.
BOOST_AUTO_TEST_CASE(a_path_over_a_change_of_rank_is_lost_and_no_other) {
  const Manifold m("channel", {{"profile", 2}});
  const auto field = make_field<Lanes>(m, form_of(Form::paper, Scheme::heavy_ball), Matrix(Matrix::Identity(2, 2)));
  const Bundle dw(2, Vector{{0.1, 0.2}});
  const auto moved = [&](double x_of_lane_0, double x_of_others) {
    Bundle y(2, Vector{{x_of_others, 0.0}}), out(2);
    y.set(0, Vector{{x_of_lane_0, 0.0}});
    field->ito_increment(y.in(), Lanes(0.1), dw.in(), out.out());
    return out;
  };
  moved(0.1, 0.1);
  BOOST_TEST(moved(-0.1, 0.05).get(0).allFinite());
  field->follow_path();
  BOOST_TEST(moved(0.1, 0.1).get(0).allFinite());
  const Bundle over = moved(-0.1, 0.05);
  BOOST_TEST(over.get(0).hasNaN());
  for (int i = 1; i < lane_count; ++i) BOOST_TEST(over.get(i).allFinite());
  BOOST_TEST(moved(0.1, 0.1).get(0).hasNaN());  // there is no way back
}

// --- The small dense problems, beyond the sizes that the registry has
// --------------------------------------------------

namespace {

/// A symmetric positive matrix with the given spectrum.
Matrix with_spectrum(const Vector& l, std::uint64_t seed) {
  Matrix q = Eigen::SelfAdjointEigenSolver<Matrix>([&] {
               const Matrix a = Random(seed).matrix(l.size(), l.size());
               return Matrix(a + a.transpose());
             }())
                 .eigenvectors();
  Matrix a = q * l.asDiagonal() * q.transpose();
  return 0.5 * (a + a.transpose());
}

struct Decomposition {
  Vector l;
  Matrix v;
};

/// Lane i of the eigenproblem of as[0..lane_count).
Decomposition eigen_of_lane(const std::vector<Matrix>& as, int i) {
  const auto n = static_cast<int>(as[0].rows());
  const auto size = static_cast<std::size_t>(n * n);
  std::vector<Lanes> a(size), v(size), l(static_cast<std::size_t>(n));
  for (int k = 0; k < lane_count; ++k) {
    for (std::size_t e = 0; e < size; ++e) set_lane(a[e], k, as[static_cast<std::size_t>(k)].data()[e]);
  }
  valleydrift::sde::symmetric_eigen<Lanes>(n, a, v, l);
  Decomposition d{Vector(n), Matrix(n, n)};
  for (int row = 0; row < n; ++row) {
    d.l[row] = lane(l[static_cast<std::size_t>(row)], i);
    for (int column = 0; column < n; ++column)
      d.v(row, column) = lane(v[static_cast<std::size_t>(row * n + column)], i);
  }
  return d;
}

}  // namespace

BOOST_AUTO_TEST_CASE(eigenproblem_against_eigen) {
  Random random(5);
  for (Eigen::Index n = 1; n <= 7; ++n) {
    for (const double spread : {0.0, 1.0, 8.0}) {  // decades between eigenvalues; 0: all the same
      std::vector<Matrix> as;
      for (int k = 0; k < lane_count; ++k) {
        Vector l(n);
        for (double& x : l) x = std::pow(10.0, spread * random.number());
        as.push_back(with_spectrum(l, static_cast<std::uint64_t>(100 * n + k)));
      }
      as[0] = Matrix::Identity(n, n);  // no rotation: nothing may be divided by zero
      for (int i = 0; i < lane_count; ++i) {
        const Matrix& a = as[static_cast<std::size_t>(i)];
        const Decomposition d = eigen_of_lane(as, i);
        const double scale = a.norm();
        // Backward stable: some sweeps of n^2/2 rotations of 1e-16 each.
        BOOST_TEST(largest(a * d.v - d.v * d.l.asDiagonal()) < 1e-13 * scale);
        BOOST_TEST(largest(d.v.transpose() * d.v - Matrix::Identity(n, n)) < 1e-13);
        Vector sorted = d.l;
        std::sort(sorted.begin(), sorted.end());
        const Vector expected = Eigen::SelfAdjointEigenSolver<Matrix>(a).eigenvalues();
        BOOST_TEST(largest(sorted - expected) < 1e-13 * scale);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(eigenproblem_of_a_lane_does_not_depend_on_its_neighbours) {
  for (Eigen::Index n = 1; n <= 7; ++n) {
    int neighbours_differ = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Vector even = Vector::LinSpaced(n, 1.0, 2.0);
      Vector uneven = even;
      for (Eigen::Index k = 0; k < n; ++k) uneven[k] = std::pow(10.0, -static_cast<double>(k));
      const Matrix mine = with_spectrum(even, seed);
      // Nearly diagonal arrives after one sweep, the other needs more.
      Matrix tiny = Matrix(even.asDiagonal());
      tiny += 1e-12 * (mine - Matrix(mine.diagonal().asDiagonal()));
      for (const Matrix& me : {mine, tiny}) {
        std::vector<Matrix> alone(lane_count, me), among(lane_count, with_spectrum(uneven, seed + 50));
        among.back() = me;
        const Decomposition a = eigen_of_lane(alone, lane_count - 1), b = eigen_of_lane(among, lane_count - 1);
        for (Eigen::Index i = 0; i < n; ++i) {
          BOOST_TEST(same_bits(a.l[i], b.l[i]));
          for (Eigen::Index k = 0; k < n; ++k) BOOST_TEST(a.v(i, k) == b.v(i, k));  // a zero may change its sign
        }
        neighbours_differ += n > 1 && eigen_of_lane(among, 0).l != b.l;
      }
    }
    BOOST_TEST(neighbours_differ == (n > 1 ? 40 : 0));
  }
}

BOOST_AUTO_TEST_CASE(cholesky_solves_in_every_lane) {
  Random random(6);
  for (int n = 1; n <= 6; ++n) {
    std::vector<Lanes> a(static_cast<std::size_t>(n * n)), x(static_cast<std::size_t>(n));
    std::vector<Matrix> as;
    std::vector<Vector> solutions;
    for (int k = 0; k < lane_count; ++k) {
      as.push_back(with_spectrum(Vector::LinSpaced(n, 0.5, 3.0), static_cast<std::uint64_t>(10 * n + k)));
      solutions.push_back(random.vector(n));
      const Vector b = as.back() * solutions.back();
      for (std::size_t e = 0; e < a.size(); ++e) set_lane(a[e], k, as.back().data()[e]);
      for (std::size_t e = 0; e < x.size(); ++e) set_lane(x[e], k, b[static_cast<Eigen::Index>(e)]);
    }
    valleydrift::sde::cholesky_factor<Lanes>(n, a);
    valleydrift::sde::cholesky_solve<Lanes>(n, std::span<const Lanes>(a), x);
    for (int k = 0; k < lane_count; ++k) {
      for (int i = 0; i < n; ++i) {
        BOOST_TEST(std::abs(lane(x[static_cast<std::size_t>(i)], k) - solutions[static_cast<std::size_t>(k)][i]) <
                   1e-14);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
