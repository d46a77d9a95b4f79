// The draws of an ensemble in pieces, and which noise model a run has.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "discrete/noise_model.hpp"
#include "manifolds/numbers/lanes.hpp"
#include "manifolds/random/batch_draws.hpp"
#include "manifolds/random/noise.hpp"
#include "validation/run/run_config.hpp"

namespace valleydrift::run {

using manifolds::Lanes;

/// The noise model of a run on a loss of so many samples.
discrete::NoiseModel noise_model(const RunConfig& config, int samples);

/// Draws of groups of lanes in pieces that fit the first-level cache, in the order of steps: of every step `draws`
/// numbers, the last of them the counts of the batch if batches are drawn.
class NoiseChunks {
 public:
  /// For at most `most_groups` groups at a time, 1, 2 or 4.
  NoiseChunks(const discrete::NoiseModel& noise, int draws, NoiseLaw law, manifolds::NoiseKey key, int most_groups);
  /// Draws for `groups` groups of lanes, 1, 2 or 4, from path `first_path` on.
  void start(std::uint64_t first_path, int groups) {
    first_path_ = first_path;
    groups_ = groups;
    begin_ = end_ = 0;
  }
  /// The draws of step k; valid up to `available_until`. Steps are asked for in ascending order.
  const Lanes* at(std::int64_t k) {
    if (k >= end_) fill(k);
    return draws_buffer_.data() + (k - begin_) * draws_ * groups_;
  }
  std::int64_t available_until() const { return end_; }
  int draws() const { return draws_; }

 private:
  void fill(std::int64_t k);
  template <int Groups>
  void fill_with_batches();

  NoiseLaw law_;
  manifolds::NoiseKey key_;
  int draws_, length_, groups_;
  std::uint64_t first_path_ = 0;
  std::int64_t begin_ = 0, end_ = 0;
  std::vector<Lanes> draws_buffer_, labels_buffer_;
  std::optional<manifolds::BatchDraws> batches_;
};

/// The draws of one step for `groups` groups from path `first_path` on, `draws` numbers for each, as NoiseChunks has
/// them.
void fill_step(NoiseLaw law, manifolds::NoiseKey key, std::uint64_t first_path, std::uint64_t step, int draws,
               int groups, Lanes* out);

}  // namespace valleydrift::run
