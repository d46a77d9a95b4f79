// The covariance of (w, p) followed step by step from rest, and the times read from its energy.
#include "validation/scan/drawn_relaxation.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "manifolds/interrupt.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "validation/scan/transverse_energy.hpp"

namespace valleydrift::scan {
namespace {

using manifolds::Geometry;

/// The covariance of (w, p) in the transverse modes, 2m x 2m, in units of epsilon^2.
class MomentIteration {
 public:
  MomentIteration(const Manifold& manifold, const Geometry& geometry, const sde::BatchNoise& noise,
                  const Hyperparameters& h)
      : modes_(geometry.spectrum.size()),
        noise_(noise),
        step_(2 * modes_, 2 * modes_),
        seen_(modes_, 2 * modes_),
        into_(2 * modes_, modes_),
        sigma_(geometry.transverse.transpose() * manifold.label_noise_factor(geometry.point)),
        along_(sigma_.transpose() / manifold.label_constant()),
        covariance_(Matrix::Zero(2 * modes_, 2 * modes_)) {
    const Matrix one = Matrix::Identity(modes_, modes_), l = geometry.spectrum.asDiagonal();
    const double look_ahead = h.scheme == manifolds::Scheme::nesterov ? h.eta * h.beta() : 0.0;
    seen_ << one, look_ahead * one;
    Matrix momentum(modes_, 2 * modes_);
    momentum << Matrix::Zero(modes_, modes_), h.beta() * one;
    momentum -= l * seen_;
    step_ << h.eta * momentum, momentum;
    step_.topLeftCorner(modes_, modes_) += one;
    into_ << h.eta * one, one;
    const EnergyForm form = energy_form(geometry.spectrum, h);
    for (const double x : geometry.spectrum) {
      weights_.push_back({0.5 * x, form.displacement - form.gradient * x, form.kinetic});
    }
  }

  void advance() {
    const Matrix f = along_ * (seen_ * covariance_ * seen_.transpose()) * along_.transpose();
    const auto n = static_cast<double>(f.rows());
    Matrix w = noise_.spread * (Matrix(f.diagonal().asDiagonal()) - f / n);
    w.diagonal().array() += noise_.label;
    covariance_ =
        (step_ * covariance_ * step_.transpose() + into_ * (sigma_ * w * sigma_.transpose()) * into_.transpose())
            .eval();
  }
  double energy() const {
    double sum = 0.0;
    for (Eigen::Index i = 0; i < modes_; ++i) {
      const auto& [ww, wp, pp] = weights_[static_cast<std::size_t>(i)];
      sum += ww * covariance_(i, i) + wp * covariance_(i, modes_ + i) + pp * covariance_(modes_ + i, modes_ + i);
    }
    return sum;
  }

 private:
  struct Weights {
    double ww, wp, pp;
  };
  Eigen::Index modes_;
  sde::BatchNoise noise_;
  Matrix step_;   ///< of (w, p)
  Matrix seen_;   ///< where the gradient is taken: w, or w + eta beta p
  Matrix into_;   ///< how noise in the gradient enters: (eta, 1)
  Matrix sigma_;  ///< U^T s J^T, m x n
  Matrix along_;  ///< J U, n x m
  std::vector<Weights> weights_;
  Matrix covariance_;
};

}  // namespace

TransverseRelaxation drawn_relaxation(const Manifold& manifold, const Geometry& geometry, const sde::BatchNoise& noise,
                                      const Hyperparameters& h, double delta, double tau_1) {
  const sde::LyapunovOperator form(sde::Form::finite_step, h);
  const TransverseEnergy stationary(geometry, sde::drawn_noise_factor(manifold, geometry.point, noise, form), h);
  const double plateau = stationary.plateau() / (h.epsilon * h.epsilon);
  // The slowest moment decays as exp(-2 (1 - r) k/tau_1), times a factor of order one.
  constexpr double strongest = 0.95, fewest_steps = 8.0, most_steps = 1e7;
  const double slowed = 1.0 - std::min(strongest, sde::sampling_strength(manifold, geometry, noise, h));
  const double longest = std::clamp(tau_1 * (2.0 + manifolds::log(1.0 / delta)) / slowed, fewest_steps, most_steps);
  MomentIteration moments(manifold, geometry, noise, h);
  const auto steps = static_cast<std::int64_t>(std::ceil(longest));
  std::optional<double> last;
  double before = 1.0, halfway = 1.0;
  for (std::int64_t step = 1; step <= steps; ++step) {
    throw_if_interrupted();
    moments.advance();
    const double now = std::abs(1.0 - moments.energy() / plateau);
    if (before > delta && now <= delta) {
      last = static_cast<double>(step) - (delta - now) / (before - now);
    }
    before = now;
    if (step == steps / 2) halfway = now;
  }
  if (!(before <= delta)) last = {};
  const double tau =
      before > 0.0 ? 2.0 * static_cast<double>(steps - steps / 2) / manifolds::log(halfway / before) : 0.0;
  return {last, tau};
}

}  // namespace valleydrift::scan
