// What advise recommends, for people and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "validation/scan/advice.hpp"

namespace valleydrift::validation {

std::string advice_text(const ResolvedScan& scan, const Advice& advice);
nlohmann::json advice_json(const ResolvedScan& scan, const Advice& advice);

}  // namespace valleydrift::validation
