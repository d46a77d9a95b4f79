// scan and advise on the command line: lists, refusals, files, resumption to the same bytes.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cli/options.hpp"
#include "manifolds/errors.hpp"
#include "run_program.hpp"
#include "validation/report/scan_files.hpp"

using nlohmann::json;
using valleydrift::ConfigError;
using valleydrift::cli::parse_options;
using valleydrift::cli_test::Folder;
using valleydrift::cli_test::read_file;
using valleydrift::cli_test::Result;
using valleydrift::cli_test::run_program;

BOOST_AUTO_TEST_SUITE(scan_command)

namespace {

namespace fs = std::filesystem;

/// Ten cells of a second's work in all; those at 1.999 are unstable, which takes a comma to say.
const std::vector<std::string> small = {
    "--eta",   "2e-2,3e-2,4e-2,1.999", "--gamma", "0.6,0.75",          "--paths", "256", "--prefactor-C",
    "0.2,0.4", "--prefactor-eta",      "1e-2",    "--prefactor-paths", "256"};

std::vector<std::string> scan(std::vector<std::string> arguments, bool with_grid = true) {
  std::vector<std::string> all = {"scan"};
  if (with_grid) {
    all.insert(all.end(), small.begin(), small.end());
    const bool runs = std::find(arguments.begin(), arguments.end(), "--dry-run") == arguments.end();
    if (runs) all.insert(all.end(), {"--quiet", "--no-plots"});
  }
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

const char* const reproducible[] = {"config.ini", "cells.csv", "replicates.csv", "curves.csv", "summary.json"};

void check_same(const std::string& a, const std::string& b) {
  for (const char* name : reproducible) {
    const std::string left = read_file(a + "/" + name), right = read_file(b + "/" + name);
    BOOST_TEST(!left.empty());
    BOOST_TEST((left == right), name);
  }
}

/// No number is null without a reason beside it.
void check_nulls(const json& value, const std::string& path) {
  if (value.is_object()) {
    for (const auto& [key, entry] : value.items()) {
      if (entry.is_null()) BOOST_TEST(value.contains(key + "_reason"), path << "." << key);
      check_nulls(entry, path + "." + key);
    }
  }
  if (value.is_array()) {
    for (const json& entry : value) {
      BOOST_TEST(!entry.is_null(), path);
      check_nulls(entry, path + "[]");
    }
  }
}

void check_refused(const std::vector<std::string>& arguments, const std::string& words) {
  const Result r = run_program(arguments);
  BOOST_TEST(r.code == 2, r.err);
  BOOST_TEST(r.err.find(words) != std::string::npos, r.err);
  BOOST_TEST(r.out.empty());
}

}  // namespace

BOOST_AUTO_TEST_CASE(lists) {
  const auto logarithmic = parse_options({"scan", "--eta", "1e-4:1e-2:3"}).scan.etas;
  BOOST_REQUIRE(logarithmic.size() == 3);
  BOOST_TEST(logarithmic[0] == 1e-4);
  BOOST_TEST(logarithmic[1] == 1e-3, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(logarithmic[2] == 1e-2);
  const auto linear = parse_options({"scan", "--gamma", "0.5:0.7:3"}).scan.gammas;
  BOOST_REQUIRE(linear.size() == 3);
  BOOST_TEST(linear[1] == 0.6, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(parse_options({"scan", "--C", "0.3,0.2"}).scan.Cs->at(1) == 0.2);
}

BOOST_AUTO_TEST_CASE(refusals) {
  check_refused({"scan", "--eta", "1e-2:1e-3:3"}, "LOW must be below HIGH");
  check_refused({"scan", "--eta", "1e-3:1e-2"}, "LOW:HIGH:COUNT");
  check_refused({"scan", "--eta", "1e-3:1e-2:1"}, "from 2");
  check_refused({"scan", "--eta", "1e-3,nan"}, "--eta");
  check_refused({"scan", "--eta", "1e-3,1e-3"}, "twice");
  check_refused({"scan", "--gamma", "0.5,1"}, "0 <= gamma < 1");
  check_refused({"scan", "--delta", "1"}, "1e-6 <= delta < 1");
  check_refused({"scan", "--delta", "1e-17"}, "1e-6 <= delta < 1");
  check_refused({"scan", "--eta", "1e-300:1e300:3"}, "HIGH / LOW must be a finite number");
  check_refused({"scan", "--eta", "1e-4:1e-2:1000", "--gamma", "0.5:0.8:1000"}, "1e+06 cells");
  check_refused({"scan", "--limit", "0"}, "--limit");
  check_refused({"scan", "--control", "nothing"}, "no-transverse");
  check_refused({"scan", "--read-at", "start"}, "weights, valley");
  check_refused({"scan", "--scheme", "sgd", "--gamma", "0.5"}, "no momentum");
  check_refused({"scan", "--phase1", "noisy"}, "without --start");
  check_refused({"scan", "--phase1", "gd", "--start", "2,1"}, "none, noisy");
  check_refused({"scan", "--start-scale", "0.5"}, "without --start random");
  check_refused({"scan", "--start", "2,0.5", "--start-scale", "0.5"}, "without --start random");
  check_refused({"scan", "--start", "random", "--start-scale", "0"}, "S > 0");
  check_refused({"advise", "--start", "random"}, "nothing is simulated");
  check_refused({"scan", "--noise", "minibatch"}, "no motion along it");
  check_refused({"advise", "--noise", "minibatch"}, "no motion along it");
  check_refused({"scan", "--noise", "isotropic"}, "label, minibatch");
  check_refused({"scan", "--draw", "with-replacement"}, "without --batch");
  check_refused({"scan", "--manifold", "quadratic-pair", "--batch", "3"}, "1 to 2");
  check_refused({"scan", "--resume"}, "--output");
  check_refused({"scan", "--beta", "0.9"}, "does not belong to scan");
  check_refused({"scan", "--manifold", "channel", "--param", "profile=exp"}, "no fixed point");
  check_refused({"scan", "--manifold", "sphere"}, "tau_Y does not exist");
  check_refused({"scan", "--start", "1,1"}, "flattest point");
  check_refused({"advise", "--scheme", "sgd"}, "no momentum");
  check_refused({"advise", "--eta", "-1"}, "--eta");
}

BOOST_AUTO_TEST_CASE(dry_run_states_grid_and_cost) {
  const Result text = run_program(scan({"--dry-run"}));
  BOOST_TEST(text.code == 0, text.err);
  BOOST_TEST(text.out.find("10 cells") != std::string::npos, text.out);
  BOOST_TEST(text.out.find("path-steps") != std::string::npos);
  const json plan = json::parse(run_program(scan({"--dry-run", "--json"})).out);
  BOOST_TEST(plan["cells"].size() == 10u);
  BOOST_TEST(plan["expected_path_steps"].get<double>() > 1e5);
  BOOST_TEST(plan["unforeseen_path_steps"].get<double>() == 0.0);
}

// The theory cannot tell how long a cell outside its conditions takes: it may go on to its limit, ten times as far.
BOOST_AUTO_TEST_CASE(dry_run_states_what_it_cannot_foresee) {
  std::vector<std::string> outside = {"scan", "--manifold", "matrix-sensing", "--eta", "0.03", "--gamma", "0.6,0.7"};
  outside.insert(outside.end(), {"--no-prefactor", "--epsilon", "0.05", "--dry-run"});
  const Result text = run_program(outside);
  BOOST_TEST(text.out.find("2 of 2 cells outside the conditions of the theory") != std::string::npos, text.out);
  outside.push_back("--json");
  const json plan = json::parse(run_program(outside).out);
  BOOST_TEST(plan["unforeseen_path_steps"].get<double>() > 5.0 * plan["expected_path_steps"].get<double>());
}

// Whatever finite numbers are given: an answer in a second or a message, and no number that is none.
BOOST_AUTO_TEST_CASE(extremes_are_answered_in_words) {
  const Folder folder;
  const std::vector<std::vector<std::string>> extremes = {{"--C", "1e-300"},
                                                          {"--C", "1e300"},
                                                          {"--C", "1e-300", "--gamma", "0", "--no-prefactor"},
                                                          {"--epsilon", "1e300"},
                                                          {"--epsilon", "1e-300"},
                                                          {"--epsilon", "1e-300", "--scheme", "nesterov"},
                                                          {"--eta", "1e-300"},
                                                          {"--eta", "1e-300:1e-3:3"},
                                                          {"--eta", "1e-4:1e-2:1000", "--gamma", "0.5:0.8:100"},
                                                          {"--prefactor-eta", "1e-300"},
                                                          {"--prefactor-C", "1e-300:1e-299:5"},
                                                          {"--delta", "1e-6"}};
  const auto check_numbers = [](const std::string& text, const std::string& where) {
    for (const char* none : {"nan", "inf,", "inf ", "inf\n"}) {
      BOOST_TEST(text.find(none) == std::string::npos, where << ": " << none << " in " << text.substr(0, 2000));
    }
  };
  for (const auto& extreme : extremes) {
    std::vector<std::string> arguments = {"scan", "--dry-run"};
    arguments.insert(arguments.end(), extreme.begin(), extreme.end());
    const Result r = run_program(arguments);
    const std::string where = extreme[0] + " " + extreme[1];
    BOOST_TEST((r.code == 0 || r.code == 2 || r.code == 3), where);
    check_numbers(r.out + r.err, where);
  }
  // Not a cell can be measured: that is no agreement.
  for (const std::vector<std::string>& extreme :
       {std::vector<std::string>{"--epsilon", "1e100"}, {"--C", "1e-300", "--no-prefactor"}}) {
    std::vector<std::string> arguments = {"scan", "--no-plots", "--output", folder.path(extreme[0])};
    arguments.insert(arguments.end(), extreme.begin(), extreme.end());
    const Result r = run_program(arguments);
    BOOST_TEST(r.code == 1, r.err);
    BOOST_TEST(r.out.find("no cell could be measured") != std::string::npos, r.out);
    check_numbers(r.out + r.err + read_file(folder.path(extreme[0]) + "/cells.csv"), extreme[0]);
  }
}

BOOST_AUTO_TEST_CASE(an_interrupted_scan_ends_in_the_same_bytes) {
  const Folder folder;
  const std::string whole = folder.path("whole"), again = folder.path("again");
  const Result first = run_program(scan({"--output", whole, "--threads", "1"}));
  BOOST_TEST(first.code == 0, first.err);
  // Other numbers of threads, and a configuration read back.
  const Result second = run_program(
      {"scan", "--config", whole + "/config.ini", "--output", again, "--threads", "3", "--quiet", "--no-plots"});
  BOOST_TEST(second.code == 0, second.err);
  check_same(whole, again);

  // Stopped at any moment: rows cut anywhere, the other files with rows of cells that are not complete, nothing at all.
  const std::string cells = read_file(whole + "/cells.csv");
  const std::size_t header = cells.find('\n') + 1, one = cells.find('\n', header) + 1;
  for (const std::size_t kept :
       {std::size_t{0}, std::size_t{10}, header, header + 5, one, one + 30, cells.size() - 1}) {
    fs::remove(again + "/summary.json");
    write_file(again + "/cells.csv", cells.substr(0, kept));
    const Result resumed = run_program({"scan", "--resume", "--output", again, "--quiet", "--no-plots"});
    BOOST_TEST(resumed.code == 0, resumed.err);
    check_same(whole, again);
  }
  // Damaged by another hand: a message, not other results.
  for (const char* name : {"replicates.csv", "curves.csv"}) {
    const std::string rows = read_file(whole + "/" + name);
    const std::size_t after = rows.find('\n') + 1;
    for (const std::string& damaged : {rows.substr(0, after) + "-1" + rows.substr(rows.find(',', after)),
                                       rows.substr(0, after) + "0.5" + rows.substr(rows.find(',', after))}) {
      fs::remove(again + "/summary.json");
      write_file(again + "/" + name, damaged);
      const Result refused = run_program({"scan", "--resume", "--output", again, "--quiet"});
      BOOST_TEST(refused.code == 4, name);
      BOOST_TEST(refused.err.find("start again without --resume") != std::string::npos, refused.err);
    }
    write_file(again + "/" + name, rows);
  }
  {
    const std::string rows = read_file(whole + "/replicates.csv");
    write_file(again + "/replicates.csv", rows.substr(0, rows.find('\n', rows.size() / 20) + 1));
    const Result refused = run_program({"scan", "--resume", "--output", again, "--quiet"});
    BOOST_TEST(refused.code == 4);
    BOOST_TEST(refused.err.find("rows of cell") != std::string::npos, refused.err);
    write_file(again + "/replicates.csv", rows);
  }
  fs::remove(again + "/cells.csv");
  BOOST_TEST(run_program({"scan", "--resume", "--output", again, "--quiet", "--no-plots"}).code == 0);
  check_same(whole, again);

  check_refused({"scan", "--resume", "--output", again, "--seed", "2"}, "another scan");
  check_refused({"scan", "--output", again}, "not empty");
  // Settings that the cells at hand were not run with: each kind that the cells' rows do not show.
  const std::string config = read_file(again + "/config.ini");
  for (const auto& [given, edited] : {std::pair{"seed = 1", "seed = 2"},
                                      {"paths = 256", "paths = 512"},
                                      {"delta = 0.2", "delta = 0.3"},
                                      {"noise-law = rademacher", "noise-law = gaussian"},
                                      {"scheme = heavy-ball", "scheme = nesterov"},
                                      {"epsilon = 0.1", "epsilon = 0.09"}}) {
    const std::size_t at = config.find(given);
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, given);
    std::string text = config;
    write_file(again + "/config.ini", text.replace(at, std::string(given).size(), edited));
    check_refused({"scan", "--resume", "--output", again}, "config.ini was edited");
  }
  write_file(again + "/config.ini", config);
  fs::remove(again + "/scan.state");
  check_refused({"scan", "--resume", "--output", again}, "scan.state");
  fs::create_directory(folder.path("empty"));
  check_refused({"scan", "--resume", "--output", folder.path("empty")}, "no scan was interrupted there");
  check_refused({"scan", "--resume", "--output", folder.path("nosuch")}, "no scan was interrupted there");
  BOOST_TEST(!fs::exists(folder.path("nosuch")));
  BOOST_TEST(
      run_program({"scan", "--config", whole + "/config.ini", "--output", again, "--force", "--quiet", "--no-plots"})
          .code == 0);
  // Neither waited for nor written through.
  write_file(folder.path("victim"), "mine");
  for (const std::string name : {"cells.csv", "replicates.csv", "curves.csv"}) {
    const fs::path path = fs::path(again) / name, kept = folder.path("kept");
    fs::rename(path, kept);
    for (const bool link : {true, false}) {
      if (link) {
        fs::create_symlink(folder.path("victim"), path);
      } else {
        BOOST_TEST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
      }
      const Result refused = run_program({"scan", "--resume", "--output", again, "--quiet"});
      BOOST_TEST(refused.code == 4, name);
      BOOST_TEST(refused.err.find(name) != std::string::npos, refused.err);
      fs::remove(path);
    }
    fs::rename(kept, path);
  }
  BOOST_TEST(read_file(folder.path("victim")) == "mine");
  write_file(again + "/cells.csv", "cell,something\n0,1\n");
  BOOST_TEST(run_program({"scan", "--resume", "--output", again, "--quiet"}).code == 4);
}

BOOST_AUTO_TEST_CASE(files_that_are_replaced_or_changed_while_the_scan_runs_are_missed) {
  const Folder folder;
  const auto resolved = valleydrift::scan::resolve_scan(parse_options(scan({})).scan);
  for (const std::string name : {"cells.csv", "replicates.csv", "curves.csv"}) {
    for (const std::string how : {"gone", "replaced", "cut"}) {
      valleydrift::report::CellLog log(folder.path(""), resolved, false);
      if (how == "cut") {
        fs::resize_file(folder.path(name), 1);
      } else {
        fs::rename(folder.path(name), folder.path("moved"));
      }
      if (how == "replaced") fs::copy_file(folder.path("moved"), folder.path(name));
      BOOST_CHECK_EXCEPTION(log.finish(), valleydrift::FileError,
                            [&](const auto& e) { return std::string(e.what()).find(name) != std::string::npos; });
    }
  }
  valleydrift::report::CellLog(folder.path(""), resolved, false).finish();
}

BOOST_AUTO_TEST_CASE(summary_has_the_agreed_keys) {
  const Folder folder;
  const std::string output = folder.path("run");
  const Result r = run_program(scan({"--output", output, "--json"}));
  const json summary = json::parse(r.out);
  BOOST_TEST(summary == json::parse(read_file(output + "/summary.json")));
  check_nulls(summary, "");
  BOOST_TEST(summary["schema_version"] == 1);
  for (const char* key : {"mean", "rms", "transverse"}) {
    const json& exponent = summary["exponents"][0][key];
    for (const char* entry : {"alpha", "interval", "cells_used"}) BOOST_TEST(exponent.contains(entry));
  }
  BOOST_TEST(summary.contains("optimal_gamma"));
  BOOST_TEST(summary["allowed"]["beyond_range"] == 0.03);
  BOOST_TEST(summary["allowed"]["optimal_gamma_half_width"] == 0.05);
  for (const char* key : {"mean", "rms"}) {
    for (const char* entry : {"predicted", "measured", "interval"})
      BOOST_TEST(summary["prefactor"][key].contains(entry));
  }
  for (const json& cell : summary["cells"]) {
    for (const char* key :
         {"eta", "gamma", "C", "T_mean", "T_rms", "T_transverse", "predicted", "standard_error", "status"}) {
      BOOST_TEST(cell.contains(key), key);
    }
  }
}

// Heavy ball's optimum is C* whatever eta is, and a step is judged where its run starts, with its own momentum.
BOOST_AUTO_TEST_CASE(advice_holds_at_any_eta) {
  for (const double eta : {1e-12, 1e-9, 1e-7, 1e-3}) {
    const json advice = json::parse(run_program({"advise", "--eta", fmt::format("{}", eta), "--json"}).out);
    const double C = advice["recommended_mu"].get<double>() / std::pow(eta, 2.0 / 3.0);
    BOOST_TEST(C == 1.264 / std::cbrt(100.0), boost::test_tools::tolerance(0.005));
    // What is printed of beta says how far from 1 it is.
    const std::string text = run_program({"advise", "--eta", fmt::format("{}", eta)}).out;
    const double mu = advice["recommended_mu"].get<double>();
    for (const std::string before : {"momentum  beta = ", "\n  recommended "}) {
      const std::size_t at = text.find(before);
      BOOST_REQUIRE(at != std::string::npos);
      const double left = 1.0 - std::stod(text.substr(at + before.size(), 40));
      BOOST_TEST(left == mu, boost::test_tools::tolerance(0.001));
    }
  }
  BOOST_TEST(run_program({"advise", "--eta", "0.9"}).code == 0);
  const Result unstable = run_program({"advise", "--eta", "2.5"});
  BOOST_TEST(unstable.code == 3);
  BOOST_TEST(unstable.err.find("(1.10499, 0.904988)") != std::string::npos, unstable.err);  // not (2, 0.5)
  BOOST_TEST(run_program({"advise", "--manifold", "sphere"}).err.starts_with("valleydrift: error: --manifold sphere"));
  const json searched = json::parse(run_program({"advise", "--search", "3", "--json"}).out);
  BOOST_TEST(searched["search"]["starts"] == 4);
}

BOOST_AUTO_TEST_CASE(advice) {
  const Result text = run_program({"advise", "--eta", "0.001"});
  BOOST_TEST(text.code == 0, text.err);
  BOOST_TEST(text.out.find("Recommended momentum") != std::string::npos);
  const json advice = json::parse(run_program({"advise", "--eta", "0.001", "--json"}).out);
  check_nulls(advice, "");
  BOOST_TEST(advice["recommended_mu"].get<double>() == 1.264 * std::cbrt(1e-8), boost::test_tools::tolerance(0.01));
  BOOST_TEST(advice["options"].size() == 3u);
  BOOST_TEST(advice["options"][1]["speed_up"].get<double>() > 1000.0);
  // Two slow coordinates and more: no exact answer, and the text says so.
  const Result heuristic = run_program({"advise", "--manifold", "vector-uv", "--eta", "0.001"});
  BOOST_TEST(heuristic.code == 0, heuristic.err);
  BOOST_TEST(heuristic.out.find("heuristic") != std::string::npos, heuristic.out);
}

BOOST_AUTO_TEST_SUITE_END()
