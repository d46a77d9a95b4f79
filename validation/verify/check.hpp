// A check of `valleydrift verify`: one claim, tested on one manifold, or where it concerns none once, against something
// that does not contain it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "manifolds/interrupt.hpp"
#include "manifolds/manifold.hpp"

namespace valleydrift::verify {

/// deterministic: no sampling. order: a fitted order of convergence. statistical: a false-alarm probability is stated.
enum class CheckKind { deterministic, order, statistical };

/// What the theory is told wrongly, to measure what a check sees: nothing but the tests of power sets it.
struct Distortion {
  double covariance = 1.0;  ///< factor of the noise's covariance: of drift, squared diffusion and plateau
  double order = 0.0;       ///< added to the order of convergence that is claimed
};

/// Where a check is made: a manifold with one set of parameters, and points on its valley.
struct CheckSite {
  std::string label;  ///< "ellipse", "ellipse (a = 6, b = 0.5)"
  Manifold manifold;
  std::vector<Vector> points;  ///< on the valley: the default start and retracted perturbations of it
  /// The distance over which the valley bends or steepens at the start: its diameter of curvature, at most 1 or a
  /// hundredth of |w|. What checks move is moved in proportion to it.
  double length = 1.0;
  std::string unreachable = {};  ///< why the site has no points, if so
  bool thorough = false;         ///< more points, parameters, paths
  std::uint64_t seed = 1;        ///< of sampled noise; the points do not depend on it
  Distortion distortion = {};
};

/// What a check found: it holds if statistic <= bound (so NaN does not).
struct Finding {
  double statistic = 0.0;
  double bound = 0.0;
  std::string where = {};         ///< the case in which the statistic is worst: point, scheme, beta, what
  std::string inconclusive = {};  ///< why nothing can be said; empty if something can
  bool holds() const { return inconclusive.empty() && statistic <= bound; }
};

/// Of a check that found no case to compare: then it has not passed.
inline constexpr const char* nothing_compared = "nothing could be compared here";

/// Keeps the worst of several cases with one bound: the largest statistic, or the first that is not a number. Between
/// cases a check is interrupted: add() throws Interrupted.
class Worst {
 public:
  explicit Worst(double bound) { finding_.bound = bound; }
  void add(double statistic, const std::string& where) {
    throw_if_interrupted();
    const bool worse = empty_ || !(statistic <= finding_.statistic);
    if (worse && finding_.statistic == finding_.statistic) {
      finding_.statistic = statistic;
      finding_.where = where;
    }
    empty_ = false;
  }
  bool empty() const { return empty_; }
  Finding finding() const {
    Finding finding = finding_;
    if (empty_) finding.inconclusive = nothing_compared;
    return finding;
  }

 private:
  Finding finding_;
  bool empty_ = true;
};

/// Keeps the worst of several cases each with its own bound: the largest statistic over its bound, or the first that is
/// not a number. A case that cannot tell leaves all inconclusive, unless one fails. add() throws Interrupted.
class WorstRatio {
 public:
  void add(double statistic, double bound, const std::string& where) {
    throw_if_interrupted();
    empty_ = false;
    const Finding next{statistic, bound, where};
    const bool settled = ratio(worst_) != ratio(worst_) && !worst_.holds();
    if (!settled && !(ratio(next) <= ratio(worst_))) worst_ = next;
  }
  void cannot_tell(std::string why) { inconclusive_ = std::move(why); }
  Finding finding() const {
    Finding finding = worst_;
    if (finding.holds()) finding.inconclusive = empty_ && inconclusive_.empty() ? nothing_compared : inconclusive_;
    return finding;
  }

 private:
  static double ratio(const Finding& f) { return f.statistic == 0.0 ? 0.0 : f.statistic / f.bound; }

  Finding worst_{0.0, 1.0};
  bool empty_ = true;
  std::string inconclusive_;
};

/// What one side of an A/A repeat is given wrongly, to see that it is noticed: only the tests set it.
struct Flaw {
  double clock = 1.0;           ///< factor of the steps of the other side
  double standard_error = 1.0;  ///< factor of every standard error
};

/// An A/A repeat of a row: both sides are the same process at the same size, with noise of these two seeds. Then the
/// null hypothesis holds exactly, whatever the size.
struct SameLaw {
  std::int64_t repeat;
  std::uint64_t seed, other_seed;
  Flaw flaw = {};
};

/// What it found: the row's verdict by the row's own judge at the row's own level, and p-values, at most one for each
/// statistic, each uniform in [0, 1].
struct Repeated {
  Finding finding;
  std::vector<std::pair<const char*, double>> p_values = {};
};
/// Runs one repeat. Called from several threads at once.
using Repeater = std::function<Repeated(const SameLaw&)>;

/// The probability that one row, a check at a site, fails although its claim is right, where it rests on sampling. All
/// numbers that a row judges share it. Fewer than 100 rows make the suite's probability less than 1e-6.
inline constexpr double row_false_alarm = 1e-8;

struct Check {
  std::string id;  ///< "D4-drift"
  CheckKind kind;
  std::string claim;     ///< one sentence in the field's words
  std::string equation;  ///< its numbers in DERIVATION.md, "(10), (17)"
  std::string advice;    ///< what a failure means and which file to look at
  std::function<bool(const Manifold&)> applies = {};
  std::function<Finding(const CheckSite&)> run = {};
  /// Prepares A/A repeats of the check at a site; empty: the check does not rest on sampling.
  std::function<Repeater(const CheckSite&)> same_law = {};
  /// In place of `applies` and `run` for a claim that concerns no valley: made once, whatever valley is selected.
  std::function<Finding(std::uint64_t seed)> run_once = {};
  bool uses_seed = static_cast<bool>(same_law);

  /// Of one row.
  double false_alarm() const { return same_law ? row_false_alarm : 0.0; }
};

/// The same, made on paths of the seed.
inline Check on_drawn_paths(Check check) {
  check.uses_seed = true;
  return check;
}

// The checks, by subject; all_checks() in checks.cpp joins them.
std::vector<Check> derivative_checks();   ///< D1
std::vector<Check> geometry_checks();     ///< D2, D3
std::vector<Check> theorem_checks();      ///< D4, D5, D8, D9, D10
std::vector<Check> form_checks();         ///< D6, D7
std::vector<Check> closed_form_checks();  ///< D11, D12, D13
std::vector<Check> noise_checks();        ///< D14
std::vector<Check> drawn_checks();        ///< D5 and D14 for drawn batches
std::vector<Check> ensemble_checks();     ///< D15
std::vector<Check> first_phase_checks();  ///< D15
std::vector<Check> order_checks();        ///< O1, O2
std::vector<Check> statistical_checks();  ///< S1 to S4
const std::vector<Check>& all_checks();

}  // namespace valleydrift::verify
