// A comparison for people and for programs: the text on stdout and summary.json.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "validation/compare/comparison.hpp"

namespace valleydrift::report {

/// The report on stdout, at most 100 columns wide: configuration, conditions, a table per observable, ladders, and the
/// verdict with its reason last.
std::string report_text(const compare::Comparison& comparison);

/// summary.json, keys as in docs/output.md. A number that does not exist is null with its reason beside it, under
/// the same key with `_reason` appended. Nothing in it depends on threads, folder, host or time.
nlohmann::json summary_json(const compare::Comparison& comparison);

}  // namespace valleydrift::report
