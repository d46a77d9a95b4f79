// The program among files, streams, signals, threads and limits of memory: what it keeps, and how it ends.
#include <fmt/format.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "run_program.hpp"

using nlohmann::json;
using valleydrift::cli_test::contains;
using valleydrift::cli_test::Folder;
using valleydrift::cli_test::is_junit;
using valleydrift::cli_test::read_file;
using valleydrift::cli_test::Result;
using valleydrift::cli_test::run_program;

BOOST_AUTO_TEST_SUITE(surroundings)

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
  // Of checks that take some three seconds in all, after one and a half: where every step is slow the sites are
  // prepared within a quarter of one, and the first rows take a tenth.
  BOOST_TEST(shell(folder,
                   "timeout --preserve-status -s INT 1.5 $program verify --only D4,D5 --threads 1 "
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
  // OpenMP looks at the second where it can make nothing of the first.
  BOOST_TEST(shell(folder, "OMP_STACKSIZE=abc GOMP_STACKSIZE=16" + run) == 2);
  BOOST_TEST(shell(folder, "grep -q 'error: GOMP_STACKSIZE=16: .*at least 1M' err") == 0);
  for (const std::string stack : {"OMP_STACKSIZE=2M", "OMP_STACKSIZE=nonsense", "OMP_STACKSIZE=0.5K"}) {
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

// Asked of a process that ran nothing else: what this one has run, and its own peak, would count too.
BOOST_AUTO_TEST_CASE(a_million_paths_need_little_memory, *boost::unit_test::label("slow")) {
  const Folder folder;
  folder.write("peak.py",
               "import resource, subprocess, sys\n"
               "code = subprocess.run(sys.argv[1:]).returncode\n"
               "open('peak', 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024))  # MiB\n"
               "sys.exit(code)\n");
  const auto peak = [&] { return std::stod(read_file(folder.path("peak"))); };
  const std::string run = "python3 peak.py $program compare --paths 1048576 --no-plots --quiet > report 2> err";
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
