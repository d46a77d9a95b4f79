// Which samples a step of training sees: batches drawn from the data, as a pure function of seed, process, path and
// step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "manifolds/enum_names.hpp"
#include "manifolds/random/noise.hpp"

namespace valleydrift::manifolds {

/// How the samples of a batch are drawn: all different, or each from all samples anew.
enum class Draw { without_replacement, with_replacement };
std::span<const Named<Draw>> names_of(Draw);

/// Batches of `size` out of `samples`. N_a, the number of times that sample a is drawn, has the mean size/samples.
struct BatchLaw {
  int samples;
  int size;  ///< at least 1; without replacement at most `samples`
  Draw draw;

  /// n/b: with it m_a = (n/b) N_a has the mean 1.
  double ratio() const { return static_cast<double>(samples) / size; }
  /// nu in Cov(m_a, m_c) = nu (delta_ac - 1/n), DERIVATION (48): n/b with replacement, n (n - b) / (b (n - 1)) without.
  double spread() const;
  /// Whether a sample can be drawn twice in a step.
  bool repeats() const { return draw == Draw::with_replacement && size > 1; }
};

/// N_a of one path and step. `key` names a process that nothing else draws from. Every batch has the probability of the
/// law to a relative error of `samples` 2^-32 without replacement (each sample in turn is taken with the probability
/// that the samples still wanted and still left give), and each draw with replacement to 2^-32.
std::vector<int> batch_counts(const BatchLaw& law, NoiseKey key, std::uint64_t path, std::uint64_t step);

/// The same counts on lanes: lane l of out[((i row) + a) Groups + g] is N_a of path first_path + g lane_count + l at
/// step first_step + i, with `row` >= samples entries to a step.
class BatchDraws {
 public:
  BatchDraws(const BatchLaw& law, NoiseKey key) : law_(law), key_(key) {}
  const BatchLaw& law() const { return law_; }
  template <int Groups>
  void fill(std::uint64_t first_path, std::uint64_t first_step, int steps, int row, Lanes* out);

 private:
  BatchLaw law_;
  NoiseKey key_;
  std::vector<WordVector> words_;
};

}  // namespace valleydrift::manifolds
