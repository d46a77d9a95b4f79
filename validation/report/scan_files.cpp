// cells.csv, replicates.csv and curves.csv: rows appended as cells end, and read back by --resume.
#include "validation/report/scan_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "manifolds/errors.hpp"
#include "validation/output/file_failure.hpp"

namespace valleydrift::report {
namespace {

namespace fs = std::filesystem;

enum File { replicates_file, curves_file, cells_file };  // the order of writing
const char* const names[] = {"replicates.csv", "curves.csv", "cells.csv"};
const char* const figure_names[scan::figure_count] = {"T_mean", "T_rms",     "T_transverse", "tau_1",
                                                      "tau_2",  "rate_mean", "rate_rms"};

std::string header(File file) {
  std::string text;
  switch (file) {
    case cells_file:
      text = "cell,part,eta,gamma,C,mu,scaled_friction,tau_momentum,unit,steps,status,source,accuracy";
      for (const char* name : figure_names) text += fmt::format(",{0},{0}_error,{0}_predicted", name);
      return text + ",reason\n";
    case replicates_file:
      text = "cell,replicate";
      for (const char* name : figure_names) text += fmt::format(",{}", name);
      return text + '\n';
    case curves_file:
      return "cell,step,mean,rms,transverse,loss,trace_hessian\n";
  }
  return text;
}

void put_cell(std::string& line, double value) {
  line += ',';
  if (std::isfinite(value)) fmt::format_to(std::back_inserter(line), "{}", value);
}

std::string cell_row(const scan::CellResult& r) {
  std::string line = fmt::format("{},{}", r.cell.index, name_of(r.cell.part));
  for (const double x : {r.cell.eta, r.cell.gamma, r.cell.C, r.mu, r.scaled_friction, r.tau_momentum, r.unit}) {
    put_cell(line, x);
  }
  line += fmt::format(",{},{},{}", r.steps, name_of(r.status), name_of(r.source));
  put_cell(line, r.accuracy);
  for (const scan::Figured& f : r.figure) {
    for (const double x : {f.measured, f.standard_error, f.predicted}) put_cell(line, x);
  }
  // The last cell may hold commas; a line break or a quote it does not.
  std::string reason = r.reason;
  for (char& c : reason) {
    if (c == '\n' || c == '"') c = ' ';
  }
  return line + fmt::format(",\"{}\"\n", reason);
}

std::string replicate_rows(const scan::CellResult& r) {
  std::string text;
  for (std::size_t i = 0; i < r.replicates.size(); ++i) {
    text += fmt::format("{},{}", r.cell.index, i);
    for (const double x : r.replicates[i]) put_cell(text, x);
    text += '\n';
  }
  return text;
}

std::string curve_rows(const scan::CellResult& r) {
  std::string text;
  for (std::size_t i = 0; i < r.curves.steps.size(); ++i) {
    text += fmt::format("{}", r.cell.index);
    for (const auto* column :
         {&r.curves.steps, &r.curves.mean, &r.curves.rms, &r.curves.transverse, &r.curves.loss, &r.curves.trace}) {
      put_cell(text, (*column)[i]);
    }
    text += '\n';
  }
  return text;
}

void write_all(int descriptor, std::string_view text, const fs::path& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) output::fail("write", path, written < 0 ? errno : ENOSPC);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// A descriptor of a file of the scan. Refused: a link, which leads to another file, and what is no regular file, such
/// as a pipe, on which one may wait for ever.
int open_regular(const fs::path& path, int flags, const char* what) {
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0 && errno == ELOOP) {
    throw FileError(fmt::format("cannot {} {}: it is a link, not a regular file", what, path.string()));
  }
  if (descriptor < 0) output::fail(what, path, errno);
  struct stat status = {};
  if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) return descriptor;
  ::close(descriptor);
  throw FileError(fmt::format("cannot {} {}: it is no regular file", what, path.string()));
}

// --- Reading back ---------------------------------------------------------------------------------------------------

/// The fields of a line. The last one of cells.csv, in quotes, may hold commas.
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  for (;;) {
    if (begin < line.size() && line[begin] == '"') {
      out.push_back(line.substr(begin + 1, line.size() - begin - 2));
      return out;
    }
    const std::size_t comma = std::min(line.find(',', begin), line.size());
    out.push_back(line.substr(begin, comma - begin));
    if (comma == line.size()) return out;
    begin = comma + 1;
  }
}

/// The whole of a file, none if there is no such name.
std::optional<std::string> text_of(const fs::path& path) {
  std::error_code ignored;
  if (fs::symlink_status(path, ignored).type() == fs::file_type::not_found) return std::nullopt;
  const int descriptor = open_regular(path, O_RDONLY, "read");
  std::string text;
  constexpr std::size_t piece = 65536;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + piece);
    const ssize_t count = ::read(descriptor, text.data() + before, piece);
    const int error = errno;
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count > 0 || (count < 0 && error == EINTR)) continue;
    ::close(descriptor);
    if (count < 0) output::fail("read", path, error);
    return text;
  }
}

/// The lines of a file that are complete, and where the last of them ends. The header must be ours.
struct Lines {
  std::vector<std::string> rows;
  std::vector<std::size_t> ends;  ///< offset after each row
  std::size_t header_end = 0;
};
Lines read_lines(const fs::path& path, File file) {
  const std::optional<std::string> found = text_of(path);
  if (!found) output::fail("read", path, ENOENT);
  const std::string &text = *found, expected = header(file);
  if (!text.starts_with(expected)) {
    throw FileError(
        fmt::format("{} is not the beginning of a scan by this version; start again without --resume", path.string()));
  }
  Lines lines;
  lines.header_end = expected.size();
  for (std::size_t begin = expected.size(); begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    lines.rows.push_back(text.substr(begin, end - begin));
    begin = end + 1;
    lines.ends.push_back(begin);
  }
  return lines;
}

/// Whether a scan was stopped before the first line of the file was complete.
bool stopped_at_once(const fs::path& path, File file) {
  const std::optional<std::string> found = text_of(path);
  const std::string expected = header(file);
  return !found || (found->size() < expected.size() && expected.starts_with(*found));
}

double number(const std::string& field, const fs::path& path) {
  if (field.empty()) return std::numeric_limits<double>::quiet_NaN();
  double value = 0.0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size()) {
    throw FileError(fmt::format("{}: '{}' is not a number; start again without --resume", path.string(), field));
  }
  return value;
}

template <class E>
E value_named(const std::string& name, const fs::path& path) {
  for (const manifolds::Named<E>& entry : names_of(E{})) {
    if (entry.name == name) return entry.value;
  }
  throw FileError(fmt::format("{}: '{}' is unknown; start again without --resume", path.string(), name));
}

scan::CellResult parse_cell(const std::vector<std::string>& f, const scan::Cell& cell, const fs::path& path) {
  constexpr std::size_t before = 13, all = before + 3 * scan::figure_count + 1;
  if (f.size() != all || number(f[0], path) != cell.index || number(f[2], path) != cell.eta ||
      number(f[3], path) != cell.gamma || number(f[4], path) != cell.C) {
    throw FileError(fmt::format("{}: the row of cell {} is not this scan's; start again without --resume",
                                path.string(), cell.index));
  }
  scan::CellResult r{.cell = cell, .figure = {}};
  r.mu = number(f[5], path);
  r.scaled_friction = number(f[6], path);
  r.tau_momentum = number(f[7], path);
  r.unit = number(f[8], path);
  r.steps = static_cast<std::int64_t>(number(f[9], path));
  r.status = value_named<scan::Status>(f[10], path);
  r.source = value_named<scan::Source>(f[11], path);
  r.accuracy = number(f[12], path);
  for (std::size_t i = 0; i < r.figure.size(); ++i) {
    r.figure[i] = {number(f[before + 3 * i], path), number(f[before + 3 * i + 1], path),
                   number(f[before + 3 * i + 2], path)};
  }
  r.reason = f.back();
  return r;
}

/// Hands the rows of the first `count` cells to `take` and returns where they end.
template <class Take>
std::size_t take_rows(const fs::path& path, File file, std::size_t columns, std::size_t count, Take take) {
  const Lines lines = read_lines(path, file);
  std::size_t end = lines.header_end;
  for (std::size_t i = 0; i < lines.rows.size(); ++i) {
    const std::vector<std::string> fields = fields_of(lines.rows[i]);
    if (fields.size() != columns) {
      throw FileError(fmt::format("{}: row {} has {} fields, not {}; start again without --resume", path.string(),
                                  i + 1, fields.size(), columns));
    }
    const double cell = number(fields[0], path);
    if (!(cell >= 0.0 && cell == std::floor(cell))) {
      throw FileError(fmt::format("{}: row {} is of cell {}, not of one of this scan; start again without --resume",
                                  path.string(), i + 1, fields[0]));
    }
    if (!(cell < static_cast<double>(count))) break;
    std::vector<double> values;
    for (std::size_t c = 1; c < fields.size(); ++c) values.push_back(number(fields[c], path));
    take(static_cast<std::size_t>(cell), values);
    end = lines.ends[i];
  }
  return end;
}

}  // namespace

std::vector<std::string> cell_file_names() { return {std::begin(names), std::end(names)}; }

CellLog::CellLog(fs::path folder, const scan::ResolvedScan& scan, bool resume) : folder_(std::move(folder)) {
  std::size_t ends[3] = {0, 0, 0};
  resume = resume && !stopped_at_once(folder_ / names[cells_file], cells_file);
  if (resume) {
    const fs::path cells = folder_ / names[cells_file];
    const Lines lines = read_lines(cells, cells_file);
    if (lines.rows.size() > scan.cells.size()) {
      throw FileError(fmt::format("{} has {} cells, this scan {}; start again without --resume", cells.string(),
                                  lines.rows.size(), scan.cells.size()));
    }
    for (std::size_t i = 0; i < lines.rows.size(); ++i) {
      found_.push_back(parse_cell(fields_of(lines.rows[i]), scan.cells[i], cells));
    }
    ends[cells_file] = lines.ends.empty() ? lines.header_end : lines.ends.back();
    ends[replicates_file] = take_rows(folder_ / names[replicates_file], replicates_file, 2 + scan::figure_count,
                                      found_.size(), [&](std::size_t cell, const std::vector<double>& v) {
                                        scan::FigureValues values;
                                        std::copy(v.begin() + 1, v.end(), values.begin());
                                        found_[cell].replicates.push_back(values);
                                      });
    ends[curves_file] = take_rows(folder_ / names[curves_file], curves_file, 7, found_.size(),
                                  [&](std::size_t cell, const std::vector<double>& v) {
                                    scan::Curves& c = found_[cell].curves;
                                    c.steps.push_back(v[0]);
                                    c.mean.push_back(v[1]);
                                    c.rms.push_back(v[2]);
                                    c.transverse.push_back(v[3]);
                                    c.loss.push_back(v[4]);
                                    c.trace.push_back(v[5]);
                                  });
    for (const scan::CellResult& cell : found_) {
      const auto resamples = static_cast<int>(cell.replicates.size());
      if (resamples == scan::replicate_count || (resamples == 0 && cell.status != scan::Status::ok)) continue;
      throw FileError(fmt::format("{}: {} rows of cell {}, not {}; start again without --resume",
                                  (folder_ / names[replicates_file]).string(), resamples, cell.cell.index,
                                  scan::replicate_count));
    }
  }
  for (int file = 0; file < 3; ++file) {
    const fs::path path = folder_ / names[file];
    const int descriptor = open_regular(path, O_WRONLY | (resume ? 0 : O_CREAT), "write");
    descriptors_.push_back(descriptor);
    if (::ftruncate(descriptor, static_cast<off_t>(ends[file])) != 0) output::fail("write", path, errno);
    if (::lseek(descriptor, 0, SEEK_END) < 0) output::fail("write", path, errno);
    if (!resume) write_all(descriptor, header(static_cast<File>(file)), path);
  }
}

void CellLog::finish() {
  for (std::size_t file = 0; file < 3; ++file) {
    const fs::path path = folder_ / names[file];
    struct stat written = {}, there = {};
    if (::fstat(descriptors_[file], &written) != 0 || ::lstat(path.c_str(), &there) != 0)
      output::fail("write", path, errno);
    const bool same = written.st_dev == there.st_dev && written.st_ino == there.st_ino;
    if (!same || written.st_size != ::lseek(descriptors_[file], 0, SEEK_CUR)) {
      throw FileError(fmt::format("cannot write {}: it was replaced or changed while the scan ran", path.string()));
    }
    // After EINTR Linux has closed the descriptor all the same.
    if (::close(std::exchange(descriptors_[file], -1)) != 0 && errno != EINTR) output::fail("write", path, errno);
  }
}

CellLog::~CellLog() {
  for (const int descriptor : descriptors_) {
    if (descriptor >= 0) ::close(descriptor);
  }
}

void CellLog::append(const scan::CellResult& result) {
  const std::string texts[] = {replicate_rows(result), curve_rows(result), cell_row(result)};
  for (std::size_t file = 0; file < 3; ++file) write_all(descriptors_[file], texts[file], folder_ / names[file]);
}

}  // namespace valleydrift::report
