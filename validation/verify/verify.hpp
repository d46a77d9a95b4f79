// The derivations as a regression test: every check on every manifold.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "manifolds/enum_names.hpp"
#include "validation/verify/check.hpp"

namespace valleydrift::verify {

using manifolds::name_of;

struct VerifyRequest {
  std::vector<std::string> only = {};                            ///< IDs, with * and ? as wildcards; empty: all
  std::optional<std::string> manifold = {};                      ///< all of the registry if absent
  std::shared_ptr<const manifolds::FormulaSource> formula = {};  ///< instead of them all: a typed manifold alone
  bool thorough = false;
  std::uint64_t seed = 1;
  Distortion distortion = {};
};

enum class CheckVerdict { pass, fail, inconclusive };
std::span<const manifolds::Named<CheckVerdict>> names_of(CheckVerdict);
std::span<const manifolds::Named<CheckKind>> names_of(CheckKind);

/// The site of a check that concerns no valley, in reports.
inline constexpr const char* no_site = "-";

/// One row: a check on one manifold with one set of parameters, or one that concerns no valley.
struct CheckRow {
  const Check* check;
  const CheckSite* site;  ///< null: none is needed
  std::string site_label() const { return site ? site->label : no_site; }
};

struct CheckResult {
  const Check* check;
  std::string site;  ///< or no_site
  Finding finding;
  std::string error = {};  ///< what the check ended with instead of a finding; a failure
  CheckVerdict verdict = CheckVerdict::fail;
  double seconds = 0.0;
};

struct Verification {
  VerifyRequest request;
  std::vector<CheckResult> results;  ///< in the order of the checks, then of the registry
  double seconds = 0.0;
  std::size_t unfinished = 0;  ///< rows that an interruption left out
  bool passed() const;
  /// The probability that a row fails although every claim is right: the sum of the rows' levels.
  double false_alarm() const;
};

/// The checks that the request selects. Throws ConfigError for a pattern that matches no check, with the nearest ID.
std::vector<const Check*> selected_checks(const VerifyRequest& request);

/// Where they are made: each manifold with its default and, if it has one, its awkward set of parameters, at the
/// default start and at retracted perturbations of it.
std::vector<CheckSite> check_sites(const VerifyRequest& request);

/// The rows of these checks, in the order of the checks, then of the sites, to which the rows point.
std::vector<CheckRow> rows_of(const std::vector<const Check*>& checks, const std::vector<CheckSite>& sites);

/// Makes the check. Exceptions other than Interrupted are its errors. `seed`: of a check without a site.
CheckResult made(const CheckRow& row, std::uint64_t seed);

/// Runs them. Results other than the seconds do not depend on the number of threads. When a signal arrives it returns
/// what has been found so far.
Verification verify(const VerifyRequest& request, const std::function<void(double fraction)>& progress = {});

}  // namespace valleydrift::verify
