// The valley of the tutorial: typed and as a C++ file it is the same, and the tutorial shows both files.
#include <boost/test/unit_test.hpp>
#include <numbers>

#include "docs/tutorial/tilted_ellipse.hpp"
#include "manifolds/formula/formula.hpp"
#include "manifolds/loss.hpp"
#include "run_program.hpp"
#include "validation/output/text_file.hpp"

using namespace valleydrift;
using manifolds::TiltedEllipse;

namespace {

const std::string sources = VALLEYDRIFT_SOURCE_DIR;
const std::string formula_file = sources + "/docs/tutorial/tilted-ellipse.ini";

}  // namespace

BOOST_AUTO_TEST_SUITE(tutorial)

BOOST_AUTO_TEST_CASE(formula_and_file_are_the_same_valley) {
  static_assert(manifolds::ResidualModel<TiltedEllipse> && manifolds::DescribedModel<TiltedEllipse> &&
                manifolds::HasClosedTrace<TiltedEllipse> && manifolds::Loss<manifolds::LeastSquares<TiltedEllipse>>);
  const auto source = cli::parse_options({"inspect", "--manifold-file", formula_file}).run.formula;
  BOOST_REQUIRE(source);
  for (const manifolds::ParameterValues& parameters :
       {manifolds::ParameterValues{{"a", 2.0}, {"b", 1.0}}, TiltedEllipse::describe().awkward}) {
    const TiltedEllipse model(parameters);
    const manifolds::Formula typed = manifolds::read_formula(*source, parameters);
    for (const std::vector<double>& w : {model.default_start(), {0.0, 1.1}, {-0.4, 0.3}, {1.7, 2.0}}) {
      const std::vector<double> r = {0.7};
      double f = 0.0, typed_f = 0.0;
      std::vector<double> g(2), typed_g(2);
      model.residuals<double>(w, {&f, 1});
      model.pullback<double, double>(w, r, g);
      typed.residuals.run<double, double>(w, {}, {&typed_f, 1});
      typed.pullback.run<double, double>(w, r, typed_g);
      BOOST_TEST(std::abs(f - typed_f) < 1e-12);
      for (std::size_t i = 0; i < 2; ++i) BOOST_TEST(std::abs(g[i] - typed_g[i]) < 1e-12);
      const std::vector<double> unit = {1.0};
      model.pullback<double, double>(w, unit, g);
      BOOST_TEST(std::abs(model.closed_trace_hessian(w) - (g[0] * g[0] + g[1] * g[1])) < 1e-12);
    }
  }
  const manifolds::ManifoldDescription d = TiltedEllipse::describe();  // what the law tests ask of one
  BOOST_TEST((!d.formula.empty() && !d.coordinates.empty() && !d.summary.empty() && !d.known.empty()));
  for (const auto& parameter : d.parameters) BOOST_TEST(d.awkward.contains(parameter.name));
  // The flattest point of the formula's valley, which `inspect` finds: at the end of the long axis.
  const TiltedEllipse model({{"a", 2.0}, {"b", 1.0}});
  double q = 0.0;
  model.slow_coordinates(std::vector<double>{std::numbers::sqrt3, 1.0}, {}, {&q, 1});
  BOOST_TEST(std::abs(q - 2.0) < 1e-12);
}

BOOST_AUTO_TEST_CASE(the_tutorial_shows_the_files_as_they_are) {
  const std::string text_of_tutorial = output::read_text_file(sources + "/docs/tutorial/README.md");
  for (const char* picture : {"formula-valley.png", "cpp-valley.png"}) {
    BOOST_TEST(text_of_tutorial.find(std::string("(../") + picture + ")") != std::string::npos);
    BOOST_TEST(std::filesystem::exists(sources + "/docs/" + picture));
  }
  for (const std::string& file : {formula_file, sources + "/docs/tutorial/tilted_ellipse.hpp"}) {
    const std::string text = output::read_text_file(file);
    BOOST_TEST(text.size() > 200U);
    BOOST_TEST((text_of_tutorial.find("\n" + text + "```\n") != std::string::npos),
               file << " is not in the tutorial as it stands");
  }
}

BOOST_AUTO_TEST_SUITE_END()
