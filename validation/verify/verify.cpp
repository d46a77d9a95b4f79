// Picks checks by wildcards, places their sites on the valley, and runs the rows on the threads.
#include "validation/verify/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>

#include "manifolds/catalogue.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/formula/formula.hpp"
#include "manifolds/interrupt.hpp"
#include "sde/gradient_flow.hpp"
#include "validation/run/threads.hpp"

namespace valleydrift::verify {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Shell wildcards: * any text, ? any letter. Upper and lower case count as the same.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    return matches(pattern.substr(1), text) || (!text.empty() && matches(pattern, text.substr(1)));
  }
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return !text.empty() && (pattern.front() == '?' || lower(pattern.front()) == lower(text.front())) &&
         matches(pattern.substr(1), text.substr(1));
}

/// A number in [-1, 1) that is the same on every machine.
double fixed_number(std::uint64_t& state) {
  state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth's linear congruence
  return static_cast<double>(state >> 11) * 0x1p-52 - 1.0;
}

/// The distance over which the slope of the residuals at y doubles across the valley, at least: 2 |g|^2 / |Hess f g|,
/// g = grad f.
double steepening_length(const Manifold& manifold, const Vector& y) {
  const Matrix j = manifold.jacobian(y);
  double shortest = std::numeric_limits<double>::infinity();
  for (Eigen::Index a = 0; a < j.rows(); ++a) {
    const Vector slope = j.row(a);
    const double change = manifold.residual_hessian_times(y, Vector::Unit(j.rows(), a), slope).norm();
    shortest = std::min(shortest, 2.0 * slope.squaredNorm() / change);
  }
  return shortest;
}

/// Makes the site's points from the start, which is on the valley.
void place(CheckSite& site, const Vector& start) {
  constexpr double perturbation = 0.15;  // of the length: a third of the radius of curvature where the valley bends
  constexpr double least_part = 0.01;    // of |w|, where nothing bends: what rounding then moves is 1e-14 of the length
  const double bend = 2.0 * site.manifold.curvature_radius(site.manifold.geometry(start));
  site.length = std::min({std::max(1.0, least_part * start.norm()), bend, steepening_length(site.manifold, start)});
  site.points.push_back(start);
  std::uint64_t state = 20221031;
  const int perturbed = site.thorough ? 7 : 2;
  for (int i = 0; i < perturbed; ++i) {
    Vector direction(start.size());
    for (double& x : direction) x = fixed_number(state);
    site.points.push_back(site.manifold.retract(start + perturbation * site.length * direction.normalized()));
  }
}

CheckSite make_site(const std::string& label, const manifolds::ManifoldDescription& d,
                    const manifolds::ParameterValues& parameters, const VerifyRequest& request) {
  CheckSite site{label, Manifold(d, parameters), {}, 1.0, {}, request.thorough, request.seed, request.distortion};
  try {
    const Vector own = site.manifold.default_start();
    place(site, d.source ? sde::limit_map(site.manifold, own) : site.manifold.retract(own));
  } catch (const NumericalError& error) {
    site.points.clear();
    site.unreachable = error.what();
  }
  return site;
}

std::string awkward_label(const manifolds::ManifoldDescription& d) {
  std::string text;
  for (const auto& info : d.parameters) {
    const auto value = d.awkward.find(info.name);
    if (value == d.awkward.end()) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} = {}", info.name, manifolds::format_parameter(info, value->second));
  }
  return fmt::format("{} ({})", d.name, text);
}

/// The rows that are run side by side, each on one thread, and those that use all threads themselves, one after the
/// other. Rows that sample are of the former where there are many for each thread: nothing then waits for the last
/// path of a run.
struct Schedule {
  std::vector<std::size_t> side_by_side, in_turn;
};

Schedule scheduled(const std::vector<CheckRow>& planned) {
  Schedule out;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    const bool samples = planned[i].check->kind != CheckKind::deterministic;
    (samples ? out.in_turn : out.side_by_side).push_back(i);
  }
  // The longest of them takes a twentieth of all.
  constexpr std::size_t many = 8;
  if (out.in_turn.size() >= many * static_cast<std::size_t>(run::thread_count())) {
    out.side_by_side.insert(out.side_by_side.end(), out.in_turn.begin(), out.in_turn.end());
    out.in_turn.clear();
  }
  // The shortest kind first, so that an interruption leaves many rows; of each kind the longest first, which go with
  // the dimension, so that threads end together.
  std::stable_sort(out.side_by_side.begin(), out.side_by_side.end(), [&](std::size_t a, std::size_t b) {
    const auto order = [&](std::size_t i) {
      const CheckSite* site = planned[i].site;
      return std::pair(planned[i].check->kind, site ? -site->manifold.dimension() : 0);
    };
    return order(a) < order(b);
  });
  return out;
}

}  // namespace

std::span<const manifolds::Named<CheckVerdict>> names_of(CheckVerdict) {
  static constexpr manifolds::Named<CheckVerdict> names[] = {
      {CheckVerdict::pass, "pass"}, {CheckVerdict::fail, "fail"}, {CheckVerdict::inconclusive, "inconclusive"}};
  return names;
}

std::span<const manifolds::Named<CheckKind>> names_of(CheckKind) {
  static constexpr manifolds::Named<CheckKind> names[] = {{CheckKind::deterministic, "deterministic"},
                                                          {CheckKind::order, "order"},
                                                          {CheckKind::statistical, "statistical"}};
  return names;
}

bool Verification::passed() const {
  return !results.empty() && unfinished == 0 &&
         std::all_of(results.begin(), results.end(), [](const auto& r) { return r.verdict == CheckVerdict::pass; });
}

double Verification::false_alarm() const {
  double sum = 0.0;
  for (const CheckResult& r : results) sum += r.check->false_alarm();
  return sum;
}

std::vector<const Check*> selected_checks(const VerifyRequest& request) {
  std::vector<const Check*> selected;
  std::vector<bool> used(request.only.size(), false);
  for (const Check& check : all_checks()) {
    bool wanted = request.only.empty();
    for (std::size_t i = 0; i < request.only.size(); ++i) {
      // "D4" stands for all checks whose ID begins with "D4-".
      if (!matches(request.only[i], check.id) && !matches(request.only[i] + "-*", check.id)) continue;
      wanted = used[i] = true;
    }
    if (wanted) selected.push_back(&check);
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i]) continue;
    std::vector<std::string> ids;
    for (const Check& check : all_checks()) ids.push_back(check.id);
    const std::string near = manifolds::nearest_name(request.only[i], ids);
    throw ConfigError(fmt::format("--only {}: matches no check{}; `valleydrift verify --list` shows them",
                                  request.only[i], near.empty() ? "" : fmt::format(", did you mean {}?", near)));
  }
  return selected;
}

std::vector<CheckSite> check_sites(const VerifyRequest& request) {
  std::vector<CheckSite> sites;
  const auto add = [&](const manifolds::ManifoldDescription& d) {
    sites.push_back(make_site(d.name, d, {}, request));
    if (!d.awkward.empty()) sites.push_back(make_site(awkward_label(d), d, d.awkward, request));
  };
  if (request.formula) {
    add(manifolds::description_of(*request.formula));
  } else if (request.manifold) {
    add(manifolds::description_of(*request.manifold));
  } else {
    for (const auto& d : manifolds::descriptions()) add(d);
  }
  return sites;
}

std::vector<CheckRow> rows_of(const std::vector<const Check*>& checks, const std::vector<CheckSite>& sites) {
  std::vector<CheckRow> rows;
  for (const Check* check : checks) {
    if (check->run_once) rows.push_back({check, nullptr});
    for (const CheckSite& site : sites) {
      if (check->applies && check->applies(site.manifold)) rows.push_back({check, &site});
    }
  }
  return rows;
}

CheckResult made(const CheckRow& row, std::uint64_t seed) {
  CheckResult result{row.check, row.site_label(), {}};
  const auto start = Clock::now();
  try {
    if (row.site && row.site->points.empty()) throw NumericalError(row.site->unreachable);
    result.finding = row.site ? row.check->run(*row.site) : row.check->run_once(seed);
    result.verdict = result.finding.holds()                ? CheckVerdict::pass
                     : result.finding.inconclusive.empty() ? CheckVerdict::fail
                                                           : CheckVerdict::inconclusive;
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    result.error = error.what();
  }
  result.seconds = seconds_since(start);
  return result;
}

Verification verify(const VerifyRequest& request, const std::function<void(double)>& progress) {
  const auto start = Clock::now();
  Verification out{request, {}, 0.0};
  const std::vector<CheckSite> sites = check_sites(request);
  const std::vector<CheckRow> planned = rows_of(selected_checks(request), sites);
  for (const CheckRow& row : planned) out.results.push_back({row.check, row.site_label(), {}});

  const Schedule schedule = scheduled(planned);
  std::mutex reporting;
  std::size_t done = 0;
  std::vector<char> finished(planned.size(), 0);
  const auto run = [&](std::size_t i) {
    if (pending_signal() != 0) return;
    try {
      out.results[i] = made(planned[i], request.seed);
    } catch (const Interrupted&) {
      return;  // this row is left out
    }
    const std::lock_guard lock(reporting);
    finished[i] = 1;
    ++done;
    if (progress) progress(static_cast<double>(done) / static_cast<double>(planned.size()));
  };
#pragma omp parallel for schedule(dynamic, 1)
  for (std::size_t k = 0; k < schedule.side_by_side.size(); ++k) run(schedule.side_by_side[k]);
  for (const std::size_t i : schedule.in_turn) run(i);
  if (pending_signal() != 0) signal_heard();  // the rows that are finished are written, however long that takes
  out.unfinished = planned.size() - done;
  for (std::size_t i = planned.size(); i-- > 0;) {
    if (finished[i] == 0) out.results.erase(out.results.begin() + static_cast<std::ptrdiff_t>(i));
  }
  out.seconds = seconds_since(start);
  return out;
}

}  // namespace valleydrift::verify
