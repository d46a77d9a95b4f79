// Steps in pieces as long as the draws that are there, and blocks of them for the coupled limit.
#include "validation/run/discrete_group.hpp"

#include <algorithm>

#include "manifolds/interrupt.hpp"
#include "manifolds/residual_unit.hpp"
#include "validation/run/schedule.hpp"

namespace valleydrift::run {
namespace {

std::size_t index(int i) { return static_cast<std::size_t>(i); }

discrete::NoiseModel noise_of(const DiscreteRequest& request) {
  return noise_model(request.run->config, request.run->manifold.label_count());
}

std::unique_ptr<discrete::Lockstep> lockstep_of(const DiscreteRequest& request) {
  return discrete::make_lockstep(request.run->manifold, request.hyperparameters, noise_of(request));
}

}  // namespace

DiscreteGroup::DiscreteGroup(const DiscreteRequest& request)
    : request_(request),
      lockstep_(lockstep_of(request)),
      chunks_(noise_of(request), lockstep_->draw_count(), request.run->config.noise_law,
              {request.run->config.seed, request.process}, lockstep_->most_together()),
      groups_(lockstep_->most_together()),
      drawn_before_(request.first_phase ? request.first_phase->noisy_steps() : 0) {
  if (!request.coupled) return;
  const ResolvedRun& run = *request.run;
  field_ = sde::make_field<Lanes>(run.manifold, request.form, run.noise_factor(run.start));
  field_->measure_by(manifolds::least_length(run.manifold, run.start));
  stepper_ = std::make_unique<sde::EulerMaruyama<Lanes>>(field_->dimension(), field_->noise_count());
  sums_.resize(index(groups_ * chunks_.draws()));
  coarse_sums_.resize(sums_.size());
  dw_.resize(index(chunks_.draws()));
  for (auto* points : {&fine_, &coarse_})
    points->assign(index(groups_), std::vector<Lanes>(index(field_->dimension())));
}

void DiscreteGroup::start(std::int64_t first_path, std::int64_t left) {
  groups_ = 1;
  while (groups_ < lockstep_->most_together() && left > (2 * groups_ - 1) * manifolds::lane_count) groups_ *= 2;
  chunks_.start(static_cast<std::uint64_t>(first_path), groups_);
  const std::optional<FirstPhase>& phase = request_.first_phase;
  const Vector& y = request_.run->start;
  const Vector& w = phase ? phase->initial : y;
  for (int g = 0; g < groups_; ++g) {
    std::copy(w.begin(), w.end(), lockstep_->w(g).begin());
    std::fill(lockstep_->p(g).begin(), lockstep_->p(g).end(), Lanes(0.0));
    if (!request_.coupled) continue;
    std::copy(y.begin(), y.end(), fine_[index(g)].begin());
    std::copy(y.begin(), y.end(), coarse_[index(g)].begin());
  }
  step_ = phase ? -phase->steps : 0;
  if (request_.run->config.noise == NoiseKind::minibatch && step_ == 0) displace(first_path);
}

void DiscreteGroup::run_to(std::int64_t last, const std::function<void(std::int64_t)>& on_step) {
  if (step_ < 0) descend(std::min<std::int64_t>(last, 0), on_step);
  if (last <= step_) return;
  if (!request_.coupled) {
    advance(last, false, on_step);
    if (on_step) on_step(last);
    return;
  }
  const std::vector<std::int64_t> boundaries = block_boundaries(step_, last, request_.block);
  for (std::size_t b = 1; b < boundaries.size(); ++b) {
    for (Lanes& x : sums_) x = Lanes(0.0);
    advance(boundaries[b], true, on_step);
    step_limit(sums_, boundaries[b] - boundaries[b - 1], fine_);
    const bool closes_pair = b % 2 == 0;
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      coarse_sums_[i] = closes_pair ? coarse_sums_[i] + sums_[i] : sums_[i];
    }
    if (closes_pair) step_limit(coarse_sums_, boundaries[b] - boundaries[b - 2], coarse_);
    if (on_step && boundaries[b] > boundaries[b - 1]) on_step(boundaries[b]);  // the limit is there as well now
  }
}

/// Moves every path off the valley by epsilon J^+ zeta, zeta drawn where label noise would draw its first xi.
void DiscreteGroup::displace(std::int64_t first_path) {
  const ResolvedRun& run = *request_.run;
  if (displacement_.size() == 0) {
    displacement_ = start_displacement(run.manifold, run.manifold.geometry(run.start));
  }
  const auto samples = static_cast<int>(displacement_.cols());
  std::vector<Lanes> zeta(index(samples * groups_));
  fill_step(run.config.noise_law, {run.config.seed, request_.process}, static_cast<std::uint64_t>(first_path), 0,
            samples, groups_, zeta.data());
  for (int g = 0; g < groups_; ++g) {
    const std::span<Lanes> w = lockstep_->w(g);
    for (int a = 0; a < samples; ++a) {
      const Lanes size = request_.hyperparameters.epsilon * zeta[index(a * groups_ + g)];
      for (std::size_t i = 0; i < w.size(); ++i) w[i] = w[i] + displacement_(static_cast<Eigen::Index>(i), a) * size;
    }
  }
}

/// Steps of the first phase.
void DiscreteGroup::descend(std::int64_t last, const std::function<void(std::int64_t)>& on_step) {
  if (request_.first_phase->noisy) {
    advance(last, false, on_step);
    if (on_step) on_step(last);
    return;
  }
  constexpr std::int64_t most = 1024;  // between two looks at the interrupt
  while (step_ < last) {
    throw_if_interrupted();
    const std::int64_t steps = on_step ? 1 : std::min(last - step_, most);
    for (int g = 0; g < groups_; ++g) lockstep_->advance_noiseless(g, steps);
    step_ += steps;
    if (on_step) on_step(step_);
  }
}

/// Calls on_step for every step but the last.
void DiscreteGroup::advance(std::int64_t last, bool sum, const std::function<void(std::int64_t)>& on_step) {
  while (step_ < last) {
    throw_if_interrupted();
    const std::int64_t draw = step_ + drawn_before_;
    const Lanes* xi = chunks_.at(draw);
    const int steps = on_step ? 1 : static_cast<int>(std::min(last - step_, chunks_.available_until() - draw));
    lockstep_->advance(0, groups_, xi, steps);
    if (sum) {
      const std::ptrdiff_t width = groups_ * chunks_.draws();
      for (std::ptrdiff_t i = 0; i < steps * width; i += width) {
        for (std::ptrdiff_t c = 0; c < width; ++c) sums_[static_cast<std::size_t>(c)] += xi[i + c];
      }
    }
    step_ += steps;
    if (on_step && step_ < last) on_step(step_);
  }
}

/// One Euler-Maruyama step driven by dW = (eta eps / mu) sum xi over `steps` steps, DERIVATION (28).
void DiscreteGroup::step_limit(const std::vector<Lanes>& sums, std::int64_t steps,
                               std::vector<std::vector<Lanes>>& points) {
  const double scale = request_.hyperparameters.increment();
  const double dt = static_cast<double>(steps) / request_.hyperparameters.slow_unit();
  for (int g = 0; g < groups_; ++g) {
    for (std::size_t c = 0; c < dw_.size(); ++c) dw_[c] = scale * sums[c * index(groups_) + index(g)];
    stepper_->step(*field_, std::span<Lanes>(points[index(g)]), std::span<const Lanes>(dw_), dt);
  }
}

}  // namespace valleydrift::run
