// Checks by sampling: the plateau of the transverse motion, the law of the slow variable, the error of single paths.
//
// False alarms: every row, that is one check on one manifold, judges all its numbers together at 1e-8, by batch means
// and Student's t of 127 degrees of freedom; fewer than 100 rows make the suite's probability less than 1e-6.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "manifolds/catalogue.hpp"
#include "sde/limit_coefficients.hpp"
#include "validation/checks/check.hpp"
#include "validation/compare.hpp"
#include "validation/statistics.hpp"

namespace valleydrift::validation {

std::vector<Check> distribution_checks();  ///< S3; distribution_checks.cpp

namespace {

constexpr double false_alarm = 1e-8;  // of one row

std::span<const Vector> used_points(const CheckSite& site) {
  return std::span(site.points).first(site.thorough ? std::min<std::size_t>(2, site.points.size()) : 1);
}

std::string named(const CheckSite& site, const Vector& y) {
  const auto index = &y - site.points.data();
  return fmt::format("point {} {}", index, manifolds::format_point(y.head(std::min<Eigen::Index>(y.size(), 4))));
}

/// A run from y at eta l_max = 0.1, beta 0.9: far inside the stability limit, so that diffusing paths stay inside too.
RunConfig config_at(const CheckSite& site, const Vector& y, Scheme scheme, NoiseKind noise) {
  RunConfig config;
  config.manifold = site.manifold.name();
  for (const manifolds::ParameterInfo& info : site.manifold.description().parameters) {
    config.parameters[info.name] = manifolds::format_parameter(info, site.manifold.parameters().at(info.name));
  }
  config.start = std::vector<double>(y.begin(), y.end());
  config.scheme = scheme;
  config.noise = noise;
  config.eta = 0.1 / site.manifold.geometry(y).spectrum.maxCoeff();
  config.seed = site.seed;
  return config;
}

/// Keeps the finding with the largest statistic over its bound.
class WorstRatio {
 public:
  void add(double statistic, double bound, const std::string& where) {
    if (!(statistic / bound <= worst_.statistic / worst_.bound)) worst_ = {statistic, bound, where};
  }
  const Finding& finding() const { return worst_; }

 private:
  Finding worst_{0.0, 1.0};
};

// --- S1: the plateau -------------------------------------------------------------------------------------------------

/// Means over 24 records, one relaxation time apart, of |w - y_1|^2 / eps^2 and L / eps^2, by batches, against (25),
/// (25a) and (26). At eps = 2.5e-4 of the radius of curvature the slow time that passes and the square of the cloud are
/// below 1e-4 of the valley's scale: the allowance is 1e-3.
void add_plateau(WorstRatio& worst, const CheckSite& site, const Vector& y, Scheme scheme, NoiseKind noise) {
  constexpr int records = 24;
  constexpr double allowance = 1e-3, numbers = 8.0;  // judged per point: two schemes, two noises, two columns
  RunConfig config = config_at(site, y, scheme, noise);
  const manifolds::Geometry geometry = site.manifold.geometry(y);
  config.epsilon = 2.5e-4 * std::min(1.0, site.manifold.curvature_radius(geometry));
  config.paths = (site.thorough ? 65536 : 8192) / (site.manifold.dimension() > 32 ? 8 : 1);
  config.steps = 1;
  const ResolvedRun run = resolve(config);
  DiscreteRequest request = own_rung(run, plan_comparison(run));
  request.coupled = false;
  request.record_steps = {0};
  const auto relaxation = static_cast<std::int64_t>(std::ceil(run.applicability.tau_1));
  for (int r = 0; r < records; ++r)
    request.record_steps.push_back((16 + r) * relaxation);  // e^-32 of the start is left
  const DiscreteResult result = run_discrete(request);

  const Columns columns(site.manifold, !run.deterministic());
  const sde::TransversePlateau plateau =
      sde::transverse_plateau(geometry, run.noise_factor(y), sde::LimitForm(Form::finite_step, run.hyperparameters));
  for (const auto& [column, expected] :
       {std::pair{columns.variance(), plateau.variance}, std::pair{columns.loss(), plateau.loss}}) {
    std::vector<double> ratios(batch_count, 0.0);
    for (int b = 0; b < batch_count; ++b) {
      for (int r = 1; r <= records; ++r)
        ratios[static_cast<std::size_t>(b)] += result.discrete.at(b, r, column) / expected / records;
    }
    const Estimate ratio = estimate(ratios);
    const double level = false_alarm / numbers / static_cast<double>(used_points(site).size());
    worst.add(std::abs(ratio.mean - 1.0), student_t(batch_count - 1, level) * ratio.standard_error + allowance,
              fmt::format("{}, {}, {} noise, eta {:.3g}, beta {:g}: {} is {:.4g} +- {:.2g} of the theory",
                          named(site, y), name_of(scheme), name_of(noise), config.eta, run.hyperparameters.beta(),
                          columns.names[static_cast<std::size_t>(column)], ratio.mean, ratio.standard_error));
  }
}

Finding run_plateau(const CheckSite& site) {
  WorstRatio worst;
  for (const Vector& y : used_points(site)) {
    for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov}) {
      for (const NoiseKind noise : {NoiseKind::label, NoiseKind::isotropic}) add_plateau(worst, site, y, scheme, noise);
    }
  }
  return worst.finding();
}

// --- S2: the law of the slow variable --------------------------------------------------------------------------------

/// |extrapolated| / bound of every judged number of a comparison, DERIVATION (39), with the bound at this suite's level
/// in place of one comparison's 1e-6; and what leaves the comparison without a verdict, the slope (40) at that level
/// too. `runs` comparisons make the row.
class Judgement {
 public:
  Judgement(const Evidence& evidence, const Comparison& comparison, double runs)
      : columns_(evidence.columns),
        c_(comparison) {
    double numbers = 0.0;
    for (const ObservableResult& o : c_.observables) {
      const double series = o.independent.empty() ? 1.0 : 2.0;
      for (const bool judged : o.judged) numbers += judged ? series : 0.0;
    }
    const double slopes = static_cast<double>(c_.observables.size());
    level_ = false_alarm / runs / (numbers + slopes);
    wider_ = student_t(batch_count - 1, level_) - student_t(batch_count - 1, c_.false_alarm / numbers);
  }

  void add(WorstRatio& worst, std::string& inconclusive, const std::string& run) const {
    if (!c_.applicability.applies()) {
      inconclusive = run + ": not applicable: " + c_.applicability.failing();
      return;
    }
    for (std::size_t k = 0; k < c_.observables.size(); ++k) {
      if (columns_.is_plateau(static_cast<int>(k))) continue;  // S1 judges them, more sharply
      const ObservableResult& o = c_.observables[k];
      for (std::size_t r = 0; r < c_.times.size(); ++r) {
        if (!o.judged[r] || !relaxed(c_.steps[r])) continue;
        add_number(worst, o.extrapolated[r], o.extrapolated_error[r], o.bound[r], run, o.name, c_.times[r]);
        if (o.independent.empty()) continue;
        add_number(worst, o.independent[r], o.independent_error[r], o.independent_bound[r], run,
                   o.name + " (own ensemble)", c_.times[r]);
      }
      const LadderResult& ladder = c_.epsilon_ladder[k];
      if (o.verdict == Verdict::inconclusive && (ladder.consistent || slope_contradicts(ladder))) {
        inconclusive = run + ": " + o.name + ": " + o.reason;
      }
    }
  }

 private:
  void add_number(WorstRatio& worst, double difference, double error, double bound, const std::string& run,
                  const std::string& name, double time) const {
    const double widened = bound + wider_ * error;
    worst.add(std::abs(difference) / widened, 1.0,
              fmt::format("{}: {} at t = {:.3g} extrapolates to {:.2g} +- {:.2g} off the theory, bound {:.2g}", run,
                          name, time, difference, error, widened));
  }
  /// Before that the difference is no power of epsilon: squares have come within e^-16 of where they go.
  bool relaxed(std::int64_t step) const {
    return static_cast<double>(step) >= 8.0 * std::max(c_.applicability.tau_1, c_.applicability.tau_momentum);
  }
  bool slope_contradicts(const LadderResult& ladder) const {
    constexpr double next_order = 0.5;  // two rungs, DERIVATION (40)
    const double statistical = 0.5 * (ladder.slope_high - ladder.slope_low) - next_order;
    const double half =
        next_order + statistical * student_t(batch_count - 1, level_) / student_t(batch_count - 1, 1e-3);
    return !(std::abs(*ladder.slope - ladder.expected_slope) <= half);
  }

  const Columns& columns_;
  const Comparison& c_;
  double level_ = 0.0, wider_ = 0.0;
};

/// Two rungs, at the applicability report's epsilon and half of it.
Finding run_law(const CheckSite& site, NoiseKind noise, std::int64_t paths, double time) {
  WorstRatio worst;
  std::string inconclusive;
  const double runs = 2.0 * static_cast<double>(used_points(site).size());
  for (const Vector& y : used_points(site)) {
    for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov}) {
      RunConfig config = config_at(site, y, scheme, noise);
      config.paths = (site.thorough ? 4 : 1) * paths / (site.manifold.dimension() > 32 ? 4 : 1);
      config.time = time;
      const ResolvedRun run = resolve(config);
      Plan plan = plan_comparison(run);
      plan.forms = {Form::finite_step};
      const Evidence evidence = gather(run, plan, {}, {});
      const Comparison comparison = conclude(evidence);
      Judgement(evidence, comparison, runs)
          .add(worst, inconclusive,
               fmt::format("{}, {}, eta {:.3g}, epsilon {:g}", named(site, y), name_of(scheme), config.eta,
                           run.hyperparameters.epsilon));
    }
  }
  Finding finding = worst.finding();
  finding.inconclusive = inconclusive;
  return finding;
}

// --- S4: single paths ------------------------------------------------------------------------------------------------

/// The distance at the end between slow variable and limit driven by the same draws, root mean square within a batch
/// and mean over batches (a few far paths carry most of the square), at epsilon/2^halvings and with the block length of
/// epsilon.
Estimate path_distance(const ResolvedRun& run, const DiscreteRequest& own, int halvings) {
  DiscreteRequest rung = own;
  rung.hyperparameters.epsilon = std::ldexp(run.hyperparameters.epsilon, -halvings);
  rung.form = sde::LimitForm(Form::finite_step, rung.hyperparameters);
  rung.record_steps = {0, own.record_steps.back() << (2 * halvings)};
  rung.process += static_cast<std::uint32_t>(halvings);
  const DiscreteResult result = run_discrete(rung);
  std::vector<double> distances;
  for (int b = 0; b < batch_count; ++b) distances.push_back(std::sqrt(result.path_error.at(b, 1, 0)));
  return estimate(distances);
}

/// Slope in epsilon between epsilon and epsilon/4, expected 1. The allowance of 1/5 is for the next order in epsilon,
/// which tilts the slope by less than 1/10 on the valley that bends most (torus). A wrong drift or diffusion leaves a
/// distance that no epsilon removes: one as large as the right distance at epsilon makes the slope 0.34, one a third of
/// it 0.6.
Finding run_path_error(const CheckSite& site) {
  constexpr double allowance = 0.2;
  WorstRatio worst;
  std::string inconclusive;
  for (const Vector& y : used_points(site)) {
    RunConfig config = config_at(site, y, Scheme::heavy_ball, NoiseKind::isotropic);
    config.paths = site.thorough ? 32768 : 8192;
    config.time = 0.25;
    const ResolvedRun run = resolve(config);
    const DiscreteRequest own = own_rung(run, plan_comparison(run));
    const Estimate coarse = path_distance(run, own, 0), fine = path_distance(run, own, 2);
    const double slope = 0.5 * std::log2(coarse.mean / fine.mean);
    const double error =
        0.5 / std::log(2.0) * std::hypot(coarse.standard_error / coarse.mean, fine.standard_error / fine.mean);
    const double level = false_alarm / static_cast<double>(used_points(site).size());
    const double bound = student_t(batch_count - 1, level) * error + allowance;
    const std::string where =
        fmt::format("{}: distance {:.3g} at epsilon {:g}, {:.3g} at a quarter of it: slope {:.3g} +- {:.2g}",
                    named(site, y), coarse.mean, run.hyperparameters.epsilon, fine.mean, slope, error);
    worst.add(std::abs(slope - 1.0), bound, where);
    if (!(bound < 0.5)) inconclusive = where + " does not tell 1 from 0 and 2";
  }
  Finding finding = worst.finding();
  finding.inconclusive = inconclusive;
  return finding;
}

bool always(const Manifold&) { return true; }
/// Where paths diffuse far along the valley they reach every part of it: of the parameters only the default ones, at
/// which no part is sharp, and no more dimensions than can be paid for.
bool can_diffuse(const Manifold& m) {
  for (const manifolds::ParameterInfo& info : m.description().parameters) {
    if (m.parameters().at(info.name) != info.default_value) return false;
  }
  return m.dimension() <= 8;
}

}  // namespace

std::vector<Check> statistical_checks() {
  constexpr auto statistical = CheckKind::statistical;
  const std::string law =
      "if D4 and D5 hold the iteration or the averages are wrong, not the theorem: discrete/iteration.hpp, "
      "validation/observer.hpp (slow variable), validation/ensemble_kernel.hpp (coupling), sde/steppers.hpp; the page "
      "of `valleydrift compare` for the same manifold and noise shows the curves";
  std::vector<Check> all = {
      {"S1-plateau", statistical,
       "transverse variance and loss settle at the plateau of the theory (false alarm 1e-8; sees 5 % in either, beyond "
       "32 dimensions 10 %)",
       "(25), (25a), (26)",
       "transverse_plateau in sde/limit_coefficients.cpp, position_response in sde/limit_form.hpp, or the noise scale "
       "in discrete/iteration.hpp",
       always, run_plateau},
      {"S2-law-label", statistical,
       "under label noise the slow variable extrapolates to the limit as epsilon -> 0 (false alarm 1e-8; sees 4 % of "
       "the drift)",
       "(10), (22), (38), (39)", law, always,
       [](const CheckSite& site) { return run_law(site, NoiseKind::label, 2048, 1.0); }},
      {"S2-law-isotropic", statistical,
       "under isotropic noise means and covariances of the slow variable extrapolate to the limiting diffusion's as "
       "epsilon -> 0 (false alarm 1e-8; sees 12 % of the clock, of drift and diffusion together, on uv 3 %)",
       "(10), (37), (38), (39)", law, can_diffuse,
       [](const CheckSite& site) { return run_law(site, NoiseKind::isotropic, 8192, 0.4); }},
      {"S4-path-error", statistical,
       "with shared noise the path error shrinks in proportion to epsilon (false alarm 1e-8; sees 10 % of the "
       "increments)",
       "(27), (28)", law, can_diffuse, run_path_error},
  };
  for (Check& check : distribution_checks()) all.push_back(std::move(check));
  return all;
}

}  // namespace valleydrift::validation
