// What inspect found, for people and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "validation/inspect/inspection.hpp"

namespace valleydrift::report {

/// For people, at most 100 columns wide where the dimension allows.
std::string inspection_text(const inspect::Inspection& inspection);
/// Keys as in docs/output.md; what does not exist is null, with its reason under the same key with `_reason`.
nlohmann::json inspection_json(const inspect::Inspection& inspection);

}  // namespace valleydrift::report
