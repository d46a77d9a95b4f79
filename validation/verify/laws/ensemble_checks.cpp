// D15: what stands between the formulas and a verdict, without sampling: some paths of every ensemble of a comparison
// recomputed one at a time from the definitions, the algebra of ladders, the statistics.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>

#include "discrete/reference.hpp"
#include "manifolds/residual_unit.hpp"
#include "sde/steppers.hpp"
#include "validation/compare/evidence.hpp"
#include "validation/run/schedule.hpp"
#include "validation/run/start_geometry.hpp"
#include "validation/verify/check.hpp"

namespace valleydrift::verify {

namespace {

// --- Ensembles -------------------------------------------------------------------------------------------------------

/// More than run in lockstep on any processor, four groups of eight: every place of a path among them is seen, and the
/// second turn.
constexpr std::int64_t paths_per_batch = 35;
constexpr std::array checked_batches = {0, 127};

/// One path at one record, in the order of Columns without the covariances.
using Row = std::vector<double>;

Row row_of(const run::ResolvedRun& run, const Vector& slow, double variance, double loss) {
  const Vector q = run.manifold.slow_coordinates(slow, run.start);
  Row row(q.begin(), q.end());
  row.insert(row.end(), {run.manifold.hessian(slow).trace(), variance, loss});
  return row;
}

/// A point of the limiting diffusion, with the plateau of the theory there.
Row limit_row(const run::ResolvedRun& run, const Vector& y, const sde::LyapunovOperator& form) {
  const auto plateau = sde::transverse_plateau(run.manifold.geometry(y), run.noise_factor(y), form);
  return row_of(run, y, plateau.variance, plateau.loss);
}

/// Means over paths, then the unbiased covariances of the slow coordinates.
Row batch_row(const run::Columns& columns, const std::vector<Row>& paths) {
  const auto n = static_cast<double>(paths.size());
  Row out(paths.front().size(), 0.0);
  for (const Row& row : paths) {
    for (std::size_t c = 0; c < out.size(); ++c) out[c] += row[c] / n;
  }
  if (!columns.has_covariances()) return out;
  for (std::size_t i = 0; i < static_cast<std::size_t>(columns.slow); ++i) {
    for (std::size_t j = i; j < static_cast<std::size_t>(columns.slow); ++j) {
      double sum = 0.0;
      for (const Row& row : paths) sum += (row[i] - out[i]) * (row[j] - out[j]);
      out.push_back(sum / (n - 1.0));
    }
  }
  return out;
}

/// What the paths of a batch do: discrete[record][path] and so on.
struct BatchRows {
  explicit BatchRows(std::size_t records)
      : discrete(records),
        fine(records),
        coarse(records),
        squared_distance(records) {}
  std::vector<std::vector<Row>> discrete, fine, coarse;
  std::vector<double> squared_distance;  ///< |slow variable - Y|^2, mean over paths
};

/// Euler-Maruyama by the definition of the theorem, (34).
Vector euler(const run::ResolvedRun& run, const sde::LyapunovOperator& form, const Vector& y, const Vector& dw,
             double dt) {
  const auto c = sde::theorem(run.manifold, run.manifold.geometry(y), run.noise_factor(y).dense(), form);
  return run.manifold.retract(y + dt * c.drift() + c.diffusion * dw);
}

/// One path of rung `rung` (epsilon/2^rung, process `rung`) by the plain reference, the slow variable (27), and the
/// limit driven by its draws, (28), once per block and once per two blocks.
void add_path(const run::ResolvedRun& run, const run::Plan& plan, int rung, std::uint64_t path,
              const std::vector<Vector>& exact, BatchRows& out) {
  const Manifold& m = run.manifold;
  Hyperparameters h = run.hyperparameters;
  h.epsilon = std::ldexp(h.epsilon, -rung);
  const sde::LyapunovOperator form(Form::finite_step, h);
  const manifolds::NoiseKey key{run.config.seed, static_cast<std::uint32_t>(rung)};
  discrete::ReferencePath reference(
      m, h, [&run](const Vector& w) { return run.noise_factor(w).dense(); }, run.config.noise_law, key, path,
      run.start);
  const double mobility = h.eta * h.epsilon / h.mu, reach = h.eta * (1.0 - h.mu) / h.mu;
  const int draws = static_cast<int>(run.noise_factor(run.start).columns());
  Vector fine = run.start, coarse = run.start;
  std::int64_t step = 0;
  for (std::size_t r = 0; r < plan.record_steps.size(); ++r) {
    const std::int64_t end = plan.record_steps[r] << (2 * rung);
    const std::vector<std::int64_t> cuts =
        end > step ? run::block_boundaries(step, end, plan.block) : std::vector<std::int64_t>{step};
    Vector pair = Vector::Zero(draws);
    for (std::size_t b = 1; b < cuts.size(); ++b) {
      Vector sum = Vector::Zero(draws);
      for (; step < cuts[b]; ++step) {
        reference.step();
        for (int c = 0; c < draws; ++c) {
          sum[c] += manifolds::noise(run.config.noise_law, key, path, static_cast<std::uint64_t>(step),
                                     static_cast<std::uint32_t>(c));
        }
      }
      if (run.deterministic()) continue;
      pair += sum;
      const auto time = [&](std::size_t blocks) {
        return static_cast<double>(cuts[b] - cuts[b - blocks]) * mobility * mobility;
      };
      fine = euler(run, form, fine, mobility * sum, time(1));
      if (b % 2 == 0) {
        coarse = euler(run, form, coarse, mobility * pair, time(2));
        pair.setZero();
      }
    }
    const Vector& w = reference.w();
    const Vector nearest = m.retract(w);
    const Vector slow = m.retract(nearest + reach * m.geometry(nearest).longitudinal(reference.p()));
    const double per_epsilon2 = 1.0 / (h.epsilon * h.epsilon);
    out.discrete[r].push_back(row_of(run, slow, (w - nearest).squaredNorm() * per_epsilon2, m.loss(w) * per_epsilon2));
    if (!run.deterministic()) {
      out.fine[r].push_back(limit_row(run, fine, form));
      out.coarse[r].push_back(limit_row(run, coarse, form));
    }
    out.squared_distance[r] += (slow - (run.deterministic() ? exact[r] : fine)).squaredNorm() / paths_per_batch;
  }
}

/// One path of the theory's own ensemble: weak order 2 with process 32, whose draws are dW and then S^1, (35). Adds to
/// out[record].
void add_limit_path(const run::ResolvedRun& run, const run::Plan& plan, std::uint64_t path,
                    std::vector<std::vector<Row>>& out) {
  const sde::LyapunovOperator form(Form::finite_step, run.hyperparameters);
  const Matrix sigma = run.noise_factor(run.start).dense();
  const auto r = static_cast<std::size_t>(sigma.cols());
  const auto field = sde::make_field<double>(run.manifold, form, sigma);
  field->measure_by(manifolds::least_length(run.manifold, run.start));
  sde::WeakOrderTwo<double> stepper(field->dimension(), field->noise_count());
  Vector y = run.start;
  std::uint64_t step = 0;
  std::vector<double> dw(r), half(r);
  for (std::size_t k = 0; k < plan.times.size(); ++k) {
    const double span = k == 0 ? 0.0 : plan.times[k] - plan.times[k - 1];
    const auto steps = static_cast<int>(std::lround(span / plan.limit_step));
    for (int i = 0; i < steps; ++i, ++step) {
      for (std::size_t c = 0; c < 2 * r; ++c) {
        const double draw = manifolds::noise(NoiseLaw::gaussian, {run.config.seed, run::process::limit}, path, step,
                                             static_cast<std::uint32_t>(c));
        (c < r ? dw[c] : half[c - r]) = std::sqrt(span / steps / (c < r ? 1.0 : 2.0)) * draw;
      }
      stepper.step(*field, {y.data(), static_cast<std::size_t>(y.size())}, dw, half, span / steps);
    }
    out[k].push_back(limit_row(run, y, form));
  }
}

constexpr double row_bound = 1e-6;  // of the sizes, see run_ensembles

/// What the numbers of a row are measured by.
class RowSizes {
 public:
  explicit RowSizes(const run::ResolvedRun& run, const sde::LyapunovOperator& form)
      : length_(run.manifold.length(run.start)) {
    for (const double slope : run::slow_gradients(run.manifold, run.start)) slow_.push_back(slope * length_);
    const manifolds::Geometry geometry = run.manifold.geometry(run.start);
    const auto plateau = sde::transverse_plateau(geometry, run.noise_factor(run.start), form);
    const double finest = 0.5 * run.hyperparameters.epsilon;
    const double known = 2.0 * std::sqrt(plateau.variance) * known_to * length_ / finest;
    others_ = {geometry.trace_hessian(), plateau.variance + known / row_bound, plateau.loss};
  }

  /// Of slow coordinates what moving by the length changes them by, of tr H and the plateaus their own size, of the
  /// transverse variance, the square of a distance over epsilon^2, at least what the nearest point is known to; of
  /// covariances what changes of those add, the standard deviations of `row` times the sizes.
  Row of(const Row& row) const {
    Row out = slow_;
    out.insert(out.end(), others_.begin(), others_.end());
    std::vector<double> deviations;
    for (std::size_t i = 0, at = out.size(); at < row.size(); at += slow_.size() - i++) {
      deviations.push_back(std::sqrt(std::max(0.0, row[at])) + known_to * slow_[i]);
    }
    for (std::size_t i = 0; i < deviations.size(); ++i) {
      for (std::size_t j = i; j < deviations.size(); ++j) {
        out.push_back(deviations[i] * slow_[j] + slow_[i] * deviations[j]);
      }
    }
    return out;
  }
  /// Of the square of a distance.
  double of_square(double square) const { return length_ * (std::sqrt(square) + known_to * length_); }

 private:
  static constexpr double known_to = 4e-10;  // of the length: to what points are put on the valley, at most
  double length_;
  std::vector<double> slow_, others_;
};

void compare_rows(Worst& worst, const Row& expected, const std::function<double(int)>& found, const Row& sizes,
                  const run::Columns& columns, const std::string& where) {
  for (int c = 0; c < columns.count; ++c) {
    const auto at = static_cast<std::size_t>(c);
    worst.add(std::abs(found(c) - expected[at]) / sizes[at],
              fmt::format("{}, {}: {:.9g} instead of {:.9g}", where, columns.names[at], found(c), expected[at]));
  }
}

/// Both rungs of a short comparison, and its theory.
void compare_by_hand(Worst& worst, const CheckSite& site, Scheme scheme, run::NoiseKind noise) {
  run::RunConfig config;
  config.manifold = site.manifold.name();
  config.formula = site.manifold.description().source;
  for (const manifolds::ParameterInfo& info : site.manifold.description().parameters) {
    config.parameters[info.name] = manifolds::format_parameter(info, site.manifold.parameters().at(info.name));
  }
  const Vector& y0 = site.points.back();
  config.start = std::vector<double>(y0.begin(), y0.end());
  config.scheme = scheme;
  config.noise = noise;
  config.eta = 0.1 / site.manifold.geometry(y0).spectrum.maxCoeff();
  config.paths = paths_per_batch * run::batch_count;
  config.seed = site.seed;
  config.steps = 40;
  const run::ResolvedRun run = run::resolve(config);
  run::Plan plan = run::plan_comparison(run);
  plan.record_steps = {0, 12, 40};
  plan.times.clear();
  for (const std::int64_t k : plan.record_steps) {
    plan.times.push_back(static_cast<double>(k) *
                         std::pow(run.hyperparameters.eta * run.hyperparameters.epsilon / run.hyperparameters.mu, 2));
  }
  plan.block = 3;
  plan.limit_step = plan.times[1] / 3.0;  // 3 steps, then 7
  plan.forms = {Form::finite_step};
  const compare::Evidence evidence = compare::gather(run, plan, {}, {});

  const run::Columns& columns = evidence.columns;
  const sde::LyapunovOperator form(Form::finite_step, run.hyperparameters);
  std::vector<Vector> exact;
  if (run.deterministic()) exact = run::exact_path(run, form, plan.times);
  const RowSizes sizes(run, form);
  const std::string which = fmt::format("{}, {} noise", name_of(scheme), name_of(noise));
  for (const int batch : checked_batches) {
    const auto first = static_cast<std::uint64_t>(paths_per_batch * batch);
    for (int rung = 0; rung < 2; ++rung) {
      const compare::Rung& found = evidence.epsilon_rungs[static_cast<std::size_t>(rung)];
      BatchRows by_hand(plan.times.size());
      for (std::uint64_t path = first; path < first + paths_per_batch; ++path) {
        add_path(run, plan, rung, path, exact, by_hand);
      }
      for (std::size_t r = 0; r < plan.times.size(); ++r) {
        const int record = static_cast<int>(r);
        const std::string where = fmt::format("{}, epsilon/{}, batch {}, record {}", which, 1 << rung, batch, record);
        const Row discrete = batch_row(columns, by_hand.discrete[r]);
        const Row size = sizes.of(discrete);
        compare_rows(
            worst, discrete, [&](int c) { return found.result.discrete.at(batch, record, c); }, size, columns, where);
        Row theory = run.deterministic() ? limit_row(run, exact[r], form) : batch_row(columns, by_hand.fine[r]);
        if (!run.deterministic()) {
          const Row coarse = batch_row(columns, by_hand.coarse[r]);
          for (std::size_t c = 0; c < theory.size(); ++c) theory[c] = 2.0 * theory[c] - coarse[c];
        }
        Row difference = discrete;
        for (std::size_t c = 0; c < difference.size(); ++c) difference[c] -= theory[c];
        compare_rows(
            worst, difference, [&](int c) { return found.difference(batch, record, c); }, size, columns,
            where + ", less the theory");
        const double square = by_hand.squared_distance[r];
        worst.add(std::abs(found.result.path_error.at(batch, record, 0) - square) / sizes.of_square(square),
                  where + ", path error");
      }
    }
    if (run.deterministic()) continue;
    std::vector<std::vector<Row>> own(plan.times.size());
    for (std::uint64_t path = first; path < first + paths_per_batch; ++path) add_limit_path(run, plan, path, own);
    for (std::size_t r = 0; r < plan.times.size(); ++r) {
      const int record = static_cast<int>(r);
      const Row expected = batch_row(columns, own[r]);
      compare_rows(
          worst, expected, [&](int c) { return evidence.theories.front().sample(batch, record, c); },
          sizes.of(expected), columns,
          fmt::format("{}, the limit's own ensemble, batch {}, record {}", which, batch, record));
    }
  }
}

/// Points are put on the valley within 4e-10 of its length on lanes and to rounding here. The cloud is above 1e-3 of it
/// wide, so its square over epsilon^2 is known to 1e-7 (else that is what counts); the rest to 1e-9 after 160 steps.
/// The least conspicuous term, momentum's part of the slow variable, is of order eta eps/mu = 1e-3.
Finding run_ensembles(const CheckSite& site) {
  Worst worst(row_bound);
  for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov}) {
    for (const run::NoiseKind noise : {run::NoiseKind::label, run::NoiseKind::isotropic})
      compare_by_hand(worst, site, scheme, noise);
  }
  return worst.finding();
}

// --- Ladders ---------------------------------------------------------------------------------------------------------

/// D(h) = 7 + 3 h^p - 2 h^(2p) must extrapolate to 7 from three rungs, without its last term from two. And of the rungs
/// 3 h^p (1 +- deviation), half the batches each way, all is known: slope p, and the interval by propagation of errors.
/// Sums of a hundred numbers and logarithms: some 1e-14.
Finding run_ladder(std::uint64_t) {
  Worst worst(1e-12);
  for (const int power : {1, 2}) {
    for (const std::size_t rungs : {std::size_t{2}, std::size_t{3}}) {
      compare::RungSamples polynomial, powers;
      std::vector<double> h, relative_errors;
      for (std::size_t r = 0; r < rungs; ++r) {
        h.push_back(0.8 * std::pow(0.5, r));
        const double hp = std::pow(h[r], power), deviation = 0.01 * static_cast<double>(r + 1);
        polynomial.emplace_back(run::batch_count, 7.0 + 3.0 * hp - (rungs == 3 ? 2.0 * hp * hp : 0.0));
        powers.emplace_back();
        for (int b = 0; b < run::batch_count; ++b)
          powers[r].push_back(3.0 * hp * (1.0 + (b % 2 == 0 ? 1 : -1) * deviation));
        relative_errors.push_back(deviation /
                                  std::sqrt(run::batch_count - 1.0));  // of the mean: sqrt(n/(n-1)) sd / sqrt(n)
      }
      const std::string which = fmt::format("power {}, {} rungs", power, rungs);
      const std::vector<double> zero = compare::combine(polynomial, compare::extrapolation_weights(rungs, power));
      worst.add(std::abs(zero.front() - 7.0), "extrapolation to 0, " + which);
      const compare::LadderResult fit = compare::fit_ladder("", 0.0, h, powers, power);
      if (!fit.slope) {
        worst.add(HUGE_VAL, "slope not resolved: " + fit.note + ", " + which);
        continue;
      }
      worst.add(std::abs(*fit.slope - power), "slope, " + which);
      // Two rungs: log2 D_0 - log2 D_1 and half an order. Three: p_1 + (p_1 - p_0)/(2^p - 1), no curvature here.
      const double step = 1.0 / (std::pow(2.0, power) - 1.0);
      const std::array<double, 3> gradient =
          rungs == 2 ? std::array{1.0, -1.0, 0.0} : std::array{-step, 1.0 + 2.0 * step, -1.0 - step};
      double square = 0.0;
      for (std::size_t r = 0; r < rungs; ++r) square += std::pow(gradient[r] * relative_errors[r], 2);
      const double half = statistics::student_t(run::batch_count - 1, 1e-3) * std::sqrt(square) / std::numbers::ln2;
      worst.add(std::abs(fit.slope_high - *fit.slope - half - (rungs == 2 ? 0.5 : 0.0)), "interval, " + which);
    }
  }
  return worst.finding();
}

// --- Statistics ------------------------------------------------------------------------------------------------------

/// Student's density from t to infinity, twice, by Simpson's rule in u = 1/x.
double student_tail(int degrees, double t) {
  constexpr int intervals = 20000;
  const double n = degrees;
  const double factor = std::exp(std::lgamma((n + 1.0) / 2.0) - std::lgamma(n / 2.0)) / std::sqrt(n * std::numbers::pi);
  const auto density = [&](double u) {
    return u == 0.0 ? 0.0 : factor * std::pow(1.0 + 1.0 / (u * u * n), -(n + 1.0) / 2.0) / (u * u);
  };
  double sum = density(0.0) + density(1.0 / t);
  for (int i = 1; i < intervals; ++i) sum += (i % 2 == 1 ? 4.0 : 2.0) * density(i / t / intervals);
  return 2.0 * sum / t / intervals / 3.0;
}

/// Mean 3 and squares about it 40 of five numbers: standard error (40/4/5)^(1/2). Simpson's rule leaves 1e-12 of the
/// tail.
Finding run_statistics(std::uint64_t) {
  Worst worst(1e-9);
  const statistics::Estimate e = statistics::estimate({-1.0, 1.0, 3.0, 5.0, 7.0});
  worst.add(std::abs(e.mean - 3.0), "mean of five numbers");
  worst.add(std::abs(e.standard_error - std::sqrt(2.0)), "standard error of five numbers");
  for (const int degrees : {31, 127}) {
    for (const double probability : {0.05, 1e-3, 1e-8}) {
      const double tail = student_tail(degrees, statistics::student_t(degrees, probability));
      worst.add(std::abs(tail / probability - 1.0),
                fmt::format("Student's t, {} degrees of freedom, {:g}", degrees, probability));
    }
  }
  return worst.finding();
}

/// Where recomputing is cheap; the reference's label noise is exact for least squares only.
bool is_small(const Manifold& m) {
  for (const manifolds::ParameterInfo& info : m.description().parameters) {
    if (m.parameters().at(info.name) != info.default_value) return false;
  }
  return m.dimension() <= 8 && m.is_least_squares();
}

}  // namespace

std::vector<Check> ensemble_checks() {
  constexpr auto deterministic = CheckKind::deterministic;
  return {
      on_drawn_paths(
          {"D15-ensembles", deterministic,
           "batch means of both processes, coupled and on their own, are those of paths recomputed one at a time",
           "(1), (2), (9), (10), (27), (28), (34), (37)",
           "'less the theory': validation/compare/evidence.cpp, validation/run/theory.cpp, or the coupled limit in "
           "validation/run/discrete_group.cpp; 'own ensemble': validation/run/limit_group.cpp and limit_ensemble.cpp, "
           "the "
           "numbers in manifolds/random/process.hpp; otherwise validation/run/observer.cpp and discrete_ensemble.cpp. "
           "If "
           "D10, D12 or D14 fail, begin "
           "there.",
           is_small, run_ensembles}),
      {.id = "D15-ladder",
       .kind = deterministic,
       .claim = "extrapolation removes the powers it is made for; slopes and their intervals are those of exact powers",
       .equation = "(38), (40)",
       .advice = "validation/compare/ladder.cpp",
       .run_once = run_ladder},
      {.id = "D15-statistics",
       .kind = deterministic,
       .claim = "standard errors, and quantiles of Student's t, by hand and by quadrature",
       .equation = "(39)",
       .advice = "validation/statistics/statistics.cpp",
       .run_once = run_statistics},
  };
}

}  // namespace valleydrift::verify
