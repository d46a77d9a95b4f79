// The output side: the folder, its files, and what they say, on a comparison that is made up.
#include "validation/output.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "manifolds/errors.hpp"
#include "validation/figures.hpp"
#include "validation/gnuplot.hpp"
#include "validation/plot_text.hpp"
#include "validation/plots.hpp"
#include "validation/report.hpp"

using namespace valleydrift;
using namespace valleydrift::validation;
namespace fs = std::filesystem;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// A new folder that is the working directory while it lives.
class WorkingFolder {
 public:
  WorkingFolder() : before_(fs::current_path()) {
    std::string name = (fs::temp_directory_path() / "valleydrift-output-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
    fs::current_path(path_);
  }
  WorkingFolder(const WorkingFolder&) = delete;
  WorkingFolder& operator=(const WorkingFolder&) = delete;
  ~WorkingFolder() {
    fs::current_path(before_);
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path before_, path_;
};

/// While it lives no file becomes longer than this: a write beyond fails, as on a full device.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);  // as the program does
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;
  ~SizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  BOOST_REQUIRE_MESSAGE(file.good(), path.string() + " can be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Cells of a CSV line; quotes hold commas together.
std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> out(1);
  bool inside = false;
  for (const char c : line) {
    if (c == '"') {
      inside = !inside;
    } else if (c == ',' && !inside) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

bool has_part_files(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".part") return true;
  }
  return false;
}

/// Whether the error's text holds all of the words.
template <class Error>
auto says(std::vector<std::string> words) {
  return [words](const Error& error) {
    for (const std::string& word : words) {
      if (std::string(error.what()).find(word) == std::string::npos) {
        BOOST_TEST_MESSAGE("`" << error.what() << "` lacks `" << word << "`");
        return false;
      }
    }
    return true;
  };
}

ObservableResult observable(const std::string& name, const std::vector<double>& times, double scale) {
  ObservableResult o;
  o.name = name;
  o.meaning = "made up";
  o.verdict = Verdict::agree;
  for (const double t : times) {
    o.theory.push_back(scale * std::exp(-t));
    o.difference.push_back(1e-3 * scale * t * std::exp(-t));
    o.discrete.push_back(o.theory.back() + o.difference.back());
    o.standard_error.push_back(2e-4 * scale);
    o.extrapolated.push_back(1e-4 * scale * std::sin(7.0 * t));
    o.extrapolated_error.push_back(3e-4 * scale);
    o.bound.push_back(3e-3 * scale);
    o.judged.push_back(t > 0.0);
  }
  o.theory_finite_step = o.theory;
  for (const double x : o.theory) o.theory_paper.push_back(1.02 * x);
  return o;
}

LadderResult ladder(const std::string& name, double slope) {
  LadderResult l;
  l.observable = name;
  l.time = 0.5;
  l.rung = {0.1, 0.05, 0.025};
  l.expected_slope = slope;
  for (const double r : l.rung) {
    l.difference.push_back(-std::pow(r, slope));
    l.standard_error.push_back(1e-5);
  }
  l.slope = slope;
  l.slope_low = slope - 0.1;
  l.slope_high = slope + 0.1;
  l.extrapolated_error = 1e-5;
  return l;
}

/// UV with label noise, as compare would give it.
Comparison made_up() {
  Comparison c;
  c.config.start = std::vector<double>{2.0, 0.5};
  c.start = Vector{{2.0, 0.5}};
  c.config.epsilon = 0.1;
  c.config.time = 2.0;
  c.config.seed = std::numeric_limits<std::uint64_t>::max();
  c.applicability.tau_1 = 19.0;
  c.applicability.slow_unit = 400.0;
  c.applicability.curvature_radius = 1.4;
  c.applicability.conditions = {{"stability", "largest eta times eigenvalue", 0.2, 3.8, true}};
  c.verdict = Verdict::agree;
  c.reason = "every observable agrees";
  for (int i = 0; i <= 20; ++i) {
    c.times.push_back(0.1 * i);
    c.steps.push_back(40 * i);
  }
  for (const auto& [name, scale] : {std::pair{"u^2-v^2", 3.75}, std::pair{"trace_hessian", 4.25},
                                    std::pair{"transverse_variance", 2e-3}, std::pair{"loss", 1e-3}}) {
    c.observables.push_back(observable(name, c.times, scale));
    c.epsilon_ladder.push_back(ladder(name, 2.0));
  }
  SampledPath path;
  path.path = 0;
  for (const double t : c.times) {
    const double u = 1.0 + std::exp(-t);
    path.slow.push_back(Vector{{u, 1.0 / u}});
    path.limit.push_back(path.slow.back());
    path.discrete.push_back(Vector{{u + 0.03 * std::sin(90.0 * t), 1.0 / u + 0.05 * std::cos(70.0 * t)}});
  }
  c.samples.push_back(path);
  return c;
}

OutputFolder reserve(const fs::path& path, bool force = false) { return OutputFolder::reserve(path, "uv", force); }

/// A user to whom permissions apply; root writes anywhere.
bool is_root() { return ::geteuid() == 0; }

}  // namespace

BOOST_AUTO_TEST_SUITE(output)

// --- The folder -----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(folders_are_numbered_from_the_first_free_number) {
  WorkingFolder working;
  fs::create_directories("valleydrift-out/uv-002");
  std::ofstream("valleydrift-out/uv-003") << "a file takes a number too";
  for (const char* expected : {"uv-001", "uv-004", "uv-005"}) {
    OutputFolder folder = OutputFolder::reserve({}, "uv", false);
    BOOST_TEST(folder.path() == fs::path("valleydrift-out") / expected);
    folder.write("config.ini", "x");
  }
  OutputFolder other = OutputFolder::reserve({}, "sphere", false);
  BOOST_TEST(other.path() == fs::path("valleydrift-out/sphere-001"));
}

BOOST_AUTO_TEST_CASE(two_runs_at_once_never_share_a_folder) {
  WorkingFolder working;
  OutputFolder first = OutputFolder::reserve({}, "uv", false), second = OutputFolder::reserve({}, "uv", false);
  BOOST_TEST(first.path() != second.path());
}

BOOST_AUTO_TEST_CASE(a_folder_that_stays_empty_is_removed_with_the_parents_it_made) {
  WorkingFolder working;
  { OutputFolder folder = OutputFolder::reserve({}, "uv", false); }
  BOOST_TEST(!fs::exists("valleydrift-out"));
  { OutputFolder folder = reserve("a/b/c"); }
  BOOST_TEST(!fs::exists("a"));
  fs::create_directory("mine");
  { OutputFolder folder = reserve("mine"); }
  BOOST_TEST(fs::exists("mine"));  // not ours to remove
  {
    OutputFolder folder = reserve("kept/here");
    folder.write("config.ini", "x");
  }
  BOOST_TEST(fs::exists("kept/here/config.ini"));
}

BOOST_AUTO_TEST_CASE(results_are_not_overwritten_without_force) {
  WorkingFolder working;
  { reserve("results").write("config.ini", "old"); }
  BOOST_CHECK_EXCEPTION(reserve("results"), ConfigError, says<ConfigError>({"--output", "results", "--force"}));
  BOOST_TEST(text_of("results/config.ini") == "old");
  OutputFolder folder = reserve("results", true);
  BOOST_TEST(text_of("results/config.ini") == "old");  // until there is something to put in its place
  folder.write("config.ini", "new");
  BOOST_TEST(text_of("results/config.ini") == "new");
}

BOOST_AUTO_TEST_CASE(an_output_that_is_a_file_is_refused) {
  WorkingFolder working;
  std::ofstream("taken") << "x";
  BOOST_CHECK_EXCEPTION(reserve("taken"), ConfigError, says<ConfigError>({"--output", "taken", "not a folder"}));
  BOOST_CHECK_EXCEPTION(reserve("taken", true), ConfigError, says<ConfigError>({"--output", "taken"}));
  BOOST_CHECK_EXCEPTION(reserve("taken/below"), FileError, says<FileError>({"taken"}));
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_written_is_a_file_error) {
  WorkingFolder working;
  // Nobody, root included, can make a folder in /proc.
  BOOST_CHECK_EXCEPTION(reserve("/proc/valleydrift"), FileError, says<FileError>({"/proc/valleydrift"}));
  if (is_root()) return;
  fs::create_directory("locked");
  fs::permissions("locked", fs::perms::owner_read | fs::perms::owner_exec);
  BOOST_CHECK_EXCEPTION(reserve("locked"), FileError, says<FileError>({"locked", "Permission denied"}));
  BOOST_CHECK_EXCEPTION(reserve("locked/below"), FileError, says<FileError>({"locked/below", "Permission denied"}));
  fs::permissions("locked", fs::perms::owner_all);
}

BOOST_AUTO_TEST_CASE(force_leaves_nothing_of_an_earlier_run_and_nothing_of_others_is_touched) {
  WorkingFolder working;
  fs::create_directories("results/plots");
  for (const char* name : {"paths.csv", "path-7.csv", "sigma.csv", "series.csv.part", "plots/ladder.png", "notes.txt",
                           "path-x.csv", "plots/mine.png"}) {
    std::ofstream(fs::path("results") / name) << "old";
  }
  OutputFolder folder = reserve("results", true);
  write_data(folder, made_up(), "manifold = uv\n", {});
  for (const char* gone : {"paths.csv", "path-7.csv", "sigma.csv", "series.csv.part", "plots/ladder.png"}) {
    BOOST_TEST(!fs::exists(fs::path("results") / gone), gone);
  }
  for (const char* kept : {"notes.txt", "path-x.csv", "plots/mine.png"}) {
    BOOST_TEST(fs::exists(fs::path("results") / kept), kept);
  }
}

// --- Faults
// -----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_full_device_is_a_file_error_and_the_earlier_file_stays) {
  WorkingFolder working;
  OutputFolder folder = reserve("results");
  folder.write("series.csv", "old");
  {
    const SizeLimit full(0);
    BOOST_CHECK_EXCEPTION(folder.write("series.csv", "new"), FileError,
                          says<FileError>({"series.csv", "File too large"}));
  }
  BOOST_TEST(text_of("results/series.csv") == "old");
  BOOST_TEST(!has_part_files("results"));
}

BOOST_AUTO_TEST_CASE(one_file_that_cannot_be_written_leaves_all_earlier_files_as_they_were) {
  WorkingFolder working;
  {
    OutputFolder folder = reserve("results");
    write_data(folder, made_up(), "first\n", {});
  }
  const std::string before = text_of("results/summary.json");
  BOOST_TEST_REQUIRE(before.size() > text_of("results/series.csv").size());
  OutputFolder folder = reserve("results", true);
  Comparison second = made_up();
  second.verdict = Verdict::disagree;
  {
    const SizeLimit full(text_of("results/series.csv").size());  // the last file, which is the longest, does not fit
    BOOST_CHECK_EXCEPTION(write_data(folder, second, "second\n", {}), FileError,
                          says<FileError>({"summary.json", "File too large"}));
  }
  BOOST_TEST(text_of("results/config.ini") == "first\n");
  BOOST_TEST(text_of("results/summary.json") == before);
  BOOST_TEST(!has_part_files("results"));
}

BOOST_AUTO_TEST_CASE(paths_on_a_full_device_are_a_file_error) {
  WorkingFolder working;
  OutputFolder folder = reserve("results");
  const auto write = [&] {
    const SizeLimit full(16);
    PathWriter writer(folder, {"u", "v"}, {0.0, 1.0});
    writer.append(0, PathKind::slow, std::vector<Vector>{Vector{{1.0, 2.0}}, Vector{{3.0, 4.0}}});
    writer.finish();
  };
  BOOST_CHECK_EXCEPTION(write(), FileError, says<FileError>({"paths.csv", "File too large"}));
  BOOST_TEST(fs::is_empty("results"));
}

BOOST_AUTO_TEST_CASE(links_and_devices_are_neither_followed_nor_replaced) {
  WorkingFolder working;
  std::ofstream("victim") << "mine";
  // Laid where a file grows: removed, not followed.
  fs::create_symlink("victim", "a.csv.part");
  {
    PendingFile file("a.csv");
    file.write("new");
    file.commit();
  }
  BOOST_TEST(text_of("a.csv") == "new");
  // In place of the file itself: refused, as is a device or a pipe.
  fs::create_symlink("victim", "b.csv");
  BOOST_CHECK_EXCEPTION(PendingFile("b.csv"), FileError, says<FileError>({"b.csv", "a link"}));
  BOOST_TEST(fs::is_symlink("b.csv"));
  BOOST_TEST_REQUIRE(::mkfifo("c.csv", 0600) == 0);
  BOOST_CHECK_EXCEPTION(PendingFile("c.csv"), FileError, says<FileError>({"c.csv", "no regular file"}));
  BOOST_CHECK_EXCEPTION(PendingFile("/dev/null"), FileError, says<FileError>({"/dev/null", "no regular file"}));
  BOOST_CHECK_EXCEPTION(PendingFile("."), FileError, says<FileError>({"a folder"}));
  BOOST_TEST(text_of("victim") == "mine");
  BOOST_TEST(!has_part_files("."));
}

BOOST_AUTO_TEST_CASE(force_sets_the_old_results_aside_before_anything_is_written) {
  WorkingFolder working;
  const auto old = [] {
    fs::remove_all("results");
    fs::create_directories("results/plots");
    for (const char* name : {"config.ini", "cells.csv", "summary.json", "plots/ladder.png", "notes.txt"}) {
      std::ofstream(fs::path("results") / name) << "old";
    }
  };
  old();
  {
    OutputFolder folder = reserve("results", true);
    folder.set_aside_old_files();
    for (const char* name : {"config.ini", "cells.csv", "summary.json", "plots/ladder.png"}) {
      BOOST_TEST(!fs::exists(fs::path("results") / name), name);
      BOOST_TEST(fs::exists(fs::path("results/replaced-001") / name), name);
    }
    BOOST_TEST(fs::exists("results/notes.txt"));
  }  // nothing was written: all is as it was
  for (const char* name : {"config.ini", "cells.csv", "summary.json", "plots/ladder.png"}) {
    BOOST_TEST(fs::exists(fs::path("results") / name), name);
  }
  BOOST_TEST(!fs::exists("results/replaced-001"));
  {
    OutputFolder folder = reserve("results", true);
    folder.set_aside_old_files();
    folder.write("config.ini", "new");
  }  // cut off in the middle: old and new are apart
  BOOST_TEST(!fs::exists("results/summary.json"));
  BOOST_TEST(text_of("results/replaced-001/config.ini") == "old");
  {
    OutputFolder folder = reserve("results", true);
    folder.set_aside_old_files();
    BOOST_TEST(text_of("results/replaced-002/config.ini") == "new");
    folder.write("config.ini", "newer");
    folder.remove_stale_files();
  }
  BOOST_TEST(text_of("results/config.ini") == "newer");
  for (const auto& entry : fs::directory_iterator("results")) {
    const std::string name = entry.path().filename().string();
    BOOST_TEST((name == "config.ini" || name == "notes.txt" || name == "plots"), name);
  }
}

BOOST_AUTO_TEST_CASE(all_old_results_are_set_aside_or_none) {
  WorkingFolder working;
  fs::create_directories("results/plots");
  for (const char* name : {"config.ini", "summary.json", "plots/ladder.png"}) {
    std::ofstream(fs::path("results") / name) << "old";
  }
  // What is in a folder that may not be changed cannot leave it; root, to whom this does not apply, becomes nobody.
  constexpr uid_t nobody = 65534;
  const bool was_root = is_root();
  if (was_root) {
    for (const char* name : {".", "results", "results/plots"}) BOOST_TEST_REQUIRE(::chown(name, nobody, nobody) == 0);
    BOOST_TEST_REQUIRE(::seteuid(nobody) == 0);
  }
  {
    OutputFolder folder = reserve("results", true);
    fs::permissions("results/plots", fs::perms::owner_read | fs::perms::owner_exec);
    BOOST_CHECK_EXCEPTION(folder.set_aside_old_files(), FileError, says<FileError>({"plots/ladder.png", "denied"}));
  }
  for (const char* name : {"config.ini", "summary.json", "plots/ladder.png"}) {
    BOOST_TEST(fs::exists(fs::path("results") / name), name);
  }
  BOOST_TEST(!fs::exists("results/replaced-001"));
  BOOST_CHECK_EXCEPTION(reserve("results", true), FileError, says<FileError>({"write to results/plots", "denied"}));
  fs::permissions("results/plots", fs::perms::owner_all);
  if (was_root) BOOST_TEST_REQUIRE(::seteuid(0) == 0);
}

BOOST_AUTO_TEST_CASE(a_linked_plots_folder_is_refused_and_left_alone) {
  WorkingFolder working;
  fs::create_directories("elsewhere");
  std::ofstream("elsewhere/ladder.png") << "mine";
  fs::create_directories("results");
  std::ofstream("results/config.ini") << "old";
  {
    OutputFolder folder = reserve("results", true);
    fs::create_directory_symlink(fs::absolute("elsewhere"), "results/plots");
    folder.set_aside_old_files();
    folder.remove_stale_files();
  }
  BOOST_CHECK_EXCEPTION(reserve("results", true), FileError, says<FileError>({"results/plots", "a link"}));
  BOOST_CHECK_EXCEPTION(draw_plots("results/plots", made_up()), FileError, says<FileError>({"results/plots"}));
  BOOST_TEST(text_of("elsewhere/ladder.png") == "mine");
  BOOST_TEST(std::distance(fs::directory_iterator("elsewhere"), fs::directory_iterator()) == 1);
}

BOOST_AUTO_TEST_CASE(what_is_in_the_way_of_a_file_is_found_before_the_run) {
  WorkingFolder working;
  const auto refused = [](const std::string& name, const std::string& what) {
    BOOST_CHECK_EXCEPTION(reserve("results", true), FileError, says<FileError>({"results/" + name + ":", what}));
    fs::remove("results/" + name);
  };
  for (const char* name : {"summary.json", "cells.csv", "series.csv.part", "path-7.csv", "plots/valley.svg"}) {
    fs::create_directories(fs::path("results") / name);
    refused(name, "a folder");
    BOOST_TEST_REQUIRE(::mkfifo((std::string("results/") + name).c_str(), 0600) == 0);
    refused(name, "no regular file");
  }
  fs::remove("results/plots");
  std::ofstream("results/plots") << "mine";
  refused("plots", "a file");
  // Other names are nobody's business.
  fs::create_directories("results/notes/summary.json");
  reserve("results", true);
}

BOOST_AUTO_TEST_CASE(nothing_is_written_to_a_folder_that_was_replaced) {
  WorkingFolder working;
  for (const bool removed : {false, true}) {
    OutputFolder folder = reserve("results");
    folder.write("config.ini", "x");
    fs::rename("results", "moved");
    if (removed) fs::remove_all("moved");  // the next folder may have its number
    fs::create_directory("results");
    const auto lost = says<FileError>({"cannot write to results", "removed or replaced"});
    BOOST_CHECK_EXCEPTION(folder.write("run.json", "x"), FileError, lost);
    BOOST_CHECK_EXCEPTION(write_data(folder, made_up(), "x", {}), FileError, lost);
    BOOST_CHECK_EXCEPTION(write_plots(folder, made_up()), FileError, lost);
    BOOST_CHECK_EXCEPTION(folder.set_aside_old_files(), FileError, lost);
    BOOST_CHECK_EXCEPTION(folder.remove_stale_files(), FileError, lost);
    BOOST_TEST(fs::is_empty("results"));
    fs::remove("results");
    BOOST_CHECK_EXCEPTION(folder.write("run.json", "x"), FileError, lost);
    BOOST_TEST(!fs::exists("results"));
    fs::remove_all("moved");
  }
  {
    OutputFolder folder = reserve("made");
    fs::rename("made", "moved");
    fs::create_directory("made");
  }
  BOOST_TEST(fs::exists("made"));  // somebody else's
}

BOOST_AUTO_TEST_CASE(a_folder_that_disappears_is_a_file_error) {
  WorkingFolder working;
  OutputFolder folder = reserve("results");
  fs::remove("results");
  BOOST_CHECK_EXCEPTION(write_data(folder, made_up(), "x\n", {}), FileError,
                        says<FileError>({"cannot write to results", "removed or replaced"}));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_committed_leaves_nothing) {
  WorkingFolder working;
  {
    PendingFile file("a.txt");
    file.write("half");
    BOOST_TEST(fs::exists("a.txt.part"));
  }
  BOOST_TEST(fs::is_empty(working.path()));
}

// --- Contents
// -----------------------------------------------------------------------------------------------------------

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

BOOST_AUTO_TEST_CASE(summary_has_its_keys) {
  const nlohmann::json summary = summary_json(made_up());
  for (const char* key : {"schema_version", "program_version", "seed", "config", "verdict", "reason", "observables",
                          "ladders", "applicability", "integrator_error"}) {
    BOOST_TEST(summary.contains(key), key);
  }
  BOOST_TEST(summary["verdict"] == "agree");
  BOOST_TEST(summary["seed"] == std::numeric_limits<std::uint64_t>::max());
  BOOST_REQUIRE_EQUAL(summary["observables"].size(), 4U);
  const auto& o = summary["observables"][0];
  BOOST_TEST(o["name"] == "u^2-v^2");
  BOOST_TEST(o["verdict"] == "agree");
  for (const char* key : {"times", "theory", "discrete", "standard_error", "difference", "extrapolated"}) {
    BOOST_TEST(o.at(key).size() == 21U, key);
  }
  const auto& l = summary["ladders"]["epsilon"][0];
  BOOST_TEST(l["observable"] == "u^2-v^2");
  BOOST_TEST(l["slope"] == 2.0);
  BOOST_TEST(l["interval"] == (nlohmann::json{1.9, 2.1}));
  for (const char* key : {"extrapolated", "standard_error"}) BOOST_TEST(l.contains(key), key);
  BOOST_TEST(summary["ladders"]["eta"].is_null());
  BOOST_TEST(summary["ladders"]["eta_reason"].get<std::string>().find("--ladder full") != std::string::npos);
  BOOST_TEST(o["theory_asymptotic"].is_null());
  BOOST_TEST(o["theory_asymptotic_reason"] == "not available without --gamma");
}

/// Every null has its reason beside it; elements of an array have it beside the array.
void check_nulls(const nlohmann::json& value) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      const bool holds_null =
          member.is_null() ||
          (member.is_array() && std::any_of(member.begin(), member.end(), [](const auto& x) { return x.is_null(); }));
      if (holds_null)
        BOOST_TEST((value.contains(key + "_reason") && !value[key + "_reason"].template get<std::string>().empty()),
                   key);
      check_nulls(member);
    }
  } else if (value.is_array()) {
    for (const auto& member : value) check_nulls(member);
  } else if (value.is_number_float()) {
    BOOST_TEST(std::isfinite(value.get<double>()));
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_is_null_with_a_reason) {
  Comparison c = made_up();
  c.applicability.curvature_radius = infinity;
  c.applicability.conditions[0].value = nan_value;
  c.integrator_error = nan_value;
  c.observables[1].theory[4] = nan_value;
  c.observables[1].standard_error[5] = infinity;
  c.observables[2].extrapolated.clear();
  c.epsilon_ladder[0].slope.reset();
  c.epsilon_ladder[0].note = "not resolved: below 5 SE";
  c.epsilon_ladder[1].extrapolated = -infinity;
  c.epsilon_ladder[1].difference[2] = nan_value;
  c.path_error = ladder("path error", 1.0);
  c.path_error->slope = nan_value;
  c.config.time.reset();
  const nlohmann::json summary = summary_json(c);
  check_nulls(summary);
  BOOST_TEST(summary["observables"][1]["theory"][4].is_null());
  BOOST_TEST(summary["observables"][1]["theory_reason"] == "not a number at record 4");
  BOOST_TEST(summary["ladders"]["epsilon"][0]["slope"].is_null());
  BOOST_TEST(summary["ladders"]["epsilon"][0]["slope_reason"] == "not resolved: below 5 SE");
  BOOST_TEST(summary["curvature_radius_reason"] == "infinite");
  const std::string text = summary.dump();
  for (const char* word : {"nan", "NaN", ":inf", "Infinity"}) BOOST_TEST(text.find(word) == std::string::npos, word);
}

BOOST_AUTO_TEST_CASE(summary_depends_on_results_alone) {
  Comparison a = made_up(), b = made_up();
  b.nanoseconds_per_step = 1.7;
  b.config.sigma_file = "/somewhere/else.csv";
  BOOST_TEST(summary_json(a).dump(2) == summary_json(b).dump(2));
}

BOOST_AUTO_TEST_CASE(text_that_is_not_utf8_does_not_stop_the_summary) {
  Comparison c = made_up();
  c.reason = "caf\xe9";
  BOOST_CHECK_NO_THROW(summary_json(c).dump(2));
}

BOOST_AUTO_TEST_CASE(report_ends_with_the_verdict_and_fits_the_page) {
  Comparison c = made_up();
  c.eta_ladder.push_back(ladder("u^2-v^2", 1.0));
  for (const char* name : {"cov(x1,x1)", "cov(x1,x2)"}) c.observables.push_back(observable(name, c.times, 0.4));
  c.observables[1].independent = c.observables[1].extrapolated;
  c.observables[1].independent_error = c.observables[1].extrapolated_error;
  c.observables[1].independent_bound = c.observables[1].bound;
  const std::string report = report_text(c);
  for (const std::string& line : lines_of(report)) BOOST_TEST(line.size() <= 100U, line);
  for (const char* word : {"u^2-v^2", "trace_hessian", "cov(x1,x2)", "stability", "Ladder in epsilon", "Ladder in eta",
                           "independent noise"}) {
    BOOST_TEST(report.find(word) != std::string::npos, word);
  }
  const auto lines = lines_of(report);
  BOOST_TEST(lines[lines.size() - 2] == "Verdict: agree");
  BOOST_TEST(lines.back() == "  every observable agrees");
  BOOST_TEST(report.find("off") == std::string::npos);
  c.observables[0].extrapolated[7] = nan_value;  // what cannot be compared is not within its bound
  BOOST_TEST(report_text(c).find("off") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_paper_form_is_judged_at_eta_0) {
  Comparison c = made_up();
  c.observables[0].independent = c.observables[0].extrapolated;
  c.observables[0].independent_error = c.observables[0].extrapolated_error;
  c.observables[0].independent_bound = c.observables[0].bound;
  const std::vector<const ObservableResult*> shown = {&c.observables[0]};
  for (const auto& [form, right, wrong, drawn] : {std::array{"finite", "at eps = 0", "at eta = 0", "bound at ε = 0"},
                                                  std::array{"paper", "at eta = 0", "at eps = 0", "bound at η = 0"}}) {
    c.config.form = form == std::string("paper") ? sde::Form::paper : sde::Form::finite_step;
    const std::string report = report_text(c), script = time_figure("x", c, shown).script();
    BOOST_TEST(report.find(right) != std::string::npos, form);
    BOOST_TEST(report.find(wrong) == std::string::npos, form);
    BOOST_TEST(script.find(drawn) != std::string::npos, form);
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_judged_is_said_first_and_nothing_is_called_off) {
  Comparison c = made_up();
  c.verdict = Verdict::inconclusive;
  c.reason = c.obstacle = "not covered: batches";
  for (ObservableResult& o : c.observables) {
    o.verdict = Verdict::inconclusive;
    for (double& x : o.extrapolated) x += 1.0;
  }
  const std::string report = report_text(c);
  BOOST_TEST(lines_of(report).at(1) == "Nothing of it is judged: not covered: batches");
  BOOST_TEST(report.find("off") == std::string::npos);
  BOOST_TEST(report.find("all conditions hold") == std::string::npos);
  BOOST_TEST(summary_json(c)["not_judged"] == "not covered: batches");
}

BOOST_AUTO_TEST_CASE(visible_errors_are_printed_and_written) {
  Comparison c = made_up();
  c.visible = {0.019, {}};
  c.drift_seen_in = "u^2-v^2";
  c.noise_unseen = "the theory has no noise along the valley here";
  c.observables[0].visible.drift = 0.019;
  const std::string report = report_text(c);
  BOOST_TEST(report.find("Called a disagreement with probability 0.99: a drift off by 1.9 % (u^2-v^2)") !=
             std::string::npos);
  const nlohmann::json json = summary_json(c), run = json["visible_error"];
  BOOST_TEST(run["drift"] == 0.019);
  BOOST_TEST(run["drift_in"] == "u^2-v^2");
  BOOST_TEST(run["probability"] == 0.99);
  BOOST_TEST(run["noise_variance"].is_null());
  BOOST_TEST(run["noise_variance_reason"] == c.noise_unseen);
  BOOST_TEST(json["observables"][0]["visible_drift_error"] == 0.019);
  BOOST_TEST(json["observables"][1]["visible_drift_error"].is_null());
}

BOOST_AUTO_TEST_CASE(report_says_that_nothing_moves) {
  Comparison c = made_up();
  c.moves_along_valley = false;
  BOOST_TEST(report_text(c).find("either process moves along the valley") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(report_and_files_of_an_empty_comparison) {
  WorkingFolder working;
  Comparison c;
  BOOST_CHECK_NO_THROW(report_text(c));
  OutputFolder folder = reserve("results");
  BOOST_CHECK_NO_THROW(write_data(folder, c, "", {}));
}

// --- Pictures
// -------------------------------------------------------------------------------------------------------------

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
