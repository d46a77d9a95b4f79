// The output folder: every file is written beside its final name, checked, and renamed when it is complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "validation/comparison.hpp"

namespace valleydrift::validation {

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

/// A file in the making: NAME.part until commit(), removed if that is never reached. A NAME that is there must be a
/// regular file; a NAME.part that is there is removed, and never followed if it is a link. All errors are FileError
/// with the path and the reason.
class PendingFile {
 public:
  explicit PendingFile(std::filesystem::path target);
  PendingFile(PendingFile&& other) noexcept;
  PendingFile& operator=(PendingFile&&) = delete;
  ~PendingFile();

  void write(std::string_view text);
  /// Flushes and closes, so that a full device is noticed; the file keeps its .part name.
  void close();
  /// Closes, and renames to the final name.
  void commit();

 private:
  void flush();

  std::filesystem::path target_, part_;
  std::string buffer_;
  int descriptor_ = -1;
  bool pending_ = false;  // there is a .part to remove
};

/// What depends on the machine and the moment, and therefore goes to run.json alone.
struct RunFacts {
  int threads = 1;
  std::vector<std::pair<std::string, double>> seconds = {};  ///< by phase: "limit", "discrete", ...
};

/// Which process a saved state belongs to.
enum class PathKind { slow, limit };

/// What the D weights are called in paths.csv: as the manifold calls its coordinates ("u, v"), where that is a list of
/// D names that no other column has; else w1, ..., wD, with as many _ after the w as it takes to be no such name.
std::vector<std::string> weight_columns(const std::string& coordinates, int dimension);

/// paths.csv (--save-paths): path,record,time,kind and the weights, one line per path, record and process, in the order
/// of the calls. Holds one buffer in memory, whatever the number of paths.
class PathWriter {
 public:
  /// Throws FileError, like the other members.
  PathWriter(OutputFolder& folder, const std::vector<std::string>& names, std::vector<double> times);
  /// The states of one path at all records.
  void append(std::int64_t path, PathKind kind, std::span<const Vector> states);
  /// One state, D numbers.
  void append(std::int64_t path, std::size_t record, PathKind kind, std::span<const double> state);
  /// Completes paths.csv; without it nothing is left.
  void finish();

 private:
  OutputFolder& folder_;
  PendingFile file_;
  std::vector<double> times_;
  std::string line_;
};

/// path-N.csv (--path N): step,time,loss, then w, p, slow and limit, a line per step or per record. The weights are
/// called as in paths.csv (u, v), the others with a prefix (p_u, slow_u, limit_u); without names w1, p1, slow1, limit1.
class ReplayWriter {
 public:
  ReplayWriter(OutputFolder& folder, std::int64_t path, const std::string& coordinates, int dimension);
  /// A process without a state at this step passes an empty vector: its cells stay empty.
  void append(std::int64_t step, double time, double loss, const Vector& w, const Vector& p, const Vector& slow,
              const Vector& limit);
  void finish();

 private:
  OutputFolder& folder_;
  std::string name_;
  int dimension_;
  PendingFile file_;
  std::string line_;
};

/// series.csv: every observable at every record, numbers in the shortest form that reads back to the same bits.
std::string series_csv(const Comparison& comparison);
/// descent.csv: every quantity of the first phase at its steps: of the noiseless iteration, of the gradient flow, mean
/// and standard deviation over the run's own paths. `step` counts as in the other files, negative in the first phase.
std::string descent_csv(const DescentResult& descent);
/// run.json: host, compiler, processor features, threads, durations; and of a comparison the cost of a step.
std::string run_json(const Comparison& comparison, const RunFacts& facts);
std::string run_facts_json(const RunFacts& facts);

/// Writes config.ini and, for constant noise, sigma.csv beside it. Throws FileError.
void write_config(OutputFolder& folder, const RunConfig& config, const std::string& config_ini);
/// Writes config.ini, sigma.csv (constant noise), series.csv, descent.csv (with a first phase), run.json and
/// summary.json, all complete before the first
/// one takes its final name, and removes what an earlier run left. Throws FileError.
void write_data(OutputFolder& folder, const Comparison& comparison, const std::string& config_ini,
                const RunFacts& facts);
/// Draws the plots, after write_data. Throws FileError: `data complete, plots failed` and why.
void write_plots(OutputFolder& folder, const Comparison& comparison);

}  // namespace valleydrift::validation
