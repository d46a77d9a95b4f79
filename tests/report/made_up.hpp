// A comparison that is made up, and what the tests of its files share.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "validation/output/output_folder.hpp"
#include "validation/report/comparison_files.hpp"

namespace valleydrift::output_test {

using namespace valleydrift::compare;
using namespace valleydrift::output;
using namespace valleydrift::run;

namespace fs = std::filesystem;

inline constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
inline constexpr double infinity = std::numeric_limits<double>::infinity();

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

inline std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  BOOST_REQUIRE_MESSAGE(file.good(), path.string() + " can be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Cells of a CSV line; quotes hold commas together.
inline std::vector<std::string> cells(const std::string& line) {
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

inline bool has_part_files(const fs::path& folder) {
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

inline ObservableResult observable(const std::string& name, const std::vector<double>& times, double scale) {
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

inline LadderResult ladder(const std::string& name, double slope) {
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
inline Comparison made_up() {
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

inline OutputFolder reserve(const fs::path& path, bool force = false) {
  return OutputFolder::reserve(path, "uv", force);
}

/// A user to whom permissions apply; root writes anywhere.
inline bool is_root() { return ::geteuid() == 0; }

}  // namespace valleydrift::output_test
