// Rounding of residuals and weights carried over into every column, and the noise's reach in each.
#include "validation/compare/accuracy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sde/kernel/symmetric_eigen.hpp"
#include "validation/compare/visibility.hpp"
#include "validation/run/start_geometry.hpp"

namespace valleydrift::compare {
namespace {

constexpr double unit_roundoff = std::numeric_limits<double>::epsilon();

/// |grad tr H| at y, 2 s |sum_a (Hess f_a) grad f_a|.
double trace_gradient(const Manifold& manifold, const Vector& y, const Matrix& jacobian) {
  Vector sum = Vector::Zero(y.size());
  for (Eigen::Index a = 0; a < jacobian.rows(); ++a) {
    sum += manifold.residual_hessian_times(y, Vector::Unit(jacobian.rows(), a), jacobian.row(a).transpose());
  }
  return 2.0 * manifold.label_constant() * sum.norm();
}

/// Of J with its rows over what residuals are measured by. The geometry has it where all are 1.
double smallest_singular_value(const Manifold& manifold, const manifolds::Geometry& geometry, const Matrix& jacobian) {
  const Vector units = manifold.residual_units(geometry.point);
  if ((units.array() == 1.0).all()) return std::sqrt(geometry.spectrum[0] / manifold.label_constant());
  const Matrix rows = units.cwiseInverse().asDiagonal() * jacobian;
  Matrix gram = rows * rows.transpose();
  const auto m = static_cast<std::size_t>(gram.rows());
  std::vector<double> vectors(m * m), values(m);
  sde::symmetric_eigen<double>(static_cast<int>(m), {gram.data(), m * m}, vectors, values);
  return std::sqrt(*std::min_element(values.begin(), values.end()));
}

/// What a shift of `by` in each of its squares' roots changes a mean square by.
double change_of_square(double square, double by) { return by * (2.0 * std::sqrt(square) + by); }

/// A plateau's column: at the start of the discrete runs, which only minibatch noise begins with, and the largest that
/// either process has.
struct Plateau {
  double first = 0.0, largest = 0.0;
};
Plateau plateau_of(const Evidence& evidence, int column) {
  Plateau out;
  for (int r = 0; r < evidence.records(); ++r) {
    out.largest = std::max(out.largest, std::abs(evidence.own_theory().mean(r, column)));
    for (const Rung& rung : evidence.epsilon_rungs) {
      const double value = std::abs(statistics::estimate(run::batch_samples(rung.result.discrete, r, column)).mean);
      out.largest = std::max(out.largest, value);
      if (r == 0) out.first = std::max(out.first, value);
    }
  }
  return out;
}

/// The last rung of the ladder that is judged: in eta for the paper form.
manifolds::Hyperparameters finest_rung(const Evidence& evidence) {
  const run::Plan& plan = *evidence.plan;
  manifolds::Hyperparameters h = evidence.run->hyperparameters;
  h.epsilon = plan.epsilons.back();
  if (evidence.run->config.form != Form::paper) return h;
  h.epsilon = plan.eta_ladder_epsilon;
  h.eta = plan.etas.back();
  return h;
}

}  // namespace

Accuracy accuracy_of(const Evidence& evidence) {
  constexpr double projection = 1e-10;  // max |f_a| / u_a at which PointGeometry::retract has arrived
  const run::ResolvedRun& run = *evidence.run;
  const run::Columns& columns = evidence.columns;
  const Vector& y = run.start;
  const manifolds::Geometry geometry = run.manifold.geometry(y);
  const Matrix jacobian = run.manifold.jacobian(y);
  const auto residuals = static_cast<double>(jacobian.rows());
  const double smallest = smallest_singular_value(run.manifold, geometry, jacobian);  // of J over the units
  const manifolds::Hyperparameters judged = finest_rung(evidence);
  const double finest = judged.epsilon, steps = evidence.plan->times.back() * judged.slow_unit();

  Accuracy out;
  // Rounding of one unit in the last place a step, all the same way.
  out.position = std::sqrt(residuals) * projection / smallest + unit_roundoff * steps * y.norm();
  const double away = std::sqrt(noise_strength(run, run.start) * evidence.plan->times.back());
  const auto add = [&](double accuracy, double reach) {
    out.column.push_back(accuracy);
    out.reach.push_back(reach);
  };
  const std::vector<double> gradients = run::slow_gradients(run.manifold, y);
  for (const double g : gradients) add(g * out.position, g * away);
  const double trace = geometry.trace_hessian();
  add(trace_gradient(run.manifold, y, jacobian) * out.position +
          unit_roundoff * static_cast<double>(jacobian.size()) * trace,
      trace * away / (away + y.norm()));
  constexpr double relaxed = 1e-7;  // e^-16: what is left of a first value once records are judged
  const Plateau variance = plateau_of(evidence, columns.variance()), loss = plateau_of(evidence, columns.loss());
  add(change_of_square(variance.largest, out.position / finest) + relaxed * variance.first, variance.largest);
  const double weight = run.manifold.label_constant();
  const double rounded_residual = unit_roundoff * jacobian.norm() * y.norm();
  add(0.5 * weight * change_of_square(2.0 * loss.largest / weight, rounded_residual / finest) + relaxed * loss.first,
      loss.largest);
  if (!columns.has_covariances()) return out;
  for (int i = 0; i < columns.slow; ++i) {
    for (int j = i; j < columns.slow; ++j) {
      const auto a = static_cast<std::size_t>(i), b = static_cast<std::size_t>(j);
      const double spread_i = std::sqrt(evidence.largest_variance(i)),
                   spread_j = std::sqrt(evidence.largest_variance(j));
      add(spread_i * out.column[b] + spread_j * out.column[a] + out.column[a] * out.column[b],
          out.reach[a] * out.reach[b]);
    }
  }
  return out;
}

}  // namespace valleydrift::compare
