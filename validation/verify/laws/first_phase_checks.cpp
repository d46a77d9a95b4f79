// D15: the first phase of a run, its length, its end and the noise in it, from the iteration written out once more.
#include <cmath>

#include "manifolds/random/noise.hpp"
#include "validation/run/plan.hpp"
#include "validation/verify/iterated_map.hpp"
#include "validation/verify/site_cases.hpp"

namespace valleydrift::verify {
namespace {

using namespace sites;

/// One path of (1), (2) in dense vectors, with the draws of rung 0.
struct PlainPath {
  const run::ResolvedRun& run;
  std::uint64_t path;
  Vector w, p;
  std::uint64_t draws = 0;  ///< steps with noise so far

  void step(bool noisy) {
    const Hyperparameters& h = run.hyperparameters;
    const Vector x = h.scheme == Scheme::nesterov ? Vector(w + h.eta * h.beta() * p) : w;
    Vector force = -run.manifold.gradient(x);
    if (noisy) {
      const Matrix sigma = run.config.noise == run::NoiseKind::isotropic ? Matrix(Matrix::Identity(w.size(), w.size()))
                                                                         : run.manifold.label_noise_factor(x);
      for (Eigen::Index c = 0; c < sigma.cols(); ++c) {
        force +=
            h.epsilon *
            manifolds::noise(run.config.noise_law, {run.config.seed, 0}, path, draws, static_cast<std::uint32_t>(c)) *
            sigma.col(c);
      }
      ++draws;
    }
    p = h.beta() * p + force;
    w += h.eta * p;
  }
};

/// The number of steps after which the noiseless iteration stays within the distance of the arrival.
std::int64_t plain_length(const run::ResolvedRun& run) {
  PlainPath path{run, 0, run.initial, Vector::Zero(run.initial.size())};
  std::int64_t length = 0;
  for (std::int64_t k = 0; k < run.first_phase->rest; ++k) {
    if ((path.w - run.start).norm() > run.first_phase->distance) length = k + 1;
    path.step(false);
  }
  return length;
}

double apart(const Manifold& m, const Hyperparameters& h, const Vector& initial, const Vector& arrival, double length) {
  const ExtendedVector from = initial.cast<long double>();
  return largest(iterated_limit(m, h, from, ExtendedVector::Zero(from.size()), length).cast<double>() - arrival);
}

void check_paths(Worst& worst, const run::ResolvedRun& run, const std::string& which) {
  constexpr std::int64_t steps = 12, shown = 3;
  run::DiscreteRequest request = run::own_rung(run, run::plan_comparison(run));
  request.record_steps = {0, steps};
  request.paths = run::batch_count * shown;
  request.sampled_paths = shown;
  request.sink = [&](const std::vector<run::PathRecord>& records) {
    for (const run::PathRecord& record : records) {
      PlainPath path{run, static_cast<std::uint64_t>(record.path), run.initial, Vector::Zero(run.initial.size())};
      for (std::int64_t k = 0; k < run.first_phase->steps; ++k) path.step(run.first_phase->noisy);
      for (std::int64_t k = 0; k < request.record_steps[static_cast<std::size_t>(record.record)]; ++k) path.step(true);
      double weights = 0.0, limit = 0.0;
      for (std::size_t i = 0; i < record.weights.size(); ++i) {
        const auto at = static_cast<Eigen::Index>(i);
        weights = std::max(weights, std::abs(record.weights[i] - path.w[at]));
        if (record.record == 0 && request.coupled) {
          limit = std::max(limit, std::abs(record.limit[i] - run.first_phase->arrival[at]));
        }
      }
      worst.add(weights, fmt::format("path {} at step {}, {}", record.path, record.record * steps, which));
      worst.add(limit, fmt::format("start of the limit of path {}, {}", record.path, which));
    }
  };
  run::run_discrete(request);
}

/// The arrival is known to 1e-11 of |w|, or of the valley's length where w is below 10 of it; the paths to rounding.
Finding run_first_phase(const CheckSite& site) {
  Worst worst(1e-9 * std::max(site.length, 0.1 * largest(site.points.front())));
  for_points(site, 1501, [&](const Vector& y, Random& random, const std::string& where) {
    const Vector off = y + 0.15 * site.length * random.direction(y.size());
    for (const Scheme scheme : both_schemes) {
      for (const run::Phase1 phase : {run::Phase1::gd, run::Phase1::noisy}) {
        run::RunConfig config;
        config.manifold = site.manifold.name();
        config.formula = site.manifold.description().source;
        for (const manifolds::ParameterInfo& info : site.manifold.description().parameters) {
          config.parameters[info.name] = manifolds::format_parameter(info, site.manifold.parameters().at(info.name));
        }
        config.start = std::vector<double>(off.begin(), off.end());
        config.scheme = scheme;
        config.phase1 = phase;
        config.noise = phase == run::Phase1::gd ? run::NoiseKind::isotropic : run::NoiseKind::label;
        config.eta = step_at(site.manifold, y, 0.1);
        const run::ResolvedRun run = run::resolve(config);
        const std::string which = fmt::format("phase {}, {}, {}", name_of(phase), describe(run.hyperparameters), where);
        worst.add(apart(run.manifold, run.hyperparameters, off, run.start, site.length), "arrival, " + which);
        worst.add(std::abs(static_cast<double>(run.first_phase->steps - plain_length(run))), "steps, " + which);
        Hyperparameters finer = run.hyperparameters;
        finer.eta *= 0.5;
        worst.add(apart(run.manifold, finer, off, run::descend(run.manifold, finer, off).arrival, site.length),
                  "arrival at half the learning rate, " + which);
        check_paths(worst, run, which);
      }
    }
  });
  return worst.finding();
}

/// Where iterating in plain vectors is cheap; label noise as the derivative of the gradient is exact for least squares.
bool is_small_least_squares(const Manifold& m) { return m.dimension() <= 8 && m.is_least_squares(); }

}  // namespace

std::vector<Check> first_phase_checks() {
  return {
      {"D15-first-phase", CheckKind::deterministic,
       "a first phase ends where the noiseless iteration does, takes the steps it says, with the noise it says; the "
       "clock and the limit start there",
       "(1), (2), (6), (80)",
       "'arrival', 'steps': validation/run/first_phase.cpp; 'path': DiscreteGroup in "
       "validation/run/discrete_group.cpp; if "
       "D15-ensembles fails, begin there.",
       is_small_least_squares, run_first_phase},
  };
}

}  // namespace valleydrift::verify
