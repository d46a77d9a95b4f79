// The output folder: names, what is there already, and faults of the device.
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "manifolds/errors.hpp"
#include "tests/report/made_up.hpp"
#include "validation/figures/plots.hpp"
#include "validation/output/path_files.hpp"
#include "validation/report/comparison_files.hpp"

namespace valleydrift {

using namespace valleydrift::compare;
using namespace valleydrift::figures;
using namespace valleydrift::output;
using namespace valleydrift::report;
using namespace valleydrift::run;
using namespace valleydrift::output_test;

BOOST_AUTO_TEST_SUITE(output)

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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
