// Time scales, transverse cloud, curvature and stability at the start, each against its bound; the default epsilon.
#include "validation/run/applicability.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "manifolds/catalogue.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "manifolds/numbers/number_text.hpp"
#include "manifolds/numbers/portable_math.hpp"
#include "sde/drift_terms.hpp"
#include "sde/gradient_flow.hpp"
#include "validation/run/beta_text.hpp"
#include "validation/run/random_start.hpp"
#include "validation/run/start_geometry.hpp"

namespace valleydrift::run {
namespace {

using manifolds::Geometry;

/// The slow unit is taken at least this many transverse relaxation times by default ...
constexpr double default_separation = 50.0;
/// ... and the transverse cloud at most this part of the valley's curvature radius.
constexpr double default_cloud = 0.05;
/// The theory is said to apply if tau_1 is at most a tenth of the slow unit and the cloud a tenth of the radius: the
/// corrections are of the order of these ratios (squared for the cloud).
constexpr double required_separation = 10.0;
constexpr double largest_cloud = 0.1;
/// Above it the fourth moments of an overdamped mode are infinite, DERIVATION (52), and with them the standard errors.
constexpr double largest_sampling = 1.0 / 3.0;
/// The first phase ends within this part of the transverse cloud: what is left of the descent is then lost in the
/// noise, and what drawn batches make of it, of order the square of the distance, is 1e-2 of the square of the cloud.
constexpr double arrival_distance = 0.1;
/// A noisy first phase moves the mean by its length times the rate of motion along the valley, of order epsilon^2. The
/// ladder's two rungs leave an eighth of that part's square: 0.1 % by default, 0.5 % at most, DERIVATION (83).
constexpr double default_first_phase = 0.1;
constexpr double longest_first_phase = 0.2;
constexpr double smallest_rank_gap = 1e-6;  // a thousand times the gap at which the geometry is refused

/// -log of the largest modulus of a root of z^2 - chi z + delta, DERIVATION (29), with damping = 1 - delta and
/// e = 1 - chi + delta: 1 - z solves x^2 - (damping + e) x + e, where nothing cancels near z = 1. Negative if it grows.
double decay_rate(double damping, double e) {
  const double sum = damping + e, discriminant = sum * sum - 4.0 * e;
  if (discriminant < 0.0) return -0.5 * manifolds::log1p(-damping);
  const double root = std::sqrt(discriminant);
  return sum <= 2.0 ? -manifolds::log1p(-2.0 * e / (sum + root)) : -manifolds::log(0.5 * (sum - 2.0 + root));
}

/// Of the transverse cloud per unit of epsilon; without noise on the valley that of the start, J^+ zeta with zeta of
/// variance 1.
double cloud_size(const ResolvedRun& run, const Geometry& geometry, const NoiseFactor& sigma) {
  if (run.config.noise == NoiseKind::minibatch) return start_displacement(run.manifold, geometry).norm();
  const sde::LyapunovOperator form(Form::finite_step, run.hyperparameters);
  return std::sqrt(sde::transverse_plateau(geometry, sigma, form).variance);
}

/// 2.34e-2 -> 2.3e-2.
double round_down_to_two_digits(double x) {
  const double unit = manifolds::pow(10.0, std::floor(manifolds::log10(x)) - 1.0);
  return std::stod(fmt::format("{:.1e}", std::floor(x / unit * (1.0 + 1e-12)) * unit));
}

double slowest_relaxation(const Geometry& geometry, const Hyperparameters& h) {
  return std::max(transverse_time(geometry.spectrum, h), momentum_time(h));
}

/// DERIVATION (33c): how often per unit of slow time the drift crosses the curvature radius R, |drift|/R, or changes
/// tr H in relation to itself, or the diffusion turns the tangent space, tr Sigma_LL / (2 R^2).
double rate_along_valley(const Manifold& manifold, const Geometry& geometry, double radius, const NoiseFactor& sigma,
                         const Hyperparameters& h) {
  const auto c = sde::drift_terms(manifold, geometry, sigma, sde::LyapunovOperator(Form::finite_step, h));
  const Vector drift = c.mixed + c.transverse;
  const double of_curvature = std::max(drift.norm() / radius, c.diffusion_rate / (2.0 * radius * radius));
  const double of_trace = rate_of_trace(manifold, geometry.point, drift);
  return std::isfinite(of_trace) ? std::max(of_curvature, of_trace) : of_curvature;
}

double default_epsilon(const ResolvedRun& run, const Geometry& geometry, double radius, double rate,
                       const NoiseFactor& sigma) {
  const Hyperparameters& h = run.hyperparameters;
  const double separation =
      h.mu / h.eta / std::sqrt(default_separation * slowest_relaxation(geometry, h) * std::max(1.0, rate));
  const double cloud_per_epsilon = cloud_size(run, geometry, sigma);
  const double cloud = default_cloud * radius / cloud_per_epsilon;  // infinite for a straight valley: no bound
  return round_down_to_two_digits(std::min(separation, cloud));
}

/// Throws NumericalError for a number of the run that has left the range of double precision.
void require_in_range(const Manifold& manifold, const std::string& what, double value, const std::string& remedy) {
  if (std::isfinite(value) && value > std::numeric_limits<double>::min()) return;
  throw NumericalError(fmt::format("{}: {} is {} in double precision; {}", manifold.name(), what,
                                   value > 1.0    ? "too large"
                                   : value >= 0.0 ? "too small"
                                                  : "not finite",
                                   remedy));
}

/// The same for what a start gives: f, its slope, and the loss and the gradient with which the descent begins.
void require_finite_start(const Manifold& manifold, const Vector& start) {
  if (!start.allFinite()) {
    throw ConfigError(fmt::format("{}: the start {} is not finite in double precision; take a smaller --start-scale",
                                  manifold.name(), manifolds::format_point(start)));
  }
  if (!manifold.residuals(start).allFinite() || !std::isfinite(manifold.loss(start)) ||
      !manifold.gradient(start).allFinite()) {
    throw NumericalError(
        fmt::format("{}: the loss or its gradient at {} is not finite in double precision; choose another --start",
                    manifold.name(), manifolds::format_point(start)));
  }
}

void require_stability(const Manifold& manifold, const Geometry& geometry, const Hyperparameters& h) {
  const double largest = geometry.spectrum[geometry.spectrum.size() - 1];
  const double limit = h.stability_limit();
  if (!(h.eta * largest < limit)) {
    const double product = h.eta * largest;
    throw NumericalError(
        fmt::format("{}: stability: eta times the largest eigenvalue {:.6g} at {} is {}, the limit for {} at beta "
                    "{} is {:.6g}; "
                    "take --eta below {:.6g}",
                    manifold.name(), largest, manifolds::format_point(geometry.point),
                    std::isfinite(product) ? fmt::format("{:.6g}", product) : "more than 1.7e308", name_of(h.scheme),
                    short_beta_text(h.mu), limit, limit / largest));
  }
}

/// Throws NumericalError where the sampling of batches drives the transverse motion without bound.
void require_bounded_sampling(const ResolvedRun& run, const Geometry& geometry) {
  const double strength = sde::sampling_strength(run.manifold, geometry, run.batch_noise(), run.hyperparameters);
  if (!(strength < 1.0)) {
    throw NumericalError(fmt::format(
        "{}: stability: with batches of {} the sampling noise regains {:.3g} of itself in every relaxation at {}, "
        "the limit is 1: the mean square grows without bound; take --eta below about {:.2g}, a smaller --beta or a "
        "larger "
        "--batch",
        run.manifold.name(), *run.config.batch, strength, manifolds::format_point(geometry.point),
        run.hyperparameters.eta / strength));
  }
}

/// Throws ConfigError for a batch that cannot be drawn, or that leaves nothing random.
void check_batch(const RunConfig& config, const manifolds::BatchLaw& law, const Manifold& manifold) {
  const bool minibatch = config.noise == NoiseKind::minibatch;
  if (minibatch && law.samples < 2) {
    throw ConfigError(
        fmt::format("--noise minibatch with --manifold {}: its loss has a single residual, so every batch "
                    "is the same; at least 2 are needed",
                    manifold.name()));
  }
  const bool without = law.draw == manifolds::Draw::without_replacement;
  const int most = minibatch && without ? law.samples - 1 : law.samples;
  if (law.size > most) {
    throw ConfigError(fmt::format("--batch {}: allowed is 1 to {} for the {} residuals of {}{}", law.size, most,
                                  law.samples, manifold.name(),
                                  law.size == law.samples ? ": all of them are the full batch, without noise" : ""));
  }
}

/// As given, as drawn, or the manifold's own.
Vector initial_point(const RunConfig& config, const Manifold& manifold) {
  if (config.random_start) return random_start(config.seed, 0, config.start_scale.value(), manifold.dimension());
  const Vector given =
      config.start
          ? Vector(Eigen::Map<const Vector>(config.start->data(), static_cast<Eigen::Index>(config.start->size())))
          : manifold.default_start();
  if (given.size() != manifold.dimension()) {
    throw ConfigError(fmt::format("--start has {} numbers: {} needs {} ({})", given.size(), manifold.name(),
                                  manifold.dimension(), manifold.description().coordinates));
  }
  if (config.strict && !(manifold.scaled_residual(given) < manifolds::on_valley_tolerance)) {
    throw ConfigError(fmt::format("--start {}: off the valley, which --strict does not allow: {}",
                                  manifolds::format_point(given),
                                  manifold.residual_text(given, manifolds::on_valley_tolerance)));
  }
  return given;
}

/// Throws NumericalError where a figure of the report has left the range of double precision.
void require_applicable_range(const Manifold& manifold, const Applicability& a) {
  const std::string noise = "take a smaller --epsilon, or a smaller noise factor";
  require_in_range(manifold, "the relaxation time of the slowest transverse mode", a.tau_1, "take a larger --eta");
  require_in_range(manifold, "the rate of the motion along the valley", 1.0 + a.valley_rate, noise);
  require_in_range(manifold, "the transverse cloud", 1.0 + a.cloud * a.cloud, noise);
  for (const Condition& c : a.conditions) {
    if (!std::isfinite(c.value)) require_in_range(manifold, c.meaning + " " + c.name, c.value, noise);
  }
}

/// The part of the time of the motion along the valley that the noise is on before the clock starts.
Condition first_phase_length(const ResolvedRun& run) {
  const double part = static_cast<double>(run.first_phase->noisy_steps()) / run.hyperparameters.slow_unit() *
                      std::max(1.0, run.applicability.valley_rate);
  return {"first phase",
          "part of the time of the motion along the valley that the noisy first phase takes, at most",
          part,
          longest_first_phase,
          part <= longest_first_phase,
          "take a smaller --epsilon, or leave it out"};
}

/// Distance, steps and noise of a first phase, from the cloud at the run's epsilon.
void measure_first_phase(ResolvedRun& run) {
  constexpr double rounding = 1e-10;  // of |w|: where the noise has no cloud
  const double size = std::min(1.0, 10.0 * run.manifold.length(run.start)) + run.start.norm();
  const double distance = std::max(arrival_distance * run.applicability.cloud, rounding * size);
  set_distance(*run.first_phase, run.manifold, run.hyperparameters, distance);
  run.first_phase->noisy = run.config.phase1 == Phase1::noisy;
}

/// The epsilon at which a noisy first phase takes the part of the slow time that it may take by default; its number of
/// steps grows as the logarithm of 1/epsilon.
void shorten_first_phase(ResolvedRun& run) {
  constexpr int most = 8;
  for (int i = 0; i < most; ++i) {
    const double part = first_phase_length(run).value;
    if (part <= default_first_phase) return;
    run.hyperparameters.epsilon =
        round_down_to_two_digits(run.hyperparameters.epsilon * std::sqrt(0.9 * default_first_phase / part));
    run.applicability = applicability_at(run, run.start);
    measure_first_phase(run);
  }
}

/// The paper form neglects Nesterov's own terms, of order e = eta l/mu. Extrapolated from e, e/2 and e/4, what depends
/// on e as 1/(1 + e) keeps an error of e^3/8 to leading order: 0.2 % at this bound, below the allowance.
Condition paper_form_of_nesterov(double largest_eigenvalue, const Hyperparameters& h) {
  constexpr double largest_ratio = 0.25;
  const double ratio = h.eta * largest_eigenvalue / h.mu;
  return {"paper form",
          "eta times the largest eigenvalue over 1 - beta, for Nesterov at most",
          ratio,
          largest_ratio,
          ratio <= largest_ratio,
          "take a smaller --eta, or --form finite-step"};
}

}  // namespace

double transverse_time(const Vector& spectrum, const Hyperparameters& h) {
  double slowest = 0.0;
  for (Eigen::Index i = 0; i < spectrum.size(); ++i) {
    const double e = h.eta * spectrum[i];
    const double rate = decay_rate(h.scheme == Scheme::nesterov ? h.mu + e * h.beta() : h.mu, e);
    slowest = std::max(slowest, rate > 0.0 ? 1.0 / rate : std::numeric_limits<double>::infinity());
  }
  return slowest;
}

double momentum_time(const Hyperparameters& h) { return h.mu < 1.0 ? -1.0 / manifolds::log1p(-h.mu) : 0.0; }

double rate_of_trace(const Manifold& manifold, const Vector& y, const Vector& velocity) {
  const Matrix j = manifold.jacobian(y);
  double change = 0.0;
  for (Eigen::Index a = 0; a < j.rows(); ++a) {
    change += 2.0 * j.row(a).dot(manifold.residual_hessian_times(y, Vector::Unit(j.rows(), a), velocity));
  }
  return std::abs(change) / j.squaredNorm();
}

double Applicability::span(double usual, bool deterministic) const {
  const double crossings = deterministic ? 3.0 : 100.0;
  if (!(usual * valley_rate > crossings) || std::isinf(valley_rate)) return usual;
  return round_down_to_two_digits(crossings / valley_rate);
}

bool Applicability::applies() const {
  for (const Condition& c : conditions) {
    if (!c.ok) return false;
  }
  return true;
}

std::string Applicability::failing() const {
  std::string text;
  for (const Condition& c : conditions) {
    if (c.ok) continue;
    text += fmt::format("{}{} is {}, bound {:.3g}", text.empty() ? "" : "; ", c.name, manifolds::number_text(c.value),
                        c.bound);
    if (!c.remedy.empty()) text += fmt::format(" ({})", c.remedy);
  }
  return text;
}

Applicability applicability_at(const ResolvedRun& run, const Vector& y) {
  const Geometry geometry = run.manifold.geometry(y);
  return applicability_with(run, geometry, run.manifold.curvature_radius(geometry), run.noise_factor(y));
}

Applicability applicability_with(const ResolvedRun& run, const Geometry& geometry, double curvature_radius,
                                 const NoiseFactor& sigma) {
  const Manifold& manifold = run.manifold;
  const Hyperparameters& h = run.hyperparameters;
  Applicability a;
  a.tau_1 = transverse_time(geometry.spectrum, h);
  a.tau_momentum = momentum_time(h);
  a.slow_unit = h.slow_unit();
  a.curvature_radius = curvature_radius;
  a.cloud = h.epsilon * cloud_size(run, geometry, sigma);
  const double step = h.eta * geometry.spectrum[geometry.spectrum.size() - 1];
  a.valley_rate = rate_along_valley(manifold, geometry, a.curvature_radius, sigma, h);
  const double separation = a.slow_unit / (slowest_relaxation(geometry, h) * std::max(1.0, a.valley_rate));
  const double cloud = a.cloud / a.curvature_radius;
  a.conditions = {
      {"stability", "eta times the largest eigenvalue, below the scheme's limit", step, h.stability_limit(),
       step < h.stability_limit(), "take a smaller --eta"},
      {"time-scale separation", "time of the motion along the valley over the slowest relaxation, at least", separation,
       required_separation, separation >= required_separation, "take a smaller --epsilon, or leave it out"},
      {"transverse cloud", "sqrt(tr A) over the valley's curvature radius, at most", cloud, largest_cloud,
       cloud <= largest_cloud, "take a smaller --epsilon, or leave it out"},
      {"rank gap", "smallest nonzero eigenvalue over the largest, at least", geometry.rank_gap, smallest_rank_gap,
       geometry.rank_gap >= smallest_rank_gap, "take another --start"},
  };
  const sde::BatchNoise noise = run.batch_noise();
  if (noise.spread > 0.0) {
    const double strength = sde::sampling_strength(manifold, geometry, noise, h);
    a.conditions.push_back({"sampling noise", "part that the drawn batches' own noise regains of itself, at most",
                            strength, largest_sampling, strength <= largest_sampling,
                            "take a smaller --eta or --beta, or a larger --batch"});
  }
  return a;
}

Matrix start_displacement(const Manifold& manifold, const Geometry& geometry) {
  const Matrix sigma = manifold.label_noise_factor(geometry.point);  // s J^T, and J^+ = H^+ s J^T
  Matrix out(sigma.rows(), sigma.cols());
  for (Eigen::Index a = 0; a < sigma.cols(); ++a) out.col(a) = geometry.pseudo_inverse(sigma.col(a));
  return out;
}

sde::BatchNoise ResolvedRun::batch_noise() const {
  const auto law = config.batch_law(manifold.label_count());
  if (!deterministic() || !law) return {};
  return {config.noise == NoiseKind::label ? law->ratio() : 0.0, law->spread()};
}

NoiseFactor ResolvedRun::noise_factor(const Vector& w) const {
  return noise_factor(w, sde::LyapunovOperator(Form::finite_step, hyperparameters));
}

NoiseFactor ResolvedRun::noise_factor(const Vector& w, const sde::LyapunovOperator& form) const {
  switch (config.noise) {
    case NoiseKind::label:
    case NoiseKind::minibatch:
      return sde::drawn_noise_factor(manifold, w, batch_noise(), form);
    case NoiseKind::isotropic:
      return NoiseFactor::isotropic(w.size());
    case NoiseKind::constant:
      break;
  }
  return config.sigma;
}

ResolvedRun resolve(const RunConfig& config) {
  Manifold manifold = config.make_manifold();
  if (config.noise == NoiseKind::constant && config.sigma.rows() != manifold.dimension()) {
    throw ConfigError(fmt::format("--sigma {}: has {} rows, {} needs {}", config.sigma_file, config.sigma.rows(),
                                  manifold.name(), manifold.dimension()));
  }
  if (config.noise == NoiseKind::constant && config.sigma.isZero(0.0)) {
    throw ConfigError(fmt::format("--sigma {}: every entry is 0, at least one must differ", config.sigma_file));
  }
  ResolvedRun run{config, manifold, config.hyperparameters(), {}, 0.0, {}};
  if (const auto law = config.batch_law(manifold.label_count())) {
    check_batch(config, *law, manifold);
    run.config.batch = law->size;
  }
  if (config.random_start && !config.start_scale) run.config.start_scale = default_start_scale(manifold.dimension());
  run.initial = initial_point(run.config, manifold);
  require_finite_start(manifold, run.initial);
  if (config.formula) require_independent_residuals(manifold, run.initial);
  if (config.phase1 == Phase1::none) {
    run.start = sde::limit_map(manifold, run.initial);
  } else {
    run.first_phase = descend(manifold, run.hyperparameters, run.initial);
    run.start = run.first_phase->arrival;
  }
  run.distance_moved = (run.start - run.initial).norm();
  const Geometry geometry = geometry_of_start(manifold, run.start, run.distance_moved);
  require_stability(manifold, geometry, run.hyperparameters);
  if (!(run.hyperparameters.beta() < 1.0) || !std::isfinite(slowest_relaxation(geometry, run.hyperparameters))) {
    throw ConfigError(
        fmt::format("{}: 1 - beta = {:.3g} is too small: in double precision beta is 1 and nothing relaxes",
                    config.C ? "--C with --gamma" : "--beta", run.hyperparameters.mu));
  }
  require_bounded_sampling(run, geometry);
  const NoiseFactor sigma = run.noise_factor(run.start);
  const double radius = manifold.curvature_radius(geometry);
  if (!config.epsilon) {
    run.hyperparameters.epsilon = default_epsilon(
        run, geometry, radius, rate_along_valley(manifold, geometry, radius, sigma, run.hyperparameters), sigma);
  }
  require_in_range(manifold, "the unit of slow time, (mu/(eta epsilon))^2 steps,", run.hyperparameters.slow_unit(),
                   "take --eta, --epsilon and the noise nearer to 1");
  run.applicability = applicability_with(run, geometry, radius, sigma);
  require_applicable_range(manifold, run.applicability);
  if (run.first_phase) {
    measure_first_phase(run);
    if (!config.epsilon) shorten_first_phase(run);
    if (run.first_phase->noisy) run.applicability.conditions.push_back(first_phase_length(run));
  }
  run.config.epsilon = run.hyperparameters.epsilon;
  // What was left open is written out: the same configuration, printed and read again, gives the same bytes.
  for (const auto& info : manifold.description().parameters) {
    run.config.parameters[info.name] = manifolds::format_parameter(info, manifold.parameters().at(info.name));
  }
  if (!config.start && !config.random_start) {
    const Vector own = manifold.default_start();
    run.config.start = std::vector<double>(own.data(), own.data() + own.size());
  }
  if (!config.time && !config.steps) run.config.time = run.applicability.span(2.0, run.deterministic());
  if (config.scheme != Scheme::sgd && !config.C && !config.beta) run.config.beta = run.hyperparameters.beta();
  if (config.form == Form::paper && config.scheme == Scheme::nesterov) {
    run.applicability.conditions.push_back(
        paper_form_of_nesterov(geometry.spectrum[geometry.spectrum.size() - 1], run.hyperparameters));
  }
  return run;
}

}  // namespace valleydrift::run
