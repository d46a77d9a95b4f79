// The pictures, and gnuplot, which may fail.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "manifolds/errors.hpp"
#include "tests/formulas.hpp"
#include "tests/report/made_up.hpp"
#include "validation/figures/figures.hpp"
#include "validation/figures/gnuplot.hpp"
#include "validation/figures/plot_text.hpp"
#include "validation/figures/plots.hpp"
#include "validation/figures/valley_mesh.hpp"
#include "validation/figures/valley_view.hpp"
#include "validation/report/comparison_files.hpp"

namespace valleydrift {

using namespace valleydrift::compare;
using namespace valleydrift::figures;
using namespace valleydrift::output;
using namespace valleydrift::report;
using namespace valleydrift::run;
using namespace valleydrift::output_test;

BOOST_AUTO_TEST_SUITE(output)

BOOST_AUTO_TEST_CASE(names_are_set_as_formulas) {
  BOOST_TEST(formula("u^2-v^2") == "u^2 − v^2");
  BOOST_TEST(formula("slow coordinate u^2-v^2") == "slow coordinate u^2 − v^2");
  BOOST_TEST(formula("f = u v - 1") == "f = u v − 1");
  BOOST_TEST(formula("as in quadratic-pair") == "as in quadratic-pair");
  BOOST_TEST(formula("cov(x1,x3)") == "cov(x_{1}, x_{3})");
  BOOST_TEST(formula("sum_a (cosh f_a - 1)") == "Σ_{a} (cosh f_{a} − 1)");
  BOOST_TEST(formula("path_error") == "path error");
  BOOST_TEST(formula("var(y.y0)") == "var(y·y_{0})");
  BOOST_TEST(quoted("it's\n") == "'it''s '");
  BOOST_TEST(plain("a_b{c}") == "a\\_b\\{c\\}");
}

// The curve closes after as many steps, and the window where nothing moves is as wide beside the valley.
BOOST_AUTO_TEST_CASE(a_valley_of_any_size_has_its_picture) {
  for (const double size : {1e-8, 1.0, 1e5}) {
    const std::string residual = fmt::format("x^2 + y^2 - {}", size * size);
    const Manifold circle(manifolds::description_of(tests::typed("circle", "x,y", {residual}, "1,0")),
                          manifolds::ParameterValues{});
    const Vector start{{size, 0.0}};
    const ValleyMesh mesh = curve_mesh(circle, start, 0.01 * size, [](const Vector&) { return true; });
    BOOST_TEST_CONTEXT(size) {
      BOOST_TEST(std::abs(std::ssize(mesh.front()) - 629) < 2);  // 2 pi / 0.01, and the first point once more
      BOOST_TEST((mesh.front().back().w - start).norm() == 0.0);
      const double extent = View(circle, start, {}, 1.0).extent();
      BOOST_TEST(extent > size);
      BOOST_TEST(extent < 3.0 * size);
    }
  }
}

/// Blocks of data as gnuplot counts them: two blank lines end one.
BOOST_AUTO_TEST_CASE(blocks_of_data_are_where_the_script_looks_for_them) {
  WorkingFolder working;
  Comparison c = made_up();
  c.config.manifold = "sphere";
  c.config.parameters = {{"D", "3"}};
  c.config.start = std::vector<double>{1.0, 0.0, 0.0};
  c.start = Vector{{1.0, 0.0, 0.0}};
  SampledPath path{.path = 0, .discrete = {}, .slow = {}, .limit = {}};
  for (int i = 0; i <= 40; ++i) {  // around the sphere and back: behind it for many records
    path.slow.push_back(Vector{{std::cos(0.3 * i), std::sin(0.3 * i), 0.0}});
    path.discrete.push_back(1.01 * path.slow.back());
    path.limit.push_back(path.slow.back());
  }
  c.samples = {path, path};
  c.samples[1].discrete.assign(41, Vector{{0.0, 1.0, 0.0}});  // one side of it all the time
  draw_plots("plots", c);
  for (const char* name : {"valley", "trace-hessian", "ladder"}) {
    int blocks = 0, blank = 2;
    for (const std::string& line : lines_of(text_of(fs::path("plots") / (std::string(name) + ".dat")))) {
      if (line.empty()) {
        ++blank;
        continue;
      }
      const bool is_head = line.starts_with("# index " + std::to_string(blocks) + ":");
      BOOST_REQUIRE_EQUAL(is_head, blank >= 2);
      if (is_head) ++blocks;
      blank = 0;
    }
    BOOST_TEST(blocks >= 2, name);
  }
}

BOOST_AUTO_TEST_CASE(pictures_are_made_and_complete) {
  WorkingFolder working;
  OutputFolder folder = reserve("results");
  write_data(folder, made_up(), "x\n", {});
  write_plots(folder, made_up());
  for (const char* name : {"valley", "trace-hessian", "slow-coordinates", "transverse", "ladder"}) {
    const fs::path stem = fs::path("results/plots") / name;
    const std::string svg = text_of(stem.string() + ".svg"), png = text_of(stem.string() + ".png");
    BOOST_TEST(svg.find("</svg>") != std::string::npos, name);
    BOOST_TEST(png.substr(1, 3) == "PNG", name);
    BOOST_TEST(png.substr(png.size() - 8, 4) == "IEND", name);
    BOOST_TEST(svg.size() > 5000U, name);
    BOOST_TEST(fs::exists(stem.string() + ".dat"), name);
    BOOST_TEST(fs::exists(stem.string() + ".gnuplot"), name);
  }
  BOOST_TEST(!has_part_files("results"));
}

BOOST_AUTO_TEST_CASE(pictures_of_awkward_numbers_are_made) {
  WorkingFolder working;
  Comparison c = made_up();
  for (ObservableResult& o : c.observables) {
    o.theory[3] = nan_value;
    o.extrapolated.assign(o.extrapolated.size(), 0.0);
  }
  c.observables[0].theory.assign(21, 1.0);  // nothing moves: an axis without width
  c.observables[0].discrete = c.observables[0].theory;
  c.observables[0].difference.assign(21, 0.0);
  c.observables[0].standard_error.assign(21, 0.0);
  for (std::size_t i = 0; i < 21; ++i) c.observables[1].theory[i] = 1.0 + 1e-12 * static_cast<double>(i);
  c.observables[1].discrete = c.observables[1].theory;
  c.observables[1].standard_error.assign(21, 1e-13);
  c.epsilon_ladder[0].difference = {0.0, 0.0, 0.0};
  c.epsilon_ladder[0].standard_error = {0.0, 0.0, 0.0};
  c.epsilon_ladder[0].slope.reset();
  c.eta_ladder = {c.epsilon_ladder[0]};
  c.samples[0].discrete[2] = Vector::Constant(2, nan_value);
  c.samples[0].limit.assign(21, Vector());  // a process without states
  BOOST_CHECK_NO_THROW(draw_plots("plots", c));
  c.samples.clear();
  BOOST_CHECK_NO_THROW(draw_plots("plots", c));
}

BOOST_AUTO_TEST_CASE(without_gnuplot_the_data_are_complete_and_the_error_says_so) {
  WorkingFolder working;
  const std::string path = std::getenv("PATH");
  OutputFolder folder = reserve("results");
  write_data(folder, made_up(), "x\n", {});
  ::setenv("PATH", "/nonexistent", 1);
  BOOST_CHECK_EXCEPTION(write_plots(folder, made_up()), FileError,
                        says<FileError>({"data complete, plots failed", "gnuplot", "--no-plots"}));
  ::setenv("PATH", path.c_str(), 1);
  BOOST_TEST(fs::exists("results/summary.json"));
  BOOST_TEST(fs::exists("results/series.csv"));
  for (const char* name : {"valley.gnuplot", "ladder.gnuplot", "ladder.dat"}) {  // to be drawn another day
    BOOST_TEST(fs::exists(fs::path("results/plots") / name), name);
  }
  for (const auto& entry : fs::directory_iterator("results/plots")) {
    BOOST_TEST((entry.path().extension() == ".dat" || entry.path().extension() == ".gnuplot"), entry.path());
  }
}

BOOST_AUTO_TEST_CASE(pictures_on_a_full_device_are_a_file_error_and_leave_no_part) {
  WorkingFolder working;
  rlim_t scripts = 0;  // the longest of the files that are written before gnuplot starts
  draw_plots("whole", made_up());
  for (const auto& entry : fs::directory_iterator("whole")) {
    const fs::path kind = entry.path().extension();
    if (kind == ".dat" || kind == ".gnuplot") scripts = std::max<rlim_t>(scripts, entry.file_size());
  }
  BOOST_TEST_REQUIRE(fs::file_size("whole/valley.svg") > scripts);
  for (const rlim_t size : {rlim_t{8}, scripts}) {
    OutputFolder folder = reserve("results", true);
    write_data(folder, made_up(), "x\n", {});
    {
      const SizeLimit full(size);
      BOOST_CHECK_EXCEPTION(write_plots(folder, made_up()), FileError,
                            says<FileError>({"data complete, plots failed", "valley"}));
    }
    BOOST_TEST(!has_part_files("results"), size);
    BOOST_TEST(!fs::exists("results/plots/valley.svg"), size);
    BOOST_TEST(fs::exists("results/summary.json"), size);
  }
}

/// Puts a gnuplot of our own first in PATH while it lives.
class FalseGnuplot {
 public:
  explicit FalseGnuplot(const std::string& script) : path_(std::getenv("PATH")) {
    fs::create_directory("bin");
    std::ofstream("bin/gnuplot") << "#!/bin/sh\n" << script;
    fs::permissions("bin/gnuplot", fs::perms::owner_all);
    ::setenv("PATH", (fs::current_path() / "bin").string().append(":").append(path_).c_str(), 1);
  }
  FalseGnuplot(const FalseGnuplot&) = delete;
  FalseGnuplot& operator=(const FalseGnuplot&) = delete;
  ~FalseGnuplot() { ::setenv("PATH", path_.c_str(), 1); }

 private:
  std::string path_;
};

BOOST_AUTO_TEST_CASE(a_gnuplot_that_fails_or_lies_is_noticed) {
  WorkingFolder working;
  const auto draw = [] { draw_plots("plots", made_up()); };
  {
    FalseGnuplot gnuplot("echo 'undefined function: besj' >&2\nexit 3\n");
    BOOST_CHECK_EXCEPTION(draw(), FileError,
                          says<FileError>({"gnuplot", "exit code 3", "valley", "undefined function"}));
  }
  {
    FalseGnuplot gnuplot("kill -9 $$\n");
    BOOST_CHECK_EXCEPTION(draw(), FileError, says<FileError>({"gnuplot", "signal 9"}));
  }
  {
    FalseGnuplot gnuplot("exit 0\n");
    BOOST_CHECK_EXCEPTION(draw(), FileError, says<FileError>({"gnuplot", "valley.svg"}));
  }
  {  // what gnuplot does on a full device: exit code 0 and half a picture
    FalseGnuplot gnuplot("printf '<svg>' > valley.svg.part\nprintf 'PNG' > valley.png.part\nexit 0\n");
    BOOST_CHECK_EXCEPTION(draw(), FileError, says<FileError>({"valley.svg", "cut short"}));
  }
  {
    FalseGnuplot gnuplot("printf '<svg></svg>\\n' > valley.svg.part\nprintf 'PNG' > valley.png.part\nexit 0\n");
    BOOST_CHECK_EXCEPTION(draw(), FileError, says<FileError>({"valley.png", "cut short"}));
  }
  BOOST_TEST(!has_part_files("plots"));
  BOOST_TEST(!fs::exists("plots/valley.svg"));
}

BOOST_AUTO_TEST_CASE(a_gnuplot_that_hangs_is_stopped) {
  WorkingFolder working;
  const Figure figure("valley", 100, 100);
  {
    FalseGnuplot gnuplot("echo $$ > ../pid\nexec sleep 1000\n");
    fs::create_directory("plots");
    BOOST_CHECK_EXCEPTION(draw("plots", {figure}, 0.5), FileError, says<FileError>({"gnuplot", "0.5 s", "valley"}));
  }
  const pid_t child = std::stoi(text_of("pid"));
  BOOST_TEST((::kill(child, 0) == -1 && errno == ESRCH));
}

BOOST_AUTO_TEST_CASE(gnuplot_is_looked_for_where_the_search_path_says) {
  WorkingFolder working;
  const std::string path = std::getenv("PATH");
  fs::create_directory("plots");
  // An empty entry is no folder: neither this one nor the plots' own.
  for (const char* place : {"gnuplot", "plots/gnuplot"}) {
    std::ofstream(place) << "#!/bin/sh\ntouch " << fs::absolute("ran").string() << "\nexit 5\n";
    fs::permissions(place, fs::perms::owner_all);
  }
  for (const char* entries : {":/nonexistent", "/nonexistent:", ":"}) {
    ::setenv("PATH", entries, 1);
    BOOST_CHECK_THROW(draw("plots", {Figure("valley", 100, 100)}), FileError);
    BOOST_TEST(!fs::exists("ran"), entries);
  }
  // A relative entry is relative to where the program runs.
  fs::create_directory("bin");
  fs::rename("gnuplot", "bin/gnuplot");
  ::setenv("PATH", "bin", 1);
  BOOST_CHECK_EXCEPTION(draw("plots", {Figure("valley", 100, 100)}), FileError, says<FileError>({"gnuplot"}));
  ::setenv("PATH", path.c_str(), 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
