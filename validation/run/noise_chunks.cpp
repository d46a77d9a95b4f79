// A piece of draws at a time, by the number of groups that the compiler knows.
#include "validation/run/noise_chunks.hpp"

#include <algorithm>

#include "validation/run/ensemble.hpp"

namespace valleydrift::run {
discrete::NoiseModel noise_model(const RunConfig& config, int samples) {
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

NoiseChunks::NoiseChunks(const discrete::NoiseModel& noise, int draws, NoiseLaw law, manifolds::NoiseKey key,
                         int most_groups)
    : law_(law),
      key_(key),
      draws_(draws),
      groups_(most_groups) {
  // 16 KiB of draws, whole pairs of steps; Rademacher words hold 128 steps.
  const int most = law == NoiseLaw::rademacher ? 128 : 64;
  const int fitting = static_cast<int>(16384 / (sizeof(Lanes) * static_cast<std::size_t>(draws * most_groups)));
  length_ = std::clamp(fitting / 2 * 2, 2, most);
  draws_buffer_.resize(static_cast<std::size_t>(length_ * draws * most_groups));
  const auto* drawn = std::get_if<discrete::DrawnBatchNoise>(&noise);
  if (!drawn) return;
  batches_.emplace(drawn->law(), manifolds::NoiseKey{key.seed, key.process + process::batches});
  labels_buffer_.resize(static_cast<std::size_t>(length_ * (draws - drawn->law().samples) * most_groups));
}

void NoiseChunks::fill(std::int64_t k) {
  begin_ = k / length_ * length_;
  end_ = begin_ + length_;
  manifolds::with_groups(groups_, [&]<int Groups>() {
    if (batches_) return fill_with_batches<Groups>();
    manifolds::fill_noise<Groups>(law_, key_, first_path_, static_cast<std::uint64_t>(begin_), length_, draws_,
                                  draws_buffer_.data());
  });
}

/// Step by step the draws of the labels, then the counts.
template <int Groups>
void NoiseChunks::fill_with_batches() {
  const auto first = static_cast<std::uint64_t>(begin_);
  const int labels = draws_ - batches_->law().samples;
  manifolds::fill_noise<Groups>(law_, key_, first_path_, first, length_, labels, labels_buffer_.data());
  for (int i = 0; i < length_; ++i) {
    std::copy_n(labels_buffer_.data() + i * labels * Groups, labels * Groups,
                draws_buffer_.data() + i * draws_ * Groups);
  }
  batches_->template fill<Groups>(first_path_, first, length_, draws_, draws_buffer_.data() + labels * Groups);
}

void fill_step(NoiseLaw law, manifolds::NoiseKey key, std::uint64_t first_path, std::uint64_t step, int draws,
               int groups, Lanes* out) {
  manifolds::with_groups(
      groups, [&]<int Groups>() { manifolds::fill_noise<Groups>(law, key, first_path, step, 1, draws, out); });
}

}  // namespace valleydrift::run
