// paths.csv and path-N.csv: the states of single paths.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "manifolds/geometry.hpp"
#include "validation/output/output_folder.hpp"
#include "validation/output/pending_file.hpp"

namespace valleydrift::output {

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

}  // namespace valleydrift::output
