// Rows of checks by manifold with their reasons, a total, JSON and JUnit cases.
#include "validation/report/verify_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "validation/report/json.hpp"
#include "validation/report/junit.hpp"

namespace valleydrift::report {
namespace {

std::string three_digits(double x) { return fmt::format("{:.3g}", x); }

/// Why a row does not pass, in one line.
std::string failure_text(const verify::CheckResult& r) {
  if (!r.error.empty()) return "ended with: " + r.error;
  if (!r.finding.inconclusive.empty()) return r.finding.inconclusive;
  return fmt::format("{} is above the bound {}{}", three_digits(r.finding.statistic), three_digits(r.finding.bound),
                     r.finding.where.empty() ? "" : ", worst at: " + r.finding.where);
}

std::size_t count_of(const verify::Verification& v, verify::CheckVerdict verdict) {
  return static_cast<std::size_t>(
      std::count_if(v.results.begin(), v.results.end(), [&](const auto& r) { return r.verdict == verdict; }));
}

std::string table_text(const verify::Verification& v) {
  std::size_t widest = 8;
  for (const verify::CheckResult& r : v.results) widest = std::max(widest, r.site.size());
  std::string out;
  const verify::Check* last = nullptr;
  for (const verify::CheckResult& r : v.results) {
    if (r.check != last) {
      out += fmt::format("{}{}  {} {}\n", last ? "\n" : "", r.check->id, r.check->claim, r.check->equation);
      last = r.check;
    }
    out += fmt::format("  {:<{}}  {:>9}  bound {:>9}  {:<12} {:>6.2f} s\n", r.site, widest,
                       r.error.empty() ? three_digits(r.finding.statistic) : "-", three_digits(r.finding.bound),
                       name_of(r.verdict), r.seconds);
  }
  return out;
}

}  // namespace

std::string checks_text(const std::vector<const verify::Check*>& checks) {
  std::string out;
  for (const verify::Check* c : checks) {
    out += fmt::format("{:<26}{:<15}{} {}\n", c->id, name_of(c->kind), c->claim, c->equation);
  }
  return out;
}

std::string verification_text(const verify::Verification& v) {
  std::string out = table_text(v);
  for (const verify::CheckResult& r : v.results) {
    if (r.verdict == verify::CheckVerdict::pass) continue;
    out += fmt::format("\n{} on {}: {}\n  {}\n  what to look at: {}\n", r.check->id, r.site, name_of(r.verdict),
                       failure_text(r), r.check->advice);
  }
  const std::size_t passed = count_of(v, verify::CheckVerdict::pass);
  out += fmt::format("\nVerdict: {}\n  {} of {} checks pass, {} fail, {} inconclusive; {:.1f} s\n",
                     v.passed() ? "pass" : "fail", passed, v.results.size(), count_of(v, verify::CheckVerdict::fail),
                     count_of(v, verify::CheckVerdict::inconclusive), v.seconds);
  if (v.unfinished > 0) out += fmt::format("  interrupted: {} checks have not been made\n", v.unfinished);
  if (const double level = v.false_alarm(); level > 0.0) {
    out +=
        fmt::format("  if every claim is right, one of them fails by chance with probability {:.1e} at most\n", level);
  }
  return out;
}

nlohmann::json verification_json(const verify::Verification& v) {
  nlohmann::json checks = nlohmann::json::array();
  const auto put = [](nlohmann::json& row, const char* key, double x, const std::string& reason) {
    row[key] = json_number(x);
    explain(row, key, reason);
  };
  for (const verify::CheckResult& r : v.results) {
    nlohmann::json row = {{"id", r.check->id},        {"kind", name_of(r.check->kind)},
                          {"claim", r.check->claim},  {"equation", r.check->equation},
                          {"manifold", r.site},       {"verdict", name_of(r.verdict)},
                          {"where", r.finding.where}, {"seconds", r.seconds}};
    const std::string reason = r.error.empty() ? "not a finite number" : r.error;
    put(row, "statistic", r.error.empty() ? r.finding.statistic : std::nan(""), reason);
    put(row, "bound", r.error.empty() ? r.finding.bound : std::nan(""), reason);
    if (r.verdict != verify::CheckVerdict::pass) {
      row["failure"] = failure_text(r);
      row["advice"] = r.check->advice;
    }
    checks.push_back(row);
  }
  return versioned({{"passed", v.passed()},
                    {"unfinished", v.unfinished},
                    {"thorough", v.request.thorough},
                    {"seed", v.request.seed},
                    {"seconds", v.seconds},
                    {"false_alarm", v.false_alarm()},
                    {"checks", checks}});
}

std::string verification_junit(const verify::Verification& v) {
  std::vector<JunitCase> cases;
  for (const verify::CheckResult& r : v.results) {
    cases.push_back({r.check->id, r.site, r.seconds});
    if (r.verdict == verify::CheckVerdict::pass) continue;
    cases.back().verdict = name_of(r.verdict);
    cases.back().message = failure_text(r);
    cases.back().details =
        fmt::format("{}\nequation {}\nwhat to look at: {}", r.check->claim, r.check->equation, r.check->advice);
  }
  return junit_xml("valleydrift verify", cases, v.seconds);
}

}  // namespace valleydrift::report
