// What inspect found, for people and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "validation/inspection.hpp"

namespace valleydrift::validation {

/// For people, at most 100 columns wide where the dimension allows.
std::string inspection_text(const Inspection& inspection);
/// Keys as in design.md section 6; what does not exist is null, with its reason under the same key with `_reason`.
nlohmann::json inspection_json(const Inspection& inspection);

}  // namespace valleydrift::validation
