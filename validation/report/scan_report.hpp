// A scan in words and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "validation/scan/scan.hpp"

namespace valleydrift::report {

/// For people, at most 110 columns wide.
std::string scan_text(const scan::ResolvedScan& scan, const scan::ScanResult& result);
/// Keys as in docs/output.md; what does not exist is null, with its reason beside it.
nlohmann::json scan_json(const scan::ResolvedScan& scan, const scan::ScanResult& result);

/// Grid and cost, before anything runs.
std::string scan_plan_text(const scan::ResolvedScan& scan, const std::vector<scan::CellWork>& work);
nlohmann::json scan_plan_json(const scan::ResolvedScan& scan, const std::vector<scan::CellWork>& work);
/// A guess at the wall-clock seconds, from a short trial with the present number of threads.
double expected_seconds(const scan::ResolvedScan& scan, const std::vector<scan::CellWork>& work);

}  // namespace valleydrift::report
