// The output folder of a run.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace valleydrift::output {

/// The folder of one run. Movable; the folder it made is removed again if it is still empty at the end.
class OutputFolder {
 public:
  /// `given` is --output: made with its parents if absent, and refused with ConfigError if it holds anything and
  /// `force` is false. Without it the first free valleydrift-out/MANIFOLD-NNN below the working directory is made,
  /// atomically, so that two runs never share one. Throws FileError if a folder cannot be made or read, and if what can
  /// not be replaced has the name of a file of this program: a folder or a device, or instead of `plots` a link.
  static OutputFolder reserve(const std::optional<std::filesystem::path>& given, const std::string& manifold,
                              bool force);
  OutputFolder(OutputFolder&& other) noexcept;
  OutputFolder& operator=(OutputFolder&&) = delete;
  ~OutputFolder();

  const std::filesystem::path& path() const { return path_; }
  /// Throws FileError if the folder has been removed, or another one has its name: what is then written would be in
  /// none, or look whole in the other. All members that write begin with it.
  void require_in_place() const;
  /// Writes one whole file. Throws FileError; the file that was there before is then still intact.
  void write(const std::string& name, std::string_view content);
  /// With --force, before anything is written: moves what an earlier run has left under names that this program uses
  /// into a folder replaced-NNN within this one, all of it or, with FileError, nothing. It comes back if this run ends
  /// before it has written a file, and goes with remove_stale_files().
  void set_aside_old_files();
  /// At the end of a run: removes what an earlier one left under names that this program uses and this run has not
  /// written, and what set_aside_old_files() of this run, or of one that was killed, has moved.
  void remove_stale_files();
  /// Notes that this run has written `name`, a path relative to the folder.
  void note_written(const std::string& name) { written_.insert(name); }

 private:
  explicit OutputFolder(std::filesystem::path path) : path_(std::move(path)) {}

  void keep_hold();
  bool in_place() const noexcept;
  void put_back() noexcept;

  std::filesystem::path path_;
  int descriptor_ = -1;                           // of the folder: while it is open no other has its number
  std::vector<std::filesystem::path> made_;       // innermost last
  std::filesystem::path aside_;                   // of set_aside_old_files
  std::vector<std::filesystem::path> set_aside_;  // relative to the folder, in the order in which they went
  std::set<std::string> written_;
};

}  // namespace valleydrift::output
