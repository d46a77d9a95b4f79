// The limit map of the gradient flow, and the flow of label noise along the valley, where the checks D3 and D11 do not
// look: far away, at saddles, at changes of rank, over long times, and what bounds their work.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "manifolds/catalogue.hpp"
#include "manifolds/errors.hpp"
#include "sde/label_flow.hpp"
#include "sde/limit_map.hpp"
#include "support.hpp"
#include "tests/formulas.hpp"

using namespace support;
using valleydrift::NumericalError;
using valleydrift::manifolds::Geometry;
using valleydrift::manifolds::Hyperparameters;
using valleydrift::manifolds::Scheme;
using valleydrift::sde::Form;
using valleydrift::sde::gradient_flow;
using valleydrift::sde::label_flow;
using valleydrift::sde::label_path;
using valleydrift::sde::limit_map;
using valleydrift::sde::LimitForm;

namespace {

const LimitForm paper(Form::paper, Hyperparameters{Scheme::heavy_ball, 0.05, 0.1, 0.0});
LimitForm finite_step(Scheme scheme, double eta, double mu) {
  return LimitForm(Form::finite_step, Hyperparameters{scheme, eta, mu, 0.0});
}

constexpr double flow_bound =
    1e-8;  // the header promises 1e-9 of |Y|; coordinates derived from it lose a few times that

/// `call` throws NumericalError with all the words.
template <class Call>
void check_error(const Call& call, const std::vector<std::string>& words) {
  try {
    call();
    BOOST_ERROR("no error");
  } catch (const NumericalError& error) {
    const std::string message = error.what();
    for (const std::string& word : words) BOOST_TEST(message.find(word) != std::string::npos, message);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(limit_of_the_gradient_flow)

// d(u v)/ds = -2 u v s_k + 2 u v s_k = 0 for each feature of the diagonal network, and nothing less would be conserved:
// u^2 - v^2 is not.
BOOST_AUTO_TEST_CASE(gradient_flow_of_the_diagonal_network_conserves_its_products) {
  const Manifold m("linear-network", {});
  const Eigen::Index features = m.dimension() / 2;
  const Vector w = m.default_start() + 0.3 * Random(3).direction(m.dimension()), end = limit_map(m, w);
  const auto product = [&](const Vector& x) { return Vector(x.head(features).cwiseProduct(x.tail(features))); };
  const auto answer = [&](const Vector& x) {
    return Vector(x.head(features).cwiseAbs2() - x.tail(features).cwiseAbs2());
  };
  BOOST_TEST(largest(product(end) - product(w)) < 1e-9);
  BOOST_TEST(largest(answer(end) - answer(w)) > 1e-2);
}

BOOST_AUTO_TEST_CASE(closed_ends_far_from_the_valley) {
  // uv conserves u^2 - v^2; the sphere's flow is radial.
  const Manifold uv("uv", {}), sphere("sphere", {{"D", 5}});
  for (const Vector& w : {Vector{{3.0, 2.0}}, Vector{{0.01, 0.02}}, Vector{{-2.0, 0.1}}, Vector{{1.0, -0.9}}}) {
    const Vector end = limit_map(uv, w);
    BOOST_TEST(std::abs(end[0] * end[1] - 1.0) < 1e-12);
    const double before = w[0] * w[0] - w[1] * w[1], after = end[0] * end[0] - end[1] * end[1];
    BOOST_TEST(std::abs(after - before) < 1e-9);
    BOOST_TEST((end[0] > 0.0) == (w.sum() > 0.0));  // u + v keeps its sign where u = v is approached
  }
  for (const double length : {0.01, 0.5, 3.0}) {
    const Vector direction = Random(5).direction(5);
    BOOST_TEST(largest(limit_map(sphere, length * direction) - direction) < 1e-10);
  }
}

BOOST_AUTO_TEST_CASE(points_without_gradient_off_the_valley_are_named) {
  const std::string vanishes = "the gradient vanishes";
  const Manifold uv("uv", {}), sphere("sphere", {}), ellipse("ellipse", {}), torus("torus", {});
  check_error([&] { limit_map(uv, Vector{{0.0, 0.0}}); }, {"uv", vanishes, "(0, 0)", "max |f| = 1", "--start"});
  check_error([&] { limit_map(sphere, Vector::Zero(3)); }, {"sphere", vanishes, "max |f| = 0.5"});
  check_error([&] { limit_map(ellipse, Vector::Zero(2)); }, {"ellipse", vanishes, "max |f| = 0.5"});
  check_error([&] { limit_map(torus, Vector::Zero(3)); }, {"torus", vanishes});
  // Starts on the stable manifold of a saddle: u = -v, and the torus's axis.
  check_error([&] { limit_map(uv, Vector{{0.5, -0.5}}); }, {"uv", vanishes, "from (0.5, -0.5)", "max |f| = 1"});
  check_error([&] { limit_map(torus, Vector{{0.0, 0.0, 0.1}}); }, {"torus", vanishes, "from (0, 0, 0.1)"});
  // Beside a saddle the flow only takes longer.
  BOOST_TEST(largest(limit_map(uv, Vector{{1e-9, 1e-9}}) - Vector{{1.0, 1.0}}) < 1e-9);
}

// A flow that does not come to rest ends after a bounded number of operations: gradients, as the message says, times
// what the tapes of one hold, counted here.
BOOST_AUTO_TEST_CASE(flows_of_typed_valleys_are_bounded) {
  using namespace valleydrift::manifolds;
  const auto endless = [](int m) {  // no zero; stiff in u, and hardly any slope in v
    std::string variables = "u,v", start = "0.5,0.5";
    std::vector<std::string> residuals;
    for (int a = 0; a < m; ++a) {
      variables += fmt::format(",x{}", a);
      start += ",0.5";
      std::string residual = fmt::format("2+u^2+1e-6*(v^2+x{}^2)", a);
      const std::size_t length = m < 10 ? 4000 : 400;
      for (int k = 1; residual.size() < length; ++k) residual += fmt::format("+1e-9*sin({}*u*v)", 100 * k + a);
      residuals.push_back(residual);
    }
    return valleydrift::tests::typed("endless", variables, residuals, start);
  };
  for (const int m : {1, 7, 60}) {
    BOOST_TEST_CONTEXT(m << " residuals") {
      const auto source = endless(m);
      const Formula f = read_formula(source, {});
      const auto instructions = static_cast<double>(f.residuals.instruction_count() + f.pullback.instruction_count());
      BOOST_TEST(instructions > 1000.0);
      const Manifold manifold(description_of(source), {});
      std::string message;
      try {
        limit_map(manifold, manifold.default_start());
      } catch (const NumericalError& error) {
        message = error.what();
      }
      const std::string before = "was given up after ";
      BOOST_TEST_REQUIRE(message.find(before) != std::string::npos, message);
      BOOST_TEST(message.find("--start nearer") != std::string::npos);
      const double gradients = std::stod(message.substr(message.find(before) + before.size()));
      BOOST_TEST_MESSAGE(m << " residuals: " << gradients << " gradients of " << instructions << " instructions");
      BOOST_TEST(gradients * instructions < 1e8);
      BOOST_TEST(gradients > 100.0);
    }
  }
}

// The flow's curve depends neither on the factor of a residual nor, but for its size, on that of the valley.
BOOST_AUTO_TEST_CASE(the_limit_map_goes_by_the_scale_of_the_valley) {
  const Vector direction{{2.3, 0.6}};
  const Vector expected = limit_map(Manifold("uv", {}), direction);
  for (const double size : {1e-8, 1e-2, 1.0, 1e4}) {
    for (const double factor : {1e-6, 1.0, 1e6}) {
      const auto source =
          valleydrift::tests::typed("scaled-uv", "u,v", {fmt::format("{}*(u*v - {})", factor, size * size)}, "1,1");
      const Manifold m(valleydrift::manifolds::description_of(source), {});
      const Vector end = limit_map(m, size * direction);
      BOOST_TEST((end / size - expected).norm() < 1e-9, "size " << size << ", factor " << factor << ": " << end / size);
      BOOST_TEST((limit_map(m, end) - end).norm() == 0.0);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_gradient_flow_goes_by_the_scale_of_the_residual) {
  const Vector start{{2.3, 0.6}};
  const std::vector<Vector> expected = gradient_flow(Manifold("uv", {}), start, {0.05, 0.5, 8.0});
  for (const double factor : {1e-8, 1e-6, 1e3}) {
    const auto source = valleydrift::tests::typed("scaled-uv", "u,v", {fmt::format("{}*(u*v - 1)", factor)}, "1,1");
    const Manifold m(valleydrift::manifolds::description_of(source), {});
    const double unit = 1.0 / (factor * factor);
    const std::vector<Vector> flow = gradient_flow(m, start, {0.05 * unit, 0.5 * unit, 8.0 * unit});
    for (std::size_t i = 0; i < flow.size(); ++i) {
      BOOST_TEST((flow[i] - expected[i]).norm() < 1e-9, "factor " << factor << ": " << flow[i] << " at " << i);
    }
  }
}

// What the bound must not keep from the valley: residuals of 4096 characters, and formulas of a line however stiff.
BOOST_AUTO_TEST_CASE(long_formulas_that_converge_are_followed_to_their_end) {
  using namespace valleydrift::manifolds;
  const auto descends = [](const FormulaSource& source) {
    const Manifold m(description_of(source), {});
    const Vector end = limit_map(m, m.default_start());
    BOOST_TEST(m.valley_residual(end) < 1e-10);
    BOOST_TEST((end - m.default_start()).norm() > 1e-2);
  };
  const std::vector<std::string> names = {"u", "v", "x", "y", "z"};
  std::vector<std::string> residuals;
  Random random(8);
  for (std::size_t a = 0; a < 2; ++a) {  // u + v/3 and v + u/3, bent by two hundred small terms
    std::string text = names[a] + "+" + names[1 - a] + "/3";
    while (text.size() < 4060) {
      const auto name = [&] { return names[static_cast<std::size_t>(2.5 * (random.number() + 1.0))]; };
      const std::string first = name(), second = name(), third = name();
      text += fmt::format("{:+.3f}*{}*sin({}+{})", 0.01 * random.number(), first, second, third);
    }
    residuals.push_back(text);
  }
  descends(valleydrift::tests::typed("long", "u,v,x,y,z", residuals, "0.8,-0.5,0.3,0.9,-0.7"));
  descends(valleydrift::tests::typed("stiff", "u,v,x,y", {"u*v - 1", "(x*y - 1)/40"}, "1.5,1,1.3,1"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(label_noise_flow)

// A first step so long that the drift overflows there: it is taken back, and the path is that of many short legs.
BOOST_AUTO_TEST_CASE(a_step_beyond_the_numbers_is_not_taken) {
  const Manifold m("matrix-sensing",
                   {{"dimension", 3}, {"rank", 2}, {"teacher-rank", 2}, {"samples", 3}, {"variant", 1}, {"seed", 3}});
  std::vector<double> times;
  for (double t = 0.25; t <= 64.0; t *= 2.0) times.push_back(t);
  for (double t = 128.0; t <= 4096.0; t *= 2.0) times.push_back(t);
  const Vector y0 = m.default_start();
  const LimitForm form = finite_step(Scheme::heavy_ball, 0.05, 0.1);
  const Vector by_legs = label_path(m, form, y0, times).back(), at_once = label_flow(m, form, y0, times.back());
  BOOST_TEST(at_once.allFinite());
  BOOST_TEST(largest(at_once - by_legs) < 1e-6);
}

BOOST_AUTO_TEST_CASE(ellipse_relaxes_at_the_linearised_rate_near_its_flattest_point) {
  const double a = 1.5, b = 1.0, c = 1.0;
  const Manifold m("ellipse", {{"a", a}, {"b", b}});
  const double rate = c * (a * a - b * b) / (2.0 * a * a * std::pow(b, 4));
  const auto angle = [&](const Vector& y) { return std::atan2(y[1] / b, y[0] / a); };
  // The flow is odd in the angle: the rate changes by the angle squared, 1e-6 at 1e-3.
  const double angle0 = 1e-3, t = 2.0 / rate;
  const Vector y = label_flow(m, paper, Vector{{a * std::cos(angle0), b * std::sin(angle0)}}, t);
  BOOST_TEST(std::abs(std::log(angle0 / angle(y)) / (rate * t) - 1.0) < 1e-5);
  // At the steep end it moves away at the rate of the exchanged axes, c (a^2 - b^2)/(2 b^2 a^4).
  const double growth = c * (a * a - b * b) / (2.0 * b * b * std::pow(a, 4));
  const Vector z = label_flow(m, paper, Vector{{a * std::sin(angle0), b * std::cos(angle0)}}, 1.0 / growth);
  BOOST_TEST(std::abs(std::log(std::atan2(z[0] / a, z[1] / b) / angle0) - 1.0) < 1e-4);
}

BOOST_AUTO_TEST_CASE(sphere_does_not_move) {
  const Manifold m("sphere", {{"D", 6}});
  const Vector y0 = Random(6).direction(6);
  for (const LimitForm& form :
       {paper, finite_step(Scheme::heavy_ball, 0.5, 0.1), finite_step(Scheme::nesterov, 0.5, 0.1)}) {
    BOOST_TEST(largest(label_flow(m, form, y0, 10.0) - y0) < 1e-13);  // ten units of a drift of rounding size
  }
}

// The linear channel x' = -x/2 approaches x = 0, where the Hessian x^2 vanishes, without reaching it: the spectrum
// falls below 1e-9 of the first at t = log(1e9) = 20.7.
BOOST_AUTO_TEST_CASE(change_of_rank_stops_the_flow) {
  const Manifold m("channel", {{"profile", 2}});
  BOOST_TEST(std::abs(label_flow(m, paper, Vector{{1.0, 0.0}}, 10.0)[0] - std::exp(-5.0)) < flow_bound);
  check_error([&] { label_flow(m, paper, Vector{{1.0, 0.0}}, 25.0); }, {"channel", "rank of the Hessian changes"});
}

// The flattest solutions are sparse: label noise leads from the solution of least norm to the teacher. Slow time runs
// until |u*v|^2 has fallen from 1.25 to 1.5e-3, well before the rank of the Hessian is lost.
BOOST_AUTO_TEST_CASE(label_noise_finds_the_sparse_teacher_of_the_diagonal_network) {
  const Manifold m("linear-network", {});
  const Vector start = m.default_start(), end = label_flow(m, paper, start, 16.0);
  const Vector before = m.slow_coordinates(start, start), after = m.slow_coordinates(end, start);
  BOOST_TEST(before[0] > 1.0);
  BOOST_TEST_MESSAGE("test error " << after[0] << ", |u*v|^2 " << after[1]);
  BOOST_TEST(after[0] < 0.1);
  BOOST_TEST(after[1] < 2e-3);
}

// Flat is few units: of the student's five one is left, the others' weights decay to 0, the flow ends there with H of
// full rank, and the student is closer to its teacher of two than where it began.
BOOST_AUTO_TEST_CASE(label_noise_leaves_the_student_one_unit) {
  constexpr int width = 5, inputs = 4;
  const Manifold m("teacher-student", {});
  const Vector start = m.default_start(), end = label_flow(m, paper, start, 512.0);
  const auto live = [&](const Vector& y) {
    int count = 0;
    for (int k = 0; k < width; ++k) {
      count += std::abs(y[k]) > 1e-3 || y.segment(width + k * inputs, inputs).norm() > 1e-3 ? 1 : 0;
    }
    return count;
  };
  BOOST_TEST(live(start) == width);
  BOOST_TEST(live(end) == 1);
  const Geometry at_end = m.geometry(end);
  BOOST_TEST(m.geometry(start).trace_hessian() > 4.5);
  BOOST_TEST(at_end.trace_hessian() < 0.8);
  BOOST_TEST(at_end.spectrum[0] > 9e-3);
  const Vector before = m.slow_coordinates(start, start), after = m.slow_coordinates(end, start);
  BOOST_TEST_MESSAGE("test error " << before[0] << " -> " << after[0]);
  BOOST_TEST(before[0] > 0.1);
  BOOST_TEST(after[0] < 0.015);
}

BOOST_AUTO_TEST_SUITE_END()
