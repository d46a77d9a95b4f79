// What a verification says: a table, JSON, and JUnit XML.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "validation/verify/verify.hpp"

namespace valleydrift::report {

/// The checks with their claims, for --list.
std::string checks_text(const std::vector<const verify::Check*>& checks);
/// A row per check and manifold, then what each failure means, then the verdict.
std::string verification_text(const verify::Verification& verification);
/// The keys of design section 6: passed, checks [{id, claim, equation, manifold, statistic, bound, verdict, seconds}].
nlohmann::json verification_json(const verify::Verification& verification);
/// JUnit XML as CI systems read it: a test case per row; fail and inconclusive are failures.
std::string verification_junit(const verify::Verification& verification);

}  // namespace valleydrift::report
