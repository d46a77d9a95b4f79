// A signal ends any command within two seconds, whatever it is computing.
#include <fmt/format.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "run_program.hpp"

using valleydrift::cli_test::Folder;

namespace {

/// The exit code of the program that gets the first signal half a second after its start, and SIGKILL if it is still
/// there later: 137.
int code_after(const std::string& arguments, const std::string& signals, const std::string& later = "2",
               const Folder& folder = {}) {
  // A shell without job control starts what is in the background with SIGINT ignored.
  const std::string line = fmt::format(
      "cd {} && {{ env --default-signal=INT {} {} > out 2> err & pid=$!; sleep 0.5; {}; sleep {}; kill -KILL $pid; "
      "wait $pid; }}",
      folder.path(""), VALLEYDRIFT_PROGRAM, arguments, signals, later);
  const int status = std::system((line + " 2> /dev/null").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// All of them would take many seconds.
const std::string flows = "inspect --manifold vector-uv --param d=32 --search 1000";
const std::string one_matrix =
    "inspect --manifold matrix-sensing --param dimension=64 --param rank=64 --param samples=255";
const std::string iterations = "compare --paths 1000000 --steps 100000000 --quiet";

}  // namespace

BOOST_AUTO_TEST_SUITE(signals)

BOOST_AUTO_TEST_CASE(every_signal_ends_a_run_with_its_own_code) {
  BOOST_TEST(code_after(iterations, "kill -INT $pid") == 130);
  BOOST_TEST(code_after(iterations, "kill -TERM $pid") == 143);
  BOOST_TEST(code_after(iterations, "kill -HUP $pid") == 129);
}

BOOST_AUTO_TEST_CASE(loops_outside_the_ensembles_hear_a_signal) {
  BOOST_TEST(code_after(flows, "kill -TERM $pid") == 143);
  BOOST_TEST(code_after(one_matrix, "kill -INT $pid") == 130);
}

// No loop looks at the flag while one matrix is decomposed, and the second signal comes before a second has passed.
BOOST_AUTO_TEST_CASE(a_second_signal_ends_at_once) {
  BOOST_TEST(code_after(one_matrix, "kill -INT $pid; sleep 0.1; kill -TERM $pid", "0.5") == 143);
}

// One check that takes seconds: it is left between two of its cases, and counts as unfinished.
BOOST_AUTO_TEST_CASE(verify_writes_what_it_has_after_one_signal) {
  const Folder folder;
  BOOST_TEST(code_after("verify --only D4-mixed,D5-drawn --threads 1 --json v.json", "kill -INT $pid", "2", folder) ==
             130);
  std::ifstream file(folder.path("v.json"));
  BOOST_REQUIRE(file.is_open());
  const auto found = nlohmann::json::parse(file);
  BOOST_TEST(found.at("unfinished") > 0);
  for (const auto& check : found.at("checks")) BOOST_TEST(check.at("verdict") == "pass");
}

// A repeat takes a few hundredths of a second, all of them minutes.
BOOST_AUTO_TEST_CASE(repeats_that_are_in_are_kept_after_a_signal) {
  const Folder folder;
  BOOST_TEST(code_after("verify --aa 100000 --only S1 --manifold uv --threads 1 --json v.json --junit v.xml",
                        "kill -TERM $pid", "2", folder) == 143);
  std::ifstream file(folder.path("v.json")), junit(folder.path("v.xml")), out(folder.path("out"));
  BOOST_REQUIRE(file.is_open());
  BOOST_TEST(junit.is_open());
  const auto found = nlohmann::json::parse(file);
  BOOST_TEST(found.at("passed") == false);
  const auto repeats = found.at("whole_repeats").get<int>();
  BOOST_TEST(repeats > 0);
  BOOST_TEST(found.at("unfinished") == 100000 - repeats);
  BOOST_TEST(found.at("checks").at(0).at("verdicts") == repeats);
  BOOST_TEST(found.at("checks").at(0).at("alarms") == 0);
  const std::string text(std::istreambuf_iterator<char>(out), {});
  BOOST_TEST(text.find(fmt::format("interrupted: {} of 100000 repeats are in", repeats)) != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(a_signal_that_is_ignored_at_the_start_stays_so) {
  const Folder folder;
  for (const char* name : {"INT", "TERM", "HUP"}) {
    const std::string line = fmt::format(
        "cd {} && (trap '' {}; exec {} inspect --manifold vector-uv --param d=32 --search 1000 > out) & "
        "pid=$!; sleep 0.5; kill -{} $pid; sleep 0.3; kill -0 $pid; alive=$?; kill -KILL $pid; exit $alive",
        folder.path(""), name, VALLEYDRIFT_PROGRAM, name);
    const int status = std::system(fmt::format("{{ {}; }} 2> /dev/null", line).c_str());
    BOOST_TEST(status == 0, name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
