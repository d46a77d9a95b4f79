// Manifolds by name, parameters read and refused, sizes known to the compiler.
#include "manifolds/registry.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <limits>
#include <set>
#include <string>

#include "manifolds/errors.hpp"
#include "manifolds/manifold.hpp"
#include "manifolds/model_entry.hpp"
#include "manifolds/models/sphere.hpp"
#include "manifolds/models/torus.hpp"

using namespace valleydrift;
using namespace valleydrift::manifolds;

namespace {

/// The text of the error of type E that `action` ends with; empty if there is none.
template <class E>
std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  return {};
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(registry)

BOOST_AUTO_TEST_CASE(names_are_unique_and_lead_to_their_loss) {
  std::set<std::string> names;
  for (const ManifoldDescription& d : descriptions()) {
    BOOST_TEST(names.insert(d.name).second);
    BOOST_TEST(description_of(d.name).formula == d.formula);
    BOOST_TEST(Manifold(d.name, {}).name() == d.name);
  }
}

BOOST_AUTO_TEST_CASE(sizes_known_to_the_compiler_serve_their_parameters_alone) {
  const auto is_fixed = [](double dimension) {
    const Manifold sphere("sphere", {{"D", dimension}});
    return dynamic_cast<const TypedLoss<LeastSquares<SphereInSpace>>*>(&sphere.pointwise()) != nullptr;
  };
  BOOST_TEST(is_fixed(3));
  BOOST_TEST(!is_fixed(2));
  BOOST_TEST(!is_fixed(17));
  BOOST_TEST(Manifold("sphere", {{"D", 3}}).dimension() == 3);
  BOOST_TEST(Manifold("sphere", {{"D", 17}}).dimension() == 17);
}

namespace {
/// f = x: a line.
struct Line {
  static constexpr int static_dimension = 2;
  static constexpr int static_residuals = 1;
  explicit Line(const ParameterValues& = {}) {}
  static ManifoldDescription describe() {
    return {
        .name = "line", .formula = "f = x", .coordinates = "x, y", .summary = "a line", .known = {"nothing drifts"}};
  }
  int dimension() const { return 2; }
  int residual_count() const { return 1; }
  double weight() const { return 1.0; }
  template <class T>
  void residuals(std::span<const T> w, std::span<T> f) const {
    f[0] = w[0];
  }
  template <class T, class R>
  void pullback(std::span<const T>, std::span<const R> r, std::span<T> g) const {
    g[0] = T(r[0]);
    g[1] = T(0.0);
  }
  std::vector<double> default_start() const { return {0.0, 1.0}; }
  std::vector<std::string> slow_coordinate_names() const { return {"y"}; }
  void slow_coordinates(std::span<const double> y, std::span<const double>, std::span<double> q) const { q[0] = y[1]; }
};
}  // namespace

// An entry more is known by its name from then on, and a name stands for one manifold.
BOOST_AUTO_TEST_CASE(the_list_is_open_and_a_name_is_taken_once) {
  LossEntry torus = entry_of<Torus>();
  BOOST_CHECK_THROW(add_entry(torus), std::invalid_argument);
  const std::size_t before = descriptions().size();
  add_entry(entry_of<Line>());
  BOOST_TEST(descriptions().size() == before + 1);
  BOOST_TEST(Manifold("line", {}).residuals(Vector{{3.0, 4.0}})[0] == 3.0);
  BOOST_CHECK_THROW(add_entry(torus), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(unknown_manifold_is_refused_with_the_nearest_name) {
  const std::string near = message_of<ConfigError>([] { Manifold("elipse", {}); });
  BOOST_TEST(contains(near, "--manifold elipse"));
  BOOST_TEST(contains(near, "did you mean ellipse?"));
  const std::string far = message_of<ConfigError>([] { description_of("zzzzzzzz"); });
  BOOST_TEST(contains(far, "quadratic-pair"));  // the list of what is allowed
  BOOST_TEST(!contains(far, "did you mean"));
  BOOST_TEST(nearest_name("torus", {"tours", "taurus"}) != "");
  BOOST_TEST(nearest_name("xyz", {"uv", "sphere"}) == "");
}

BOOST_AUTO_TEST_CASE(invalid_parameters_are_refused_by_name) {
  for (const ManifoldDescription& d : descriptions()) {
    BOOST_TEST_CONTEXT(d.name) {
      BOOST_TEST(d.invalid.empty() == d.parameters.empty());
      if (d.invalid.empty()) continue;
      const std::string message = message_of<ConfigError>([&] { Manifold(d.name, d.invalid); });
      BOOST_TEST(message != "");
      bool named = false;
      for (const auto& [name, value] : d.invalid) named = named || contains(message, name);
      BOOST_TEST(named, message);
      BOOST_CHECK_NO_THROW(Manifold(d.name, d.awkward));
    }
  }
}

BOOST_AUTO_TEST_CASE(limits_of_every_parameter_hold) {
  for (const ManifoldDescription& d : descriptions()) {
    for (const ParameterInfo& p : d.parameters) {
      BOOST_TEST_CONTEXT(d.name << " " << p.name) {
        for (double value : {p.lowest - 1.0, p.highest + 1.0, std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity()}) {
          BOOST_TEST(contains(message_of<ConfigError>([&] { Manifold(d.name, {{p.name, value}}); }), p.name));
        }
        if (p.integer) {
          BOOST_TEST(contains(message_of<ConfigError>([&] { Manifold(d.name, {{p.name, p.lowest + 0.5}}); }), p.name));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(parameters_as_text) {
  const ManifoldDescription ellipse = description_of("ellipse"), channel = description_of("channel");
  const ParameterValues values = resolve_parameters(ellipse, {{"a", "2.5"}});
  BOOST_TEST(values.at("a") == 2.5);
  BOOST_TEST(values.at("b") == 1.0);
  BOOST_TEST(resolve_parameters(channel, {{"profile", "exp"}}).at("profile") == 0.0);
  BOOST_TEST(resolve_parameters(channel, {}).at("profile") == 1.0);
  BOOST_TEST(format_parameter(channel.parameters[0], 0.0) == "exp");
  BOOST_TEST(format_parameter(ellipse.parameters[0], 2.5) == "2.5");

  const auto refused = [](const ManifoldDescription& d, const std::string& key, const std::string& text) {
    return message_of<ConfigError>([&] { resolve_parameters(d, {{key, text}}); });
  };
  BOOST_TEST(contains(refused(ellipse, "a", "2.5x"), "--param a"));
  BOOST_TEST(contains(refused(ellipse, "a", "100"), "0.05 to 20"));
  BOOST_TEST(contains(refused(ellipse, "c", "1"), "no such parameter"));
  BOOST_TEST(contains(refused(channel, "profile", "tanh"), "exp, sqrt"));
  BOOST_TEST(contains(refused(channel, "profiel", "exp"), "did you mean profile?"));
  BOOST_TEST(contains(refused(description_of("uv"), "a", "1"), "has no parameters"));
  BOOST_TEST(contains(refused(description_of("sphere"), "D", "3.5"), "whole number"));
  // A condition between two parameters.
  BOOST_TEST(contains(message_of<ConfigError>([] { Manifold("torus", {{"R", 1.0}, {"r", 0.95}}); }), "r must be"));
}

BOOST_AUTO_TEST_CASE(numbers_are_read_in_full_or_refused) {
  BOOST_TEST(parse_number("--eta", "1e-3") == 1e-3);
  BOOST_TEST(parse_number("--eta", "+0.5") == 0.5);
  BOOST_TEST(parse_number("--eta", "-2") == -2.0);
  for (const char* bad : {"", " ", "1 ", " 1", "1,5", "0x10", "nan", "inf", "-inf", "1e999", "+-1", "--1", "1e", "."}) {
    BOOST_TEST(contains(message_of<ConfigError>([&] { parse_number("--eta", bad); }), "--eta"), "'" << bad << "'");
  }
}

BOOST_AUTO_TEST_CASE(a_point_where_the_rank_changes_is_refused_with_its_place) {
  // In the channel with g = e^x, far down, H = e^(2x) e_y e_y^T alone cannot lose its rank gap (m = 1); the rank gap of
  // two residuals can: lambda = 0.05 gives {1, 0.0025}, which is still accepted.
  BOOST_CHECK_NO_THROW(Manifold("quadratic-pair", {{"lambda", 0.05}}).geometry(Vector::Zero(4)));
  const Manifold uv("uv", {});
  const std::string message = message_of<NumericalError>([&] { uv.geometry(Vector::Zero(2)); });
  BOOST_TEST(contains(message, "uv: the rank of the Hessian changes at (0, 0)"));
  const std::string retraction = message_of<NumericalError>([&] { uv.retract(Vector::Zero(2)); });
  BOOST_TEST(contains(retraction, "retraction from (0, 0)"));
}

BOOST_AUTO_TEST_SUITE_END()
