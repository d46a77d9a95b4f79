// A scan in words and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "validation/scan/scan.hpp"

namespace valleydrift::validation {

/// For people, at most 110 columns wide.
std::string scan_text(const ResolvedScan& scan, const ScanResult& result);
/// Keys as in the README; what does not exist is null, with its reason beside it.
nlohmann::json scan_json(const ResolvedScan& scan, const ScanResult& result);

/// Grid and cost, before anything runs.
std::string scan_plan_text(const ResolvedScan& scan, const std::vector<CellWork>& work);
nlohmann::json scan_plan_json(const ResolvedScan& scan, const std::vector<CellWork>& work);
/// A guess at the wall-clock seconds, from a short trial with the present number of threads.
double expected_seconds(const ResolvedScan& scan, const std::vector<CellWork>& work);

}  // namespace valleydrift::validation
