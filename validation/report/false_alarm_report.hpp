// What A/A repeats say: a table, JSON, and JUnit XML.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "validation/verify/false_alarms.hpp"

namespace valleydrift::report {

/// A line per check and one per statistic, then what each failure means, then the verdict.
std::string false_alarm_text(const verify::FalseAlarmRun& run);
/// passed, repeats, seed, false_alarm, checks [{id, rows, verdicts, alarms, first_alarm, statistics [{statistic,
/// p_values, distance, bound, smallest, verdict}], verdict}].
nlohmann::json false_alarm_json(const verify::FalseAlarmRun& run);
/// JUnit XML: of each check a test case for its alarms and one for each statistic.
std::string false_alarm_junit(const verify::FalseAlarmRun& run);

}  // namespace valleydrift::report
