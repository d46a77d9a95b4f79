// The inner loops of both ensembles: one group of paths from the first record to the last.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "manifolds/interrupt.hpp"
#include "sde/steppers.hpp"
#include "validation/run/observer.hpp"
#include "validation/run/schedule.hpp"

namespace valleydrift::run {

/// The noise model of a run on a loss of so many samples.
inline discrete::NoiseModel noise_model(const RunConfig& config, int samples) {
  switch (config.noise) {
    case NoiseKind::label:
    case NoiseKind::minibatch:
      if (const auto law = config.batch_law(samples)) {
        return discrete::DrawnBatchNoise(*law, config.noise == NoiseKind::label);
      }
      return discrete::LabelNoise{};
    case NoiseKind::isotropic:
      return discrete::IsotropicNoise{};
    case NoiseKind::constant:
      return discrete::ConstantNoise(config.sigma);
  }
  return {};
}

/// Calls use<Groups>() with the constant that equals `groups`: 1, 2 or 4, at most `Most`.
template <int Most, class Use>
void with_groups(int groups, const Use& use) {
  if constexpr (Most >= 4) {
    if (groups == 4) return use.template operator()<4>();
  }
  if constexpr (Most >= 2) {
    if (groups == 2) return use.template operator()<2>();
  }
  use.template operator()<1>();
}

/// Draws of a group in pieces that fit the first-level cache, in the order of steps: of every step `draws` numbers, the
/// last of them the counts of the batch if batches are drawn.
template <int MostGroups>
class NoiseChunks {
 public:
  NoiseChunks(NoiseLaw law, manifolds::NoiseKey key, int draws, const std::optional<manifolds::BatchLaw>& batch = {})
      : law_(law),
        key_(key),
        draws_(draws) {
    if (batch) {
      batches_.emplace(*batch,
                       manifolds::NoiseKey{key.seed, key.process + static_cast<std::uint32_t>(Process::batches)});
    }
    // 16 KiB of draws, whole pairs of steps; Rademacher words hold 128 steps.
    const int most = law == NoiseLaw::rademacher ? 128 : 64;
    const int fitting = static_cast<int>(16384 / (sizeof(Lanes) * static_cast<std::size_t>(draws * MostGroups)));
    length_ = std::clamp(fitting / 2 * 2, 2, most);
    draws_buffer_.resize(static_cast<std::size_t>(length_ * draws * MostGroups));
    if (batch) labels_buffer_.resize(static_cast<std::size_t>(length_ * (draws - batch->samples) * MostGroups));
  }
  /// Draws for `groups` groups of lanes, 1, 2 or 4, from path `first_path` on.
  void start(std::uint64_t first_path, int groups) {
    first_path_ = first_path;
    groups_ = groups;
    begin_ = end_ = 0;
  }
  /// The draws of step k; valid up to `available_until`. Steps are asked for in ascending order.
  const Lanes* at(std::int64_t k) {
    if (k >= end_) {
      begin_ = k / length_ * length_;
      end_ = begin_ + length_;
      with_groups<MostGroups>(groups_, [&]<int Groups>() {
        if (batches_) return fill_with_batches<Groups>();
        manifolds::fill_noise<Groups>(law_, key_, first_path_, static_cast<std::uint64_t>(begin_), length_, draws_,
                                      draws_buffer_.data());
      });
    }
    return draws_buffer_.data() + (k - begin_) * draws_ * groups_;
  }
  std::int64_t available_until() const { return end_; }
  int draws() const { return draws_; }

 private:
  /// Step by step the draws of the labels, then the counts.
  template <int Groups>
  void fill_with_batches() {
    const auto first = static_cast<std::uint64_t>(begin_);
    const int labels = draws_ - batches_->law().samples;
    manifolds::fill_noise<Groups>(law_, key_, first_path_, first, length_, labels, labels_buffer_.data());
    for (int i = 0; i < length_; ++i) {
      std::copy_n(labels_buffer_.data() + i * labels * Groups, labels * Groups,
                  draws_buffer_.data() + i * draws_ * Groups);
    }
    batches_->template fill<Groups>(first_path_, first, length_, draws_, draws_buffer_.data() + labels * Groups);
  }

  NoiseLaw law_;
  manifolds::NoiseKey key_;
  int draws_, length_, groups_ = MostGroups;
  std::uint64_t first_path_ = 0;
  std::int64_t begin_ = 0, end_ = 0;
  std::vector<Lanes> draws_buffer_, labels_buffer_;
  std::optional<manifolds::BatchDraws> batches_;
};

/// The draws of a noise model for a group of paths.
template <int MostGroups, class Loss>
NoiseChunks<MostGroups> noise_chunks(const Loss& loss, const discrete::NoiseModel& noise, NoiseLaw law,
                                     manifolds::NoiseKey key) {
  const int draws = std::visit([&](const auto& model) { return model.draw_count(loss); }, noise);
  const auto* drawn = std::get_if<discrete::DrawnBatchNoise>(&noise);
  return {law, key, draws, drawn ? std::optional(drawn->law()) : std::nullopt};
}

/// Paths interleaved in one lockstep group: enough independent chains to hide the latency of the update where the state
/// fits the registers, one where it does not.
template <class Loss>
inline constexpr int interleaved_groups = Loss::static_dimension == manifolds::dynamic || Loss::static_dimension > 4
                                              ? 1
                                              : (Loss::static_dimension > 2 ? 2 : 4);

/// One group of discrete paths, with the limiting diffusion driven by the same draws if asked for.
template <class Loss>
class DiscreteGroup {
 public:
  using Model = typename Loss::model_type;
  static constexpr int most_groups = interleaved_groups<Loss>;

  DiscreteGroup(const Loss& loss, const discrete::NoiseModel& noise, const DiscreteRequest& request,
                const NoiseFactor& sigma)
      : loss_(loss),
        noise_(noise),
        scratch_(loss),
        request_(request),
        constants_(request.hyperparameters),
        chunks_(noise_chunks<most_groups>(loss, noise, request.run->config.noise_law,
                                          {request.run->config.seed, request.process})),
        states_(static_cast<std::size_t>(most_groups), discrete::State<Lanes, Loss>(loss)),
        field_(loss.model(), request.form, sigma),
        stepper_(loss.dimension(), static_cast<int>(sigma.columns())),
        sums_(static_cast<std::size_t>(most_groups * chunks_.draws())),
        coarse_sums_(sums_.size()),
        dw_(static_cast<std::size_t>(chunks_.draws())),
        drawn_before_(request.first_phase ? request.first_phase->noisy_steps() : 0) {
    field_.measure_by(manifolds::least_length(request.run->manifold, request.run->start));
    for (auto& points : {&fine_, &coarse_}) {
      points->assign(static_cast<std::size_t>(most_groups),
                     std::vector<Lanes>(static_cast<std::size_t>(loss.dimension())));
    }
  }

  /// Puts a group of paths on the start with momentum 0, before its first phase if it has one: as many of the `left`
  /// ones as run in lockstep. Lanes beyond them run along.
  void start(std::int64_t first_path, std::int64_t left) {
    groups_ = 1;
    while (groups_ < most_groups && left > (2 * groups_ - 1) * lane_count) groups_ *= 2;
    chunks_.start(static_cast<std::uint64_t>(first_path), groups_);
    const std::optional<FirstPhase>& phase = request_.first_phase;
    const Vector& y = request_.run->start;
    const Vector& w = phase ? phase->initial : y;
    for (int g = 0; g < groups_; ++g) {
      for (int i = 0; i < loss_.dimension(); ++i) {
        states_[index(g)].w[i] = Lanes(w[i]);
        fine_[index(g)][index(i)] = coarse_[index(g)][index(i)] = Lanes(y[i]);
        states_[index(g)].p[i] = Lanes(0.0);
      }
    }
    step_ = phase ? -phase->steps : 0;
    if (request_.run->config.noise == NoiseKind::minibatch && step_ == 0) displace(first_path);
  }

  /// Runs to step `last`; on_step(k), if given, sees the state after every step k. The steps of the first phase are
  /// those up to 0.
  void run_to(std::int64_t last, const std::function<void(std::int64_t)>& on_step = {}) {
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

  /// The present step, counted from the end of the first phase.
  std::int64_t step() const { return step_; }
  /// Groups of lanes that run, and their paths.
  int groups() const { return groups_; }
  int paths() const { return groups_ * lane_count; }
  const discrete::State<Lanes, Loss>& state(int g) const { return states_[index(g)]; }
  std::span<const Lanes> limit_fine(int g) const { return fine_[index(g)]; }
  std::span<const Lanes> limit_coarse(int g) const { return coarse_[index(g)]; }

 private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  /// Moves every path off the valley by epsilon J^+ zeta, zeta drawn where label noise would draw its first xi.
  void displace(std::int64_t first_path) {
    if (displacement_.size() == 0) {
      displacement_ = start_displacement(request_.run->manifold, request_.run->manifold.geometry(request_.run->start));
    }
    const auto samples = static_cast<int>(displacement_.cols());
    std::vector<Lanes> zeta(static_cast<std::size_t>(samples * groups_));
    with_groups<most_groups>(groups_, [&]<int Groups>() {
      manifolds::fill_noise<Groups>(request_.run->config.noise_law, {request_.run->config.seed, request_.process},
                                    static_cast<std::uint64_t>(first_path), 0, 1, samples, zeta.data());
    });
    for (int g = 0; g < groups_; ++g) {
      for (int a = 0; a < samples; ++a) {
        const Lanes size = constants_.epsilon * zeta[index(a * groups_ + g)];
        for (int i = 0; i < loss_.dimension(); ++i) {
          states_[index(g)].w[i] = states_[index(g)].w[i] + displacement_(i, a) * size;
        }
      }
    }
  }

  /// Steps of the first phase.
  void descend(std::int64_t last, const std::function<void(std::int64_t)>& on_step) {
    if (request_.first_phase->noisy) {
      advance(last, false, on_step);
      if (on_step) on_step(last);
      return;
    }
    constexpr std::int64_t most = 1024;  // between two looks at the interrupt
    while (step_ < last) {
      throw_if_interrupted();
      const std::int64_t steps = on_step ? 1 : std::min(last - step_, most);
      for (int g = 0; g < groups_; ++g) {
        discrete::advance_noiseless(loss_, constants_, states_[index(g)], steps, scratch_);
      }
      step_ += steps;
      if (on_step) on_step(step_);
    }
  }

  /// Calls on_step for every step but the last.
  void advance(std::int64_t last, bool sum, const std::function<void(std::int64_t)>& on_step) {
    while (step_ < last) {
      throw_if_interrupted();
      const std::int64_t draw = step_ + drawn_before_;
      const Lanes* xi = chunks_.at(draw);
      const int steps = on_step ? 1 : static_cast<int>(std::min(last - step_, chunks_.available_until() - draw));
      std::visit(
          [&](const auto& noise) {
            with_groups<most_groups>(groups_, [&]<int Groups>() {
              discrete::advance<Groups>(loss_, constants_, noise, states_.data(), xi, steps, scratch_);
            });
          },
          noise_);
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
  void step_limit(const std::vector<Lanes>& sums, std::int64_t steps, std::vector<std::vector<Lanes>>& points) {
    const double scale = request_.hyperparameters.increment();
    const double dt = static_cast<double>(steps) / request_.hyperparameters.slow_unit();
    for (int g = 0; g < groups_; ++g) {
      for (std::size_t c = 0; c < dw_.size(); ++c)
        dw_[c] = scale * sums[c * static_cast<std::size_t>(groups_) + index(g)];
      stepper_.step(field_, std::span<Lanes>(points[index(g)]), std::span<const Lanes>(dw_), dt);
    }
  }

  const Loss& loss_;
  const discrete::NoiseModel& noise_;
  discrete::Scratch<Lanes, Loss> scratch_;
  const DiscreteRequest& request_;
  discrete::StepConstants constants_;
  NoiseChunks<most_groups> chunks_;
  std::vector<discrete::State<Lanes, Loss>> states_;
  sde::LimitField<Lanes, Model> field_;
  sde::EulerMaruyama<Lanes> stepper_;
  std::vector<Lanes> sums_, coarse_sums_, dw_;
  Matrix displacement_;  ///< J^+ at the start, once it is needed
  std::vector<std::vector<Lanes>> fine_, coarse_;
  int groups_ = most_groups;
  std::int64_t step_ = 0;
  std::int64_t drawn_before_;  ///< steps with noise before step 0
};

/// One group of lane_count paths of the limiting diffusion with noise of its own, by the weak order 2 scheme.
template <class Loss>
class LimitGroup {
 public:
  using Model = typename Loss::model_type;
  /// `drift_excess`: the drift along the valley is (1 + drift_excess) times the theorem's, the noise as it is.
  LimitGroup(const Loss& loss, const ResolvedRun& run, const sde::LimitForm& form, const NoiseFactor& sigma,
             double drift_excess = 0.0)
      : drift_excess_(drift_excess),
        key_{run.config.seed, static_cast<std::uint32_t>(Process::limit)},
        start_(run.start),
        field_(loss.model(), form, sigma),
        stepper_(loss.dimension(), static_cast<int>(sigma.columns())),
        y_(static_cast<std::size_t>(loss.dimension())),
        draws_(2 * static_cast<std::size_t>(sigma.columns())),
        dw_(static_cast<std::size_t>(sigma.columns())),
        half_(dw_.size()) {
    field_.measure_by(manifolds::least_length(run.manifold, run.start));
    if (drift_excess != 0.0) terms_.assign(3 * y_.size(), Lanes(0.0));
  }

  void start(std::int64_t first_path) {
    first_path_ = static_cast<std::uint64_t>(first_path);
    step_ = 0;
    field_.follow_path();
    for (std::size_t i = 0; i < y_.size(); ++i) y_[i] = Lanes(start_[static_cast<Eigen::Index>(i)]);
  }
  /// `steps` equal steps over a slow time of `time`.
  void run(double time, int steps) {
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
      stepper_.step(field_, std::span<Lanes>(y_), std::span<const Lanes>(dw_), std::span<const Lanes>(half_), dt);
      if (drift_excess_ != 0.0) add_drift(drift_excess_ * dt);
    }
  }
  std::span<const Lanes> point() const { return y_; }

 private:
  /// One Euler step with the mixed and the transverse term alone, DERIVATION (10a).
  void add_drift(double dt) {
    const std::span<Lanes> terms(terms_);
    const std::size_t n = y_.size();
    const auto mixed = terms.subspan(n, n), transverse = terms.last(n);
    field_.drift_terms(std::span<const Lanes>(y_), terms.first(n), mixed, transverse);
    for (std::size_t k = 0; k < n; ++k) y_[k] = y_[k] + dt * (mixed[k] + transverse[k]);
    field_.retract(std::span<Lanes>(y_));
  }

  double drift_excess_;
  manifolds::NoiseKey key_;
  Vector start_;
  sde::LimitField<Lanes, Model> field_;
  sde::WeakOrderTwo<Lanes> stepper_;
  std::vector<Lanes> y_, draws_, dw_, half_, terms_;
  std::uint64_t first_path_ = 0, step_ = 0;
};

}  // namespace valleydrift::run
