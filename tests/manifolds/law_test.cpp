// What is not a law of its own but another way to compute the same, on every manifold of the registry with its default
// and its awkward parameters and on ten formulas, at points on the valley and off it; and manifolds about which
// something is known exactly. The laws that every manifold keeps are the checks D1 to D3, whose cases are in
// tests/laws.
#include <Eigen/QR>
#include <algorithm>
#include <array>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "manifolds/catalogue.hpp"
#include "manifolds/derivatives.hpp"
#include "manifolds/manifold.hpp"
#include "tests/formulas.hpp"
#include "typed_losses.hpp"

using namespace valleydrift::manifolds;

namespace {

using valleydrift::tests::visit_loss;

struct Case {
  std::string label;
  Manifold manifold;
  std::vector<Vector> on_valley, off_valley;
};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  double number() { return static_cast<double>(engine_() >> 11) * 0x1p-52 - 1.0; }  // uniform in [-1, 1)
  Vector vector(Eigen::Index size) {
    Vector v(size);
    for (double& x : v) x = number();
    return v;
  }
  Vector direction(Eigen::Index size) { return vector(size).normalized(); }
  Matrix symmetric(Eigen::Index size) {
    Matrix a(size, size);
    for (Eigen::Index i = 0; i < size; ++i) a.col(i) = vector(size);
    return a + a.transpose();
  }

 private:
  std::mt19937_64 engine_;
};

/// The default start, two retracted perturbations of it, and two points off the valley. A perturbation is 0.15 long,
/// a third of the smallest half axis or radius in the registry.
Case make_case(const std::string& label, Manifold manifold) {
  Case c{label, std::move(manifold), {}, {}};
  Random random(20221031);
  const Vector start = c.manifold.default_start();
  c.on_valley.push_back(c.manifold.retract(start));
  for (int i = 0; i < 2; ++i) {
    c.on_valley.push_back(c.manifold.retract(start + 0.15 * random.direction(start.size())));
    c.off_valley.push_back(start + 0.15 * random.direction(start.size()));
  }
  return c;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> made;
    for (const ManifoldDescription& d : descriptions()) {
      made.push_back(make_case(d.name, Manifold(d.name, {})));
      if (!d.awkward.empty()) {
        made.push_back(make_case(d.name + ", awkward parameters", Manifold(d.name, d.awkward)));
      }
    }
    for (const FormulaSource& source : valleydrift::tests::ten_formulas()) {
      made.push_back(make_case(source.name->text, Manifold(description_of(source), {})));
    }
    return made;
  }();
  return all;
}

/// Calls check(case, point), on the valley and off it; failures name both.
template <class Check>
void for_all_points(const Check& check) {
  for (const Case& c : cases()) {
    for (const Vector& y : c.on_valley) {
      BOOST_TEST_CONTEXT(c.label << " on the valley at " << format_point(y)) { check(c, y); }
    }
    for (const Vector& w : c.off_valley) {
      BOOST_TEST_CONTEXT(c.label << " off the valley at " << format_point(w)) { check(c, w); }
    }
  }
}

template <class T>
std::span<const T> view(const std::vector<T>& v) {
  return v;
}
std::span<const double> view(const Vector& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }
std::span<double> view(Vector& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }

double largest(const Matrix& a) { return a.size() == 0 ? 0.0 : a.cwiseAbs().maxCoeff(); }

ParameterValues network_sizes(int inputs, int width, int teacher_width, int samples, int seed) {
  return {{"inputs", inputs}, {"width", width}, {"teacher-width", teacher_width}, {"samples", samples}, {"seed", seed}};
}
/// sum_k a_k tanh(w_k . x) for the rows x, with the C library's tanh.
Vector network_answers(const Matrix& x, int width, const Vector& w) {
  const Eigen::Index inputs = x.cols();
  Vector sum = Vector::Zero(x.rows());
  for (int k = 0; k < width; ++k) {
    const Vector unit = w.segment(width + k * inputs, inputs);
    sum += w[k] * (x * unit).unaryExpr([](double z) { return std::tanh(z); });
  }
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(every_manifold)

// A closed Jacobian is that of pullbacks, and what is kept from the residuals to the pullback after them spares work
// alone: the same bits.
BOOST_AUTO_TEST_CASE(closed_jacobian_and_kept_numbers_change_no_bit) {
  int jacobians = 0, gradients = 0;
  for_all_points([&](const Case& c, const Vector& w) {
    visit_loss(c.manifold, [&]<class L>(const L& loss) {
      using Model = typename L::model_type;
      const Model& model = loss.model();
      const Eigen::Index m = model.residual_count();
      if constexpr (HasClosedJacobian<Model>) {
        const Matrix j = c.manifold.jacobian(w);
        for (Eigen::Index a = 0; a < m; ++a) {
          Vector pulled(w.size());
          model.template pullback<double, double>(view(w), view(Vector(Vector::Unit(m, a))), view(pulled));
          BOOST_TEST((pulled.transpose() == j.row(a)));
        }
        ++jacobians;
      }
      if constexpr (KeepsForPullback<Model>) {
        Vector f(m), g(w.size()), scratch(loss.scratch_size()), of_loss(w.size());
        model.template residuals<double>(view(w), view(f));
        f *= model.weight();
        model.template pullback<double, double>(view(w), view(f), view(g));
        loss.template gradient<double>(view(w), view(scratch), view(of_loss));
        BOOST_TEST((g == of_loss));
        ++gradients;
      }
    });
  });
  BOOST_TEST(jacobians > 0);
  BOOST_TEST(gradients > 0);
}

BOOST_AUTO_TEST_CASE(single_residuals_and_laplacians_are_those_of_all_residuals) {
  for_all_points([](const Case& c, const Vector& w) {
    visit_loss(c.manifold, [&](const auto& loss) {
      using Model = std::decay_t<decltype(loss.model())>;
      const Vector v = Random(8).direction(w.size());
      ResidualHessian<double, Model> one(loss.model());
      ResidualBending<double, Model> bending(loss.model());
      Vector laplacian(loss.model().residual_count()), second = Vector::Zero(laplacian.size());
      bending.laplacian(view(w), view(laplacian));
      bending.add(view(w), view(v), -0.5, view(second));
      for (Eigen::Index a = 0; a < laplacian.size(); ++a) {
        const Matrix h = c.manifold.residual_hessian(w, Vector::Unit(laplacian.size(), a));
        const double bound = 2e-14 * std::max(1.0, largest(h));
        Vector product = Vector::Zero(w.size());
        one.add_one(view(w), static_cast<std::size_t>(a), view(v), view(product));
        BOOST_TEST(largest(product - h * v) < bound);
        BOOST_TEST(std::abs(second[a] + 0.5 * v.dot(h * v)) < bound);
        BOOST_TEST(std::abs(laplacian[a] - h.trace()) < bound * static_cast<double>(w.size()));
      }
    });
  });
}

// --- Lanes ---

BOOST_AUTO_TEST_CASE(lanes_compute_what_double_does_each_at_its_own_point) {
  for (const Case& c : cases()) {
    BOOST_TEST_CONTEXT(c.label) {
      visit_loss(c.manifold, [&](const auto& loss) {
        const auto& model = loss.model();
        const auto size = static_cast<std::size_t>(loss.dimension());
        const auto m = static_cast<std::size_t>(model.residual_count());
        // exp and sinh of lanes differ from the C library's in the last digit; all else is IEEE arithmetic.
        const bool exact = c.manifold.name() != "cosh-pair" &&
                           !(c.manifold.name() == "channel" && c.manifold.parameters().at("profile") == 0.0);
        Random random(8);
        std::vector<Vector> points, pulled;
        std::vector<Lanes> w(size), f(m), r(m), g(size), scratch(static_cast<std::size_t>(loss.scratch_size()));
        for (int l = 0; l < lane_count; ++l) {
          points.push_back(c.on_valley[0] + 0.3 * random.direction(c.on_valley[0].size()));
          pulled.push_back(random.vector(static_cast<Eigen::Index>(m)));
          for (std::size_t i = 0; i < size; ++i) set_lane(w[i], l, view(points.back())[i]);
          for (std::size_t a = 0; a < m; ++a) set_lane(r[a], l, view(pulled.back())[a]);
        }
        const auto compare = [&](const std::vector<Lanes>& lanes, int l, const Vector& expected) {
          for (std::size_t i = 0; i < lanes.size(); ++i) {
            const double got = lane(lanes[i], l), want = expected[static_cast<Eigen::Index>(i)];
            if (exact) {
              BOOST_TEST(std::bit_cast<std::uint64_t>(got) == std::bit_cast<std::uint64_t>(want));
            } else {
              BOOST_TEST(std::abs(got - want) < 1e-14 * std::max(1.0, largest(expected)));
            }
          }
        };
        Vector expected_f(static_cast<Eigen::Index>(m)), expected_g(static_cast<Eigen::Index>(size));
        std::vector<double> plain(scratch.size());
        model.template residuals<Lanes>(std::span<const Lanes>(w), std::span<Lanes>(f));
        for (int l = 0; l < lane_count; ++l) {
          compare(f, l, c.manifold.residuals(points[static_cast<std::size_t>(l)]));
        }
        model.template pullback<Lanes, Lanes>(std::span<const Lanes>(w), std::span<const Lanes>(r),
                                              std::span<Lanes>(g));
        for (int l = 0; l < lane_count; ++l) {
          const auto at = static_cast<std::size_t>(l);
          model.template pullback<double, double>(view(points[at]), view(pulled[at]), view(expected_g));
          compare(g, l, expected_g);
        }
        loss.template gradient<Lanes>(std::span<const Lanes>(w), std::span<Lanes>(scratch), std::span<Lanes>(g));
        for (int l = 0; l < lane_count; ++l) compare(g, l, c.manifold.gradient(points[static_cast<std::size_t>(l)]));
        loss.template noisy_gradient<Lanes>(std::span<const Lanes>(w), std::span<const Lanes>(r),
                                            std::span<Lanes>(scratch), std::span<Lanes>(g));
        for (int l = 0; l < lane_count; ++l) {
          const auto at = static_cast<std::size_t>(l);
          loss.template noisy_gradient<double>(view(points[at]), view(pulled[at]), std::span<double>(plain),
                                               view(expected_g));
          compare(g, l, expected_g);
        }
      });
    }
  }
}

// --- Descriptions and starts ---

BOOST_AUTO_TEST_CASE(every_manifold_describes_itself_and_starts_on_its_valley) {
  for (const Case& c : cases()) {
    BOOST_TEST_CONTEXT(c.label) {
      const ManifoldDescription& d = c.manifold.description();
      BOOST_TEST((!d.name.empty() && !d.formula.empty() && !d.coordinates.empty() && !d.summary.empty()));
      BOOST_TEST((!d.known.empty() || d.source));  // of what is typed nothing is known
      for (const ParameterInfo& p : d.parameters) {
        BOOST_TEST((!p.name.empty() && !p.meaning.empty()));
        BOOST_TEST((p.lowest <= p.default_value && p.default_value <= p.highest));
        BOOST_TEST((d.awkward.contains(p.name) || d.invalid.contains(p.name) || d.source));
      }
      const Vector start = c.manifold.default_start();
      BOOST_TEST(start.size() == c.manifold.dimension());
      BOOST_TEST(c.manifold.valley_dimension() > 0);
      BOOST_TEST(c.manifold.valley_residual(start) < on_valley_tolerance);
      const Vector q = c.manifold.slow_coordinates(start, start);
      BOOST_TEST(static_cast<std::size_t>(q.size()) == c.manifold.slow_coordinate_names().size());
      BOOST_TEST(q.allFinite());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(known_manifolds)

namespace {
double radius(const Manifold& m, const Vector& y) { return m.curvature_radius(m.geometry(y)); }
}  // namespace

BOOST_AUTO_TEST_CASE(curvature_radii_of_textbook_shapes) {
  Random random(9);
  const Manifold sphere("sphere", {{"D", 17}});
  BOOST_TEST(std::abs(radius(sphere, random.direction(17)) - 1.0) < 1e-13);

  const Manifold uv("uv", {});
  for (double u : {-3.0, -1.0, 0.25, 1.0, 2.0}) {  // v = 1/u has curvature |v''| / (1 + v'^2)^(3/2)
    const double expected = std::pow(1.0 + std::pow(u, -4.0), 1.5) * std::pow(std::abs(u), 3.0) / 2.0;
    const Vector y = Vector{{u, 1.0 / u}};
    BOOST_TEST(std::abs(radius(uv, y) / expected - 1.0) < 1e-13);
    BOOST_TEST(std::abs(std::pow(y.squaredNorm(), 1.5) / 2.0 / expected - 1.0) < 1e-13);
  }

  const double a = 6.0, b = 0.5;
  const Manifold ellipse("ellipse", {{"a", a}, {"b", b}});
  for (double angle : {0.0, 0.3, 1.1, 1.5, 4.0}) {
    const double s = a * std::sin(angle), k = b * std::cos(angle);
    const double expected =
        std::pow(s * s + k * k, 1.5) / (a * b);  // of (a cos, b sin), from first and second derivatives
    const Vector y = Vector{{a * std::cos(angle), b * std::sin(angle)}};
    BOOST_TEST(std::abs(radius(ellipse, y) / expected - 1.0) < 1e-12);
  }

  const double major = 1.0, minor = 0.9;
  const Manifold torus("torus", {{"R", major}, {"r", minor}});
  for (double theta : {0.0, 0.6, 1.5, 2.5, 3.1}) {
    const double rho = major + minor * std::cos(theta);
    const double expected = 1.0 / std::max(1.0 / minor, std::abs(std::cos(theta)) / rho);
    const Vector y = Vector{{rho * std::cos(2.0), rho * std::sin(2.0), minor * std::sin(theta)}};
    BOOST_TEST(std::abs(radius(torus, y) / expected - 1.0) < 1e-11);  // near the inner equator rho = 0.1
  }

  const Manifold channel("channel", {});
  BOOST_TEST(radius(channel, Vector{{0.7, 0.0}}) > 1e15);  // straight
}

// Valleys of dimension 99 and 63, where no matrix is formed.
BOOST_AUTO_TEST_CASE(curvature_radii_of_large_valleys) {
  Random random(11);
  const Manifold sphere("sphere", {{"D", 100}});
  BOOST_TEST(std::abs(radius(sphere, random.direction(100)) - 1.0) < 1e-6);
  // Hess f has the eigenvalues +-1, each 32 times, so that no normal curvature exceeds 1/|J| = 1/|w|; tangent vectors
  // (a, a) with a orthogonal to u + v attain it.
  const Manifold large("vector-uv", {{"d", 32}});
  const Vector y = large.retract(large.default_start() + 0.2 * random.direction(64));
  BOOST_TEST(std::abs(radius(large, y) / y.norm() - 1.0) < 1e-5);
}

BOOST_AUTO_TEST_CASE(slow_coordinates_at_known_places) {
  const auto slow = [](const Manifold& m, const Vector& y, const Vector& start) {
    return m.slow_coordinates(y, start);
  };
  const Manifold uv("uv", {}), ellipse("ellipse", {}), sphere("sphere", {}), torus("torus", {}), channel("channel", {});
  const Manifold vector_uv("vector-uv", {}), pair("quadratic-pair", {});
  const Vector uv_start = uv.default_start();
  BOOST_TEST(slow(uv, uv_start, uv_start)[0] == 3.75);
  BOOST_TEST(slow(sphere, sphere.default_start(), sphere.default_start())[0] == 1.0);
  BOOST_TEST(slow(sphere, Vector{{0.6, 0.8, 0.0}}, sphere.default_start())[0] == 0.6);
  BOOST_TEST(slow(channel, Vector{{-2.5, 0.0}}, channel.default_start())[0] == -2.5);
  BOOST_TEST(slow(pair, pair.default_start(), pair.default_start()) == pair.default_start());
  const Vector both = slow(vector_uv, vector_uv.default_start(), vector_uv.default_start());
  BOOST_TEST(both[0] == 4.25 - 1.0625);
  BOOST_TEST(both[1] == 4.25);

  BOOST_TEST(std::abs(slow(ellipse, ellipse.default_start(), ellipse.default_start())[0] - 1.1) < 1e-15);
  const auto on_ellipse = [](double angle) { return Vector{{1.5 * std::cos(angle), std::sin(angle)}}; };
  // Beyond the cut of atan2 at pi the angle goes on.
  BOOST_TEST(std::abs(slow(ellipse, on_ellipse(3.5), on_ellipse(3.0))[0] - 3.5) < 1e-14);
  BOOST_TEST(std::abs(slow(ellipse, on_ellipse(-3.5), on_ellipse(-3.0))[0] + 3.5) < 1e-14);

  const Vector start = torus.default_start();
  const Vector q = slow(torus, start, start);
  BOOST_TEST(std::abs(q[0] - (1.0 + 0.5 * std::cos(0.6))) < 1e-15);
  BOOST_TEST(std::abs(q[1] - 0.5 * std::sin(0.6)) < 1e-15);
  BOOST_TEST(q[2] == 0.0);
  const double turned = 0.4 + 2.9;
  const Vector far = Vector{{q[0] * std::cos(turned), q[0] * std::sin(turned), q[1]}};
  BOOST_TEST(std::abs(slow(torus, far, start)[2] - 2.9) < 1e-14);
}

// The samples are those of an independent Philox and Box-Muller in Python (tests/benchmarks/peers.py), and residuals
// and start are what their definitions say, written out here.
BOOST_AUTO_TEST_CASE(linear_network_by_its_definition) {
  const LinearNetwork defaults({{"features", 20}, {"samples", 10}, {"sparsity", 3}, {"seed", 1}});
  BOOST_TEST(std::abs(defaults.data()[0] - 0.615051897626402) < 1e-14);
  BOOST_TEST(std::abs(defaults.data()[1] + 0.3742070651693795) < 1e-14);
  BOOST_TEST(std::abs(defaults.data()[20] - 1.0643732505421433) < 1e-14);
  BOOST_TEST(std::abs(defaults.data()[199] + 0.016093798972482448) < 1e-14);

  for (const auto& [features, samples, sparsity] : {std::array{20, 10, 3}, std::array{7, 6, 2}, std::array{2, 1, 2}}) {
    const LinearNetwork model({{"features", features}, {"samples", samples}, {"sparsity", sparsity}, {"seed", 5}});
    const Matrix x = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
        model.data().data(), samples, features);
    Vector teacher = Vector::Zero(features);
    teacher.head(sparsity).setOnes();
    Random random(12);
    const Vector w = random.vector(2 * features), u = w.head(features), v = w.tail(features);
    Vector f(samples);
    model.residuals<double>(view(w), view(f));
    const Vector b = u.cwiseAbs2() - v.cwiseAbs2();
    BOOST_TEST(largest(f - x * (b - teacher)) < 1e-13);

    Vector q(2);
    model.slow_coordinates(view(w), view(w), view(q));
    BOOST_TEST(std::abs(q[0] - (b - teacher).squaredNorm()) < 1e-13);
    BOOST_TEST(std::abs(q[1] - u.cwiseProduct(v).squaredNorm()) < 1e-14);

    const std::vector<double> start = model.default_start();
    const Vector y = Eigen::Map<const Vector>(start.data(), 2 * features);
    const Vector at_start = y.head(features).cwiseAbs2() - y.tail(features).cwiseAbs2();
    const Vector least = x.completeOrthogonalDecomposition().solve(x * teacher);  // the solution of least norm
    BOOST_TEST(largest(at_start - least) < 1e-12);
    BOOST_TEST(largest(y.head(features).cwiseProduct(y.tail(features)) - Vector::Constant(features, 0.25)) < 1e-15);
  }
}

// More samples than a tile of the pullback, fewer, and a single one; widths that the teacher's divides and not.
BOOST_AUTO_TEST_CASE(teacher_student_by_its_definition) {
  for (const auto& [inputs, width, teacher_width, samples] :
       {std::array{4, 4, 2, 4}, std::array{3, 7, 3, 19}, std::array{1, 2, 1, 1}}) {
    const TeacherStudent model(network_sizes(inputs, width, teacher_width, samples, 5));
    const Matrix x = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
        model.data().data(), samples, inputs);
    const Vector y = Eigen::Map<const Vector>(model.labels().data(), samples);
    const Vector w = Random(12).vector(model.dimension());
    Vector f(samples);
    model.residuals<double>(view(w), view(f));
    BOOST_TEST(largest(f - (network_answers(x, width, w) - y)) < 1e-14);

    const std::vector<double> embedded = model.embedded_teacher();
    const Vector teacher = Eigen::Map<const Vector>(embedded.data(), model.dimension());
    BOOST_TEST(largest(network_answers(x, width, teacher) - y) < 1e-14);
    BOOST_TEST(largest(y) > 1e-2);
    Vector q(2);
    model.slow_coordinates(view(teacher), view(teacher), view(q));
    BOOST_TEST(q[0] < 1e-28);
    BOOST_TEST(std::abs(q[1] - teacher.squaredNorm()) < 1e-13);
  }
}

// Over 40 seeds: the mean error of 128 samples is the mean over new ones, each ratio off by 0.13 and the mean of the
// ratios by 0.02; teacher's squares have the mean 2 / fan-in.
BOOST_AUTO_TEST_CASE(test_error_is_the_mean_over_new_samples_and_the_teacher_has_kaiming_weights) {
  constexpr int seeds = 40, inputs = 3, width = 3, draws = 4000;
  std::mt19937_64 engine(7);
  std::normal_distribution<double> normal;
  double ratio = 0.0, outputs = 0.0, units = 0.0;
  for (int seed = 1; seed <= seeds; ++seed) {
    const TeacherStudent model(network_sizes(inputs, width, width, 2, seed));
    const std::vector<double> embedded = model.embedded_teacher(), start = model.default_start();
    const Vector teacher = Eigen::Map<const Vector>(embedded.data(), model.dimension()),
                 student = Eigen::Map<const Vector>(start.data(), model.dimension());
    outputs += teacher.head(width).squaredNorm() / width;
    units += teacher.tail(inputs * width).squaredNorm() / (inputs * width);
    const Matrix x = Matrix::NullaryExpr(draws, inputs, [&] { return normal(engine); });
    Vector q(2);
    model.slow_coordinates(view(student), view(student), view(q));
    ratio += q[0] / ((network_answers(x, width, student) - network_answers(x, width, teacher)).squaredNorm() / draws);
  }
  BOOST_TEST(std::abs(ratio / seeds - 1.0) < 0.1);
  BOOST_TEST(std::abs(outputs / seeds * width / 2.0 - 1.0) < 0.5);  // sd (2 / 120)^(1/2) = 0.13
  BOOST_TEST(std::abs(units / seeds * inputs / 2.0 - 1.0) < 0.3);   // sd 0.075
}

// d^3/df^3 (cosh f - 1) = 0 at f = 0: the second dual numbers of one must give the residual formula of the other.
BOOST_AUTO_TEST_CASE(generic_third_contraction_equals_that_of_least_squares) {
  for (const ParameterValues& parameters : {ParameterValues{}, ParameterValues{{"kappa", 2.0}, {"lambda", 1.0}}}) {
    const Manifold generic("cosh-pair", parameters), squares("quadratic-pair", parameters);
    BOOST_TEST((squares.is_least_squares() && !generic.is_least_squares()));
    Random random(10);
    for (int i = 0; i < 3; ++i) {
      const Vector y = squares.retract(squares.default_start() + 0.5 * random.direction(4));
      const Matrix s = random.symmetric(4);
      const Vector one = generic.third_contraction(y, s), other = squares.third_contraction(y, s);
      BOOST_TEST(largest(one - other) < 1e-12 * std::max(1.0, largest(other)));
      const Geometry g = squares.geometry(y);
      BOOST_TEST(largest(g.longitudinal(one)) > 1e-2);
      BOOST_TEST(largest(g.longitudinal(one - other)) < 1e-12 * std::max(1.0, largest(other)));
      BOOST_TEST(largest(generic.geometry(y).spectrum - g.spectrum) < 1e-12 * g.trace_hessian());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
