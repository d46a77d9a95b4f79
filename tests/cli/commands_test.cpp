// What the commands print, read back.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/option_table.hpp"
#include "run_program.hpp"

using nlohmann::json;
using valleydrift::cli_test::contains;
using valleydrift::cli_test::Folder;
using valleydrift::cli_test::is_junit;
using valleydrift::cli_test::read_file;
using valleydrift::cli_test::Result;
using valleydrift::cli_test::run_program;

BOOST_AUTO_TEST_SUITE(commands)

namespace {

/// No NaN and no infinity in the text; null only where a reason stands beside it.
void check_nulls(const json& value, const std::string& path) {
  if (value.is_object()) {
    for (const auto& [key, entry] : value.items()) {
      if (entry.is_null()) {
        BOOST_TEST(value.contains(key + "_reason"), path << "." << key << " is null without a reason");
      }
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

json parsed(const std::vector<std::string>& arguments) {
  const Result result = run_program(arguments);
  BOOST_TEST(result.code == 0, result.err);
  const json value = json::parse(result.out);
  check_nulls(value, "");
  return value;
}

}  // namespace

BOOST_AUTO_TEST_CASE(help_and_version) {
  const Result general = run_program({"--help"});
  BOOST_TEST(general.code == 0);
  for (const char* word : {"Exit codes", "Examples"}) BOOST_TEST(contains(general.out, word));
  for (const auto& [command, name, meaning] : names_of(valleydrift::cli::Command{})) {
    BOOST_TEST(contains(general.out, std::string(meaning)));
    const Result help = run_program({std::string(name), "--help"});
    BOOST_TEST(help.code == 0);
    BOOST_TEST(help.err == "");
    const bool iterates = name != "manifolds" && name != "verify";
    BOOST_TEST(contains(help.out, "w <- w + eta p") == iterates);
    BOOST_TEST(contains(help.out, "lr = eta/2") == iterates);
    std::istringstream lines(help.out);
    for (std::string line; std::getline(lines, line);) BOOST_TEST(line.size() <= 110U, line);
    for (const auto& option : valleydrift::cli::option_table()) {
      const std::string shown = "  --" + std::string(option.name) + " ";
      // An option may have an entry for this command and another one for the rest.
      const bool belongs = belongs_to(*valleydrift::cli::find_option(option.name, command), command);
      BOOST_TEST(contains(help.out, shown) == belongs, option.name);
    }
  }
  BOOST_TEST(run_program({"--version"}).out == "valleydrift " VALLEYDRIFT_VERSION "\n");
}

BOOST_AUTO_TEST_CASE(manifolds_list_and_one) {
  const json list = parsed({"manifolds", "--json"});
  BOOST_TEST(list.at("manifolds").size() == valleydrift::manifolds::descriptions().size());
  const Result text = run_program({"manifolds"});
  for (const json& entry : list.at("manifolds")) {
    const std::string name = entry.at("name");
    BOOST_TEST(contains(text.out, name));
    const json one = parsed({"manifolds", name, "--json"});
    for (const char* key : {"name", "formula", "summary", "coordinates", "parameters", "dimension", "valley_dimension",
                            "default_start", "slow_coordinates", "known", "schema_version"}) {
      BOOST_TEST(one.contains(key), name << " " << key);
    }
    BOOST_TEST(one.at("default_start").size() == one.at("dimension").get<std::size_t>());
    const Result shown = run_program({"manifolds", name});
    BOOST_TEST(shown.code == 0);
    BOOST_TEST(contains(shown.out, one.at("formula").get<std::string>()));
    for (const json& parameter : one.at("parameters"))
      BOOST_TEST(contains(shown.out, parameter.at("name").get<std::string>()));
  }
}

BOOST_AUTO_TEST_CASE(inspect_has_every_key_for_every_manifold) {
  for (const auto& d : valleydrift::manifolds::descriptions()) {
    for (const char* noise : {"label", "isotropic"}) {
      BOOST_TEST_CONTEXT(d.name << " " << noise) {
        const json i = parsed({"inspect", "--manifold", d.name, "--noise", noise, "--eta", "0.02", "--json"});
        for (const char* key :
             {"manifold", "point", "dimension", "valley_dimension", "loss", "spectrum", "trace_hessian", "drift",
              "diffusion", "tau_1", "tau_momentum", "tau_2", "tau_Y", "C_star", "applicability"}) {
          BOOST_TEST(i.contains(key), key);
        }
        const auto dimension = i.at("dimension").get<std::size_t>();
        BOOST_TEST(i.at("spectrum").size() == dimension - i.at("valley_dimension").get<std::size_t>());
        for (const char* form : {"finite-step", "paper"}) {
          for (const char* term : {"curvature", "mixed", "transverse", "total"}) {
            BOOST_TEST(i.at("drift").at(form).at(term).size() == dimension);
          }
        }
        BOOST_TEST(i.at("drift").at("asymptotic").is_null());
        BOOST_TEST(i.at("diffusion").size() == dimension);
        for (const json& condition : i.at("applicability")) {
          for (const char* key : {"name", "value", "bound", "ok"}) BOOST_TEST(condition.contains(key));
        }
        const Result text = run_program({"inspect", "--manifold", d.name, "--noise", noise, "--eta", "0.02"});
        BOOST_TEST(text.code == 0);
        for (const char* word : {"nan", "inf "}) BOOST_TEST(!contains(text.out, word), text.out);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(inspect_asymptotic_form_with_gamma) {
  const json i = parsed(
      {"inspect", "--manifold", "quadratic-pair", "--noise", "isotropic", "--beta", "0.9", "--gamma", "0.4", "--json"});
  BOOST_TEST(i.at("drift").at("asymptotic").at("total").size() == 4U);
}

BOOST_AUTO_TEST_CASE(inspect_moves_a_point_onto_the_valley) {
  const json i = parsed({"inspect", "--at", "2,0.6", "--json"});
  const auto point = i.at("point").get<std::vector<double>>();
  BOOST_TEST(std::abs(point[0] * point[1] - 1.0) < 1e-12);
  BOOST_TEST(i.at("distance_moved").get<double>() > 0.01);
  // Gradient flow conserves u^2 - v^2; the limit map is stated to be within 1e-10.
  BOOST_TEST(std::abs(point[0] * point[0] - point[1] * point[1] - (4.0 - 0.36)) < 1e-9);
  BOOST_TEST(contains(run_program({"inspect", "--at", "2,0.6"}).out, "moved by"));
  BOOST_TEST(parsed({"inspect", "--at", "2,0.5", "--json"}).at("distance_moved") == 0.0);
}

BOOST_AUTO_TEST_CASE(printed_configuration_is_resolved_and_runs_the_same_job) {
  const Folder folder;
  const Result first = run_program({"compare", "--start", "2,0.6", "--print-config"});
  BOOST_TEST(first.code == 0);
  for (const char* key : {"epsilon = ", "start = ", "beta = 0.9", "time = 2"})
    BOOST_TEST(contains(first.out, key), key);
  const Result second = run_program({"compare", "--config", folder.write("config.ini", first.out), "--print-config"});
  BOOST_TEST(second.out == first.out);
}

BOOST_AUTO_TEST_CASE(dry_run_states_the_cost_and_writes_nothing) {
  const Folder folder;
  const Result result = run_program({"compare", "--dry-run", "--json", "--output", folder.path("out")});
  BOOST_TEST(result.code == 0, result.err);
  const json cost = json::parse(result.out).at("cost");
  BOOST_TEST(cost.at("paths") == 32768);
  BOOST_TEST(cost.at("discrete_path_steps").get<double>() > 0.0);
  BOOST_TEST(!std::filesystem::exists(folder.path("out")));
  // All input is looked at: the folder is none that the run would refuse.
  std::filesystem::create_directories(folder.path("used") + "/summary.json");
  for (const std::string command : {"compare", "scan"}) {
    const auto of = [&](const std::string& name, const std::vector<std::string>& more = {}) {
      std::vector<std::string> line = {command, "--dry-run", "--output", folder.path(name)};
      line.insert(line.end(), more.begin(), more.end());
      return run_program(line);
    };
    BOOST_TEST(of("a/b").code == 0);
    BOOST_TEST(!std::filesystem::exists(folder.path("a")));
    BOOST_TEST(of("used").code == 2);
    const Result blocked = of("used", {"--force"});
    BOOST_TEST(blocked.code == 4);
    BOOST_TEST(blocked.err.find("used/summary.json: it is a folder") != std::string::npos, blocked.err);
    std::filesystem::remove(folder.path("used") + "/summary.json");
    folder.write("used/config.ini", "");
    BOOST_TEST(of("used", {"--force"}).code == 0);
    BOOST_TEST(std::filesystem::exists(folder.path("used") + "/config.ini"));
    std::filesystem::remove(folder.path("used") + "/config.ini");
    std::filesystem::create_directories(folder.path("used") + "/summary.json");
  }
  // 1e5 times the steps, with as many records: their time is seen beside that of the records.
  const auto seconds = [](const std::string& steps) {
    const Result of = run_program({"compare", "--dry-run", "--json", "--steps", steps, "--paths", "1000000"});
    return json::parse(of.out).at("cost").at("seconds").get<double>();
  };
  BOOST_TEST(seconds("100000000") > 50.0 * seconds("1000"));
}

BOOST_AUTO_TEST_CASE(compare_writes_its_results) {
  const Folder folder;
  const std::vector<std::string> line = {"compare",    "--paths", "1024",     "--time",          "0.5",
                                         "--no-plots", "--json",  "--output", folder.path("out")};
  const Result result = run_program(line);
  BOOST_TEST(result.code <= 1, result.err);
  const json summary = json::parse(result.out);
  check_nulls(summary, "");
  BOOST_TEST((result.code == 0) == (summary.at("verdict") == "agree"));
  for (const char* name : {"config.ini", "summary.json", "series.csv", "run.json"}) {
    BOOST_TEST(std::filesystem::exists(folder.path("out") + "/" + name), name);
  }
  // The folder is not overwritten without --force, and with it the same configuration gives the same summary.
  BOOST_TEST(run_program(line).code == 2);
  const Result again = run_program({"compare", "--config", folder.path("out") + "/config.ini", "--no-plots", "--json",
                                    "--force", "--output", folder.path("out")});
  BOOST_TEST(again.out == result.out);
}

// config.ini and --print-config hold all there is to know: parameters, time and the start as given, on the valley or
// off.
BOOST_AUTO_TEST_CASE(a_configuration_that_is_read_back_gives_the_same_summary) {
  const std::string sigma = VALLEYDRIFT_SOURCE_DIR "/tests/data/full_rank_sigma.csv";
  const std::vector<std::vector<std::string>> jobs = {
      {"--manifold", "ellipse", "--start", "1.3,0.7"},
      {"--manifold", "sphere", "--noise", "isotropic", "--C", "0.4", "--gamma", "0.5"},
      {"--manifold", "quadratic-pair", "--noise", "constant", "--sigma", sigma, "--scheme", "sgd"},
  };
  for (const std::vector<std::string>& job : jobs) {
    const Folder folder;
    std::vector<std::string> line = {"compare", "--paths", "256", "--time", "0.2"};
    line.insert(line.end(), job.begin(), job.end());
    std::vector<std::string> printing = line;
    line.insert(line.end(), {"--json", "--no-plots", "--output", folder.path("first")});
    const Result first = run_program(line);
    BOOST_TEST(first.code <= 1, first.err);
    const Result again = run_program({"compare", "--config", folder.path("first") + "/config.ini", "--json",
                                      "--no-plots", "--output", folder.path("second")});
    BOOST_TEST(again.out == first.out);
    printing.push_back("--print-config");
    const Result printed = run_program(printing);
    const Result third = run_program({"compare", "--config", folder.write("printed.ini", printed.out), "--json",
                                      "--no-plots", "--output", folder.path("third")});
    BOOST_TEST(third.out == first.out, third.err);
  }
}

// What --save-paths wrote at a record is what the replay has at that step: weights' slow variable and limit alike.
BOOST_AUTO_TEST_CASE(a_replayed_path_is_the_path_of_the_ensemble) {
  const Folder folder;
  const std::vector<std::string> run = {"compare", "--manifold", "sphere", "--noise", "isotropic", "--paths",
                                        "256",     "--steps",    "100",    "--quiet", "--output"};
  std::vector<std::string> saving = run, replaying = run;
  saving.insert(saving.end(), {folder.path("all"), "--save-paths", "--no-plots"});
  replaying.insert(replaying.end(), {folder.path("one"), "--path", "137"});
  BOOST_TEST(run_program(saving).code <= 1);
  const Result replayed = run_program(replaying);
  BOOST_TEST(replayed.code == 0);
  BOOST_TEST(replayed.out + replayed.err == "");  // --quiet
  BOOST_TEST(!std::filesystem::exists(folder.path("one") + "/plots"));
  // path,time,kind,coordinates... of the last record, and step,time,loss,w...,p...,slow...,limit... of the last step.
  const auto cells = [](const std::string& line) {
    std::vector<std::string> out;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) out.push_back(cell);
    return out;
  };
  std::vector<std::string> slow, limit, last;
  std::istringstream all(read_file(folder.path("all") + "/paths.csv")),
      one(read_file(folder.path("one") + "/path-137.csv"));
  for (std::string line; std::getline(all, line);) {
    if (!line.starts_with("137,")) continue;
    (contains(line, "slow") ? slow : limit) = cells(line);
  }
  for (std::string line; std::getline(one, line);) last = cells(line);
  BOOST_REQUIRE(slow.size() >= 3U);
  BOOST_REQUIRE(last.size() >= 9U);
  for (std::size_t i = 1; i <= 3; ++i) {
    BOOST_TEST(limit[limit.size() - i] == last[last.size() - i]);
    BOOST_TEST(slow[slow.size() - i] == last[last.size() - 3 - i]);
  }
}

// A first phase: printed and read again it is the same run; the descent has a file and a picture of its own, the path
// begins with the phase, and what was drawn is in the summary.
BOOST_AUTO_TEST_CASE(first_phase_of_a_random_start) {
  const Folder folder;
  const std::string out = folder.path("run"), again = folder.path("again"), path = folder.path("path");
  const Result result = run_program({"compare", "--start", "random", "--phase1", "noisy", "--paths", "256", "--steps",
                                     "400", "--seed", "4", "--output", out});
  BOOST_TEST(result.code <= 1, result.err);
  BOOST_TEST(contains(result.out, "steps with the noise on"), result.out);
  BOOST_TEST(contains(result.out, "drawn at random, 1 times normal"));
  const json summary = json::parse(read_file(out + "/summary.json"));
  check_nulls(summary, "");
  const json& phase = summary.at("first_phase");
  const auto steps = phase.at("steps").get<int>();
  BOOST_TEST(steps > 10);
  BOOST_TEST(phase.at("noisy") == true);
  BOOST_TEST(phase.at("spread").size() == 2U);
  BOOST_TEST(phase.at("arrival") == summary.at("start"));
  BOOST_TEST(summary.at("initial").size() == 2U);
  BOOST_TEST(summary.at("config").at("start_scale") == 1.0);

  std::istringstream descent(read_file(out + "/descent.csv"));
  std::string line;
  std::getline(descent, line);
  BOOST_TEST(line == "quantity,steps_made,step,noiseless,gradient_flow,mean,standard_deviation");
  std::getline(descent, line);
  BOOST_TEST(line.starts_with("loss,0,-" + std::to_string(steps) + ","), line);
  for (const char* name : {"/plots/descent.svg", "/plots/descent.png"}) {
    BOOST_TEST(std::filesystem::exists(out + name), name);
  }

  BOOST_TEST(run_program({"compare", "--config", out + "/config.ini", "--output", again}).code == result.code);
  for (const char* name : {"/config.ini", "/summary.json", "/descent.csv", "/series.csv"}) {
    BOOST_TEST((read_file(again + name) == read_file(out + name)), name);
  }
  const Result printed = run_program({"compare", "--config", out + "/config.ini", "--print-config"});
  BOOST_TEST(printed.out == read_file(out + "/config.ini"));

  BOOST_TEST(run_program({"compare", "--config", out + "/config.ini", "--path", "3", "--output", path}).code == 0);
  std::istringstream replay(read_file(path + "/path-3.csv"));
  std::getline(replay, line);
  std::getline(replay, line);
  BOOST_TEST(line.starts_with("-" + std::to_string(steps) + ","), line);
  int lines = 1;
  while (std::getline(replay, line)) ++lines;
  BOOST_TEST(lines == steps + 401);

  // Without a first phase there is none of it, and --force clears it away.
  BOOST_TEST(run_program({"compare", "--paths", "256", "--steps", "400", "--force", "--output", out}).code <= 1);
  BOOST_TEST(!std::filesystem::exists(out + "/descent.csv"));
  BOOST_TEST(!std::filesystem::exists(out + "/plots/descent.svg"));
  BOOST_TEST(json::parse(read_file(out + "/summary.json")).at("first_phase").is_null());
}

BOOST_AUTO_TEST_CASE(random_start_of_a_formula) {
  const Folder folder;
  for (const char* phase : {"none", "gd"}) {
    const Result result =
        run_program({"compare", "--variables", "u,v", "--residual", "u*v - 1", "--start", "random", "--phase1", phase,
                     "--paths", "256", "--steps", "100", "--no-plots", "--json", "--output", folder.path(phase)});
    BOOST_TEST(result.code <= 1, result.err);
    const auto w = json::parse(result.out).at("start").get<std::vector<double>>();
    BOOST_TEST(std::abs(w[0] * w[1] - 1.0) < 1e-9);
  }
}

BOOST_AUTO_TEST_CASE(one_path_is_replayed) {
  const Folder folder;
  for (const char* noise : {"label", "isotropic"}) {
    const std::string out = folder.path(noise);
    const Result result =
        run_program({"compare", "--noise", noise, "--steps", "50", "--path", "7", "--json", "--output", out});
    BOOST_TEST(result.code == 0, result.err);
    std::ifstream file(json::parse(result.out).at("file").get<std::string>());
    int lines = 0;
    for (std::string line; std::getline(file, line);) ++lines;
    BOOST_TEST(lines >= 51);
  }
}

BOOST_AUTO_TEST_CASE(verify_runs_the_selected_checks_and_writes_its_files) {
  const Folder folder;
  const Result result = run_program({"verify", "--only", "D1,d9-*", "--manifold", "ellipse", "--json",
                                     folder.path("v.json"), "--junit", folder.path("v.xml")});
  BOOST_TEST(result.code == 0, result.out << result.err);
  BOOST_TEST(contains(result.out, "Verdict: pass"));
  const json object = json::parse(read_file(folder.path("v.json")));
  check_nulls(object, "");
  BOOST_TEST(object.at("passed") == true);
  // Five checks of D1 and one of D9, each with the default and the awkward parameters.
  BOOST_TEST(object.at("checks").size() == 12U);
  BOOST_TEST(contains(read_file(folder.path("v.xml")), "tests=\"12\" failures=\"0\""));
  BOOST_TEST(is_junit(folder.path("v.xml")));
  BOOST_TEST(contains(run_program({"verify", "--list", "--only", "D4-mixed"}).out, "D4-mixed"));
  BOOST_TEST(run_program({"verify", "--only", "D1-pullback", "--quiet"}).out == "pass\n");
  BOOST_TEST(run_program({"verify", "--only", "D1-pullback", "--json", folder.path("absent/v.json")}).code == 4);
}

BOOST_AUTO_TEST_CASE(verify_repeats_the_same_law) {
  const Folder folder;
  const Result result = run_program({"verify", "--aa", "8", "--only", "S1", "--manifold", "uv", "--json",
                                     folder.path("a.json"), "--junit", folder.path("a.xml")});
  BOOST_TEST(result.code == 0, result.out << result.err);
  BOOST_TEST(contains(result.out, "A/A: 8 repeats"));
  BOOST_TEST(contains(result.out, "0 alarms in 8 verdicts"));
  const json object = json::parse(read_file(folder.path("a.json")));
  check_nulls(object, "");
  BOOST_TEST(object.at("passed") == true);
  BOOST_TEST(object.at("checks").at(0).at("statistics").at(0).at("p_values") == 8);
  BOOST_TEST(is_junit(folder.path("a.xml")));
  BOOST_TEST(run_program({"verify", "--aa", "2", "--only", "S1", "--manifold", "uv", "--quiet"}).out == "pass\n");
}

BOOST_AUTO_TEST_CASE(standard_output_that_cannot_be_written) {
  std::ofstream full("/dev/full");
  std::ostringstream err;
  const char* argv[] = {"valleydrift", "manifolds"};
  BOOST_TEST(valleydrift::cli::run(2, argv, full, err) == 4);
  BOOST_TEST(contains(err.str(), "standard output"));
}

BOOST_AUTO_TEST_CASE(the_size_of_saved_paths_is_known_before) {
  const Folder folder;
  for (const std::vector<std::string>& valley :
       {std::vector<std::string>{"--manifold", "uv"}, {"--manifold", "linear-network", "--eta", "0.01"}}) {
    std::vector<std::string> line = {"compare", "--paths", "256", "--steps", "60", "--save-paths"};
    line.insert(line.end(), valley.begin(), valley.end());
    std::vector<std::string> dry = line;
    dry.insert(dry.end(), {"--dry-run", "--json"});
    const double said = parsed(dry)["cost"]["paths_file_bytes"];
    const std::string out = folder.path(valley[1]);
    line.insert(line.end(), {"--quiet", "--no-plots", "--output", out});
    run_program(line);
    const auto size = static_cast<double>(std::filesystem::file_size(out + "/paths.csv"));
    BOOST_TEST(std::abs(said / size - 1.0) < 0.15);
  }
  // More than any disk: refused before the run, and nothing is left.
  const Result result =
      run_program({"compare", "--manifold", "linear-network", "--eta", "0.01", "--paths", "100000000", "--param",
                   "features=1000", "--steps", "60", "--save-paths", "--output", folder.path("full")});
  BOOST_TEST(result.code == 4);
  BOOST_TEST(contains(result.err, "--save-paths"));
  BOOST_TEST(contains(result.err, "168 TB"));
  BOOST_TEST(!std::filesystem::exists(folder.path("full")));
}

BOOST_AUTO_TEST_SUITE_END()
