// Relaxation times against the closed forms, DERIVATION (31).
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "tests/formulas.hpp"
#include "validation/report/inspection_report.hpp"
#include "validation/run/beta_text.hpp"

namespace valleydrift {

using inspect::Inspection;
using run::RunConfig;

BOOST_AUTO_TEST_SUITE(inspection)

namespace {

Inspection inspect(const std::string& manifold, const std::map<std::string, std::string>& parameters = {},
                   std::optional<std::vector<double>> start = {}) {
  RunConfig config;
  config.manifold = manifold;
  config.parameters = parameters;
  config.start = start;
  config.eta = 1e-3;  // stable for every parameter below
  return inspect::inspect(run::resolve(config));
}

/// c of every manifold here is 1.
void check_time(const Inspection& i, double expected) {
  BOOST_REQUIRE_MESSAGE(i.tau_Y.value.has_value(), i.tau_Y.reason);
  BOOST_TEST(std::abs(*i.tau_Y.value / expected - 1.0) < 1e-12, *i.tau_Y.value << " against " << expected);
  BOOST_TEST(i.relaxation_error < 1e-11);
  const auto& h = i.hyperparameters;
  const double unit = std::pow(h.mu / (h.eta * h.epsilon), 2);
  BOOST_TEST(std::abs(*i.tau_2.value / (unit * expected) - 1.0) < 1e-12);
  BOOST_TEST(std::abs(std::pow(*i.C_star.value, 3) * expected / (2.0 * h.epsilon * h.epsilon) - 1.0) < 1e-12);
}

void check_absent(const Inspection& i, const std::string& word) {
  for (const auto* figure : {&i.tau_Y, &i.tau_2, &i.C_star}) {
    BOOST_TEST(!figure->value.has_value());
    BOOST_TEST(figure->reason.find(word) != std::string::npos, figure->reason);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(relaxation_time_of_uv) {
  for (const double u : {2.0, -3.0, 1.0 + 1e-7, 0.05}) check_time(inspect("uv", {}, {{u, 1.0 / u}}), 1.0);
}

// As large a time on a valley of any size, with residuals of any.
BOOST_AUTO_TEST_CASE(relaxation_time_of_small_and_large_valleys) {
  for (const double size : {1e-8, 1e-3, 1e4}) {
    for (const double factor : {1e-3, 1.0}) {
      const double value = size * size;
      RunConfig config;
      config.formula = std::make_shared<const manifolds::FormulaSource>(
          tests::typed("scaled-uv", "u,v", {fmt::format("{}*(u*v - {})", factor, value)}, "1,1"));
      config.start = std::vector<double>{2.0 * size, 0.5 * size};
      config.eta = 0.1 / (4.25 * value * factor * factor);
      check_time(inspect::inspect(run::resolve(config)), 1.0 / (factor * factor));
    }
  }
}

// tr H = u^2 + v^2 falls at the rate |grad tr H|^2 / tr H = 4 (u^2 - v^2)^2 / (u^2 + v^2)^2 / 4 from (2, 1/2).
BOOST_AUTO_TEST_CASE(what_is_said_does_not_depend_on_the_unit_of_the_residual) {
  for (const double factor : {1e-7, 1e-3, 1.0, 1e3}) {
    RunConfig config;
    config.formula = std::make_shared<const manifolds::FormulaSource>(
        tests::typed("scaled-uv", "u,v", {fmt::format("{}*(u*v - 1)", factor)}, "1,1"));
    config.start = std::vector<double>{2.0, 0.5};
    config.eta = 0.01 / (4.25 * factor * factor);
    const inspect::Inspection found = inspect::inspect(run::resolve(config));
    const double rate = std::pow(3.75 / 4.25, 2);
    BOOST_REQUIRE_MESSAGE(found.local_time.value, factor << ": " << found.local_time.reason);
    BOOST_TEST(*found.local_time.value * factor * factor == 1.0 / rate, boost::test_tools::tolerance(1e-9));
    BOOST_TEST(report::inspection_text(found).find(fmt::format("  {:<20}(0, 0)", "  total")) == std::string::npos,
               factor);
  }
}

BOOST_AUTO_TEST_CASE(relaxation_time_of_the_ellipse) {
  for (const auto& [a, b] : {std::pair{1.5, 1.0}, {3.0, 0.5}, {1.0, 2.0}}) {
    const double longer = std::max(a, b), shorter = std::min(a, b);
    const double expected = 2.0 * longer * longer * std::pow(shorter, 4) / (longer * longer - shorter * shorter);
    check_time(inspect("ellipse", {{"a", std::to_string(a)}, {"b", std::to_string(b)}}), expected);
  }
}

BOOST_AUTO_TEST_CASE(relaxation_time_of_the_channel) {
  check_time(inspect("channel", {{"profile", "sqrt"}}), 2.0);
  check_time(inspect("channel", {{"profile", "sqrt"}}, {{0.0, 0.0}}), 2.0);
  check_absent(inspect("channel", {{"profile", "exp"}}), "no fixed point");
}

BOOST_AUTO_TEST_CASE(relaxation_time_of_the_torus_skips_its_symmetry) {
  for (const auto& [major, minor] : {std::pair{1.0, 0.5}, {1.0, 0.2}, {2.0, 1.5}}) {
    const Inspection i = inspect("torus", {{"R", std::to_string(major)}, {"r", std::to_string(minor)}});
    check_time(i, 2.0 * minor * major * major / (major - minor));
    BOOST_TEST(i.relaxation_note.find("1 of 2") != std::string::npos, i.relaxation_note);
    BOOST_TEST(std::abs(std::hypot(i.flattest->point[0], i.flattest->point[1]) - (major - minor)) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(flattest_solution_of_uv_is_balanced) {
  const Inspection i = inspect("uv", {}, {{2.0, 0.5}});
  BOOST_REQUIRE(i.flattest.has_value());
  BOOST_TEST(std::abs(i.flattest->trace_hessian - 2.0) < 1e-8);
  BOOST_TEST(std::abs(i.flattest->slow_coordinates[0]) < 1e-6);  // u^2 - v^2
  const auto json = report::inspection_json(i);
  BOOST_TEST(json.at("flattest_trace_hessian") == i.flattest->trace_hessian);
  BOOST_TEST(json.at("flattest_slow_coordinates").at("u^2-v^2") == i.flattest->slow_coordinates[0]);
  const auto without = report::inspection_json(inspect("sphere"));
  BOOST_TEST(without.at("flattest_trace_hessian").is_null());
  BOOST_TEST(!without.at("flattest_trace_hessian_reason").get<std::string>().empty());
}

// tr H = 1 + (x^2 - 1)^2 + 0.3 x along the x axis: minima on both sides, the zeros of 4 x (x^2 - 1) + 0.3.
BOOST_AUTO_TEST_CASE(flattest_points_are_local_and_others_are_found) {
  RunConfig config;
  config.formula = std::make_shared<const manifolds::FormulaSource>(
      tests::typed("two-wells", "x,y", {"y*sqrt(1+(x^2-1)^2+0.3*x)"}, "2,0"));
  config.manifold = "two-wells";
  const auto trace = [](double x) { return 1.0 + std::pow(x * x - 1.0, 2) + 0.3 * x; };
  const auto well = [](double x) {
    for (int i = 0; i < 20; ++i) x -= (4.0 * x * (x * x - 1.0) + 0.3) / (12.0 * x * x - 4.0);
    return x;
  };
  for (const double from : {2.0, -2.0}) {
    config.start = {{from, 0.0}};
    const Inspection i = inspect::inspect(run::resolve(config), 20);
    const double here = well(from), there = well(-from);
    BOOST_TEST(std::abs(i.flattest->point[0] - here) < 1e-12);
    BOOST_TEST_REQUIRE(i.search.has_value());
    BOOST_TEST_REQUIRE(i.search->found.size() == 2U);
    const auto& [first, second] = std::pair{i.search->found[0], i.search->found[1]};
    BOOST_TEST(first.starts + second.starts == 21);
    BOOST_TEST(first.own == (from < 0.0));
    BOOST_TEST(second.own == (from > 0.0));
    BOOST_TEST(std::abs(first.flattest.trace_hessian - trace(std::min(here, there))) < 1e-12);
    BOOST_TEST(std::abs(second.flattest.trace_hessian - trace(std::max(here, there))) < 1e-12);
    // dx/dt = -(1/4) d tr H / dx, DERIVATION (22), so the rate is a quarter of the second derivative.
    const double x = second.flattest.point[0];
    BOOST_TEST(std::abs(*second.tau_Y.value * (3.0 * x * x - 1.0) - 1.0) < 1e-11);
    const auto json = report::inspection_json(i);
    BOOST_TEST(json.at("search").at("starts") == 21);
    BOOST_TEST(json.at("search").at("found").size() == 2U);
    BOOST_TEST(report::inspection_text(i).find("local: the end of the flow from here") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(points_that_a_symmetry_takes_to_each_other_count_once) {
  RunConfig config;
  config.manifold = "torus";
  const Inspection i = inspect::inspect(run::resolve(config), 6);
  BOOST_TEST_REQUIRE(i.search->found.size() == 1U);
  BOOST_TEST(i.search->found[0].starts + i.search->without == 7);
}

BOOST_AUTO_TEST_CASE(no_more_digits_than_are_right) {
  Inspection i = inspect("ellipse", {{"a", "1.5"}, {"b", "1"}});
  i.tau_Y.value = 1.0 / 3.0;
  i.relaxation_error = 1e-7;
  BOOST_TEST(report::inspection_json(i).at("tau_Y").get<double>() == 0.3333333);
}

BOOST_AUTO_TEST_CASE(points_without_a_valley_are_refused) {
  const auto refusal = [](const std::vector<std::string>& residuals, const std::string& start) {
    RunConfig config;
    config.formula =
        std::make_shared<const manifolds::FormulaSource>(tests::typed("degenerate", "x,y,z", residuals, start));
    config.manifold = "degenerate";
    config.eta = 1e-3;
    try {
      run::resolve(config);
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const auto check = [&](const std::vector<std::string>& residuals, const std::string& start, const char* word) {
    const std::string message = refusal(residuals, start);
    BOOST_TEST(message.find(word) != std::string::npos, residuals[0] << ": " << message);
  };
  check({"x^2+y^2+z^2"}, "1,1,1", "rank 0 there, below 1");
  check({"x^4+y^4+z^4"}, "1,1,0.5", "rank 0 there, below 1");
  check({"(x*y-1)^2"}, "1,2,0", "rank 0 there, below 1");
  check({"x^2+y^2+z^2", "x-y"}, "1,2,1", "rank 1 there, below 2");
  check({"exp(-x)+y*0"}, "1,0,0", "only falls towards 0");
  check({"x*y-1", "x*y-1"}, "1,2,1", "depend on each other");
  check({"x*y-1", "2*x*y-2"}, "1,2,1", "depend on each other");
  check({"1e-5*(x*y-1)", "1e5*(x*y-1)"}, "1,1,1", "depend on each other");
  // Small, steep, nearly dependent, and far from its start: valleys all the same.
  BOOST_TEST(refusal({"x*y-1e-12"}, "1e-5,1e-7,0") == "");
  BOOST_TEST(refusal({"x^9*y^9-1"}, "1.1,0.9,0") == "");
  BOOST_TEST(refusal({"x*y-1", "x*y-1+1e-3*z"}, "1,1,0") == "");
  BOOST_TEST(refusal({"x*y-1"}, "1e3,1e3,0") == "");
}

BOOST_AUTO_TEST_CASE(nothing_relaxes_on_the_sphere) {
  check_absent(inspect("sphere"), "nothing relaxes");
  check_absent(inspect("sphere", {{"D", "17"}}), "nothing relaxes");
}

BOOST_AUTO_TEST_CASE(unstable_fixed_point_has_no_relaxation_time) {
  check_absent(inspect("torus", {}, {{1.5, 0.0, 0.0}}), "not stable");
  check_absent(inspect("ellipse", {}, {{0.0, 1.0}}), "not stable");
}

BOOST_AUTO_TEST_CASE(no_relaxation_time_with_diffusion) {
  RunConfig config;
  config.noise = run::NoiseKind::isotropic;
  check_absent(inspect::inspect(run::resolve(config)), "diffuses");
}

BOOST_AUTO_TEST_CASE(large_valleys_are_left_out_with_a_reason) {
  check_absent(inspect("vector-uv", {{"d", "64"}}), "dimension");
}

BOOST_AUTO_TEST_CASE(drift_at_a_point_of_uv) {
  // Paper form at (u, v): -(1/4) P_L grad(u^2 + v^2); the tangent is (u, -v) / l with l^2 = u^2 + v^2.
  const double u = 2.0, v = 0.5, trace = u * u + v * v, along = -0.5 * (u * u - v * v) / trace;
  const Inspection i = inspect("uv", {}, {{u, v}});
  BOOST_TEST(i.drift.size() == 2U);
  const auto& paper = i.drift[1];
  BOOST_TEST((paper.form == Form::paper));
  BOOST_TEST(std::abs(paper.total()[0] - along * u) < 1e-12);
  BOOST_TEST(std::abs(paper.total()[1] + along * v) < 1e-12);
  BOOST_TEST(std::abs(i.trace_hessian - trace) < 1e-12);
  // d(trace)/dt = -(u^2 - v^2)^2 / trace.
  BOOST_TEST(std::abs(*i.local_time.value - trace * trace / std::pow(u * u - v * v, 2)) < 1e-6);
}

// dx/dt = -4 R'(l) x with R' = (c/2) l/d(l), both as in DERIVATION section 11, at the flattest point l = 2.
BOOST_AUTO_TEST_CASE(relaxation_at_finite_step_is_slower_for_nesterov) {
  for (const auto scheme : {Scheme::heavy_ball, Scheme::nesterov}) {
    RunConfig config;
    config.scheme = scheme;
    config.beta = 0.99;
    const Inspection i = inspect::inspect(run::resolve(config));
    const double b = 0.99, mu = 1.0 - b, e = 0.05 * 2.0;
    const double d = scheme == Scheme::nesterov ? 2.0 * (mu + b * e) * (2.0 * (1.0 + b) - (1.0 + 2.0 * b) * e) /
                                                      (mu * (1.0 + b + b * (1.0 + 2.0 * b) * e))
                                                : 2.0 * (2.0 - e / (1.0 + b));
    const double rate = 4.0 * 0.5 * 2.0 / d;
    BOOST_TEST(std::abs(*i.tau_2_finite_step.value * rate / i.hyperparameters.slow_unit() - 1.0) < 1e-5);
    BOOST_TEST(std::abs(*i.tau_2.value / i.hyperparameters.slow_unit() - 1.0) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(the_momentum_is_printed_with_the_digits_that_tell_it_from_1) {
  for (const auto& [mu, text, short_text] : {std::tuple{1.0, "0.000000", "0"},
                                             {1.0 - 0.9, "0.900000", "0.9"},
                                             {1.234567e-3, "0.998765", "0.998765"},
                                             {2.7234e-9, "0.999999997277", "0.999999997277"},
                                             {1e-12, "0.999999999999000", "0.999999999999"}}) {
    BOOST_TEST(run::beta_text(mu) == text);
    BOOST_TEST(run::short_beta_text(mu) == short_text);
  }
  RunConfig config;
  config.C = 1e-7;
  config.gamma = 0.0;
  const Inspection i = inspect::inspect(run::resolve(config));
  BOOST_TEST(report::inspection_text(i).find("beta = 0.9999999, mu = 1e-07") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
