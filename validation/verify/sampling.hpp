// What the checks that sample share: their runs, their judge, and the sizes of A/A repeats.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "validation/run/applicability.hpp"
#include "validation/run/ensemble.hpp"
#include "validation/statistics/statistics.hpp"
#include "validation/verify/site_cases.hpp"

namespace valleydrift::verify {

std::vector<Check> law_checks();           ///< S2; law_checks.cpp
std::vector<Check> path_error_checks();    ///< S4; path_error_checks.cpp
std::vector<Check> distribution_checks();  ///< S3; distribution_checks.cpp

namespace sampling {

/// eta l_max and beta of a run.
struct Pace {
  double stiffness, beta;
};
/// Far inside the stability limit, so that diffusing paths stay inside too.
inline constexpr Pace usual{0.1, 0.9};
/// Where no path diffuses: as much of the valley in a third of the steps.
inline constexpr Pace swift{0.3, 0.9};
/// Of A/A repeats: relaxes in a tenth of the steps.
inline constexpr Pace brisk{0.3, 0.5};
/// Paths of A/A repeats: 16 per batch fill the lanes of every processor, 8 where a path is dear.
inline std::int64_t few_paths(const Manifold& m) { return (m.dimension() > 16 ? 8 : 16) * run::batch_count; }

/// The first point, or the first two if the site is thorough.
inline std::span<const Vector> start_points(const CheckSite& site) { return sites::used_points(site, 1, 2); }

/// With `drawn`, of batches that hold all samples but one; slower if their sampling would be strong, DERIVATION (51):
/// far from the 1/3 from which standard errors have no meaning.
run::RunConfig config_at(const CheckSite& site, const Vector& y, Scheme scheme, run::NoiseKind noise,
                         const Pace& pace = usual, bool drawn = false);

/// A run for A/A repeats. Both sides are the same process, so nothing needs to have relaxed: twice the memory of
/// momentum, the relaxation time of underdamped modes, is taken for the relaxation time of every mode. Nine of them are
/// run; the first eight are not judged.
run::ResolvedRun short_run(const CheckSite& site, const Vector& y, Scheme scheme, run::NoiseKind noise,
                           bool drawn = false);
/// That time, in steps.
inline double waited_for(const run::ResolvedRun& run) { return 2.0 * run.applicability.tau_momentum; }

/// Where the valley is so steep that eta l is beyond the stability limit, within the reach of paths that diffuse along
/// it, as a clause; empty if nowhere. A path lost there says nothing about the theory.
std::string steep_within_reach(const run::ResolvedRun& run);

/// The same run with noise of another seed.
inline run::ResolvedRun with_seed(run::ResolvedRun run, std::uint64_t seed) {
  run.config.seed = seed;
  return run;
}

/// first + (one - other), batch by batch: in an A/A repeat the mean is exactly `first`.
inline std::vector<double> difference(double first, const std::vector<double>& one, const std::vector<double>& other) {
  std::vector<double> out;
  for (std::size_t b = 0; b < one.size(); ++b) out.push_back(first + (one[b] - other[b]));
  return out;
}

/// Adds the p-value of an estimate of `expected`, unless the number is conserved and all that is left is rounding of
/// numbers of this size.
inline void add_p_value(Repeated& out, const char* statistic, statistics::Estimate e, double expected, int samples,
                        const SameLaw& same, double size = 1.0) {
  constexpr double rounding = 1e-11;
  if (e.standard_error < rounding * size) return;
  e.mean -= expected;
  e.standard_error *= same.flaw.standard_error;
  out.p_values.emplace_back(statistic, statistics::exceedance(e, samples - 1));
}

inline bool has_default_parameters(const Manifold& m) {
  for (const manifolds::ParameterInfo& info : m.description().parameters) {
    if (m.parameters().at(info.name) != info.default_value) return false;
  }
  return true;
}

/// Where paths diffuse far along the valley they reach every part of it: of the parameters only the default ones, at
/// which no part is sharp, and no more dimensions than can be paid for.
inline bool can_diffuse(const Manifold& m) { return has_default_parameters(m) && m.dimension() <= 8; }

}  // namespace sampling
}  // namespace valleydrift::verify
