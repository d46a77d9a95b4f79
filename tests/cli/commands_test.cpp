// What the commands print, read back.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "run_program.hpp"

using nlohmann::json;
using valleydrift::cli_test::Folder;
using valleydrift::cli_test::Result;
using valleydrift::cli_test::run_program;

BOOST_AUTO_TEST_SUITE(commands)

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

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

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool is_junit(const std::string& path) {
  const std::string command =
      "xmllint --noout --schema " VALLEYDRIFT_SOURCE_DIR "/tests/data/junit.xsd " + path + " 2> /dev/null";
  return std::system(command.c_str()) == 0;
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
  for (const char* word : {"manifolds", "inspect", "compare", "verify", "scan", "advise", "Exit codes", "Examples"})
    BOOST_TEST(contains(general.out, word));
  for (const auto command : valleydrift::cli::all_commands()) {
    const Result help = run_program({name_of(command), "--help"});
    BOOST_TEST(help.code == 0);
    BOOST_TEST(help.err == "");
    const bool iterates = name_of(command) != "manifolds" && name_of(command) != "verify";
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

namespace {

/// Exit code of a shell command in which $program is the program and $folder a folder.
int shell(const Folder& folder, const std::string& command) {
  const std::string line =
      fmt::format("cd {} && program={} && {{ {}\n}}", folder.path(""), VALLEYDRIFT_PROGRAM, command);
  const int status = std::system(line.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

BOOST_AUTO_TEST_CASE(verify_keeps_what_it_has) {
  const Folder folder;
  // A target that cannot be written is known before the checks run, and nothing is left behind.
  BOOST_TEST(shell(folder, "timeout 5 $program verify --json absent/v.json --junit v.xml > out 2> err") == 4);
  BOOST_TEST(contains(read_file(folder.path("err")), "absent/v.json"));
  BOOST_TEST(!std::filesystem::exists(folder.path("v.xml.part")));
  // One that fails at the end takes nothing else with it.
  BOOST_TEST(shell(folder,
                   "$program verify --only D4 --json taken.json --junit v.xml > out 2> err &\n"
                   "while ! test -e taken.json.part; do sleep 0.01; done; mkdir taken.json; wait $!") == 4);
  BOOST_TEST(contains(read_file(folder.path("out")), "Verdict: pass"));
  BOOST_TEST(is_junit(folder.path("v.xml")));
  // Interrupted, it shows what it has found.
  // Of checks whose cases are short also where every step is slow.
  BOOST_TEST(shell(folder,
                   "timeout --preserve-status -s INT 0.5 $program verify --only D4-mixed,D5-drawn --threads 1 "
                   "--json v.json > out 2> err") == 130);
  BOOST_TEST(contains(read_file(folder.path("out")), "interrupted: "));
  const json object = json::parse(read_file(folder.path("v.json")));
  BOOST_TEST(object.at("passed") == false);
  BOOST_TEST(object.at("unfinished") > 0);
}

BOOST_AUTO_TEST_CASE(a_full_device_is_an_error) {
  const Folder folder;
  BOOST_TEST(shell(folder, "$program manifolds > /dev/full 2> err") == 4);
  BOOST_TEST(shell(folder, "$program compare --paths 256 --steps 100 --no-plots > /dev/full 2> err") == 4);
  // What was computed is not lost with the report.
  BOOST_TEST(std::filesystem::exists(folder.path("valleydrift-out/uv-001/summary.json")));
}

BOOST_AUTO_TEST_CASE(plots_that_fail_lose_neither_the_data_nor_the_verdict) {
  const Folder folder;
  const std::string run = "$program compare --paths 256 --steps 100 --output out > report 2> err";
  BOOST_TEST(shell(folder, "PATH=/nonexistent " + run) == 4);
  BOOST_TEST(shell(folder, "grep -q '^Verdict: ' report && ! grep -q Pictures report") == 0);
  BOOST_TEST(shell(folder, "grep -q 'data complete, plots failed: .*gnuplot' err") == 0);
  BOOST_TEST(std::filesystem::exists(folder.path("out/summary.json")));
  BOOST_TEST(shell(folder, "ls out/plots | grep -v -e '[.]dat$' -e '[.]gnuplot$'") == 1);
}

BOOST_AUTO_TEST_CASE(the_verdict_is_printed_before_the_plots_are_drawn) {
  const Folder folder;
  // A gnuplot that reads the report as it is when the first picture is due.
  folder.write("gnuplot", "#!/bin/sh\ncp ../../report ../../report-before\nexit 1\n");
  BOOST_TEST(shell(folder,
                   "chmod +x gnuplot; PATH=$PWD:$PATH $program compare --paths 256 --steps 100 --output out > report "
                   "2> err") == 4);
  BOOST_TEST(shell(folder, "grep -q '^Verdict: ' report-before") == 0);
}

BOOST_AUTO_TEST_CASE(an_interrupted_run_ends_with_its_signal_and_leaves_nothing) {
  const Folder folder;
  // Hours of work, so that it is interrupted however slow this machine is.
  const std::string run =
      "$program compare --paths 1000000 --steps 100000000 --quiet --save-paths 2> err & pid=$!; sleep 0.5; ";
  BOOST_TEST(shell(folder, run + "kill -TERM $pid; wait $pid") == 143);
  BOOST_TEST(!std::filesystem::exists(folder.path("valleydrift-out")));
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

BOOST_AUTO_TEST_CASE(pictures_carry_the_names_that_were_typed) {
  const Folder folder;
  // A gnuplot that draws nothing: the scripts are what is looked at.
  folder.write("gnuplot", "#!/bin/sh\nexit 1\n");
  const std::string run = "chmod +x gnuplot; PATH=$PWD:$PATH $program compare --paths 256 --steps 100 --quiet ";
  BOOST_TEST(shell(folder, run + "--variables w_2,w_1 --residual 'w_2*w_1 - 1' --start 2,0.5 --output swapped "
                                 "> report 2> err") == 4);
  const auto script = [&](const std::string& name) {
    std::ifstream file(folder.path(name));
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  // The first weight typed is on the first axis; gnuplot's own meaning of _ is escaped.
  const std::string valley = script("swapped/plots/valley.gnuplot");
  const std::size_t across = valley.find("set label 'w\\_2' at"), up = valley.find("set label 'w\\_1' at");
  BOOST_TEST_REQUIRE((across != std::string::npos && up != std::string::npos));
  BOOST_TEST(across < up);
  BOOST_TEST(!contains(valley.substr(across, valley.find('\n', across) - across), "rotate"));
  BOOST_TEST(contains(valley.substr(up, valley.find('\n', up) - up), "rotate by 90"));
  BOOST_TEST(contains(script("swapped/plots/slow-coordinates.gnuplot"), "set label 'w\\_2' at"));
  // Names that mean something elsewhere are names here.
  BOOST_TEST(shell(folder, run + "--variables theta,my_var --residual 'theta*my_var - 1' --start 2,0.5 --output greek "
                                 "> report 2> err") == 4);
  BOOST_TEST(contains(script("greek/plots/valley.gnuplot"), "set label 'theta' at"));
  BOOST_TEST(contains(script("greek/plots/valley.gnuplot"), "set label 'my\\_var' at"));
  BOOST_TEST(contains(script("greek/plots/slow-coordinates.gnuplot"), "set label 'theta' at"));
}

BOOST_AUTO_TEST_CASE(a_signal_while_plotting_ends_the_run) {
  const Folder folder;
  folder.write("gnuplot", "#!/bin/sh\ntouch ../../plotting\nexec sleep 1000\n");
  const std::string run =
      "chmod +x gnuplot; PATH=$PWD:$PATH env --default-signal=INT $program compare --paths 256 --steps 100 "
      "--output out > report 2> err & pid=$!; while [ ! -e plotting ]; do sleep 0.05; done; rm plotting; ";
  BOOST_TEST(shell(folder, run + "kill -TERM $pid; wait $pid") == 143);
  BOOST_TEST(shell(folder, "rm -r out; " + run + "kill -INT $pid; wait $pid") == 130);
  BOOST_TEST(shell(folder, "grep -q '^Verdict: ' report && grep -q verdict out/summary.json") == 0);
}

BOOST_AUTO_TEST_CASE(force_never_shows_old_results_as_those_of_the_new_run) {
  const Folder folder;
  const std::string old = "$program compare --paths 256 --steps 100 --quiet --no-plots --save-paths --output out";
  BOOST_TEST(shell(folder, old + " > report; cp -r out kept; test -e out/summary.json") == 0);
  // Hours of work, so that it is looked at in the middle.
  const std::string begin =
      "$program compare --paths 1000000 --steps 100000000 --quiet --force --output out 2> err & pid=$!; "
      "while [ -e out/summary.json ]; do sleep 0.05; done; ";
  // Interrupted, it leaves what was there; killed, it leaves that apart, and the next run clears it away.
  BOOST_TEST(shell(folder, begin + "kill -TERM $pid; wait $pid") == 143);
  BOOST_TEST(shell(folder, "diff -r out kept") == 0);
  BOOST_TEST(shell(folder, begin + "sleep 0.3; kill -9 $pid; wait $pid 2> /dev/null; diff -r out/replaced-001 kept") ==
             0);
  BOOST_TEST(shell(folder, "test ! -e out/config.ini && test ! -e out/summary.json") == 0);
  BOOST_TEST(shell(folder, old + " --force > report; rm out/run.json kept/run.json; diff -r out kept") == 0);
}

#ifdef _OPENMP

BOOST_AUTO_TEST_CASE(threads_wait_passively_unless_told_otherwise) {
  const Folder folder;
  // What gnuplot is started with is what the program runs with: its parent's environment, name and arguments.
  folder.write("gnuplot",
               "#!/bin/sh\n{ echo policy=$OMP_WAIT_POLICY; cat /proc/$PPID/comm; tr '\\0' '|' < /proc/$PPID/cmdline; "
               "echo; } > ../../seen\nexit 1\n");
  const std::string run = "chmod +x gnuplot; ln -s $program renamed; ";
  const std::string plot =
      "PATH=$PWD:$PATH ./renamed compare --paths 256 --steps 100 --quiet --output out > report "
      "2> err; rm -r out; ";
  BOOST_TEST(shell(folder, "unset OMP_WAIT_POLICY GOMP_SPINCOUNT; " + run + plot + "grep -qx policy=passive seen") ==
             0);
  BOOST_TEST(shell(folder, "grep -qx renamed seen") == 0);
  BOOST_TEST(shell(folder, "grep -qxF './renamed|compare|--paths|256|--steps|100|--quiet|--output|out|' seen") == 0);
  BOOST_TEST(shell(folder, "unset GOMP_SPINCOUNT; export OMP_WAIT_POLICY=active; " + plot +
                               "grep -qx policy=active seen") == 0);
  BOOST_TEST(shell(folder, "unset OMP_WAIT_POLICY; export GOMP_SPINCOUNT=7; " + plot + "grep -qx policy= seen") == 0);
}

// OpenMP would end the program with exit code 1, which is a verdict, or by a signal.
BOOST_AUTO_TEST_CASE(a_stack_that_no_thread_can_have_is_an_error) {
  const Folder folder;
  const std::string run = " $program compare --threads 2 --paths 256 --steps 100 --no-plots --quiet > report 2> err";
  for (const std::string stack : {"OMP_STACKSIZE=100000000G", "GOMP_STACKSIZE=' 100000000 g '", "OMP_STACKSIZE=16k"}) {
    BOOST_TEST(shell(folder, "unset OMP_STACKSIZE; " + stack + run) == 2, stack);
    const std::string name = stack.substr(0, stack.find('='));
    BOOST_TEST(shell(folder, "grep -q 'error: " + name + "=.*\\(no memory\\|at least 1M\\)' err") == 0, stack);
  }
  for (const std::string stack : {"OMP_STACKSIZE=2M", "OMP_STACKSIZE=nonsense"}) {
    BOOST_TEST(shell(folder, stack + run) <= 1, stack);
    BOOST_TEST(shell(folder, "test -s report") == 0, stack);
  }
}

#endif

BOOST_AUTO_TEST_CASE(closed_standard_descriptors_are_no_file_of_results) {
  const Folder folder;
  const std::string run = "$program compare --paths 256 --steps 100 --no-plots --save-paths --force --output ";
  BOOST_TEST(shell(folder, run + "whole > /dev/null 2> err") <= 1);
  for (const char* closed : {" >&- 2> err", " <&- >&- 2> err", " <&- >&- 2>&-"}) {
    BOOST_TEST(shell(folder, run + "closed" + closed) == 4, closed);
    for (const char* name : {"paths.csv", "series.csv", "summary.json", "config.ini"}) {
      BOOST_TEST(shell(folder, fmt::format("cmp whole/{0} closed/{0}", name)) == 0, name);
    }
  }
  BOOST_TEST(shell(folder, "grep -q 'standard output' err") == 0);
  BOOST_TEST(shell(folder, run + "closed 2>&- > /dev/null") <= 1);
  BOOST_TEST(shell(folder, "cmp whole/paths.csv closed/paths.csv") == 0);
}

BOOST_AUTO_TEST_CASE(a_limit_on_the_size_of_files_is_an_error) {
  const Folder folder;
  BOOST_TEST(shell(folder,
                   "(ulimit -f 2; $program compare --paths 256 --steps 100 --no-plots --output out > report) "
                   "2> err") == 4);
  BOOST_TEST(shell(folder, "grep -q 'File too large' err && ! ls out 2> /dev/null") == 0);
  // A replay that comes to nothing leaves nothing either, and with --force what was there.
  const std::string replay = "(ulimit -f 2; $program compare --path 0 --paths 256 --steps 10000 {} --output {}) 2> err";
  BOOST_TEST(shell(folder, fmt::format(fmt::runtime(replay), "", "out")) == 4);
  BOOST_TEST(shell(folder, "! ls out 2> /dev/null && mkdir old && echo mine > old/config.ini") == 0);
  BOOST_TEST(shell(folder, fmt::format(fmt::runtime(replay), "--force", "old")) == 4);
  BOOST_TEST(shell(folder, "grep -q mine old/config.ini && test `ls old` = config.ini") == 0);
}

BOOST_AUTO_TEST_CASE(verify_replaces_regular_files_only_and_knows_it_before_it_runs) {
  const Folder folder;
  folder.write("victim", "mine");
  BOOST_TEST(shell(folder, "ln -s victim link; mkfifo pipe; mkdir sub") == 0);
  for (const char* option : {"--json", "--junit"}) {
    for (const char* file : {"link", "pipe", "/dev/null", "sub", "nowhere/a.json"}) {
      // All checks would take a minute; these are refused at once.
      const std::string run = fmt::format("timeout 5 $program verify {} {} > report 2> err", option, file);
      BOOST_TEST(shell(folder, run) == 4, option << " " << file);
      BOOST_TEST(shell(folder, fmt::format("grep -q 'cannot write.*{}' err && ! test -s report", file)) == 0, file);
    }
    BOOST_TEST(shell(folder, fmt::format("$program verify --only D12 --manifold uv {} a.out > report", option)) == 0);
    BOOST_TEST(shell(folder, "test -s a.out && ! ls *.part 2> /dev/null") == 0);
  }
  BOOST_TEST(shell(folder, "test -L link && test -p pipe && grep -q mine victim") == 0);
}

BOOST_AUTO_TEST_CASE(standard_input_is_a_file_like_others) {
  const Folder folder;
  BOOST_TEST(shell(folder, "echo 'eta = 0.01' | $program inspect --config /dev/stdin --print-config > out") == 0);
  BOOST_TEST(shell(folder, "grep -q '^eta = 0.01$' out") == 0);
  BOOST_TEST(shell(folder, "$program inspect --config /dev/stdin < /dev/zero 2> err") == 4);
  BOOST_TEST(shell(folder, "grep -q 'longer than' err") == 0);
}

#ifndef __SANITIZE_ADDRESS__  // which keeps what has been freed

// The largest of all programs run so far: the others need less than half of it.
BOOST_AUTO_TEST_CASE(a_million_paths_need_little_memory, *boost::unit_test::label("slow")) {
  const Folder folder;
  const auto peak = [] {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024.0;  // MiB
  };
  const std::string run = "$program compare --paths 1048576 --no-plots --quiet > report 2> err";
  BOOST_TEST(shell(folder, run + " --steps 64 --output means") <= 1);  // too short a run for a verdict
  BOOST_TEST(peak() < 64.0);
  BOOST_TEST(shell(folder, run + " --steps 2 --output paths --save-paths") <= 1);
  BOOST_TEST(peak() < 150.0);  // 40 as a rule, 190 if nothing were let go before the end
  BOOST_TEST(std::filesystem::file_size(folder.path("paths/paths.csv")) > 100000000U);
}

// One matrix of as many rows and columns as weights is 32 MiB here. A run that forms none takes 35 MiB of address space
// in all, libraries included; one that is given such a matrix does not fit.
BOOST_AUTO_TEST_CASE(no_square_matrix_of_the_weights, *boost::unit_test::label("slow")) {
  const Folder folder;
  const std::string network = " --manifold linear-network --param features=1024 --param samples=8 --eta 0.002";
  const auto within = [&](const std::string& command) {
    return shell(folder, "ulimit -v 50000; $program " + command + " > report 2> err");
  };
  const std::string brief = " --paths 256 --steps 4 --threads 1 --no-plots --quiet --output out";
  for (const std::string noise : {" --noise label", " --noise isotropic"}) {
    BOOST_TEST(within("inspect" + network + noise) == 0);
    BOOST_TEST(within("compare" + network + noise + brief) <= 1);  // too short a run for a verdict
    BOOST_TEST(shell(folder, "grep -q verdict out/summary.json && rm -r out") == 0);
  }
  BOOST_TEST(within("compare --manifold sphere --param D=4096 --noise isotropic" + brief) <= 1);

  std::string one;
  for (std::size_t i = 0; i < 2048; ++i) {
    std::string line(2 * 2048 - 1, ',');
    for (std::size_t k = 0; k < 2048; ++k) line[2 * k] = i == k ? '1' : '0';
    one += line + "\n";
  }
  folder.write("one.csv", one);
  BOOST_TEST(within("inspect" + network + " --noise constant --sigma one.csv") == 3);
  BOOST_TEST(shell(folder, "grep -q 'out of memory' err") == 0);
}

#ifdef _OPENMP
// As many threads as the program says there can be leave room for the run.
BOOST_AUTO_TEST_CASE(threads_leave_memory_for_the_run) {
  const Folder folder;
  const std::string run =
      "ulimit -v 400000; $program compare --manifold linear-network --eta 0.01 --paths 4096 --steps 20 --no-plots "
      "--quiet --threads ";
  BOOST_TEST(shell(folder, run + "1024 > report 2> err") == 2);
  BOOST_TEST(shell(folder, "sed -n 's/.*lets this program have \\([0-9]*\\) .*/\\1/p' err > have && test -s have") ==
             0);
  BOOST_TEST(shell(folder, run + "$(cat have) > report 2> err") <= 1);
  BOOST_TEST(shell(folder, "test -s report") == 0);
}

#endif
#endif

BOOST_AUTO_TEST_SUITE_END()
