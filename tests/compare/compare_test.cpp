// The main job against what is known exactly, and its power against theories that are wrong.
#include "validation/compare/compare.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <sstream>

#include "manifolds/errors.hpp"

namespace valleydrift {

using namespace valleydrift::compare;
using namespace valleydrift::run;

namespace {

Comparison result_of(const RunConfig& config) {
  const ResolvedRun resolved = resolve(config);
  return compare::compare(resolved, plan_comparison(resolved));
}

const ObservableResult& observable(const Comparison& c, const std::string& name) {
  for (const ObservableResult& o : c.observables) {
    if (o.name == name) return o;
  }
  throw std::runtime_error("no observable " + name);
}

Matrix full_rank_sigma() {
  std::ifstream file(VALLEYDRIFT_SOURCE_DIR "/tests/data/full_rank_sigma.csv");
  Matrix sigma(4, 4);
  for (Eigen::Index i = 0; i < 4; ++i) {
    std::string line;
    std::getline(file, line);
    std::istringstream cells(line);
    for (Eigen::Index j = 0; j < 4; ++j) {
      std::string cell;
      std::getline(cells, cell, ',');
      sigma(i, j) = std::stod(cell);
    }
  }
  return sigma;
}

RunConfig quadratic_pair(double beta) {
  RunConfig config;
  config.manifold = "quadratic-pair";
  config.noise = NoiseKind::constant;
  config.sigma = full_rank_sigma();
  config.beta = beta;
  config.paths = 16384;
  return config;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(comparing)

BOOST_AUTO_TEST_CASE(uv_with_label_noise, *boost::unit_test::label("slow")) {
  const Comparison c = result_of(RunConfig{});
  BOOST_TEST((c.verdict == Verdict::agree), c.reason);
  // (u0^2 - v0^2) e^(-t) in the paper form.
  const ObservableResult& x = observable(c, "u^2-v^2");
  for (std::size_t r = 0; r < c.times.size(); ++r) {
    BOOST_TEST(std::abs(x.theory_paper[r] - 3.75 * std::exp(-c.times[r])) < 1e-8);
  }
  // dx/dt = -4 R'(l) x in the finite-step form, by a Runge-Kutta method of its own.
  double value = 3.75;
  const double eta = 0.05, beta = 0.9;
  const auto rate = [&](double q) {
    const double l = std::sqrt(q * q + 4.0);
    return -q / (1.0 - eta * l / (2.0 * (1.0 + beta)));
  };
  for (std::size_t r = 1; r < c.times.size(); ++r) {
    constexpr int steps = 100;
    const double h = (c.times[r] - c.times[r - 1]) / steps;
    for (int i = 0; i < steps; ++i) {
      const double k1 = rate(value), k2 = rate(value + 0.5 * h * k1), k3 = rate(value + 0.5 * h * k2);
      value += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + rate(value + h * k3));
    }
    BOOST_TEST(std::abs(x.theory[r] - value) < 1e-8);
  }
  BOOST_TEST((c.epsilon_ladder[0].slope.has_value() && c.epsilon_ladder[0].consistent));
}

// At eta = 0.05 the finite-step form differs from the paper form by 0.035: judged at that eta alone, on the epsilon
// ladder as the asymptotic form is, it must be told from it.
BOOST_AUTO_TEST_CASE(a_run_that_ends_in_its_first_relaxation_times_decides_nothing) {
  for (const auto& [time, epsilon] : {std::pair{0.003, 0.064}, {0.1, 0.064}, {0.5, 0.14}}) {
    RunConfig config;
    config.paths = 4096;
    config.time = time;
    config.epsilon = epsilon;
    const Comparison c = result_of(config);
    BOOST_TEST((c.verdict == Verdict::inconclusive), c.reason);
    BOOST_TEST(c.reason.find("longer --time") != std::string::npos, c.reason);
  }
}

// The motion along the valley is thirty times faster than slow time: the steps of the theory must follow it.
BOOST_AUTO_TEST_CASE(sphere_of_many_dimensions) {
  RunConfig config;
  config.manifold = "sphere";
  config.parameters = {{"D", "40"}};
  config.noise = NoiseKind::isotropic;
  config.paths = 512;
  config.time = 0.1;
  const Comparison c = result_of(config);
  BOOST_TEST(std::abs(c.applicability.valley_rate - 19.5) < 0.5);
  const ObservableResult& q = observable(c, "y.y0");
  BOOST_TEST((q.verdict == Verdict::agree), q.reason);
  for (std::size_t r = 1; r < c.times.size(); ++r) {
    BOOST_TEST(std::abs(q.theory[r] - std::exp(-19.5 * c.times[r])) < 6.0 / std::sqrt(40.0 * 512.0));
  }
}

// y e^x: tr H = e^(2x) = h changes as dh/dt = -h^2 while eta h is small, at the default start x = 1 at the rate e^2.
BOOST_AUTO_TEST_CASE(runs_on_steep_valleys_are_short) {
  RunConfig config;
  config.manifold = "channel";
  config.parameters = {{"profile", "exp"}};
  config.eta = 1e-4;
  const ResolvedRun run = resolve(config);
  BOOST_TEST(std::abs(run.applicability.valley_rate / std::exp(2.0) - 1.0) < 0.01);
  BOOST_TEST(std::abs(*run.config.time - 0.40) < 1e-12);
  config.parameters = {{"profile", "sqrt"}};
  BOOST_TEST(*resolve(config).config.time == 2.0);
  for (const auto& [rate, drifting, diffusing] : {std::array{0.0, 2.0, 2.0},
                                                  {1.5, 2.0, 2.0},
                                                  {6.0, 0.5, 2.0},
                                                  {200.0, 0.015, 0.5},
                                                  {std::nan(""), 2.0, 2.0},
                                                  {HUGE_VAL, 2.0, 2.0}}) {
    const Applicability a{.valley_rate = rate, .conditions = {}};
    BOOST_TEST(std::abs(a.span(2.0, true) - drifting) < 1e-12);
    BOOST_TEST(std::abs(a.span(2.0, false) - diffusing) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(uv_against_the_asymptotic_form_disagrees) {
  RunConfig config;
  config.paths = 4096;
  config.gamma = 0.5;
  config.form = Form::asymptotic;
  BOOST_TEST((result_of(config).verdict == Verdict::disagree));
}

BOOST_AUTO_TEST_CASE(sphere_with_label_noise_does_not_move, *boost::unit_test::label("slow")) {
  RunConfig config;
  config.manifold = "sphere";
  const Comparison c = result_of(config);
  BOOST_TEST((c.verdict == Verdict::agree), c.reason);
  BOOST_TEST(!c.moves_along_valley);
  BOOST_TEST(c.reason.find("neither process moves along the valley") != std::string::npos);
}

// E[Y . y0] = e^(-(D-1) t/2), for both processes.
BOOST_AUTO_TEST_CASE(brownian_motion_on_the_sphere, *boost::unit_test::label("slow")) {
  RunConfig config;
  config.manifold = "sphere";
  config.noise = NoiseKind::isotropic;
  config.parameters = {{"D", "3"}};
  config.paths = 8192;
  const Comparison c = result_of(config);
  BOOST_TEST((c.verdict == Verdict::agree), c.reason);
  const ObservableResult& q = observable(c, "y.y0");
  for (std::size_t r = 1; r < c.times.size(); ++r) {
    const double exact = std::exp(-c.times[r]);
    // Six standard errors; y.y0 has a standard deviation below (1/3)^(1/2).
    const double bound = 6.0 * std::sqrt(1.0 / 3.0 / static_cast<double>(config.paths));
    BOOST_TEST(std::abs(q.theory[r] - exact) < bound);
    BOOST_TEST(std::abs(q.discrete[r] - exact) < bound + 0.005);              // eps^2 at eps = 0.064
    BOOST_TEST(std::abs(q.theory[r] - std::exp(-0.5 * c.times[r])) > bound);  // D = 2's law
  }
}

BOOST_AUTO_TEST_CASE(shared_noise_closes_path_by_path, *boost::unit_test::label("slow")) {
  RunConfig config;
  config.manifold = "sphere";
  config.noise = NoiseKind::isotropic;
  config.shared_noise = true;
  const Comparison c = result_of(config);
  BOOST_REQUIRE(c.path_error.has_value());
  BOOST_REQUIRE(c.path_error->slope.has_value());
  BOOST_TEST(c.path_error->consistent);
  BOOST_TEST(c.path_error->difference[1] < 0.7 * c.path_error->difference[0]);
  BOOST_TEST((c.verdict == Verdict::agree), c.reason);
}

BOOST_AUTO_TEST_CASE(nesterov_has_its_own_form, *boost::unit_test::label("slow")) {
  RunConfig config;
  config.paths = 4096;
  config.scheme = Scheme::nesterov;
  BOOST_TEST((result_of(config).verdict == Verdict::agree));
  // To leading order Nesterov's is heavy ball's, but not at eta l = 2 mu.
  config.form = Form::paper;
  const Comparison paper = result_of(config);
  BOOST_TEST((paper.verdict == Verdict::inconclusive));
  BOOST_TEST(paper.reason.find("not applicable: paper form") == 0U, paper.reason);
}

BOOST_AUTO_TEST_CASE(paper_form_on_the_eta_ladder, *boost::unit_test::label("slow")) {
  RunConfig config;
  config.paths = 4096;
  config.form = Form::paper;
  const Comparison c = result_of(config);
  BOOST_TEST((c.verdict == Verdict::agree), c.reason);
  for (const LadderResult& ladder : c.eta_ladder) BOOST_TEST(ladder.consistent, ladder.observable);
  BOOST_TEST(c.eta_ladder[0].slope.has_value());
}

BOOST_AUTO_TEST_CASE(quadratic_pair_with_a_full_rank_noise, *boost::unit_test::label("slow")) {
  for (const double beta : {0.0, 0.9, 0.99}) {
    const Comparison c = result_of(quadratic_pair(beta));
    BOOST_TEST((c.verdict == Verdict::agree), "beta " << beta << ": " << c.reason);
    BOOST_TEST(c.observables.size() == 17U);
  }
}

BOOST_AUTO_TEST_CASE(quadratic_pair_against_the_lyapunov_operator_alone_disagrees, *boost::unit_test::label("slow")) {
  RunConfig config = quadratic_pair(0.99);
  config.gamma = 0.4;
  config.form = Form::asymptotic;
  const Comparison c = result_of(config);
  BOOST_TEST((c.verdict == Verdict::disagree));
  for (const char* name : {"x3", "x4", "trace_hessian", "var(x3)"}) {
    BOOST_TEST((observable(c, name).verdict == Verdict::disagree), name);
  }
}

// One noise with each scheme; `verify` has the other pairs. Label noise alone where the limiting diffusion of many
// noise columns cannot be paid for, as in `verify`.
BOOST_AUTO_TEST_CASE(every_manifold_and_scheme_agrees, *boost::unit_test::label("slow")) {
  for (const auto& description : manifolds::descriptions()) {
    for (const auto& [scheme, noise] :
         {std::pair{Scheme::heavy_ball, NoiseKind::isotropic}, {Scheme::nesterov, NoiseKind::label}}) {
      RunConfig config;
      config.manifold = description.name;
      config.scheme = scheme;
      constexpr int most_diffusing = 8;
      config.noise = Manifold(description.name, {}).dimension() <= most_diffusing ? noise : NoiseKind::label;
      config.paths = 8192;
      config.eta = config.noise == NoiseKind::label ? 0.05 : 0.02;  // diffusing paths come to steeper places
      const Comparison c = result_of(config);
      BOOST_TEST((c.verdict == Verdict::agree),
                 description.name << ", " << name_of(scheme) << ", " << name_of(config.noise) << ": " << c.reason);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
