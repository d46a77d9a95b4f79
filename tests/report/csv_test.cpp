// The tables: series.csv, paths.csv, path-N.csv, and which files a folder holds.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/report/made_up.hpp"
#include "validation/output/path_files.hpp"
#include "validation/report/comparison_files.hpp"
#include "validation/report/report.hpp"

namespace valleydrift {

using namespace valleydrift::compare;
using namespace valleydrift::output;
using namespace valleydrift::report;
using namespace valleydrift::run;
using namespace valleydrift::output_test;

BOOST_AUTO_TEST_SUITE(output)

BOOST_AUTO_TEST_CASE(series_csv_reads_back_to_the_same_bits) {
  Comparison c = made_up();
  c.observables.push_back(observable("cov(x1,x3)", c.times, 1.0 / 3.0));
  c.observables.back().theory_paper.clear();
  c.observables.back().extrapolated[3] = nan_value;
  const auto lines = lines_of(series_csv(c));
  const auto head = cells(lines.front());
  const std::vector<std::string> first_columns = {"observable",
                                                  "time",
                                                  "step",
                                                  "theory",
                                                  "discrete",
                                                  "standard_error",
                                                  "difference",
                                                  "extrapolated",
                                                  "extrapolated_error",
                                                  "bound",
                                                  "judged",
                                                  "theory_finite_step",
                                                  "theory_paper",
                                                  "theory_asymptotic"};
  BOOST_REQUIRE(head.size() >= first_columns.size());
  for (std::size_t i = 0; i < first_columns.size(); ++i) BOOST_TEST(head[i] == first_columns[i]);
  BOOST_REQUIRE_EQUAL(lines.size(), 1 + c.observables.size() * c.times.size());
  std::size_t line = 1;
  for (const ObservableResult& o : c.observables) {
    for (std::size_t i = 0; i < c.times.size(); ++i, ++line) {
      const auto row = cells(lines[line]);
      BOOST_REQUIRE_EQUAL(row.size(), head.size());
      BOOST_REQUIRE_EQUAL(row[0], o.name);
      BOOST_REQUIRE_EQUAL(std::stod(row[1]), c.times[i]);
      BOOST_REQUIRE_EQUAL(std::stoll(row[2]), c.steps[i]);
      BOOST_REQUIRE_EQUAL(std::stod(row[3]), o.theory[i]);
      BOOST_REQUIRE_EQUAL(std::stod(row[4]), o.discrete[i]);
      BOOST_REQUIRE_EQUAL(std::stod(row[6]), o.difference[i]);
      if (std::isfinite(o.extrapolated[i])) {
        BOOST_REQUIRE_EQUAL(std::stod(row[7]), o.extrapolated[i]);
      } else {
        BOOST_REQUIRE(row[7].empty());  // no number, no text in its place
      }
      BOOST_REQUIRE_EQUAL(row[10], o.judged[i] ? "1" : "0");
      BOOST_REQUIRE_EQUAL(row[12].empty(), o.theory_paper.empty());
      BOOST_REQUIRE(row[13].empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(paths_csv_holds_each_path_in_order) {
  WorkingFolder working;
  OutputFolder folder = reserve("results");
  PathWriter writer(folder, {"u", "v"}, {0.0, 0.1});
  const std::vector<Vector> states = {Vector{{1.0 / 3.0, 2.0}}, Vector{{3.0, 4.0}}};
  writer.append(0, PathKind::slow, states);
  writer.append(0, PathKind::limit, states);
  writer.append(1, 1, PathKind::slow, std::vector<double>{5.0, 6.0});
  BOOST_TEST(!fs::exists("results/paths.csv"));
  writer.finish();
  const auto lines = lines_of(text_of("results/paths.csv"));
  BOOST_REQUIRE_EQUAL(lines.size(), 6U);
  BOOST_TEST(lines[0] == "path,record,time,kind,u,v");
  BOOST_TEST(lines[1] == "0,0,0,slow,0.3333333333333333,2");
  BOOST_TEST(lines[2] == "0,1,0.1,slow,3,4");
  BOOST_TEST(lines[4] == "0,1,0.1,limit,3,4");
  BOOST_TEST(lines[5] == "1,1,0.1,slow,5,6");
  // What this run wrote is not stale.
  write_data(folder, made_up(), "x\n", {});
  BOOST_TEST(fs::exists("results/paths.csv"));
}

BOOST_AUTO_TEST_CASE(weights_are_called_as_the_valley_calls_them) {
  using Names = std::vector<std::string>;
  BOOST_TEST((weight_columns("u, v", 2) == Names{"u", "v"}));
  BOOST_TEST((weight_columns("w_2,w_1", 2) == Names{"w_2", "w_1"}));
  BOOST_TEST((weight_columns("w_1..w_D", 3) == Names{"w1", "w2", "w3"}));
  BOOST_TEST((weight_columns("time, x", 2) == Names{"w1", "w2"}));  // the time has a column of its own
  // No column is called as another variable.
  BOOST_TEST((weight_columns("w2,w1", 2) == Names{"w2", "w1"}));
  BOOST_TEST((weight_columns("path,w1", 2) == Names{"w_1", "w_2"}));
  BOOST_TEST((weight_columns("kind,w_1,w__3", 3) == Names{"w___1", "w___2", "w___3"}));
}

BOOST_AUTO_TEST_CASE(a_replayed_path_has_a_line_per_step) {
  WorkingFolder working;
  OutputFolder folder = reserve("results");
  ReplayWriter writer(folder, 12, "w_1..w_D", 2);
  const Vector w{{1.0, 2.0}}, p{{0.5, 0.25}};
  writer.append(0, 0.0, 0.125, w, p, w, Vector());
  writer.finish();
  const auto lines = lines_of(text_of("results/path-12.csv"));
  BOOST_REQUIRE_EQUAL(lines.size(), 2U);
  BOOST_TEST(lines[0] == "step,time,loss,w1,w2,p1,p2,slow1,slow2,limit1,limit2");
  BOOST_TEST(lines[1] == "0,0,0.125,1,2,0.5,0.25,1,2,,");
  const auto header = [&](std::int64_t path, const std::string& coordinates) {
    ReplayWriter(folder, path, coordinates, 2).finish();
    return lines_of(text_of("results/path-" + std::to_string(path) + ".csv")).at(0);
  };
  BOOST_TEST(header(1, "u, v") == "step,time,loss,u,v,p_u,p_v,slow_u,slow_v,limit_u,limit_v");
  BOOST_TEST(header(2, "w2,w1") == "step,time,loss,w2,w1,p_w2,p_w1,slow_w2,slow_w1,limit_w2,limit_w1");
  BOOST_TEST(header(3, "u,p_u") == "step,time,loss,u,p_u,p__u,p__p_u,slow_u,slow_p_u,limit_u,limit_p_u");
  BOOST_TEST(header(4, "step,p1") == "step,time,loss,w1,w2,p_1,p_2,slow1,slow2,limit1,limit2");
}

BOOST_AUTO_TEST_CASE(the_folder_holds_every_file_and_no_unfinished_one) {
  WorkingFolder working;
  Comparison c = made_up();
  c.config.noise = NoiseKind::constant;
  c.config.sigma = Matrix{{0.1, 0.2, 0.3}, {1.0 / 3.0, 0.5, 0.6}};
  OutputFolder folder = reserve("results");
  write_data(folder, c, "manifold = uv\n", {.threads = 3, .seconds = {{"compare", 1.5}}});
  BOOST_TEST(text_of("results/config.ini") == "manifold = uv\n");
  BOOST_TEST(text_of("results/sigma.csv") == "0.1,0.2,0.3\n0.3333333333333333,0.5,0.6\n");
  BOOST_TEST(text_of("results/series.csv") == series_csv(c));
  BOOST_TEST((nlohmann::json::parse(text_of("results/summary.json")) == summary_json(c)));
  const auto run = nlohmann::json::parse(text_of("results/run.json"));
  BOOST_TEST(run.at("threads") == 3);
  BOOST_TEST(run.at("seconds").at("compare") == 1.5);
  for (const char* key : {"host", "compiler", "instructions", "program_version"}) BOOST_TEST(run.contains(key), key);
  BOOST_TEST(!has_part_files("results"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
