// How often each check failed beside how often it may, and whether its p-values are uniform.
#include "validation/report/false_alarm_report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "validation/report/json.hpp"
#include "validation/report/junit.hpp"

namespace valleydrift::report {
namespace {

const char* const advice_on_alarms =
    "a verdict calls two samples of one law different: a standard error that is too small "
    "(validation/statistics/statistics.cpp), "
    "a level that does not count all numbers judged (the check's own judge in validation/checks/, "
    "validation/compare/judge.cpp), or draws that both sides or several paths share (manifolds/random/noise.cpp)";
const char* const advice_on_uniformity =
    "standard errors are wrong by a factor, batches are not independent, or the two sides are not the same process: "
    "validation/statistics/statistics.cpp, validation/run/batches.hpp, the noise key of "
    "validation/run/noise_chunks.cpp";

std::string verdict_of(bool holds) { return holds ? "pass" : "fail"; }

std::string alarm_text(const verify::FalseAlarms& c) {
  return fmt::format("{} of {} verdicts call the same law different; the first {}", c.alarms, c.verdicts,
                     c.first_alarm);
}

std::string uniformity_text(const verify::Uniformity& u) {
  return fmt::format("the distribution of {} p-values is {:.3g} from uniform, bound {:.3g}; furthest on {}", u.count,
                     u.distance, u.bound, u.site);
}

std::string failures_text(const verify::FalseAlarms& c) {
  std::string out;
  const auto add = [&](const std::string& what, const std::string& text, const char* advice) {
    out += fmt::format("\n{}, {}: fail\n  {}\n  what to look at: {}\n", c.check->id, what, text, advice);
  };
  if (c.alarms > 0) add("alarms", alarm_text(c), advice_on_alarms);
  for (const verify::Uniformity& u : c.statistics) {
    if (!u.holds()) add(u.statistic, uniformity_text(u), advice_on_uniformity);
  }
  return out;
}

}  // namespace

std::string false_alarm_text(const verify::FalseAlarmRun& run) {
  std::string out = fmt::format(
      "A/A: {} repeats of every row with the same law on both sides\n{:<26}{:<24}{:>9}{:>8}{:>10}{:>8}{:>12}\n",
      run.request.repeats, "", "p-values of", "number", "alarms", "distance", "bound", "smallest");
  std::string failures;
  for (const verify::FalseAlarms& c : run.checks) {
    out += fmt::format("{:<26}{:<24}{:>9}{:>8}\n", c.check->id,
                       fmt::format("verdicts on {} {}", c.rows, c.rows == 1 ? "site" : "sites"), c.verdicts, c.alarms);
    for (const verify::Uniformity& u : c.statistics) {
      out += fmt::format("{:<26}  {:<22}{:>9}{:>8}{:>10.4f}{:>8.4f}{:>12.2g}  {}\n", "", u.statistic, u.count, "",
                         u.distance, u.bound, u.smallest, verdict_of(u.holds()));
    }
    failures += failures_text(c);
  }
  const std::string interrupted =
      run.unfinished > 0 ? fmt::format("  interrupted: {} of {} repeats are in, {} verdicts have not been reached\n",
                                       run.whole_repeats, run.request.repeats, run.unfinished)
                         : "";
  std::int64_t verdicts = 0, alarms = 0;
  for (const verify::FalseAlarms& c : run.checks) verdicts += c.verdicts, alarms += c.alarms;
  return out + failures +
         fmt::format(
             "\nVerdict: {}\n{}  {} alarms in {} verdicts, each of level {:.0e}; uniform: largest distance of the "
             "distribution of the p-values, level {:.0e} each\n  a correct program fails this run with "
             "probability {:.1e} at most; {:.1f} s\n",
             verdict_of(run.passed()), interrupted, alarms, verdicts, verify::row_false_alarm,
             verify::uniformity_false_alarm, run.false_alarm(), run.seconds);
}

nlohmann::json false_alarm_json(const verify::FalseAlarmRun& run) {
  nlohmann::json checks = nlohmann::json::array();
  for (const verify::FalseAlarms& c : run.checks) {
    nlohmann::json statistics = nlohmann::json::array();
    for (const verify::Uniformity& u : c.statistics) {
      statistics.push_back({{"statistic", u.statistic},
                            {"p_values", u.count},
                            {"distance", u.distance},
                            {"bound", u.bound},
                            {"smallest", u.smallest},
                            {"furthest", u.site},
                            {"verdict", verdict_of(u.holds())}});
    }
    nlohmann::json row = {{"id", c.check->id},  {"rows", c.rows},           {"verdicts", c.verdicts},
                          {"alarms", c.alarms}, {"statistics", statistics}, {"verdict", verdict_of(c.holds())}};
    if (c.alarms > 0) row["first_alarm"] = c.first_alarm;
    checks.push_back(row);
  }
  return versioned({{"passed", run.passed()},
                    {"repeats", run.request.repeats},
                    {"whole_repeats", run.whole_repeats},
                    {"unfinished", run.unfinished},
                    {"seed", run.request.checks.seed},
                    {"false_alarm", run.false_alarm()},
                    {"seconds", run.seconds},
                    {"checks", checks}});
}

std::string false_alarm_junit(const verify::FalseAlarmRun& run) {
  std::vector<JunitCase> cases;
  const auto add = [&](const std::string& id, const std::string& name, bool holds, const std::string& text,
                       const char* advice) {
    cases.push_back({id, name, 0.0});
    if (holds) return;
    cases.back().verdict = "fail";
    cases.back().message = text;
    cases.back().details = fmt::format("what to look at: {}", advice);
  };
  for (const verify::FalseAlarms& c : run.checks) {
    add(c.check->id, "alarms", c.alarms == 0, alarm_text(c), advice_on_alarms);
    for (const verify::Uniformity& u : c.statistics) {
      add(c.check->id, u.statistic, u.holds(), uniformity_text(u), advice_on_uniformity);
    }
  }
  return junit_xml("valleydrift verify --aa", cases, run.seconds);
}

}  // namespace valleydrift::report
