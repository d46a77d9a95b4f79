// A/A: every check that rests on sampling, many times over with the same law on both sides. What is put to the test is
// not the theory but the verdicts: they must raise no false alarm, and p-values must be uniform.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "validation/verify/verify.hpp"

namespace valleydrift::verify {

struct FalseAlarmRequest {
  VerifyRequest checks = {};  ///< which, where, and the seed that all seeds are derived from
  std::int64_t repeats = 1;
  Flaw flaw = {};  ///< of the negative controls
};

/// The probability that correct p-values of one statistic fail the test of uniformity.
inline constexpr double uniformity_false_alarm = 1e-8;

/// The p-values of one statistic of a check, over all rows and repeats: independent, for each has a seed of its own.
struct Uniformity {
  std::string statistic;
  std::int64_t count = 0;
  double distance = 0.0;  ///< sup |F_n(p) - p|
  double bound = 0.0;     ///< distance_bound(count, uniformity_false_alarm)
  double smallest = 1.0;
  std::string site = {};  ///< the row whose own p-values are furthest from uniform, for their number
  bool holds() const { return distance <= bound; }
};

/// The rows of one check.
struct FalseAlarms {
  const Check* check;
  std::int64_t rows = 0;      ///< sites
  std::int64_t verdicts = 0;  ///< rows times repeats, unless interrupted
  std::int64_t alarms = 0;    ///< verdicts that call two equal laws different, or end in an error
  std::string first_alarm = {};
  std::vector<Uniformity> statistics = {};
  bool holds() const;
};

struct FalseAlarmRun {
  FalseAlarmRequest request;
  std::vector<FalseAlarms> checks;  ///< in the order of the list; only those that rest on sampling
  double seconds = 0.0;
  std::int64_t whole_repeats = 0;  ///< repeats of which every row is in
  std::int64_t unfinished = 0;     ///< verdicts that an interruption left out
  bool passed() const;
  /// The probability that a correct program fails this run: all verdicts and all tests of uniformity together.
  double false_alarm() const;
};

/// Runs them. The result does not depend on the number of threads. When a signal arrives it returns what has been found
/// so far. Throws ConfigError if no selected check rests on sampling; Interrupted if no repeat has begun.
FalseAlarmRun count_false_alarms(const FalseAlarmRequest& request,
                                 const std::function<void(double fraction)>& progress = {});

}  // namespace valleydrift::verify
