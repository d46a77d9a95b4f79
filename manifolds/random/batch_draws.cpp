// Selection sampling without replacement, independent draws with it; the variance of the multiplicities.
#include "manifolds/random/batch_draws.hpp"

#include <cstddef>

namespace valleydrift::manifolds {
namespace {

/// Random words of a step: one for each sample without replacement, one for each draw with.
int word_count(const BatchLaw& law) { return law.draw == Draw::without_replacement ? law.samples : law.size; }

}  // namespace

std::span<const Named<Draw>> names_of(Draw) {
  static constexpr Named<Draw> names[] = {{Draw::without_replacement, "without-replacement"},
                                          {Draw::with_replacement, "with-replacement"}};
  return names;
}

double BatchLaw::spread() const {
  if (draw == Draw::with_replacement) return ratio();
  return samples == size ? 0.0 : ratio() * (samples - size) / (samples - 1.0);
}

// Without replacement by selection sampling: sample a of n is taken if u (n - a) < 2^32 (samples still wanted), u
// uniform on [0, 2^32). The last samples are taken surely once as many are wanted as are left, and none once none is
// wanted. With replacement the draw falls on the sample floor(u n / 2^32).

std::vector<int> batch_counts(const BatchLaw& law, NoiseKey key, std::uint64_t path, std::uint64_t step) {
  std::vector<int> counts(static_cast<std::size_t>(law.samples));
  auto wanted = static_cast<std::uint64_t>(law.size);
  for (int j = 0; j < word_count(law); ++j) {
    const std::uint64_t u = random_word(key, path, step, static_cast<std::uint32_t>(j));
    if (law.draw == Draw::with_replacement) {
      ++counts[static_cast<std::size_t>(u * static_cast<std::uint64_t>(law.samples) >> 32)];
    } else if (u * static_cast<std::uint64_t>(law.samples - j) < wanted << 32) {
      counts[static_cast<std::size_t>(j)] = 1;
      --wanted;
    }
  }
  return counts;
}

template <int Groups>
void BatchDraws::fill(std::uint64_t first_path, std::uint64_t first_step, int steps, int row, Lanes* out) {
  const int words = word_count(law_), samples = law_.samples;
  words_.resize(static_cast<std::size_t>(steps) * static_cast<std::size_t>(words * Groups));
  fill_words<Groups>(key_, first_path, first_step, steps, words, words_.data());
  const WordVector* u = words_.data();
  for (int i = 0; i < steps; ++i, u += words * Groups, out += static_cast<std::ptrdiff_t>(row) * Groups) {
    for (int g = 0; g < Groups; ++g) {
      if (law_.draw == Draw::without_replacement) {
        WordVector wanted = WordVector{} + static_cast<std::uint64_t>(law_.size);
        for (int a = 0; a < samples; ++a) {
          const WordVector taken =
              reinterpret_cast<WordVector>(u[a * Groups + g] * static_cast<std::uint64_t>(samples - a) < wanted << 32);
          wanted += taken;  // all bits set: one less
          out[a * Groups + g] = number_of(taken & words_of(Lanes(1.0)));
        }
      } else {
        for (int a = 0; a < samples; ++a) out[a * Groups + g] = Lanes(0.0);
        for (int j = 0; j < words; ++j) {
          const WordVector at = u[j * Groups + g] * static_cast<std::uint64_t>(samples) >> 32;
          for (int l = 0; l < lane_count; ++l) out[static_cast<int>(at[l]) * Groups + g].vector[l] += 1.0;
        }
      }
    }
  }
}

template void BatchDraws::fill<1>(std::uint64_t, std::uint64_t, int, int, Lanes*);
template void BatchDraws::fill<2>(std::uint64_t, std::uint64_t, int, int, Lanes*);
template void BatchDraws::fill<4>(std::uint64_t, std::uint64_t, int, int, Lanes*);

}  // namespace valleydrift::manifolds
