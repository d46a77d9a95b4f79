// Draws of each step, the stepper, and the drift of a theory that is wrong by a given part.
#include "validation/run/limit_group.hpp"

#include <cmath>

#include "manifolds/interrupt.hpp"
#include "manifolds/random/noise.hpp"
#include "manifolds/residual_unit.hpp"

namespace valleydrift::run {

using manifolds::Lanes;

LimitGroup::LimitGroup(const ResolvedRun& run, const sde::LyapunovOperator& form, double drift_excess)
    : drift_excess_(drift_excess),
      key_{run.config.seed, process::limit},
      start_(run.start),
      field_(sde::make_field<Lanes>(run.manifold, form, run.noise_factor(run.start))),
      stepper_(field_->dimension(), field_->noise_count()),
      y_(static_cast<std::size_t>(field_->dimension())),
      draws_(2 * static_cast<std::size_t>(field_->noise_count())),
      dw_(static_cast<std::size_t>(field_->noise_count())),
      half_(dw_.size()) {
  field_->measure_by(manifolds::least_length(run.manifold, run.start));
  if (drift_excess != 0.0) terms_.assign(3 * y_.size(), Lanes(0.0));
}

void LimitGroup::start(std::int64_t first_path) {
  first_path_ = static_cast<std::uint64_t>(first_path);
  step_ = 0;
  field_->follow_path();
  std::copy(start_.begin(), start_.end(), y_.begin());
}

void LimitGroup::run(double time, int steps) {
  const double dt = time / steps;
  const double root = std::sqrt(dt), half_root = std::sqrt(0.5 * dt);
  for (int i = 0; i < steps; ++i, ++step_) {
    throw_if_interrupted();
    manifolds::fill_noise<1>(NoiseLaw::gaussian, key_, first_path_, step_, 1, static_cast<int>(draws_.size()),
                             draws_.data());
    for (std::size_t c = 0; c < dw_.size(); ++c) {
      dw_[c] = root * draws_[c];
      half_[c] = half_root * draws_[dw_.size() + c];
    }
    stepper_.step(*field_, std::span<Lanes>(y_), std::span<const Lanes>(dw_), std::span<const Lanes>(half_), dt);
    if (drift_excess_ != 0.0) add_drift(drift_excess_ * dt);
  }
}

/// One Euler step with the mixed and the transverse term alone, DERIVATION (10a).
void LimitGroup::add_drift(double dt) {
  const std::span<Lanes> terms(terms_);
  const std::size_t n = y_.size();
  const auto mixed = terms.subspan(n, n), transverse = terms.last(n);
  field_->drift_terms(std::span<const Lanes>(y_), terms.first(n), mixed, transverse);
  for (std::size_t k = 0; k < n; ++k) y_[k] = y_[k] + dt * (mixed[k] + transverse[k]);
  field_->retract(std::span<Lanes>(y_));
}

}  // namespace valleydrift::run
