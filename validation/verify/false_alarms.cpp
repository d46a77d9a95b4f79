// Runs the repeats side by side and joins their p-values row by row.
#include "validation/verify/false_alarms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <map>
#include <mutex>
#include <optional>

#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "validation/statistics/statistics.hpp"

namespace valleydrift::verify {
namespace {

struct RepeatedRow {
  const Check* check;
  std::string site;
  std::uint64_t name;  ///< of check and site, so that a row's seeds do not depend on what else is selected
  Repeater repeater;
};

/// Mixes the bits of x: splitmix64's finaliser, a bijection.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

std::uint64_t number_of(const std::string& text) {
  std::uint64_t x = 0;
  for (const char c : text) x = mixed(x ^ static_cast<unsigned char>(c));
  return x;
}

/// The noise of a side: of two sides, rows or repeats no two share a seed but with probability 2^-64.
SameLaw same_law(const FalseAlarmRequest& request, const RepeatedRow& row, std::int64_t repeat) {
  const std::uint64_t of_row = mixed(mixed(request.checks.seed) ^ row.name);
  const auto seed = [&](std::uint64_t side) {
    return mixed(of_row ^ mixed(2 * static_cast<std::uint64_t>(repeat) + side));
  };
  return {repeat, seed(0), seed(1), request.flaw};
}

std::vector<RepeatedRow> prepared_rows(const FalseAlarmRequest& request) {
  std::vector<RepeatedRow> rows;
  const std::vector<CheckSite> sites = check_sites(request.checks);
  for (const auto& [check, site] : rows_of(selected_checks(request.checks), sites)) {
    if (!check->same_law) continue;
    if (site->points.empty()) throw NumericalError(site->unreachable);
    rows.push_back({check, site->label, number_of(check->id + " " + site->label), check->same_law(*site)});
  }
  if (rows.empty()) throw ConfigError("--aa: none of the selected checks rests on sampling; O2 and S1 to S4 do");
  return rows;
}

/// What the repeats of a row found, in their order.
struct RowFindings {
  std::int64_t verdicts = 0;
  std::int64_t alarms = 0;
  std::string first_alarm = {};
  std::map<std::string, std::vector<double>> p_values = {};
};

Repeated run_repeat(const RepeatedRow& row, const SameLaw& same) {
  try {
    return row.repeater(same);
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    Repeated failed;
    failed.finding = {1.0, 0.0, error.what()};
    return failed;
  }
}

/// Row by row of each repeat; nothing where an interruption left one out.
std::vector<std::optional<Repeated>> run_all(const FalseAlarmRequest& request, const std::vector<RepeatedRow>& rows,
                                             const std::function<void(double)>& progress) {
  const auto row_count = static_cast<std::int64_t>(rows.size()), jobs = request.repeats * row_count;
  std::vector<std::optional<Repeated>> out(static_cast<std::size_t>(jobs));
  std::mutex reporting;
  std::int64_t done = 0;
  // Every repeat is one thread's: the loops inside find the threads taken.
#pragma omp parallel for schedule(dynamic, 1)
  for (std::int64_t job = 0; job < jobs; ++job) {
    if (pending_signal() != 0) continue;
    try {
      const RepeatedRow& row = rows[static_cast<std::size_t>(job % row_count)];
      out[static_cast<std::size_t>(job)] = run_repeat(row, same_law(request, row, job / row_count));
    } catch (const Interrupted&) {
      continue;
    }
    const std::lock_guard lock(reporting);
    ++done;
    if (progress) progress(static_cast<double>(done) / static_cast<double>(jobs));
  }
  return out;
}

RowFindings findings_of(std::size_t row, std::size_t rows, const std::vector<std::optional<Repeated>>& all) {
  RowFindings out;
  for (std::size_t job = row; job < all.size(); job += rows) {
    if (!all[job]) continue;
    const Repeated& repeated = *all[job];
    ++out.verdicts;
    if (!repeated.finding.holds()) {
      if (out.alarms++ == 0) {
        out.first_alarm = fmt::format("repeat {}: {:.3g} above {:.3g}, {}", job / rows, repeated.finding.statistic,
                                      repeated.finding.bound, repeated.finding.where);
      }
    }
    for (const auto& [statistic, p] : repeated.p_values) out.p_values[statistic].push_back(p);
  }
  return out;
}

/// Joins the p-values of the rows.
class Pooled {
 public:
  void add(const std::string& site, const std::vector<double>& p) {
    all_.insert(all_.end(), p.begin(), p.end());
    const double far = statistics::distance_from_uniform(p) * std::sqrt(static_cast<double>(p.size()));
    if (far > furthest_) furthest_ = far, site_ = site;
  }
  Uniformity test(const std::string& statistic) const {
    const auto count = static_cast<double>(all_.size());
    return {statistic,
            static_cast<std::int64_t>(all_.size()),
            statistics::distance_from_uniform(all_),
            statistics::distance_bound(count, uniformity_false_alarm),
            *std::min_element(all_.begin(), all_.end()),
            site_};
  }

 private:
  std::vector<double> all_;
  double furthest_ = -1.0;
  std::string site_;
};

FalseAlarms joined(const Check* check, const std::vector<std::pair<std::string, RowFindings>>& rows) {
  FalseAlarms out{check};
  std::map<std::string, Pooled> statistics;
  for (const auto& [site, findings] : rows) {
    if (findings.verdicts > 0) ++out.rows;
    out.verdicts += findings.verdicts;
    if (out.alarms == 0 && findings.alarms > 0) out.first_alarm = fmt::format("on {}, {}", site, findings.first_alarm);
    out.alarms += findings.alarms;
    for (const auto& [statistic, p] : findings.p_values) statistics[statistic].add(site, p);
  }
  for (const auto& [statistic, pooled] : statistics) out.statistics.push_back(pooled.test(statistic));
  return out;
}

}  // namespace

bool FalseAlarms::holds() const {
  return alarms == 0 && !statistics.empty() &&
         std::all_of(statistics.begin(), statistics.end(), [](const Uniformity& u) { return u.holds(); });
}

bool FalseAlarmRun::passed() const {
  return !checks.empty() && unfinished == 0 &&
         std::all_of(checks.begin(), checks.end(), [](const FalseAlarms& c) { return c.holds(); });
}

double FalseAlarmRun::false_alarm() const {
  double sum = 0.0;
  for (const FalseAlarms& c : checks) {
    sum += static_cast<double>(c.verdicts) * c.check->false_alarm() +
           static_cast<double>(c.statistics.size()) * uniformity_false_alarm;
  }
  return sum;
}

FalseAlarmRun count_false_alarms(const FalseAlarmRequest& request, const std::function<void(double)>& progress) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<RepeatedRow> rows = prepared_rows(request);
  const std::vector<std::optional<Repeated>> all = run_all(request, rows, progress);
  FalseAlarmRun out{request, {}};
  for (std::size_t first = 0; first < rows.size();) {
    std::vector<std::pair<std::string, RowFindings>> of_check;
    std::size_t row = first;
    for (; row < rows.size() && rows[row].check == rows[first].check; ++row) {
      of_check.emplace_back(rows[row].site, findings_of(row, rows.size(), all));
    }
    FalseAlarms check = joined(rows[first].check, of_check);
    if (check.verdicts > 0) out.checks.push_back(std::move(check));
    first = row;
  }
  for (auto repeat = all.begin(); repeat != all.end(); repeat += static_cast<std::ptrdiff_t>(rows.size())) {
    const auto missing = std::count(repeat, repeat + static_cast<std::ptrdiff_t>(rows.size()), std::nullopt);
    out.unfinished += missing;
    if (missing == 0) ++out.whole_repeats;
  }
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return out;
}

}  // namespace valleydrift::verify
