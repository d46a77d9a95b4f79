// Moves an earlier run's files aside, and deletes them once the new ones are complete.
#include "validation/output/output_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "manifolds/errors.hpp"
#include "validation/output/file_failure.hpp"
#include "validation/output/pending_file.hpp"

namespace valleydrift::output {
namespace {

namespace fs = std::filesystem;

/// Whether a name directly in the folder is one that this program writes.
bool is_data_name(std::string name) {
  if (name.ends_with(".part")) name.resize(name.size() - 5);
  if (name.starts_with("path-") && name.ends_with(".csv")) {
    const std::string number = name.substr(5, name.size() - 9);
    return !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
  }
  static const std::set<std::string> names = {"config.ini",   "sigma.csv",   "series.csv", "paths.csv",
                                              "summary.json", "run.json",    "cells.csv",  "replicates.csv",
                                              "curves.csv",   "descent.csv", "scan.state"};
  return names.contains(name);
}

bool is_plot_name(std::string name) {
  if (name.ends_with(".part")) name.resize(name.size() - 5);
  static const std::set<std::string> stems = {
      "valley", "trace-hessian", "slow-coordinates", "covariance", "transverse",   "ladder",
      "times",  "exponents",     "scales",           "prefactor",  "trajectories", "descent"};
  static const std::set<std::string> extensions = {".svg", ".png", ".gnuplot", ".dat"};
  const fs::path path(name);
  return stems.contains(path.stem().string()) && extensions.contains(path.extension().string());
}

/// Throws for what has a name of this program's files in `folder` and can be neither replaced nor set aside.
void require_room(const fs::path& folder, bool (*is_ours)(std::string)) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::file_type type = entry->symlink_status().type();
    if (type == fs::file_type::regular || type == fs::file_type::symlink) continue;
    if (!is_ours(entry->path().filename().string())) continue;
    throw FileError(fmt::format("cannot write {}: it is {}, and only a regular file is replaced",
                                entry->path().string(), kind_of(type)));
  }
  if (error) fail("read", folder, error);
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) fail("write to", folder, errno);
}

/// The same for the folder and the one of its pictures.
void require_room(const fs::path& folder) {
  require_room(folder, is_data_name);
  const fs::path plots = folder / "plots";
  std::error_code error;
  const fs::file_type type = fs::symlink_status(plots, error).type();
  if (type == fs::file_type::not_found) return;
  if (type != fs::file_type::directory) {
    throw FileError(fmt::format("cannot write to {}: it is {}, not a folder", plots.string(),
                                type == fs::file_type::symlink ? "a link" : "a file"));
  }
  require_room(plots, is_plot_name);
}

/// Names of folders for what an earlier run has left, while another one replaces it.
constexpr const char* aside_prefix = "replaced-";
bool is_aside_name(const std::string& name) {
  constexpr std::size_t digits = 3;
  const std::string number = name.starts_with(aside_prefix) ? name.substr(std::strlen(aside_prefix)) : "";
  return number.size() == digits && number.find_first_not_of("0123456789") == std::string::npos;
}

bool is_real_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() == fs::file_type::directory;
}

/// Names of this program's files in the folder, those of the pictures as plots/NAME; a link is a name like any other,
/// but no folder is entered through one.
std::vector<fs::path> own_files(const fs::path& folder) {
  std::vector<fs::path> names;
  const auto add = [&](const fs::path& below, bool (*is_ours)(std::string)) {
    if (!is_real_folder(folder / below)) return;
    std::error_code error;
    for (fs::directory_iterator entry(folder / below, error), end; !error && entry != end; entry.increment(error)) {
      const fs::path name = entry->path().filename();
      if (is_ours(name.string()) && !is_real_folder(entry->path())) names.push_back(below / name);
    }
    if (error) fail("read", folder / below, error);
  };
  add("", is_data_name);
  add("plots", is_plot_name);
  return names;
}

}  // namespace

OutputFolder OutputFolder::reserve(const std::optional<fs::path>& given, const std::string& manifold, bool force) {
  std::error_code error;
  // Makes one folder and remembers it; false if it is there already.
  const auto make = [&error](OutputFolder& folder, const fs::path& path) {
    const bool made = fs::create_directory(path, error);
    if (error) {
      if (error == std::errc::file_exists) error = std::make_error_code(std::errc::not_a_directory);
      fail("make the folder", path, error);
    }
    if (made) folder.made_.push_back(path);
    return made;
  };

  if (!given) {
    const fs::path base = "valleydrift-out";
    OutputFolder folder(base);
    make(folder, base);
    constexpr int most_runs = 999999;  // a search that ends
    for (int number = 1; number <= most_runs; ++number) {
      const fs::path path = base / fmt::format("{}-{:03}", manifold, number);
      if (fs::symlink_status(path, error).type() != fs::file_type::not_found) continue;  // a file counts as taken too
      if (!make(folder, path)) continue;                                                 // another run was faster
      folder.path_ = path;
      folder.keep_hold();
      return folder;
    }
    throw FileError(
        fmt::format("{} holds {} runs of {}; choose a folder with --output", base.string(), most_runs, manifold));
  }

  OutputFolder folder(*given);
  const fs::file_status status = fs::status(*given, error);
  if (status.type() == fs::file_type::not_found) {
    fs::path below;
    for (const fs::path& part : *given) {
      below /= part;
      if (!fs::is_directory(below, error)) make(folder, below);
    }
    folder.keep_hold();
    return folder;
  }
  if (error) fail("read", *given, error);
  if (status.type() != fs::file_type::directory) {
    throw ConfigError(fmt::format("--output {}: is a file, not a folder", given->string()));
  }
  const fs::directory_iterator entries(*given, error);
  if (error) fail("read", *given, error);
  if (entries != fs::directory_iterator() && !force) {
    throw ConfigError(
        fmt::format("--output {}: the folder is not empty; choose another one, or add --force to replace "
                    "the results in it",
                    given->string()));
  }
  require_room(*given);  // now, not after the run
  folder.keep_hold();
  return folder;
}

void OutputFolder::keep_hold() {
  do {
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  } while (descriptor_ < 0 && errno == EINTR);
  if (descriptor_ < 0) fail("read", path_, errno);
}

bool OutputFolder::in_place() const noexcept {
  struct stat held = {}, there = {};
  return ::fstat(descriptor_, &held) == 0 && ::stat(path_.c_str(), &there) == 0 && held.st_dev == there.st_dev &&
         held.st_ino == there.st_ino;
}

void OutputFolder::require_in_place() const {
  if (in_place()) return;
  throw FileError(
      fmt::format("cannot write to {}: the folder was removed or replaced while the run went on", path_.string()));
}

OutputFolder::OutputFolder(OutputFolder&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      made_(std::exchange(other.made_, {})),
      aside_(std::exchange(other.aside_, {})),
      set_aside_(std::exchange(other.set_aside_, {})),
      written_(std::move(other.written_)) {}

void OutputFolder::set_aside_old_files() {
  require_in_place();
  const std::vector<fs::path> names = own_files(path_);
  if (names.empty()) return;
  constexpr int most_folders = 999;
  for (int number = 1; aside_.empty(); ++number) {
    const fs::path folder = path_ / fmt::format("{}{:03}", aside_prefix, number);
    if (::mkdir(folder.c_str(), 0777) == 0)
      aside_ = folder;
    else if (errno != EEXIST || number == most_folders)
      fail("make the folder", folder, errno);
  }
  try {
    if (is_real_folder(path_ / "plots") && ::mkdir((aside_ / "plots").c_str(), 0777) != 0) {
      fail("make the folder", aside_ / "plots", errno);
    }
    // summary.json first: where it is, all is complete.
    std::vector<fs::path> ordered = names;
    std::stable_partition(ordered.begin(), ordered.end(), [](const fs::path& n) { return n == "summary.json"; });
    for (const fs::path& name : ordered) {
      if (::rename((path_ / name).c_str(), (aside_ / name).c_str()) != 0) fail("move", path_ / name, errno);
      set_aside_.push_back(name);
    }
  } catch (...) {
    put_back();
    throw;
  }
}

void OutputFolder::put_back() noexcept {
  if (aside_.empty()) return;
  for (auto name = set_aside_.rbegin(); name != set_aside_.rend(); ++name) {
    ::rename((aside_ / *name).c_str(), (path_ / *name).c_str());
  }
  set_aside_.clear();
  ::rmdir((aside_ / "plots").c_str());
  ::rmdir(aside_.c_str());
  aside_.clear();
}

OutputFolder::~OutputFolder() {
  const bool foreign = descriptor_ >= 0 && !in_place();
  if (descriptor_ >= 0) ::close(descriptor_);
  if (foreign) return;               // what has its name now is somebody else's
  if (written_.empty()) put_back();  // the run has come to nothing: what was there is there again
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) ::rmdir(path->c_str());  // if it is empty
}

void OutputFolder::write(const std::string& name, std::string_view content) {
  require_in_place();
  PendingFile file(path_ / name);
  file.write(content);
  file.commit();
  note_written(name);
}

void OutputFolder::remove_stale_files() {
  require_in_place();
  const auto remove = [](const fs::path& path) {
    std::error_code error;
    if (!fs::remove(path, error) && error) fail("remove", path, error);
  };
  for (const fs::path& name : own_files(path_)) {
    if (!written_.contains(name.string())) remove(path_ / name);
  }
  std::vector<fs::path> aside;
  std::error_code error;
  for (fs::directory_iterator entry(path_, error), end; !error && entry != end; entry.increment(error)) {
    if (is_aside_name(entry->path().filename().string()) && is_real_folder(entry->path())) {
      aside.push_back(entry->path());
    }
  }
  if (error) fail("read", path_, error);
  for (const fs::path& folder : aside) {
    for (const fs::path& name : own_files(folder)) remove(folder / name);
    ::rmdir((folder / "plots").c_str());  // a folder that holds something else stays
    ::rmdir(folder.c_str());
  }
  aside_.clear();
  set_aside_.clear();
}

}  // namespace valleydrift::output
