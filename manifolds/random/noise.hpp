// The noise xi: a pure function of seed, process, path, step and component.
#pragma once

#include <cstdint>
#include <string>

#include "manifolds/enum_names.hpp"
#include "manifolds/numbers/lane_math.hpp"

namespace valleydrift::manifolds {

// The distribution of one draw, of mean 0 and variance 1: standard normal, or -1 and +1 with equal probability.
enum class NoiseLaw { gaussian, rademacher };
std::span<const Named<NoiseLaw>> names_of(NoiseLaw);

// Names one random process: a seed, and which of its processes, such as a rung of a ladder or the limiting diffusion.
struct NoiseKey {
  std::uint64_t seed;
  std::uint32_t process;  // below 2^8
};

// The draw xi of one path (below 2^56), step (below 2^48) and component (below 2^16).
//
// A pure function: there is no state, and no dependence on threads, order of evaluation or lane width. Draws that
// differ in any argument are independent, except the two laws at the same arguments, which share their random bits.
// Gaussian draws are Box-Muller's function of 105 random bits with a relative error below 2e-15, and reach 8.7 standard
// deviations.
// Throws std::out_of_range for an argument beyond its bound.
double noise(NoiseLaw law, NoiseKey key, std::uint64_t path, std::uint64_t step, std::uint32_t component);

// The same draws, bit for bit, of Groups x lane_count consecutive paths. For i in [0, steps) and c in [0, components),
// lane l of out[(i components + c) Groups + g] is component c of path first_path + g lane_count + l at step
// first_step + i. Throws std::out_of_range as above; no steps or no components write nothing.
//
// Steps 2 j and 2 j + 1 share the work of a Gaussian draw, the steps [128 j, 128 j + 128) that of a Rademacher draw, so
// runs of steps should start and end at multiples of that. Groups is 1, 2 or 4.
template <int Groups>
void fill_noise(NoiseLaw law, NoiseKey key, std::uint64_t first_path, std::uint64_t first_step, int steps,
                int components, Lanes* out);

// 32 random bits of their own for every (path, step, word < 2^18): uniform on [0, 2^32). They come from the same
// generator as the draws above, so `key` must name a process that nothing else draws from. Throws std::out_of_range as
// above.
std::uint32_t random_word(NoiseKey key, std::uint64_t path, std::uint64_t step, std::uint32_t word);

// The same words of Groups x lane_count consecutive paths, in the low halves; the high halves are 0. Lane l of
// out[(i words + j) Groups + g] is word j of path first_path + g lane_count + l at step first_step + i.
template <int Groups>
void fill_words(NoiseKey key, std::uint64_t first_path, std::uint64_t first_step, int steps, int words,
                WordVector* out);

}  // namespace valleydrift::manifolds

namespace valleydrift {
using manifolds::NoiseLaw;
}  // namespace valleydrift
