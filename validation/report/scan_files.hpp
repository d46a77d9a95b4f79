// The files of a scan that grow with it, and how an interrupted one is taken up again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "validation/scan/scan.hpp"

namespace valleydrift::report {

/// cells.csv, a row per cell; replicates.csv, its resampled figures; curves.csv, its ratios against steps. A cell is in
/// the folder once its row in cells.csv is complete: that is written last. Numbers read back to the same bits, so that
/// a scan continued from them ends in the same bytes. All errors are FileError.
class CellLog {
 public:
  /// Starts empty files, or with `resume` takes up those that are there: cuts off what belongs to no complete cell.
  /// A scan that was stopped before cells.csv had its first line starts empty too.
  CellLog(std::filesystem::path folder, const scan::ResolvedScan& scan, bool resume);
  CellLog(const CellLog&) = delete;
  CellLog& operator=(const CellLog&) = delete;
  ~CellLog();

  /// The cells found, in order from the first.
  const std::vector<scan::CellResult>& found() const { return found_; }
  void append(const scan::CellResult& result);
  /// After the last cell: closes the files. Throws also if one of them lost its name, or has another length than was
  /// written.
  void finish();

 private:
  std::filesystem::path folder_;
  std::vector<scan::CellResult> found_;
  std::vector<int> descriptors_;  // in the order of the files' names
};

/// The names of these files.
std::vector<std::string> cell_file_names();

}  // namespace valleydrift::report
