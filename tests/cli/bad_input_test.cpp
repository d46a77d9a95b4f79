// Every malformed command line: its exit code, and the words that the message must contain.
#include <sys/stat.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "refusal.hpp"

using valleydrift::cli_test::Case;
using valleydrift::cli_test::check;
using valleydrift::cli_test::Folder;
using valleydrift::cli_test::run_program;

BOOST_AUTO_TEST_SUITE(bad_input)

BOOST_AUTO_TEST_CASE(command_lines) {
  const std::vector<Case> cases = {
      // The command.
      {{}, 2, {"command is missing", "compare"}},
      {{"compar"}, 2, {"compar", "did you mean compare"}},
      {{"Compare"}, 2, {"unknown command", "compare"}},
      {{"frobnicate"}, 2, {"unknown command", "manifolds, inspect, compare"}},
      {{"compare", "uv"}, 2, {"'uv'", "not expected", "did you mean --manifold uv?"}},
      {{"compare", "--start", "2", "0.5"}, 2, {"'0.5'", "not expected", "did you mean --start 2,0.5?"}},
      {{"verify", "D4"}, 2, {"'D4'", "not expected", "did you mean --only D4?"}},
      {{"verify", "torus"}, 2, {"did you mean --manifold torus?"}},
      {{"compare", "run.ini"}, 2, {"did you mean --config run.ini?"}},
      {{"compare", "sigma.csv"}, 2, {"did you mean --sigma sigma.csv?"}},
      {{"compare", "eta=0.1"}, 2, {"did you mean --eta=0.1?"}},
      {{"compare", "--manifold", "sphere", "D=3"}, 2, {"did you mean --param D=3?"}},
      {{"compare", "eta", "0.1"}, 2, {"did you mean --eta X?"}},
      {{"scan", "--eta", "0.01", "0.02"}, 2, {"did you mean --eta 0.01,0.02?"}},
      {{"manifolds", "uv", "3"}, 2, {"every value follows its --option"}},
      {{"manifolds", "uv", "torus"}, 2, {"'torus'", "not expected"}},
      {{"manifolds", "tors"}, 2, {"tors", "did you mean torus"}},
      {{""}, 2, {"unknown command"}},
      // Names of options: unknown, misspelt, abbreviated, given to another command, given twice.
      {{"compare", "--et", "0.1"}, 2, {"--et", "did you mean --eta"}},
      {{"compare", "--etta", "0.1"}, 2, {"--etta", "did you mean --eta"}},
      {{"compare", "--shared"}, 2, {"--shared", "--shared-noise"}},
      {{"compare", "--eps", "0.1"}, 2, {"--eps", "--epsilon"}},
      {{"compare", "--ETA", "0.1"}, 2, {"--ETA", "unknown", "did you mean --eta?"}},
      {{"compare", "--FORCE"}, 2, {"did you mean --force?"}},
      {{"compare", "--JSON"}, 2, {"did you mean --json?"}},
      {{"compare", "--Save-Paths"}, 2, {"did you mean --save-paths?"}},
      {{"compare", "--c", "1"}, 2, {"did you mean --C?"}},
      {{"compare", "--lr", "0.1"}, 2, {"did you mean --eta?"}},
      {{"compare", "--learning-rate", "0.1"}, 2, {"did you mean --eta?"}},
      {{"compare", "--learning_rate=0.1"}, 2, {"did you mean --eta?"}},
      {{"compare", "--momentum", "0.9"}, 2, {"did you mean --beta?"}},
      {{"compare", "--optimizer", "sgd"}, 2, {"did you mean --scheme?"}},
      {{"compare", "--nesterov"}, 2, {"did you mean --scheme nesterov?"}},
      {{"compare", "--epochs", "10"}, 2, {"did you mean --steps?"}},
      {{"compare", "--batch-size", "2"}, 2, {"did you mean --batch?"}},
      {{"compare", "--thredas", "2"}, 2, {"did you mean --threads"}},
      {{"compare", "-eta", "0.1"}, 2, {"-eta", "did you mean --eta"}},
      {{"compare", "--frobnicate=3"}, 2, {"--frobnicate", "unknown"}},
      {{"compare", "--", "--eta"}, 2, {"--eta", "lone --"}},
      {{"inspect", "--ladder", "full"}, 2, {"--ladder", "does not belong to inspect", "compare"}},
      {{"inspect", "--output", "x"}, 2, {"--output", "does not belong to inspect"}},
      {{"compare", "--at", "1,1"}, 2, {"--at", "does not belong to compare", "inspect"}},
      {{"manifolds", "--eta", "0.1"}, 2, {"--eta", "does not belong to manifolds", "inspect and compare"}},
      {{"manifolds", "--param", "d=3"}, 2, {"--param", "does not belong to manifolds"}},
      {{"compare", "--eta", "0.1", "--eta", "0.2"}, 2, {"--eta", "given twice", "0.1", "0.2"}},
      {{"compare", "--json", "--json"}, 2, {"--json", "twice"}},
      {{"compare", "--manifold", "vector-uv", "--param", "d=3", "--param", "d=4"}, 2, {"--param d", "twice"}},
      // Values missing, or given to a flag.
      {{"compare", "--eta"}, 2, {"value is missing", "--eta X"}},
      {{"compare", "--eta="}, 2, {"--eta"}},
      {{"compare", "--eta", ""}, 2, {"--eta", "not a finite number"}},
      {{"compare", "--eta", "--beta", "0.5"}, 2, {"--eta", "value is missing before --beta"}},
      {{"compare", "--output", "--json"}, 2, {"--output", "value is missing before --json"}},
      {{"compare", "--residual", "--beta", "0.5"}, 2, {"--residual", "value is missing before --beta"}},
      {{"compare", "--residual", "--beta=0.5"}, 2, {"--residual", "value is missing before --beta=0.5"}},
      {{"compare", "--eta=--beta"}, 2, {"--eta", "'--beta'", "finite number"}},
      {{"compare", "--strict=yes"}, 2, {"--strict", "takes no value"}},
      {{"compare", "--output="}, 2, {"--output"}},
      // Numbers.
      {{"compare", "--eta", "nan"}, 2, {"--eta", "nan", "finite number"}},
      {{"compare", "--eta", "inf"}, 2, {"--eta", "inf", "finite number"}},
      {{"compare", "--eta", "-inf"}, 2, {"--eta", "finite number"}},
      {{"compare", "--eta", "1e-400"}, 2, {"--eta", "1e-400"}},
      {{"compare", "--eta", "1e400"}, 2, {"--eta", "1e400"}},
      {{"compare", "--eta", "0x1p-3"}, 2, {"--eta", "0x1p-3"}},
      {{"compare", "--eta", "0,05"}, 2, {"--eta", "0,05"}},
      {{"compare", "--eta", "0.05 "}, 2, {"--eta", "finite number"}},
      {{"compare", "--eta", "0.05x"}, 2, {"--eta", "0.05x"}},
      {{"compare", "--eta", "+-1"}, 2, {"--eta", "+-1"}},
      {{"compare", "--eta", "0"}, 2, {"--eta", "eta > 0"}},
      {{"compare", "--eta", "-0.1"}, 2, {"--eta", "-0.1", "eta > 0"}},
      {{"compare", "--beta", "1"}, 2, {"--beta", "0 <= beta < 1"}},
      {{"compare", "--beta", "-0.1"}, 2, {"--beta", "0 <= beta < 1"}},
      {{"compare", "--C", "0", "--gamma", "0.5"}, 2, {"--C", "C > 0"}},
      {{"compare", "--C", "1", "--gamma", "1"}, 2, {"--gamma", "0 <= gamma < 1"}},
      {{"compare", "--C", "1", "--gamma", "-0.5"}, 2, {"--gamma", "0 <= gamma < 1"}},
      {{"compare", "--C", "9", "--gamma", "0.1"}, 2, {"--C", "--gamma", "--eta", "1 - beta"}},
      {{"inspect", "--C", "1e-320", "--gamma", "0.99", "--eta", "1e-300"}, 2, {"1 - beta"}},
      {{"compare", "--epsilon", "0"}, 2, {"--epsilon", "epsilon > 0"}},
      {{"compare", "--epsilon", "-1"}, 2, {"--epsilon", "epsilon > 0"}},
      {{"compare", "--time", "0"}, 2, {"--time", "time > 0"}},
      {{"compare", "--time", "-2"}, 2, {"--time", "time > 0"}},
      {{"compare", "--steps", "0"}, 2, {"--steps", "from 1 to"}},
      {{"compare", "--steps", "1e6"}, 2, {"--steps", "1e6", "digits"}},
      {{"compare", "--steps", "1000000000001"}, 2, {"--steps", "1000000000000"}},
      {{"compare", "--steps", "1000000000000", "--paths", "100000000"}, 2, {"--steps", "--paths", "dimension"}},
      {{"compare", "--time", "1e15"}, 2, {"steps", "at most 1e+12"}},
      {{"compare", "--paths", "-1"}, 2, {"--paths", "-1", "from 256 to 100000000"}},
      {{"compare", "--paths", "255"}, 2, {"--paths", "from 256 to 100000000"}},
      {{"compare", "--paths", "100000001"}, 2, {"--paths", "from 256 to 100000000"}},
      {{"compare", "--paths", "1000.0"}, 2, {"--paths", "1000.0"}},
      {{"compare", "--paths", "99999999999999999999999"}, 2, {"--paths"}},
      {{"compare", "--paths", " 1000"}, 2, {"--paths", "digits"}},
      {{"compare", "--seed", "-1"}, 2, {"--seed", "-1", "18446744073709551615"}},
      {{"compare", "--seed", "18446744073709551616"}, 2, {"--seed", "18446744073709551615"}},
      {{"compare", "--seed", "0x10"}, 2, {"--seed", "0x10"}},
      {{"compare", "--seed", "+1"}, 2, {"--seed", "+1"}},
      {{"compare", "--threads", "0"}, 2, {"--threads", "from 1 to 1024"}},
      {{"compare", "--threads", "1025"}, 2, {"--threads", "from 1 to 1024"}},
      {{"compare", "--path", "32768"}, 2, {"--path", "from 0 to 32767"}},
      {{"compare", "--path", "300", "--paths", "256"}, 2, {"--path", "from 0 to 255"}},
      {{"compare", "--path", "-1"}, 2, {"--path", "-1"}},
      // Names.
      {{"compare", "--manifold", "UV"}, 2, {"--manifold", "UV", "uv"}},
      {{"compare", "--manifold", "elipse"}, 2, {"did you mean ellipse"}},
      {{"compare", "--manifold", ""}, 2, {"--manifold"}},
      {{"compare", "--scheme", "nesterow"}, 2, {"--scheme", "did you mean nesterov", "heavy-ball, nesterov, sgd"}},
      {{"compare", "--noise", "batches"}, 2, {"--noise", "batches", "label, isotropic, constant, minibatch"}},
      {{"compare", "--noise-law", "cauchy"}, 2, {"--noise-law", "gaussian, rademacher"}},
      {{"compare", "--form", "exact"}, 2, {"--form", "finite-step, paper, asymptotic"}},
      {{"compare", "--slow-variable", "phi"}, 2, {"--slow-variable", "first-order, iterated"}},
      {{"compare", "--ladder", "ful"}, 2, {"--ladder", "did you mean full"}},
      {{"compare", "--limit-step", "0.01"}, 2, {"--limit-step with --noise label", "does not diffuse"}},
      {{"compare", "--noise", "isotropic", "--limit-step", "0"}, 2, {"--limit-step: 0 given", "> 0"}},
      {{"compare", "--noise", "isotropic", "--limit-step", "3"},
       2,
       {"--limit-step 3", "half the time between records"}},
      {{"compare", "--noise", "isotropic", "--limit-step", "1e-9"},
       2,
       {"--limit-step 1e-09", "a step of the iteration"}},
      // Parameters of the manifold.
      {{"compare", "--param", "d"}, 2, {"--param", "KEY=VALUE"}},
      {{"compare", "--param", "=3"}, 2, {"--param", "KEY=VALUE"}},
      {{"compare", "--param", "d=3"}, 2, {"--param d=3", "uv", "no parameters"}},
      {{"compare", "--manifold", "vector-uv", "--param", "D=3"}, 2, {"--param D=3", "no such parameter"}},
      {{"compare", "--manifold", "vector-uv", "--param", "d=2.5"}, 2, {"--param d=2.5", "whole number"}},
      {{"compare", "--manifold", "vector-uv", "--param", "d=0"}, 2, {"--param d=0", "from 1"}},
      {{"compare", "--manifold", "sphere", "--param", "D=nan"}, 2, {"--param D", "finite"}},
      {{"compare", "--manifold", "channel", "--param", "profile=cosh"}, 2, {"profile=cosh", "exp, sqrt"}},
      {{"compare", "--manifold", "torus", "--param", "R=1", "--param", "r=1.5"}, 2, {"0.9 R"}},
      // The start.
      {{"compare", "--start", "1"}, 2, {"--start", "1 numbers", "2"}},
      {{"compare", "--start", "1,1,1"}, 2, {"--start", "3 numbers"}},
      {{"compare", "--start", "1,"}, 2, {"--start, entry 2"}},
      {{"compare", "--start", "1;1"}, 2, {"--start"}},
      {{"compare", "--start", "1,nan"}, 2, {"--start, entry 2", "nan"}},
      {{"inspect", "--paths", "300"}, 2, {"--paths does not belong to inspect", "of compare and scan"}},
      {{"verify", "--phase1", "gd"}, 2, {"--phase1 does not belong to verify", "of compare and scan"}},
      {{"inspect", "--at", "1,2,3"}, 2, {"--at", "3 numbers"}},
      {{"compare", "--start", "Random"}, 2, {"--start", "Random", "finite number"}},
      {{"compare", "--start", "random,1"}, 2, {"--start", "finite number"}},
      {{"compare", "--start-scale", "0.5"}, 2, {"--start-scale without --start random"}},
      {{"compare", "--start", "2,0.5", "--start-scale", "0.5"}, 2, {"--start-scale without --start random"}},
      {{"compare", "--start", "random", "--start-scale", "0"}, 2, {"--start-scale", "S > 0"}},
      {{"compare", "--start", "random", "--start-scale", "-1"}, 2, {"--start-scale", "S > 0"}},
      {{"compare", "--start", "random", "--start-scale", "nan"}, 2, {"--start-scale", "finite number"}},
      {{"compare", "--start", "random", "--strict"}, 2, {"--strict with --start random", "off the valley"}},
      {{"compare", "--phase1", "on"}, 2, {"--phase1", "none, gd, noisy"}},
      {{"compare", "--phase1", "nosy"}, 2, {"--phase1", "did you mean noisy"}},
      {{"compare", "--phase1", "gd", "--strict", "--start", "2,1"}, 2, {"--start", "off the valley", "--strict"}},
      {{"inspect", "--phase1", "gd"}, 2, {"--phase1", "does not belong to inspect"}},
      {{"inspect", "--start", "random", "--at", "1,1"}, 2, {"both name the point"}},
      {{"advise", "--phase1", "noisy"}, 2, {"--phase1", "does not belong to advise", "compare"}},
      {{"verify", "--variables", "u,v", "--residual", "u*v - 1", "--start", "random"},
       2,
       {"--start random", "a point"}},
      // Starts that the iteration does not bring to the valley.
      {{"compare", "--start", "30,20", "--phase1", "gd"}, 3, {"diverges", "no longer finite"}},
      {{"compare", "--start", "random", "--start-scale", "100", "--phase1", "noisy"}, 3, {"diverges", "--start-scale"}},
      {{"compare", "--start", "0,0", "--phase1", "gd"}, 3, {"does not reach the valley", "--phase1 none"}},
      {{"compare", "--start", "3,3", "--phase1", "noisy", "--epsilon", "3", "--quiet", "--no-plots"},
       3,
       {"first phase", "--phase1 gd"}},
      {{"inspect", "--at", "1,1", "--start", "1,1"}, 2, {"--at", "--start"}},
      {{"inspect", "--at", "2,0.6", "--strict"}, 2, {"off the valley", "--strict"}},
      {{"compare", "--start", "2,0.6", "--strict"}, 2, {"off the valley", "--strict"}},
      // Contradictions.
      {{"compare", "--beta", "0.9", "--C", "1", "--gamma", "0.5"}, 2, {"--beta", "--C"}},
      {{"compare", "--C", "1"}, 2, {"--C", "without --gamma"}},
      {{"compare", "--time", "1", "--steps", "100"}, 2, {"--time", "--steps"}},
      {{"compare", "--scheme", "sgd", "--beta", "0.5"}, 2, {"--scheme sgd", "--beta 0.5"}},
      {{"compare", "--scheme", "sgd", "--C", "0.5", "--gamma", "0.5"}, 2, {"--scheme sgd", "--C"}},
      {{"compare", "--noise", "constant"}, 2, {"--noise constant", "--sigma"}},
      // Formulas; their grammar is tests/manifolds/formula_test.cpp.
      {{"compare", "--variables", "u,v"}, 2, {"--variables without --residual", "--residual \"u*v - 1\""}},
      {{"compare", "--residual", "u*v - 1"},
       2,
       {"--residual without --variables: the names of the weights are missing"}},
      {{"compare", "--variables", "u,v", "--residual", "u*v - 1"}, 2, {"--start is missing"}},
      {{"compare", "--variables", "u,v", "--residual", "u*v -", "--start", "1,1"}, 2, {"--residual, column 6"}},
      {{"compare", "--variables", "u,v", "--residual", "u*w", "--start", "1,1"}, 2, {"w is neither", "u, v"}},
      {{"compare", "--variables", "u,v", "--residual", "u*v - 1", "--start", "1"}, 2, {"--start", "1 numbers given"}},
      {{"compare", "--variables", "u,v", "--residual", "u*v - 1", "--manifold", "uv"}, 2, {"--manifold", "give one"}},
      {{"compare", "--variables", "u,v", "--residual", "u*v - 1", "--manifold-file", "f.ini"}, 2, {"--manifold-file"}},
      {{"compare", "--variables", "u,v", "--residual", "u*v - a", "--start", "1,1", "--param", "a=2"},
       2,
       {"--param a=2", "no parameters"}},
      {{"compare", "--manifold-file", "/nonexistent/valley.ini"}, 4, {"--manifold-file", "No such file"}},
      {{"compare", "--manifold-file", "/"}, 4, {"--manifold-file", "directory"}},
      {{"verify", "--variables", "u,v", "--residual", "u*v - 1"}, 2, {"--start"}},
      {{"verify", "--start", "1,1"}, 2, {"--start", "only a formula"}},
      {{"scan", "--variables", "u,v", "--residual", "u*v - 1"}, 2, {"--start"}},
      {{"manifolds", "--variables", "u,v"}, 2, {"--variables", "does not belong to manifolds"}},
      // Drawn batches.
      {{"compare", "--noise", "minibatch"}, 2, {"--noise minibatch", "uv", "single residual", "at least 2"}},
      {{"compare", "--manifold", "quadratic-pair", "--batch", "3"}, 2, {"--batch 3", "1 to 2", "2 residuals"}},
      {{"compare", "--manifold", "quadratic-pair", "--batch", "0"}, 2, {"--batch", "0 given", "from 1"}},
      {{"compare", "--manifold", "quadratic-pair", "--batch", "-1"}, 2, {"--batch", "-1"}},
      {{"compare", "--manifold", "quadratic-pair", "--batch", "1.5"}, 2, {"--batch", "1.5", "digits"}},
      {{"compare", "--manifold", "quadratic-pair", "--noise", "minibatch", "--batch", "2"}, 2, {"--batch 2", "1 to 1"}},
      {{"compare", "--manifold", "quadratic-pair", "--draw", "with-replacement"}, 2, {"--draw", "--batch"}},
      {{"compare", "--manifold", "quadratic-pair", "--batch", "1", "--draw", "with"},
       2,
       {"--draw", "with-replacement"}},
      {{"compare", "--manifold", "quadratic-pair", "--noise", "isotropic", "--batch", "1"},
       2,
       {"--batch", "isotropic"}},
      {{"compare", "--manifold", "linear-network", "--batch", "1"}, 3, {"stability", "sampling", "--eta", "--batch"}},
      {{"scan", "--noise", "minibatch"}, 2, {"--noise minibatch", "no motion"}},
      {{"compare", "--sigma", "sigma.csv"}, 2, {"--sigma", "--noise constant"}},
      {{"compare", "--noise", "isotropic", "--sigma", "sigma.csv"}, 2, {"--sigma", "--noise isotropic"}},
      {{"compare", "--form", "asymptotic"}, 2, {"--form asymptotic", "--gamma"}},
      // The checks.
      {{"verify", "--only", "D4-drfit-nesterov"}, 2, {"--only D4-drfit-nesterov", "did you mean D4-drift-nesterov"}},
      {{"verify", "--only", "D4,,D5"}, 2, {"--only", "an ID is empty"}},
      {{"verify", "--only", "D12-identity", "--manifold", "sphere"}, 2, {"--manifold sphere", "none of these checks"}},
      {{"verify", "--manifold", "tors"}, 2, {"did you mean torus"}},
      {{"verify", "--json"}, 2, {"--json", "a value is missing", "FILE"}},
      {{"verify", "--junit", ""}, 2, {"--junit", "empty"}},
      {{"verify", "--json", "v", "--junit", "./v"}, 2, {"--json with --junit", "both name the file v"}},
      {{"verify", "--eta", "0.1"}, 2, {"--eta", "does not belong to verify"}},
      {{"compare", "--junit", "x.xml"}, 2, {"--junit", "does not belong to compare"}},
      {{"verify", "--seed", "-1"}, 2, {"--seed"}},
      {{"verify", "--aa", "0"}, 2, {"--aa", "1"}},
      {{"verify", "--aa", "1e3"}, 2, {"--aa"}},
      {{"verify", "--aa"}, 2, {"--aa", "a value is missing"}},
      {{"verify", "--aa", "2", "--thorough"}, 2, {"--aa with --thorough"}},
      {{"verify", "--aa", "2", "--list"}, 2, {"--aa with --list"}},
      {{"verify", "--aa", "2", "--only", "D4"}, 2, {"--aa", "rests on sampling"}},
      {{"compare", "--aa", "2"}, 2, {"--aa does not belong to compare"}},
      {{"compare", "--path", "1", "--save-paths"}, 2, {"--path with --save-paths", "one path"}},
      {{"compare", "--path", "1", "--benchmark"}, 2, {"--path with --benchmark"}},
      {{"compare", "--path", "1", "--dry-run"}, 2, {"--path with --dry-run"}},
      // Numerical failure.
      {{"inspect", "--eta", "2"}, 3, {"stability", "limit"}},
      {{"compare", "--eta", "2"}, 3, {"stability", "limit"}},
      {{"inspect", "--at", "0,0"}, 3, {"uv"}},
      {{"inspect", "--manifold", "sphere", "--at", "0,0,0"}, 3, {"sphere"}},
      // A path of the limiting diffusion runs into walls that are too steep for the step.
      {{"compare", "--noise", "isotropic", "--scheme", "nesterov", "--start", "5,0.2", "--paths", "256", "--quiet"},
       3,
       {"limiting diffusion", "its last point there is (", "stability limit 1.357", "--eta"}},
      {{"compare", "--eta", "1.7e308"}, 3, {"stability", "is more than 1.7e308, the limit"}},
      // The rank of the Hessian changes at x = 0: the flow runs into it, the diffusion steps across it.
      {{"compare", "--manifold", "channel", "--param", "profile=linear", "--time", "60", "--paths", "256", "--quiet"},
       3,
       {"the rank of the Hessian changes at (", ", 0)", "its spectrum there is ("}},
      {{"compare", "--manifold", "channel", "--param", "profile=linear", "--noise", "isotropic", "--paths", "256",
        "--quiet"},
       3,
       {"limiting diffusion", "t = ", "its last point there is (", "spectrum of the Hessian is (", "rank changes"}},
  };
  BOOST_TEST(cases.size() >= 60U);
  for (const Case& c : cases) check(c);
}

BOOST_AUTO_TEST_CASE(no_input_begins_a_line_of_a_message) {
  const Folder folder;
  const auto lines = [](const std::vector<std::string>& arguments) {
    const std::string text = run_program(arguments).err;
    return std::count(text.begin(), text.end(), '\n');
  };
  const std::string fake = "a\nvalleydrift: error: fake", drawn = "a\n  valleydrift: error: fake\n  ^";
  for (const std::string& text : {fake, drawn}) {
    BOOST_TEST(lines({"inspect", "--config", text}) == 1);
    BOOST_TEST(lines({"inspect", "--manifold", text}) == 1);
    BOOST_TEST(lines({"verify", "--only", text}) == 1);
    BOOST_TEST(lines({text}) == 1);
  }
  BOOST_TEST(run_program({"inspect", "--config", fake}).err.find("a\\x0Avalleydrift") != std::string::npos);
  // The place in a formula is shown on two lines more.
  const std::vector<std::string> formula = {"inspect", "--variables", "u,v", "--start", "1,1", "--residual"};
  for (const char* text : {"u*v - (", "u*\nv - (", "u*v + x"}) {
    std::vector<std::string> line = formula;
    line.push_back(text);
    const std::string err = run_program(line).err;
    BOOST_TEST(std::count(err.begin(), err.end(), '\n') == 3, err);
    BOOST_TEST(err.ends_with("^\n"), err);
  }
}

BOOST_AUTO_TEST_CASE(messages_are_short_and_hold_no_control_characters) {
  const Folder folder;
  const std::string longest(900000, 'x');
  const std::vector<std::vector<std::string>> lines = {
      {"compare", "--config", folder.write("line.ini", longest)},
      {"compare", "--config", folder.write("words.ini", std::string(400000, 'a') + " b c " + longest.substr(500000))},
      {"compare", "--config", folder.write("key.ini", longest + " = 1\n")},
      {"compare", "--config", folder.write("value.ini", "eta = " + longest + "\n")},
      {"compare", "--config", folder.write("name.ini", "manifold = " + longest + "\n")},
      {"compare", "--config", folder.write("param.ini", "param = " + longest + "=1\n")},
      {"compare", "--config", folder.write("start.ini", "start = " + longest + "\n")},
      {"compare", "--config", folder.write("section.ini", "[" + longest + "]\n")},
      {"compare", "--noise", "constant", "--sigma", folder.write("cell.csv", longest + "\n")},
      {"compare", "--manifold-file", folder.write("f.ini", "variables = " + longest + "\nresidual = u\n")},
      {"compare", "--manifold-file", folder.write("g.ini", "variables = u,v\nresidual = u*" + longest + "\n")},
      {"compare", "--eta", longest.substr(0, 100000)},
      {longest.substr(0, 100000)},
      {"verify", "--only", longest.substr(0, 100000)},
      {"compare", "--config", folder.write("esc.ini", "\x1b[2J\x1b]0;title\a\r\n")},
      {"compare", "--manifold", "\x1b[31muv\xff\xc2\x9b\x7f"},
      {"compare", "--\x1b[31m", "1"},
      {"verify", "--only", "\x1b[31m"},
      {"compare", "--config", folder.path("\x1b[31m")},
  };
  for (const auto& line : lines) {
    const auto result = run_program(line);
    BOOST_TEST_CONTEXT(line.back().substr(0, 100) << ": " << result.err.substr(0, 1000)) {
      BOOST_TEST((result.code == 2 || result.code == 4));
      BOOST_TEST(result.err.size() < 1000U);
      for (const char c : result.err) {
        const auto byte = static_cast<unsigned char>(c);
        BOOST_TEST(((byte >= 0x20 && byte < 0x7F) || c == '\n'));
      }
    }
  }
  BOOST_TEST(run_program({"compare", "--manifold",
                          "M\xc3\xb6"
                          "bius \xff\xed\xa0\x80"})
                 .err.find("M\xc3\xb6"
                           "bius \\xFF\\xED\\xA0\\x80") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
