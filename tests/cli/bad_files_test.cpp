// Every malformed or unsuitable file and folder: the exit code, and the words that the message must contain.
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "refusal.hpp"

using valleydrift::cli_test::check;
using valleydrift::cli_test::Folder;
using valleydrift::cli_test::run_program;

BOOST_AUTO_TEST_SUITE(bad_files)

BOOST_AUTO_TEST_CASE(noise_factor_files) {
  const Folder folder;
  struct File {
    std::string name, content;
    int code;
    std::vector<std::string> words;
  };
  const std::vector<File> files = {
      {"empty.csv", "", 2, {"empty.csv", "empty"}},
      {"blank.csv", "\n\n", 2, {"blank.csv", "empty"}},
      {"rows.csv", "1,0\n", 2, {"rows.csv", "1 rows", "dimension 2"}},
      {"more.csv", "1\n2\n3\n", 2, {"more.csv", "3 rows", "dimension 2"}},
      {"ragged.csv", "1,0\n0\n", 2, {"ragged.csv", "line 2", "1 columns"}},
      {"trailing.csv", "1,0,\n0,1,\n", 2, {"trailing.csv", "line 1, column 3"}},
      {"text.csv", "1,0\n0,x\n", 2, {"text.csv", "line 2, column 2", "'x'"}},
      {"header.csv", "a,b\n1,0\n0,1\n", 2, {"header.csv", "line 1, column 1"}},
      {"nan.csv", "1,0\n0,nan\n", 2, {"nan.csv", "line 2, column 2", "finite"}},
      {"inf.csv", "inf,0\n0,1\n", 2, {"inf.csv", "line 1, column 1", "finite"}},
      {"semicolon.csv", "1;0\n0;1\n", 2, {"semicolon.csv", "line 1, column 1"}},
      {"gap.csv", "1,0\n\n0,1\n", 2, {"gap.csv", "line 2"}},
      {"zero.csv", "0,0\n0,0\n", 2, {"zero.csv", "every entry is 0"}},
  };
  for (const File& f : files) {
    check({{"compare", "--noise", "constant", "--sigma", folder.write(f.name, f.content)}, f.code, f.words});
  }
  check({{"compare", "--noise", "constant", "--sigma", folder.path("absent.csv")},
         4,
         {"--sigma", "absent.csv", "No such file"}});
  check({{"compare", "--noise", "constant", "--sigma", folder.path("")}, 4, {"--sigma", "directory"}});
}

BOOST_AUTO_TEST_CASE(configuration_files) {
  const Folder folder;
  struct File {
    std::string name, content;
    std::vector<std::string> words;
  };
  const std::vector<File> files = {
      {"syntax.ini", "eta = 0.1\nnonsense\n", {"syntax.ini, line 2", "key = value"}},
      {"unknown.ini", "# comment\nepsilonn = 0.1\n", {"unknown.ini, line 2", "epsilonn", "did you mean epsilon?"}},
      {"abbreviated.ini", "epsi = 0.1\n", {"line 1", "did you mean epsilon?"}},
      {"twice.ini", "eta = 0.1\neta = 0.2\n", {"twice.ini, line 2: eta", "twice"}},
      {"param-twice.ini", "manifold = sphere\nparam = D=3\nparam = D=4\n", {"line 3", "twice"}},
      {"section.ini", "[run]\neta = 0.1\n", {"line 1", "sections"}},
      {"number.ini", "eta = fast\n", {"line 1: eta", "'fast'"}},
      {"range.ini", "beta = 1.5\n", {"line 1: beta", "0 <= beta < 1"}},
      {"count.ini", "paths = -5\n", {"line 1: paths", "-5"}},
      {"nan.ini", "eta = nan\n", {"line 1: eta", "nan"}},
      {"flag.ini", "strict = yes\n", {"line 1: strict", "true or false"}},
      {"missing.ini", "eta =\n", {"line 1: eta"}},
      {"both.ini", "beta = 0.9\nC = 1\ngamma = 0.5\n", {"line 1: beta", "line 2: C"}},
      {"threads.ini", "threads = 2\n", {"threads", "does not belong", "command line"}},
      {"output.ini", "output = x\n", {"output", "does not belong"}},
      {"config.ini", "config = other.ini\n", {"config", "does not belong"}},
      {"manifold.ini", "manifold = moebius\n", {"moebius"}},
      {"binary.ini", std::string("eta\0= 1\n", 8), {"not a text file"}},
      {"scan.ini", "delta = 0.1\n", {"line 1: delta", "does not belong to compare", "scan"}},
      {"scan-limit.ini", "eta = 0.1\nlimit = 100\n", {"line 2: limit", "does not belong to compare", "scan"}},
      // Whatever notices the value, the message tells the line.
      {"quoted.ini", "manifold = \"uv\"\n", {"quoted.ini, line 1: manifold \"uv\"", "did you mean uv"}},
      {"latin1.ini", "\nmanifold = \xE9\n", {"latin1.ini, line 2: manifold \\xE9"}},
      {"param.ini", "manifold = sphere\nparam = \"D=3\"\n", {"param.ini, line 2: param \"D=3\""}},
      {"params.ini", "manifold = torus\nparam = R=1\nparam = r=x\n", {"params.ini, line 3: param r", "'x'"}},
      {"batch.ini", "batch = 9\n", {"batch.ini, line 1: batch 9", "1 to 1"}},
      {"strict.ini", "start = 3,3\nstrict = true\n", {"strict.ini, line 1: start (3, 3)", "off the valley"}},
  };
  for (const File& f : files) check({{"compare", "--config", folder.write(f.name, f.content)}, 2, f.words});
  check({{"compare", "--config", folder.path("absent.ini")}, 4, {"--config", "absent.ini", "No such file"}});
  check({{"compare", "--config", folder.path("")}, 4, {"--config", "directory"}});
  check({{"inspect", "--config", folder.write("huge.ini", std::string((1 << 26) + 1, '#'))}, 4, {"huge", "longer"}});
  // A noise factor beside the file that does not exist is a file that cannot be read.
  check({{"compare", "--config", folder.write("sigma.ini", "noise = constant\nsigma = nowhere.csv\n")},
         4,
         {"nowhere.csv"}});
}

// Refused before much is made of it: 50 MB of settings took 13 s and a gigabyte, a line of 50 MB as many messages.
BOOST_AUTO_TEST_CASE(large_files_are_read_or_refused_early) {
  const Folder folder;
  const auto file = [&](const std::string& line, std::size_t size) {
    std::string text;
    text.reserve(size + line.size());
    while (text.size() < size) text += line;
    return folder.write("large.ini", text);
  };
  constexpr std::size_t megabyte = 1'000'000;
  for (const std::string line : {"\n", " \r\n", "# a comment\n", "#"}) {
    const auto read = run_program({"inspect", "--print-config", "--config", file(line, 20 * megabyte)});
    BOOST_TEST(read.code == 0, read.err);
  }
  const std::string many = "given more than 256 times", wide = "characters, allowed are up to 1048576";
  const std::vector<std::pair<std::string, std::vector<std::string>>> refused = {
      {"param = a=1\n", {"line 257: param", many}},
      {"\n \nresidual = u*v-1\n", {"line 771: residual", many}},
      {"eta = 0.1\n", {"line 2: eta", "given twice"}},
      {"eta = 0.1", {"line 1", wide}},
      {"=", {"line 1", wide}}};
  for (const auto& [line, words] : refused) check({{"inspect", "--config", file(line, 2 * megabyte)}, 2, words});
  for (const char* line : {"constant = a=1\n", "residual = u*v-1\n"}) {
    check({{"inspect", "--manifold-file", file(line, 2 * megabyte)}, 2, {"line 257", many}});
  }
}

BOOST_AUTO_TEST_CASE(files_without_an_end_are_not_read) {
  const Folder folder;
  const std::string pipe = folder.path("pipe");
  BOOST_TEST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::string& file : {pipe, std::string("/dev/zero"), std::string("/dev/tty")}) {
    if (!std::filesystem::exists(file)) continue;
    for (const std::string option : {"--config", "--manifold-file", "--sigma"}) {
      std::vector<std::string> line = {"compare", option, file};
      if (option == "--sigma") line.insert(line.end(), {"--noise", "constant"});
      check({line, 4, {option, file, "cannot read"}});
    }
  }
  check({{"compare", "--config", pipe}, 4, {"not a regular file"}});
}

BOOST_AUTO_TEST_CASE(output_folder_that_holds_something_is_refused) {
  const Folder folder;
  const std::string mine = folder.write("mine.txt", "keep");
  check({{"compare", "--quiet", "--output", folder.path("")}, 2, {"--force"}});
  BOOST_TEST(std::filesystem::exists(mine));
}

BOOST_AUTO_TEST_CASE(manifold_files) {
  const Folder folder;
  const struct {
    const char* name;
    std::string content;
    std::vector<std::string> words;
  } files[] = {
      {"empty.ini", "", {"variables"}},
      {"half.ini", "variables = u,v\n", {"residual"}},
      {"other.ini", "residual = u*v - 1\n", {"variables"}},
      {"unknown.ini", "variables = u,v\nresidual = u*v - 1\nstrat = 1,1\n", {"line 3", "strat", "did you mean start"}},
      {"eta.ini", "variables = u,v\nresidual = u*v - 1\neta = 0.1\n", {"line 3", "eta", "does not belong"}},
      {"twice.ini", "variables = u,v\nvariables = u,v\nresidual = u*v - 1\n", {"variables", "twice"}},
      {"wrong.ini", "variables = u,v\nresidual = u*v -\nstart = 1,1\n", {"line 2", "column 6"}},
      {"range.ini", "variables = u,v\nparameter = a=3 in 0:2\nresidual = u*v - a\nstart = 1,1\n", {"line 2", "range"}},
      {"form.ini", "variables = u,v\nparameter = a\nresidual = u*v - a\nstart = 1,1\n", {"line 2", "form"}},
      {"start.ini", "variables = u,v\nresidual = u*v - 1\nstart = 1\n", {"line 3", "1 numbers given"}},
      {"nostart.ini", "variables = u,v\nresidual = u*v - 1\n", {"start"}},
      {"section.ini", "[valley]\nvariables = u,v\n", {"sections"}},
      {"line.ini", "variables\n", {"key = value"}},
      {"zero.ini", std::string("variables = u,v\0", 16), {"not a text file"}},
      {"long.ini", "variables = u,v\nresidual = " + std::string(5000, 'u') + "\nstart = 1,1\n", {"4096"}},
  };
  for (const auto& f : files) check({{"compare", "--manifold-file", folder.write(f.name, f.content)}, 2, f.words});
  const std::string huge = folder.write("huge.ini", std::string((1u << 26) + 1, '#'));
  check({{"compare", "--manifold-file", huge}, 4, {"--manifold-file", "huge.ini", "longer"}});
}

BOOST_AUTO_TEST_SUITE_END()
