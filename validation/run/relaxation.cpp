// Follows the flow over doubling horizons, ends by Newton's method, and takes the slowest rate of the drift there.
#include "validation/run/relaxation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "manifolds/numbers/portable_math.hpp"
#include "sde/drift_terms.hpp"
#include "sde/gradient_flow.hpp"
#include "sde/kernel/symmetric_eigen.hpp"
#include "sde/label_flow.hpp"
#include "validation/run/random_start.hpp"
#include "validation/run/start_geometry.hpp"

namespace valleydrift::run {
namespace {

using manifolds::Geometry;

/// The drift of one form along the valley, as a function of the point.
class ValleyDrift {
 public:
  ValleyDrift(const ResolvedRun& run, Form form) : run_(run), form_(form, run.hyperparameters) {}

  Vector operator()(const Vector& y) const {
    const auto c = sde::drift_terms(run_.manifold, run_.manifold.geometry(y), run_.noise_factor(y, form_), form_);
    return c.mixed + c.transverse;
  }
  Vector flow(const Vector& y, double t) const {
    return sde::label_flow(run_.manifold, form_, y, t, run_.batch_noise());
  }
  /// Its derivative on the tangent space at y, M x M, in an orthonormal basis: central differences between points
  /// displaced along the basis and retracted. At a fixed point it is symmetric for a drift that is a gradient. Error
  /// 1e-8 of its size.
  Matrix linearised(const Vector& y) const {
    const Geometry geometry = run_.manifold.geometry(y);
    const Matrix basis = geometry.longitudinal_basis();
    // The truncation error is the square of this; rounding, 1e-16 over it, stays below 1e-11.
    constexpr double relative_step = 1e-4;
    const double h = relative_step * std::min(run_.manifold.curvature_radius(geometry), run_.manifold.length(y));
    Matrix a(basis.cols(), basis.cols());
    for (Eigen::Index j = 0; j < basis.cols(); ++j) {
      valleydrift::throw_if_interrupted();
      const Vector ahead = run_.manifold.retract(y + h * basis.col(j));
      const Vector behind = run_.manifold.retract(y - h * basis.col(j));
      a.col(j) = basis.transpose() * ((*this)(ahead) - (*this)(behind)) / (2.0 * h);
    }
    return a;
  }
  /// basis^T times its derivative at y along a unit tangent, to rounding: central differences at falling steps,
  /// extrapolated to none (Ridders). `error` is what the last two extrapolations differ by, largest entry.
  Vector derivative(const Vector& y, const Vector& along, const Matrix& basis, double& error) const {
    // Steps from 1/20 of the curvature radius, each half the one before; the sixth leaves 0.05^12 of truncation.
    constexpr double largest_step = 0.05;
    constexpr int most_rows = 6;
    double h =
        largest_step * std::min(run_.manifold.curvature_radius(run_.manifold.geometry(y)), run_.manifold.length(y));
    std::vector<Vector> before;
    Vector best;
    error = std::numeric_limits<double>::infinity();
    for (int row = 0; row < most_rows; ++row, h *= 0.5) {
      valleydrift::throw_if_interrupted();
      const Vector ahead = (*this)(run_.manifold.retract(y + h * along));
      const Vector behind = (*this)(run_.manifold.retract(y - h * along));
      std::vector<Vector> now = {basis.transpose() * (ahead - behind) / (2.0 * h)};
      double factor = 1.0;
      for (const Vector& coarser : before) {
        factor *= 4.0;
        now.push_back(now.back() + (now.back() - coarser) / (factor - 1.0));
      }
      if (row > 0) {
        const double change = (now.back() - before.back()).cwiseAbs().maxCoeff();
        if (change < error) {
          error = change;
          best = now.back();
        }
      }
      before = std::move(now);
    }
    return best;
  }

 private:
  const ResolvedRun& run_;
  sde::LyapunovOperator form_;
};

/// Of a symmetric matrix, in no order; the eigenvectors are columns. Eigen's own solver would triple the time that this
/// file takes to compile.
struct Spectrum {
  Vector values;
  Matrix vectors;
  explicit Spectrum(Matrix a) : values(a.rows()), vectors(a.rows(), a.cols()) {
    const auto n = static_cast<std::size_t>(a.rows());
    Matrix rows(a.rows(), a.cols());
    sde::symmetric_eigen<double>(static_cast<int>(n), {a.data(), n * n}, {rows.data(), n * n}, {values.data(), n});
    vectors = rows.transpose();
  }
};

/// A rate along the valley below this counts as zero: 1e-7 of c tr H over the squared size of the point or the valley.
double negligible_rate(const ResolvedRun& run, const Vector& y) {
  constexpr double resolution = 1e-7;  // ten times the error of the linearisation
  const double length = std::min(1.0, run.manifold.length(y)), size = length * length + y.squaredNorm();
  return resolution * run.batch_noise().label * run.manifold.label_constant() *
         run.manifold.geometry(y).trace_hessian() / size;
}

/// Whether nothing but a symmetry tells the points apart: the spectrum is the same to this part, and slow coordinates
/// to this part of themselves or of what moving by the valley's length changes them by.
bool equivalent(const ResolvedRun& run, const Vector& a, const Vector& b, double part) {
  const Vector l = run.manifold.geometry(b).spectrum;
  if (!((run.manifold.geometry(a).spectrum - l).norm() <= part * l.norm())) return false;
  const Vector q = run.manifold.slow_coordinates(b, run.start);
  const std::vector<double> slopes = slow_gradients(run.manifold, run.start);
  const double slope = Eigen::Map<const Vector>(slopes.data(), q.size()).norm();
  return (run.manifold.slow_coordinates(a, run.start) - q).norm() <=
         part * std::max(slope * run.manifold.length(run.start), q.norm());
}

/// The end of the flow from the start: horizons that double until the point no longer changes over a doubling. With
/// drawn batches, whose drift is no gradient, it may go on for ever along a symmetry: then it has arrived if nothing
/// else changes over two doublings. The first horizon is the drift's own local time, so that the flow of a channel that
/// flattens for ever (x falls by log(2)/2 with every doubling) is told from one that arrives.
std::optional<Vector> fixed_point(const ResolvedRun& run, const ValleyDrift& drift, std::string& reason) {
  constexpr double unchanged = 1e-7;  // a hundred times the error of the flow
  constexpr int most_doublings = 40;
  // Rate times horizon at which an explicit method has become stiff: some thirty thousand steps, less than a second.
  constexpr double stiff = 1e5;
  Vector y = run.start;
  const double rate = drift.linearised(y).norm();
  const double least = negligible_rate(run, y);
  if (!(rate > least) && !(drift(y).norm() > least * run.manifold.length(y))) return y;
  double horizon = 1.0 / std::max(rate, least);
  bool along_symmetry = false;
  for (int doubling = 0; doubling < most_doublings; ++doubling) {
    const Vector next = drift.flow(y, horizon);
    const bool rests = (next - y).norm() <= unchanged * run.manifold.length(y);
    const bool before = std::exchange(along_symmetry, run.config.batch && equivalent(run, next, y, unchanged));
    y = next;
    if (rests || (before && along_symmetry)) return y;
    horizon *= 2.0;
    if (drift.linearised(y).norm() * horizon > stiff) {
      reason = fmt::format(
          "the flow has not arrived at a fixed point after the slow time {:.3g}: its directions relax at "
          "rates too different to follow",
          horizon);
      return {};
    }
  }
  reason = fmt::format("the flow has no fixed point: it still moves at the slow time {:.3g}, at {}", horizon,
                       manifolds::format_point(y));
  return {};
}

/// Newton's method on the drift from a point within 1e-7 of where it vanishes, relative to the valley's length: two
/// steps arrive at rounding, so near that basis and spectrum are still good to 1e-7. Directions without drift are left
/// alone.
Vector polished(const ResolvedRun& run, const ValleyDrift& drift, const Vector& end, const Matrix& basis,
                const Spectrum& spectrum, double zero) {
  constexpr int most_steps = 4;
  Vector y = end;
  double before = std::numeric_limits<double>::infinity();
  for (int i = 0; i < most_steps; ++i) {
    Vector step = spectrum.vectors.transpose() * (basis.transpose() * drift(y));
    for (Eigen::Index k = 0; k < step.size(); ++k) {
      step[k] = std::abs(spectrum.values[k]) <= zero ? 0.0 : -step[k] / spectrum.values[k];
    }
    if (!(step.norm() < 0.5 * before)) break;
    before = step.norm();
    y = run.manifold.retract(y + basis * (spectrum.vectors * step));
  }
  return y;
}

/// The slowest rate to rounding. The eigenvectors of the linearisation, of error 1e-8, leave errors of its square in
/// the derivative along them, taken exactly; those that its error may have mixed are taken together.
double refined(const ValleyDrift& drift, const Vector& y, const Matrix& basis, const Spectrum& spectrum, double slowest,
               double& error) {
  constexpr double near = 1.01;          // of the slowest rate
  constexpr std::size_t most_taken = 4;  // of equal rates any one will do
  std::vector<Eigen::Index> taken;
  for (Eigen::Index k = 0; k < spectrum.values.size(); ++k) {
    const double rate = -spectrum.values[k];
    if (rate >= slowest && rate <= near * slowest && taken.size() < most_taken) taken.push_back(k);
  }
  const auto n = static_cast<Eigen::Index>(taken.size());
  Matrix directions(y.size(), n), a(n, n);
  for (Eigen::Index k = 0; k < n; ++k) {
    directions.col(k) = basis * spectrum.vectors.col(taken[static_cast<std::size_t>(k)]);
  }
  error = 0.0;
  for (Eigen::Index k = 0; k < n; ++k) {
    double of_column = 0.0;
    a.col(k) = drift.derivative(y, directions.col(k), directions, of_column);
    error = std::max(error, of_column);
  }
  const double rate = -Spectrum(0.5 * (a + a.transpose())).values.maxCoeff();
  error /= rate;
  return rate;
}

}  // namespace

double prefactor_where_scales_meet(double epsilon, double tau_Y) {
  const double root = manifolds::cbrt(epsilon);
  return manifolds::cbrt(2.0 / tau_Y) * root * root;
}

Quantity local_time(const ResolvedRun& run) {
  const ValleyDrift drift(run, Form::paper);
  if (!run.deterministic()) return {{}, "the noise diffuses along the valley, so tr H has no single path"};
  const Vector velocity = drift(run.start);
  const double rate = rate_of_trace(run.manifold, run.start, velocity);
  const double least = negligible_rate(run, run.start);
  if (velocity.norm() > least * run.manifold.length(run.start) && rate > least) return {1.0 / rate, {}};
  return {{}, "tr H does not change along the flow here"};
}

Relaxation relaxation_time(const ResolvedRun& run, Form form) {
  constexpr int largest_valley = 64;  // two drifts for each dimension, each of the order of D^2: about a second
  if (!run.deterministic())
    return {{{}, "the noise diffuses along the valley: nothing relaxes to a fixed point"}, {}, {}};
  if (run.manifold.valley_dimension() > largest_valley) {
    return {{{},
             fmt::format("not computed: the valley has dimension {}, above {}", run.manifold.valley_dimension(),
                         largest_valley)},
            {},
            {}};
  }
  const ValleyDrift drift(run, form);
  std::string reason;
  std::optional<Vector> end;
  try {
    end = fixed_point(run, drift, reason);
    if (end) run.manifold.geometry(*end, run.manifold.geometry(run.start).trace_hessian());
  } catch (const NumericalError& error) {
    return {{{}, error.what()}, {}, {}};
  }
  if (!end) return {{{}, reason}, {}, {}};

  const Matrix basis = run.manifold.geometry(*end).longitudinal_basis();
  const Matrix a = drift.linearised(*end);
  const Spectrum spectrum(0.5 * (a + a.transpose()));
  constexpr double relative_zero = 1e-5;  // of the fastest rate: far above the error of the linearisation
  const double zero = std::max(negligible_rate(run, *end), relative_zero * spectrum.values.cwiseAbs().maxCoeff());
  int skipped = 0;
  double slowest = 0.0;
  for (const double rate : spectrum.values) {
    if (std::abs(rate) <= zero) {
      ++skipped;
    } else if (rate > 0.0) {
      return {.time = {{},
                       fmt::format("the flow rests at {}, which is not stable (a deviation grows at the rate {:.3g}); "
                                   "start elsewhere",
                                   manifolds::format_point(*end), rate)}};
    } else if (slowest == 0.0 || -rate < slowest) {
      slowest = -rate;
    }
  }
  if (slowest == 0.0) {
    return {.time = {{}, "nothing relaxes: the drift vanishes at every point of the valley nearby"}};
  }
  Relaxation relaxation{.fixed_point = polished(run, drift, *end, basis, spectrum, zero)};
  relaxation.time.value = 1.0 / refined(drift, *relaxation.fixed_point, basis, spectrum, slowest, relaxation.error);
  if (skipped > 0) {
    relaxation.note = fmt::format("{} of {} directions along the valley {} without drift (a symmetry) and skipped",
                                  skipped, spectrum.values.size(), skipped == 1 ? "is" : "are");
  }
  return relaxation;
}

FlattestPoint describe_flattest(const ResolvedRun& run, const Vector& point) {
  return {.point = point,
          .trace_hessian = run.manifold.geometry(point).trace_hessian(),
          .slow_coordinates = run.manifold.slow_coordinates(point, run.start)};
}

FlattestSearch search_flattest(const ResolvedRun& run, int drawn) {
  constexpr double same = 1e-6;  // ten times the accuracy of a flow's end
  constexpr double scales[] = {0.5, 1.0, 2.0};
  const double rms = run.start.norm() / std::sqrt(static_cast<double>(run.start.size()));
  FlattestSearch search{.drawn = drawn, .found = {}};
  for (int i = 0; i <= drawn; ++i) {
    ResolvedRun from = run;
    Relaxation relaxation;
    try {
      if (i > 0) {
        const double scale = scales[i % 3] * (rms > 0.0 ? rms : 1.0);
        from.start = sde::limit_map(
            run.manifold,
            run.start + random_start(run.config.seed, static_cast<std::uint64_t>(i), scale, run.manifold.dimension()));
      }
      relaxation = relaxation_time(from, Form::paper);
    } catch (const NumericalError& error) {
      relaxation.time.reason = error.what();
    }
    if (!relaxation.fixed_point) {
      if (search.without++ == 0) search.reason = relaxation.time.reason;
      continue;
    }
    const Vector& point = *relaxation.fixed_point;
    const bool symmetric = !relaxation.note.empty();
    const auto known = std::find_if(search.found.begin(), search.found.end(), [&](const FlattestSearch::Found& f) {
      if (!symmetric) return equivalent(run, f.flattest.point, point, same);
      return (run.manifold.spectrum(f.flattest.point) - run.manifold.spectrum(point)).norm() <=
             same * run.manifold.spectrum(point).norm();
    });
    if (known != search.found.end()) {
      ++known->starts;
    } else {
      search.found.push_back({describe_flattest(run, point), relaxation.time, 1, i == 0});
    }
  }
  std::stable_sort(search.found.begin(), search.found.end(),
                   [](const auto& a, const auto& b) { return a.flattest.trace_hessian < b.flattest.trace_hessian; });
  return search;
}

}  // namespace valleydrift::run
