#include "validation/output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <ctime>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "manifolds/errors.hpp"
#include "manifolds/lanes.hpp"
#include "validation/plots.hpp"
#include "validation/report.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace valleydrift::validation {
namespace {

/// A number that reads back to the same bits; an empty cell where there is none.
void append_number(std::string& line, double value) {
  line += ',';
  if (std::isfinite(value)) fmt::format_to(std::back_inserter(line), "{}", value);
}

void append_numbers(std::string& line, const Vector& values, int count) {
  for (int i = 0; i < count; ++i) append_number(line, i < values.size() ? values[i] : std::nan(""));
}

/// A CSV cell; names such as cov(x1,x3) hold a comma.
std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
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

std::string sigma_csv(const Matrix& sigma) {
  std::string text;
  for (Eigen::Index i = 0; i < sigma.rows(); ++i) {
    for (Eigen::Index j = 0; j < sigma.cols(); ++j) text += fmt::format("{}{}", j ? "," : "", sigma(i, j));
    text += '\n';
  }
  return text;
}

}  // namespace

// --- Paths ----------------------------------------------------------------------------------------------------------

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
  append_number(line_, at(times_, record));
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

// --- Whole files ----------------------------------------------------------------------------------------------------

std::string series_csv(const Comparison& comparison) {
  std::string text =
      "observable,time,step,theory,discrete,standard_error,difference,extrapolated,extrapolated_error,bound,judged,"
      "theory_finite_step,theory_paper,theory_asymptotic,independent,independent_error,independent_bound\n";
  for (const ObservableResult& o : comparison.observables) {
    const std::string name = csv_cell(o.name);
    for (std::size_t i = 0; i < comparison.times.size(); ++i) {
      text += name;
      append_number(text, comparison.times[i]);
      text += ',';
      if (i < comparison.steps.size()) text += fmt::format("{}", comparison.steps[i]);
      for (const auto* series : {&o.theory, &o.discrete, &o.standard_error, &o.difference, &o.extrapolated,
                                 &o.extrapolated_error, &o.bound}) {
        append_number(text, at(*series, i));
      }
      text += i < o.judged.size() && o.judged[i] ? ",1" : ",0";
      for (const auto* series : {&o.theory_finite_step, &o.theory_paper, &o.theory_asymptotic, &o.independent,
                                 &o.independent_error, &o.independent_bound}) {
        append_number(text, at(*series, i));
      }
      text += '\n';
    }
  }
  return text;
}

std::string descent_csv(const DescentResult& descent) {
  std::string text = "quantity,steps_made,step,noiseless,gradient_flow,mean,standard_deviation\n";
  for (const DescentResult::Quantity& q : descent.quantities) {
    const std::string name = csv_cell(q.name);
    for (std::size_t i = 0; i < descent.steps.size(); ++i) {
      text += fmt::format("{},{},{}", name, descent.steps[i], descent.steps[i] - descent.phase.steps);
      for (const auto* series : {&q.noiseless, &q.flow, &q.mean, &q.deviation}) append_number(text, at(*series, i));
      text += '\n';
    }
  }
  return text;
}

namespace {

nlohmann::ordered_json facts_of_run(const RunFacts& facts) {
  nlohmann::ordered_json run;
  run["program_version"] = VALLEYDRIFT_VERSION;
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  run["host"] = host;
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
  run["finished"] = stamp;
  run["compiler"] =
#ifdef __clang__
      "clang " __VERSION__;
#else
      "g++ " __VERSION__;
#endif
  run["instructions"] =
#if defined(__AVX512F__)
      "AVX-512";
#elif defined(__AVX2__)
      "AVX2";
#elif defined(__AVX__)
          "AVX";
#else
          "SSE2";
#endif
#ifdef NDEBUG
  run["assertions"] = false;
#else
  run["assertions"] = true;
#endif
#ifdef _OPENMP
  run["openmp"] = _OPENMP;
#else
  run["openmp"] = nullptr;
  run["openmp_reason"] = "built without OpenMP";
#endif
  run["lanes"] = manifolds::lane_count;
  run["threads"] = facts.threads;
  auto& seconds = run["seconds"] = nlohmann::ordered_json::object();
  for (const auto& [phase, duration] : facts.seconds) seconds[phase] = duration;
  return run;
}

std::string text_of(const nlohmann::ordered_json& run) {
  return run.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string run_facts_json(const RunFacts& facts) { return text_of(facts_of_run(facts)); }

std::string run_json(const Comparison& comparison, const RunFacts& facts) {
  nlohmann::ordered_json run = facts_of_run(facts);
  if (comparison.nanoseconds_per_step > 0.0 && std::isfinite(comparison.nanoseconds_per_step)) {
    run["nanoseconds_per_step"] = comparison.nanoseconds_per_step;
  } else {
    run["nanoseconds_per_step"] = nullptr;
    run["nanoseconds_per_step_reason"] = "not measured";
  }
  return text_of(run);
}

void write_config(OutputFolder& folder, const RunConfig& config, const std::string& config_ini) {
  folder.write("config.ini", config_ini);
  if (config.noise == NoiseKind::constant) folder.write("sigma.csv", sigma_csv(config.sigma));
}

void write_data(OutputFolder& folder, const Comparison& comparison, const std::string& config_ini,
                const RunFacts& facts) {
  std::vector<std::pair<std::string, std::string>> files;
  files.emplace_back("config.ini", config_ini);
  if (comparison.config.noise == NoiseKind::constant) {
    files.emplace_back("sigma.csv", sigma_csv(comparison.config.sigma));
  }
  files.emplace_back("series.csv", series_csv(comparison));
  if (comparison.descent) files.emplace_back("descent.csv", descent_csv(*comparison.descent));
  files.emplace_back("run.json", run_json(comparison, facts));
  files.emplace_back("summary.json", summary_json(comparison).dump(2) + "\n");  // last: where it is, all is complete

  folder.require_in_place();
  std::vector<PendingFile> pending;
  for (const auto& [name, content] : files) {
    pending.emplace_back(folder.path() / name);
    pending.back().write(content);
    pending.back().close();
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    pending[i].commit();
    folder.note_written(files[i].first);
  }
  folder.remove_stale_files();
}

void write_plots(OutputFolder& folder, const Comparison& comparison) {
  folder.require_in_place();
  try {
    for (const std::string& name : draw_plots(folder.path() / "plots", comparison)) {
      folder.note_written("plots/" + name);
    }
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    throw FileError(fmt::format("data complete, plots failed: {}", error.what()));
  }
  folder.require_in_place();
}

}  // namespace valleydrift::validation
