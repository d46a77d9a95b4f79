// Columns with names that no two share, and rows that are written while the run goes on.
#include "validation/output/path_files.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <sstream>

#include "validation/output/csv.hpp"

namespace valleydrift::output {
namespace {

void append_numbers(std::string& line, const Vector& values, int count) {
  for (int i = 0; i < count; ++i) append_number(line, i < values.size() ? values[i] : std::nan(""));
}

/// The columns before the weights, between commas: of paths.csv and of path-N.csv.
constexpr std::string_view path_columns = ",path,record,time,kind,", replay_columns = ",step,time,loss,";

/// The names in a list as manifolds give it, "u, v"; what is none, such as w_1..w_D, left out.
std::vector<std::string> names_in(const std::string& coordinates) {
  std::vector<std::string> names;
  std::istringstream list(coordinates);
  for (std::string name; std::getline(list, name, ',');) {
    name.erase(0, name.find_first_not_of(' '));
    const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(),
                                                      [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
    if (is_name) names.push_back(name);
  }
  return names;
}

/// The prefix, with as many _ after it as it takes that no name begins so: a column is never called as another weight.
std::string free_prefix(std::string prefix, const std::vector<std::string>& names) {
  const auto begins = [&](const std::string& name) { return name.starts_with(prefix); };
  while (std::any_of(names.begin(), names.end(), begins)) prefix += '_';
  return prefix;
}

/// prefix1, ..., prefixD.
std::vector<std::string> numbered(const std::string& prefix, int dimension) {
  std::vector<std::string> out;
  for (int i = 1; i <= dimension; ++i) out.push_back(fmt::format("{}{}", prefix, i));
  return out;
}

/// The valley's own names if it has D and no column in `others` has one of them.
bool usable(const std::vector<std::string>& names, int dimension, std::string_view others) {
  return static_cast<int>(names.size()) == dimension && std::none_of(names.begin(), names.end(), [&](const auto& name) {
           return others.find("," + name + ",") != std::string_view::npos;
         });
}

/// The first line of path-N.csv.
std::string replay_header(const std::string& coordinates, int dimension) {
  const std::vector<std::string> names = names_in(coordinates);
  const bool own = usable(names, dimension, replay_columns);
  const std::vector<std::string> weights = own ? names : numbered(free_prefix("w", names), dimension);
  std::string line = fmt::format("{}{}", replay_columns.substr(1), fmt::join(weights, ","));
  for (const char* state : {"p", "slow", "limit"}) {
    if (own) {
      const std::string prefix = free_prefix(fmt::format("{}_", state), names);
      for (const std::string& name : names) line += fmt::format(",{}{}", prefix, name);
    } else {
      line += fmt::format(",{}", fmt::join(numbered(free_prefix(state, names), dimension), ","));
    }
  }
  return line + '\n';
}

const char* word_of(PathKind kind) { return kind == PathKind::slow ? "slow" : "limit"; }

}  // namespace

std::vector<std::string> weight_columns(const std::string& coordinates, int dimension) {
  const std::vector<std::string> names = names_in(coordinates);
  return usable(names, dimension, path_columns) ? names : numbered(free_prefix("w", names), dimension);
}

PathWriter::PathWriter(OutputFolder& folder, const std::vector<std::string>& names, std::vector<double> times)
    : folder_(folder),
      file_(folder.path() / "paths.csv"),
      times_(std::move(times)) {
  file_.write(fmt::format("{}{}\n", path_columns.substr(1), fmt::join(names, ",")));
}

void PathWriter::append(std::int64_t path, std::size_t record, PathKind kind, std::span<const double> state) {
  line_.clear();
  fmt::format_to(std::back_inserter(line_), "{},{}", path, record);
  append_number(line_, times_.at(record));
  line_ += ',';
  line_ += word_of(kind);
  for (const double x : state) append_number(line_, x);
  line_ += '\n';
  file_.write(line_);
}

void PathWriter::append(std::int64_t path, PathKind kind, std::span<const Vector> states) {
  for (std::size_t record = 0; record < states.size(); ++record) {
    const Vector& state = states[record];
    append(path, record, kind, std::span<const double>(state.data(), static_cast<std::size_t>(state.size())));
  }
}

void PathWriter::finish() {
  file_.commit();
  folder_.note_written("paths.csv");
}

ReplayWriter::ReplayWriter(OutputFolder& folder, std::int64_t path, const std::string& coordinates, int dimension)
    : folder_(folder),
      name_(fmt::format("path-{}.csv", path)),
      dimension_(dimension),
      file_(folder.path() / name_) {
  file_.write(replay_header(coordinates, dimension));
}

void ReplayWriter::append(std::int64_t step, double time, double loss, const Vector& w, const Vector& p,
                          const Vector& slow, const Vector& limit) {
  line_ = fmt::format("{}", step);
  append_number(line_, time);
  append_number(line_, loss);
  for (const Vector* state : {&w, &p, &slow, &limit}) append_numbers(line_, *state, dimension_);
  line_ += '\n';
  file_.write(line_);
}

void ReplayWriter::finish() {
  file_.commit();
  folder_.note_written(name_);
}

}  // namespace valleydrift::output
