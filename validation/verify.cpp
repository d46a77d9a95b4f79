#include "validation/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>

#include "manifolds/catalogue.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/formula.hpp"
#include "sde/limit_map.hpp"
#include "validation/interrupt.hpp"

namespace valleydrift::validation {
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

CheckSite make_site(const std::string& label, const manifolds::ManifoldDescription& d,
                    const manifolds::ParameterValues& parameters, const VerifyRequest& request) {
  constexpr double perturbation = 0.15;  // a third of the smallest half axis or radius of the registry
  CheckSite site{label, Manifold(d, parameters), {}, request.thorough, request.seed, request.distortion};
  const Vector own = site.manifold.default_start();
  const Vector start = d.source ? sde::limit_map(site.manifold, own) : site.manifold.retract(own);
  site.points.push_back(start);
  std::uint64_t state = 20221031;
  const int perturbed = request.thorough ? 7 : 2;
  for (int i = 0; i < perturbed; ++i) {
    Vector direction(start.size());
    for (double& x : direction) x = fixed_number(state);
    site.points.push_back(site.manifold.retract(start + perturbation * direction.normalized()));
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

void run_check(const CheckSite& site, CheckResult& result) {
  const auto start = Clock::now();
  try {
    result.finding = result.check->run(site);
    result.verdict = result.finding.holds()                ? CheckVerdict::pass
                     : result.finding.inconclusive.empty() ? CheckVerdict::fail
                                                           : CheckVerdict::inconclusive;
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    result.error = error.what();
  }
  result.seconds = seconds_since(start);
}

struct Job {
  const CheckSite* site;
  CheckResult* result;
};

}  // namespace

std::string name_of(CheckVerdict verdict) {
  switch (verdict) {
    case CheckVerdict::pass:
      return "pass";
    case CheckVerdict::fail:
      return "fail";
    case CheckVerdict::inconclusive:
      return "inconclusive";
  }
  return {};
}

std::string name_of(CheckKind kind) {
  switch (kind) {
    case CheckKind::deterministic:
      return "deterministic";
    case CheckKind::order:
      return "order";
    case CheckKind::statistical:
      return "statistical";
  }
  return {};
}

bool Verification::passed() const {
  return !results.empty() &&
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

Verification verify(const VerifyRequest& request, const std::function<void(double)>& progress) {
  const auto start = Clock::now();
  Verification out{request, {}, 0.0};
  const std::vector<CheckSite> sites = check_sites(request);
  std::vector<std::pair<const CheckSite*, const Check*>> planned;
  for (const Check* check : selected_checks(request)) {
    for (const CheckSite& site : sites) {
      if (check->applies(site.manifold)) planned.emplace_back(&site, check);
    }
  }
  for (const auto& [site, check] : planned) out.results.push_back({check, site->label, {}});

  // Checks that sample use all threads themselves; the others are spread over the threads.
  std::vector<Job> spread, sampling;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    const bool samples = planned[i].second->kind != CheckKind::deterministic;
    (samples ? sampling : spread).push_back({planned[i].first, &out.results[i]});
  }
  std::mutex reporting;
  std::size_t done = 0;
  const auto finished = [&] {
    const std::lock_guard lock(reporting);
    ++done;
    if (progress) progress(static_cast<double>(done) / static_cast<double>(planned.size()));
  };
#pragma omp parallel for schedule(dynamic, 1)
  for (std::size_t i = 0; i < spread.size(); ++i) {
    if (pending_signal() != 0) continue;
    try {
      run_check(*spread[i].site, *spread[i].result);
    } catch (const Interrupted&) {
      continue;  // thrown again below
    }
    finished();
  }
  throw_if_interrupted();
  for (const Job& job : sampling) {
    run_check(*job.site, *job.result);
    finished();
    throw_if_interrupted();
  }
  out.seconds = seconds_since(start);
  return out;
}

}  // namespace valleydrift::validation
