// What advise recommends, for people and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "validation/scan/advice.hpp"

namespace valleydrift::report {

std::string advice_text(const scan::ResolvedScan& scan, const scan::Advice& advice);
nlohmann::json advice_json(const scan::ResolvedScan& scan, const scan::Advice& advice);

}  // namespace valleydrift::report
