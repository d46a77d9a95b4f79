// Typed valleys: against the built-in ones, against polynomials computed otherwise, and what is no formula.
#include "manifolds/formula/formula.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "manifolds/errors.hpp"
#include "manifolds/manifold.hpp"
#include "tests/formulas.hpp"
#include "tests/fuzz/formula_input.hpp"

using namespace valleydrift::manifolds;
using valleydrift::ConfigError;
using valleydrift::tests::Cubic;
using valleydrift::tests::ten_formulas;
using valleydrift::tests::typed;

namespace {

Manifold formula_manifold(const FormulaSource& source) { return Manifold(description_of(source), ParameterValues{}); }

/// One residual of u and v, at a point.
double value_of(const std::string& formula, double u, double v) {
  const Formula f = read_formula(typed("f", "u,v", {formula}, "1,1"), {});
  const double w[] = {u, v};
  double out = 0.0;
  f.residuals.run<double, double>(std::span<const double>(w), {}, std::span<double>(&out, 1));
  return out;
}

/// What the message of the refusal says; empty if it is not refused.
std::string refusal(const FormulaSource& source) {
  try {
    description_of(source);
    read_formula(source, {});
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}
std::string refusal(const std::string& formula) { return refusal(typed("f", "u,v", {formula}, "1,1")); }

}  // namespace

BOOST_AUTO_TEST_SUITE(formulas)

BOOST_AUTO_TEST_CASE(built_in_valleys_typed_again_agree) {
  struct Pair {
    std::string typed, built_in;
    ParameterValues parameters;
  };
  const std::vector<Pair> pairs = {{"typed-uv", "uv", {}},
                                   {"typed-vector-uv", "vector-uv", {{"d", 2.0}}},
                                   {"typed-channel-sqrt", "channel", {{"profile", 1.0}}},
                                   {"typed-channel-exp", "channel", {{"profile", 0.0}}},
                                   {"typed-ellipse", "ellipse", {{"a", 1.5}, {"b", 1.0}}},
                                   {"typed-sphere", "sphere", {{"D", 3.0}}},
                                   {"typed-torus", "torus", {{"R", 1.0}, {"r", 0.5}}},
                                   {"typed-pair", "quadratic-pair", {{"kappa", 0.5}, {"lambda", 1.5}}}};
  for (const Pair& pair : pairs) {
    for (const FormulaSource& source : ten_formulas()) {
      if (source.name->text != pair.typed) continue;
      const Manifold ours = formula_manifold(source), theirs(pair.built_in, pair.parameters);
      BOOST_TEST_CONTEXT(pair.typed) {
        BOOST_REQUIRE(ours.dimension() == theirs.dimension());
        for (int k = 0; k < 5; ++k) {
          Vector w = ours.default_start();
          for (Eigen::Index i = 0; i < w.size(); ++i) w[i] += 0.2 * k * std::cos(static_cast<double>(3 * i + k));
          const auto close = [](const Matrix& a, const Matrix& b) {
            return (a - b).cwiseAbs().maxCoeff() <= 1e-12 * (1.0 + b.cwiseAbs().maxCoeff());
          };
          BOOST_TEST(close(ours.residuals(w), theirs.residuals(w)));
          BOOST_TEST(close(ours.jacobian(w), theirs.jacobian(w)));
          BOOST_TEST(close(ours.hessian(w), theirs.hessian(w)));
          const Matrix s = Matrix::Identity(w.size(), w.size()) + 0.3 * Matrix::Ones(w.size(), w.size());
          BOOST_TEST(close(ours.third_contraction(w, s), theirs.third_contraction(w, s)));
        }
      }
    }
  }
}

// How far a point is from the valley does not depend on the factor of the residual or, relative to the point, on the
// valley's size; residuals of order 1 are taken as they are.
BOOST_AUTO_TEST_CASE(residuals_are_measured_by_their_scale) {
  const Vector direction{{0.61, 0.8}};
  for (const double size : {1e-8, 1e-3, 1.0, 1e5}) {
    for (const double factor : {1e-6, 1e-2, 1.0, 1e6}) {
      const Manifold m = formula_manifold(
          valleydrift::tests::typed("circle", "x,y", {fmt::format("{}*(x^2 + y^2 - {})", factor, size * size)}, "1,1"));
      const Vector w = size * direction;
      const double scale = factor * 2.0 * size * direction.norm() * m.length(w), f = std::abs(m.residuals(w)[0]);
      const double unit = scale < 0.25 ? 4.0 * scale : std::max(1.0, 1e-4 * scale);
      BOOST_TEST(std::abs(m.scaled_residual(w) * unit / f - 1.0) < 1e-12);
      BOOST_TEST(m.scaled_residual(m.retract(w)) < 1e-10);
      BOOST_TEST(m.length(w) / size >= direction.norm() * (1.0 - 1e-15));
    }
  }
  const Manifold uv("uv", {});
  BOOST_TEST(uv.residual_units(Vector{{2.0, 0.5}})[0] == 1.0);
}

BOOST_AUTO_TEST_CASE(random_cubics_are_the_polynomials) {
  for (const FormulaSource& source : ten_formulas()) {
    if (source.name->text != "random-cubics") continue;
    const Manifold m = formula_manifold(source);
    BOOST_TEST(m.valley_residual(m.default_start()) < 1e-15);
    const std::vector<double> w = {0.3, -1.1, 0.7, 2.0};
    const Vector f = m.residuals(Eigen::Map<const Vector>(w.data(), 4));
    for (int a = 0; a < 2; ++a) BOOST_TEST(std::abs(f[a] - Cubic(a).value(w)) < 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(precedence_and_functions) {
  const double u = 1.3, v = 0.4;
  const struct {
    const char* text;
    double value;
  } cases[] = {{"-u^2 + v", -u * u + v},
               {"2^-1*u", u / 2.0},
               {"u^v^2", std::pow(u, v * v)},
               {"(u^v)^2", std::pow(u, 2.0 * v)},
               {"u - v - 1", u - v - 1.0},
               {"u/v/2", u / v / 2.0},
               {"u/v*2", u / v * 2.0},
               {"- - u", u},
               {"+u", u},
               {"2*-u", -2.0 * u},
               {"u^3 - u^-2", u * u * u - 1.0 / (u * u)},
               {"u^0.5", std::sqrt(u)},
               {"u^0*v", v},
               {"exp(u)*log(u) + sqrt(v)", std::exp(u) * std::log(u) + std::sqrt(v)},
               {"sin(u) + cos(v) - tan(v)", std::sin(u) + std::cos(v) - std::tan(v)},
               {"tanh(u)*atan(v)", std::tanh(u) * std::atan(v)},
               {"sinh(u)/cosh(v)", std::sinh(u) / std::cosh(v)},
               {"pi*u + e*v", 3.141592653589793 * u + 2.718281828459045 * v},
               {"1.5e-3*u + .5*v + 2.*u", 1.5e-3 * u + 0.5 * v + 2.0 * u},
               {"\t u * \t v ", u * v}};
  for (const auto& c : cases) {
    BOOST_TEST(std::abs(value_of(c.text, u, v) - c.value) <= 4e-15 * std::abs(c.value), c.text);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_formula) {
  const std::string too_long(4097, ' '), deep = std::string(65, '(') + "u" + std::string(65, ')');
  const std::string signs = std::string(65, '-') + "u", just_deep = std::string(64, '(') + "u" + std::string(64, ')');
  std::string tower = "u";
  for (int i = 0; i < 65; ++i) tower += "^u";
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"", "the formula is empty"},
      {"   ", "the formula is empty"},
      {"u +", "column 4: expected"},
      {"u *", "column 4: expected"},
      {"u -", "column 4: expected"},
      {"u /", "column 4: expected"},
      {"u ^", "column 4: expected"},
      {"* u", "column 1: expected"},
      {"/ u", "column 1: expected"},
      {"^ u", "column 1: expected"},
      {"u + * v", "column 4: expected"},
      {"u v", "column 3: expected an operator"},
      {"2u", "column 2: expected an operator"},
      {"u 2", "column 3: expected an operator"},
      {"(u)(v)", "column 4: expected an operator"},
      {"u(v)", "column"},
      {"(u", "column 1: '(' is not closed"},
      {"((u)", "column 1: '(' is not closed"},
      {"u*(v + (u)", "column 3: '(' is not closed"},
      {"u)", "column 2: ')' closes nothing"},
      {")", "column 1: ')' closes nothing"},
      {"()", "column 2: expected"},
      {"u + ()", "column 6: expected"},
      {"u**2", "** is not an operator; a power is written u^2"},
      {"u^", "column 3: expected"},
      {"u^*v", "column 3: expected"},
      {"w", "w is neither a variable nor a constant"},
      {"u*w - 1", "column 3: w is neither"},
      {"U*v", "column 1: U is neither"},
      {"u_1", "u_1 is neither"},
      {"uu", "uu is neither"},
      {"sn(u)", "sn"},
      {"Sin(u)", "Sin"},
      {"exp", "exp"},
      {"exp u", "expected '(' after the function exp"},
      {"sin", "expected '(' after the function sin"},
      {"sin + u", "expected '(' after the function sin"},
      {"sin()", "column 5: expected"},
      {"sin(u", "column 4: '(' is not closed"},
      {"sin(u,v)", "','"},
      {"exp(u))", "closes nothing"},
      {"log(u v)", "expected"},
      {"max(u,v)", "','"},
      {"abs(u)", "abs"},
      {"u,v", "','"},
      {"u;v", "';'"},
      {"u=v", "'='"},
      {"u==1", "'='"},
      {"u<v", "'<'"},
      {"u>v", "'>'"},
      {"u!", "'!'"},
      {"u%2", "'%'"},
      {"u&v", "'&'"},
      {"u|v", "'|'"},
      {"~u", "'~'"},
      {"$u", "'$'"},
      {"#u", "'#'"},
      {"u@v", "'@'"},
      {"u?v", "'?'"},
      {"u:v", "':'"},
      {"[u]", "'['"},
      {"{u}", "'{'"},
      {"u\\v", "'\\'"},
      {"'u'", "'''"},
      {"\"u\"", "'\"'"},
      {"`u`", "'`'"},
      {"u\xc2\xb2", "0xc2"},
      {"\xce\xb7*u", "0xce"},
      {std::string("u\0v", 3), "0x00"},
      {"u\x01", "0x01"},
      {"u\x7f", "0x7f"},
      {"\xff\xfe", "0xff"},
      {"1", "does not depend on a variable"},
      {"pi - e", "does not depend on a variable"},
      {"2^3 - 8", "does not depend on a variable"},
      {"u - u", "does not depend on a variable"},
      {"0*u", "does not depend on a variable"},
      {"u^0", "does not depend on a variable"},
      {"1.2.3*u", "expected an operator"},
      {"1..2*u", "expected an operator"},
      {".*u", "expected"},
      {".", "expected"},
      {"1e*u", "expected an operator"},
      {"1e+*u", "expected an operator"},
      {"0x10*u", "expected an operator"},
      {"1e400*u", "column"},
      {"nan*u", "nan is neither"},
      {"inf*u", "inf is neither"},
      {"1/0*u", "column"},
      {"log(0)*u", "column"},
      {"sqrt(-1)*u", "column"},
      {"u^(1/0)", "column"},
      {too_long, "4097 characters, allowed are up to 4096"},
      {deep, "deeper than 64"},
      {signs, "deeper than 64"},
      {tower, "deeper than 64"}};
  BOOST_TEST(refused.size() >= 90u);
  for (const auto& [formula, words] : refused) {
    const std::string message = refusal(formula);
    BOOST_TEST(message.find(words) != std::string::npos,
               "'" << formula.substr(0, 80) << "': '" << message << "' does not say '" << words << "'");
    if (!message.empty()) BOOST_TEST(message.starts_with("--residual"), message);
  }
  BOOST_TEST(refusal(just_deep) == "");
  BOOST_TEST(refusal(std::string(4095, ' ') + "u") == "");
}

BOOST_AUTO_TEST_CASE(what_is_no_valley) {
  const auto one = typed("f", "u,v", {"u*v - 1"}, "1,1");
  const auto with = [&](const auto& change) {
    FormulaSource source = one;
    change(source);
    return refusal(source);
  };
  const auto says = [](const std::string& message, const std::string& words) {
    BOOST_TEST(message.find(words) != std::string::npos, "'" << message << "' does not say '" << words << "'");
  };
  says(with([](FormulaSource& s) { s.variables.text = ""; }), "no variable given");
  says(with([](FormulaSource& s) { s.variables.text = "u,,v"; }), "--variables");
  says(with([](FormulaSource& s) { s.variables.text = "u,u"; }), "u is declared twice");
  says(with([](FormulaSource& s) { s.variables.text = "u,2v"; }), "'2v' is not a name");
  says(with([](FormulaSource& s) { s.variables.text = "u,exp"; }), "exp is the name of a function");
  says(with([](FormulaSource& s) {
         s.variables.text = "u";
         s.residuals[0].text = "u - 1";
       }),
       "leave no valley");
  says(with([](FormulaSource& s) { s.residuals.clear(); }), "without --residual");
  says(with([](FormulaSource& s) { s.residuals.push_back({"--residual", "u - v"}); }), "leave no valley");
  says(with([](FormulaSource& s) { s.constants.push_back({"--constant", "a"}); }), "not of the form");
  says(with([](FormulaSource& s) { s.constants.push_back({"--constant", "u=1"}); }), "u is declared twice");
  says(with([](FormulaSource& s) { s.constants.push_back({"--constant", "a=b"}); }), "b is neither");
  says(with([](FormulaSource& s) { s.constants.push_back({"--constant", "a=u"}); }), "--constant");
  says(with([](FormulaSource& s) { s.parameters.push_back({"--parameter", "a=1"}); }), "not of the form");
  says(with([](FormulaSource& s) { s.parameters.push_back({"--parameter", "a=3 in 0:2"}); }), "not in its own range");
  says(with([](FormulaSource& s) { s.parameters.push_back({"--parameter", "a=1 in 2:0"}); }), "--parameter");
  says(with([](FormulaSource& s) { s.weight = FormulaText{"--weight", "0"}; }), "weight > 0");
  says(with([](FormulaSource& s) { s.weight = FormulaText{"--weight", "-1"}; }), "weight > 0");
  says(with([](FormulaSource& s) { s.start = FormulaText{"--start", "1"}; }), "1 numbers given");
  says(with([](FormulaSource& s) { s.start = FormulaText{"--start", "1,nan"}; }), "--start");
  says(with([](FormulaSource& s) { s.name = FormulaText{"--name", "uv"}; }), "built-in");
  says(with([](FormulaSource& s) { s.name = FormulaText{"--name", "a/b"}; }), "is not a name");
  BOOST_TEST(with([](FormulaSource&) {}) == "");
}

// The longest that is allowed, and shapes that make derivatives grow, alone and as many residuals: what is read is no
// larger than the bounds say, so that reading it takes milliseconds, and the gradient flow is bounded with it
// (tests/sde/flow_test.cpp).
BOOST_AUTO_TEST_CASE(large_formulas_are_read_or_refused_at_once) {
  std::vector<std::string> shapes(6);
  while (shapes[0].size() < 4080) shapes[0] += shapes[0].empty() ? "u" : "*u*v";
  while (shapes[1].size() < 4080) shapes[1] += shapes[1].empty() ? "u" : "+sin(u*v)";
  for (int i = 0; i < 60; ++i) shapes[2] += "exp(";
  shapes[2] += "u" + std::string(60, ')');
  for (int i = 0; i < 60; ++i) shapes[3] += "(u*v+";
  shapes[3] += "u" + std::string(60, ')') + "^1000000000";
  while (shapes[4].size() < 4070) shapes[4] += shapes[4].empty() ? "u^999999999" : "*(u+v)^999999998";
  for (int k = 1; shapes[5].size() < 4060; ++k) shapes[5] += (k == 1 ? "" : "+") + fmt::format("sin({}*u*v)", k);
  int read = 0, refused = 0;
  for (const std::string& shape : shapes) {
    BOOST_TEST(shape.size() <= most_formula_length);
    for (const int m : {1, 7, 64}) {
      std::string variables = "u,v";
      std::vector<std::string> residuals;
      for (int a = 0; a < m; ++a) {
        variables += fmt::format(",x{}", a);
        residuals.push_back(fmt::format("x{}+", a) + shape);
      }
      BOOST_TEST_CONTEXT(shape.substr(0, 40) << ", " << m << " residuals") {
        try {
          FormulaSource source = typed("f", variables, residuals, "");
          source.start.reset();
          const Formula f = read_formula(source, {});
          ++read;
          BOOST_TEST(f.residuals.instruction_count() <= most_formula_operations);
          // Forward again, and backward at most five instructions for each (a quotient: three, and two sums).
          BOOST_TEST(f.pullback.instruction_count() <= 6 * most_formula_operations);
          BOOST_TEST(f.pullback.number_count() <= 6 * most_formula_operations);
        } catch (const ConfigError& error) {
          ++refused;
          BOOST_TEST(std::string(error.what()).find("more than 10000 operations") != std::string::npos, error.what());
        }
      }
    }
  }
  BOOST_TEST(read >= 12);
  BOOST_TEST(refused >= 2);
}

// What was written by hand, and what the fuzzer has kept: tests/fuzz/README.md.
BOOST_AUTO_TEST_CASE(corpus_of_the_fuzzer) {
  int formulas = 0, refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(VALLEYDRIFT_SOURCE_DIR "/tests/fuzz/corpus")) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    ++(valleydrift::fuzz::try_formula(text) == valleydrift::fuzz::Outcome::formula ? formulas : refused);
  }
  BOOST_TEST_MESSAGE(formulas << " formulas, " << refused << " refused");
  BOOST_TEST(formulas > 50);
  BOOST_TEST(refused > 100);
}

BOOST_AUTO_TEST_SUITE_END()
