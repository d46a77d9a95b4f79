// Philox4x32-10 in lanes, and the laws that make normal or Rademacher draws of its words.
#include "manifolds/random/noise.hpp"

#include <Random123/philox.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <numbers>
#include <stdexcept>

#include "manifolds/numbers/lane_math.hpp"

// The generator is Philox4x32 with 10 rounds, whose key is the seed. Its counter of four 32-bit words holds
//   word 0   path, bits 0 to 31
//   word 1   step group, bits 0 to 31
//   word 2   path, bits 32 to 55; above them the process, 8 bits
//   word 3   step group, bits 32 to 47; above them the component, 16 bits
// so different arguments never share a counter. The step group is step / 2 for the Gaussian law, step / 128 for the
// Rademacher law. The first round multiplies words 0 and 2 only: that is why they hold what does not change from step
// to step, and why that round is done once per path. Plain words have the step itself for the step group, and four to a
// component.
namespace valleydrift::manifolds {
namespace {

constexpr int rademacher_steps = 128;  // bits of one counter
constexpr int words_of_block = 4;

// The four words that belong to one counter in each lane of T: the low halves of 64-bit words; the high halves are
// arbitrary.
template <class T>
using Block = std::array<Words<T>, 4>;

void check_range(NoiseKey key, std::uint64_t last_path, std::uint64_t last_step, std::uint32_t last_component) {
  if (key.process >> 8 != 0 || last_path >> 56 != 0 || last_step >> 48 != 0 || last_component >> 16 != 0) {
    throw std::out_of_range("noise: needs process < 2^8, path < 2^56, step < 2^48 and component < 2^16");
  }
}

// --- The laws: from random bits to draws ---

template <class T>
struct NormalPair {
  T even, odd;  // the draws of steps 2 j and 2 j + 1
};

// Box-Muller transform: sqrt(-2 ln u) (cos, sin)(angle) with u uniform in (0, 1) and a uniform angle.
// Stage by stage for N blocks, so that the latencies of one overlap with the work on another.
template <class T, std::size_t N>
[[gnu::always_inline]] inline std::array<NormalPair<T>, N> normal_pairs(const std::array<Block<T>, N>& random) {
  std::array<T, N> exponent, s;
  std::array<NormalPair<T>, N> normals;
  for (std::size_t n = 0; n < N; ++n) {
    // u = (k + 1/4) 2^-53 with 53 random bits k: at least 2^-55, and 1 - 2^-53 at most, because the quarter is rounded
    // off near 1. Each half of k becomes the low digits of a number whose leading digit is then subtracted.
    const T u_high = number_of((random[n][1] & 0xffffffff) | std::bit_cast<std::uint64_t>(0x1p20));
    const T u_low = number_of((random[n][0] & 0xfffff800) | (std::bit_cast<std::uint64_t>(0x1p-12) | 0x200));
    const polynomial::Split<T> u = polynomial::split((u_high - (0x1p20 + 0x1p-12)) + u_low);
    const T f = u.mantissa - 1.0;
    s[n] = f / (2.0 + f);
    exponent[n] = u.exponent;
  }
  for (std::size_t n = 0; n < N; ++n) {
    // 52 bits give the angle (pi/4) t, -1 <= t < 1. Bit 30 of the last word mirrors that quarter of the circle to its
    // opposite, bit 31 exchanges the axes.
    const Words<T> last = random[n][3] << 32;
    const Words<T> digits = (random[n][2] & 0xffffffff) | (last & 0x000fffff00000000);
    const T t = number_of(digits | std::bit_cast<std::uint64_t>(2.0)) - 3.0;
    const T t2 = t * t;
    const T sine = t * polynomial::powers(t2, 0x1.921fb54442d18p-1, -0x1.4abbce625be41p-4, 0x1.466bc67758700p-9,
                                          -0x1.32d2cce2d5348p-15, 0x1.50782fca3694ap-22, -0x1.e300639dd9336p-30,
                                          0x1.e3eed4eff207bp-38);  // error of the fit 2^-58
    const T cosine =
        1.0 + t2 * polynomial::powers(t2, -0x1.3bd3cc9be45a5p-2, 0x1.03c1f081b14bep-6, -0x1.55d3c7dcb5f51p-12,
                                      0x1.e1f4fbfc0136ap-19, -0x1.a6ca009651699p-26, 0x1.f3ef42492550bp-34);  // 2^-54
    const T mirrored = number_of(words_of(cosine) ^ ((last << 1) & 0x8000000000000000));
    const auto exchanged = has_top_bit(last);
    normals[n] = {select(exchanged, sine, mirrored), select(exchanged, mirrored, sine)};
  }
  for (std::size_t n = 0; n < N; ++n) {
    const T s2 = s[n] * s[n];
    const T log_mantissa =  // ln(mantissa) = 2 artanh(s), here times -2; error of the fit 2^-59
        s[n] * (-4.0 + s2 * polynomial::powers(s2, -0x1.5555555555592p+0, -0x1.999999997fe5cp-1, -0x1.24924941e98fbp-1,
                                               -0x1.c71c520eb807dp-2, -0x1.74663ded12d04p-2, -0x1.39a1d1cbd0fe0p-2,
                                               -0x1.2f048cafea64ap-2));
    const T radius = sqrt(log_mantissa - exponent[n] * (2 * std::numbers::ln2));
    normals[n] = {radius * normals[n].even, radius * normals[n].odd};
  }
  return normals;
}

// The 64 bits that decide the signs of steps [64 half, 64 half + 64) of a step group, the first step's uppermost.
template <class T>
Words<T> sign_bits(const Block<T>& random, int half) {
  return (random[2 * half] & 0xffffffff) | (random[2 * half + 1] << 32);
}

// -1 where the uppermost bit is set, else 1.
template <class T>
T uppermost_sign(Words<T> bits) {
  return number_of((bits & 0x8000000000000000) | std::bit_cast<std::uint64_t>(1.0));
}

// --- The generator in lanes ---

// Products of the low halves. Written with vector operators, g++ 12 would use a slower 64-bit multiplication.
inline WordVector multiply_low_halves(WordVector a, std::uint64_t b) {
  const WordVector factor = WordVector{} + b;
#if defined(__AVX512F__)
  // the form with mask, all lanes: g++ 12 warns falsely about the other
  return reinterpret_cast<WordVector>(
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(factor)));
#elif defined(__AVX2__)
  return reinterpret_cast<WordVector>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(factor)));
#else
  return reinterpret_cast<WordVector>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(factor)));
#endif
}

constexpr int rounds = 10;

// Which of the groups of paths, and which step group.
struct Place {
  int group;
  std::uint64_t step_group;
};

// Philox4x32-10 for the paths of Groups x Lanes and one key.
template <int Groups>
class Generator {
 public:
  Generator(NoiseKey key, std::uint64_t first_path) {
    auto key_0 = static_cast<std::uint32_t>(key.seed), key_1 = static_cast<std::uint32_t>(key.seed >> 32);
    for (auto& [word_0, word_1] : round_keys_) {
      word_0 = WordVector{} + key_0;
      word_1 = WordVector{} + key_1;
      key_0 += PHILOX_W32_0;
      key_1 += PHILOX_W32_1;
    }
    for (int g = 0; g < Groups; ++g) {
      WordVector path;
      for (int l = 0; l < lane_count; ++l) {
        path[l] = first_path + g * lane_count + l;
      }
      const WordVector product_0 = multiply_low_halves(path, PHILOX_M4x32_0);
      const WordVector product_1 = multiply_low_halves((path >> 32) | key.process << 24, PHILOX_M4x32_1);
      first_round_[g] = {(product_1 >> 32) ^ round_keys_[0][0], product_1, (product_0 >> 32) ^ round_keys_[0][1],
                         product_0};
    }
  }

  // The random words of one component at N places.
  // Several counters at a time hide the latency of the multiplications.
  template <std::size_t N>
  [[gnu::always_inline]] std::array<Block<Lanes>, N> draw(const std::array<Place, N>& places,
                                                          std::uint32_t component) const {
    std::array<Block<Lanes>, N> x;
    for (std::size_t n = 0; n < N; ++n) {
      const WordVector word_1 = WordVector{} + (places[n].step_group & 0xffffffff);
      const WordVector word_3 = WordVector{} + (places[n].step_group >> 32 | component << 16);
      // Word by word: a copy of the array as a whole was measured up to twice as slow.
      const Block<Lanes>& start = first_round_[places[n].group];
      x[n] = {start[0] ^ word_1, start[1], start[2] ^ word_3, start[3]};
    }
    for (int round = 1; round < rounds; ++round) {
      for (std::size_t n = 0; n < N; ++n) {
        const WordVector product_0 = multiply_low_halves(x[n][0], PHILOX_M4x32_0);
        const WordVector product_1 = multiply_low_halves(x[n][2], PHILOX_M4x32_1);
        x[n] = {(product_1 >> 32) ^ (x[n][1] ^ round_keys_[round][0]), product_1,
                (product_0 >> 32) ^ (x[n][3] ^ round_keys_[round][1]), product_0};
      }
    }
    return x;
  }

 private:
  std::array<std::array<WordVector, 2>, rounds> round_keys_;
  std::array<Block<Lanes>, Groups> first_round_;  // without words 1 and 3 of the counter
};

template <int Groups>
void fill_gaussian(NoiseKey key, std::uint64_t first_path, std::uint64_t first_step, int steps, int components,
                   Lanes* out) {
  // Two blocks at a time: measured 1.6 times faster than one; with four the registers no longer suffice.
  constexpr int pairs_at_once = Groups == 1 ? 2 : 1;
  const Generator<Groups> generator(key, first_path);
  const std::uint64_t end = first_step + steps;
  for (std::uint64_t pair = first_step / 2; 2 * pair < end; pair += pairs_at_once) {
    for (int c = 0; c < components; ++c) {
      const auto write = [&](std::uint64_t step, int group, Lanes draw) {
        if (first_step <= step && step < end) {  // the first and the last pair may stick out
          out[((step - first_step) * components + c) * Groups + group] = draw;
        }
      };
      for (int g = 0; g < Groups; g += 2) {
        const std::array<Place, 2> places = Groups == 1 ? std::array<Place, 2>{{{0, pair}, {0, pair + 1}}}
                                                        : std::array<Place, 2>{{{g, pair}, {g + 1, pair}}};
        const auto normals = normal_pairs<Lanes>(generator.draw(places, c));
        for (std::size_t n = 0; n < normals.size(); ++n) {
          write(2 * places[n].step_group, places[n].group, normals[n].even);
          write(2 * places[n].step_group + 1, places[n].group, normals[n].odd);
        }
      }
    }
  }
}

template <int Groups>
void fill_rademacher(NoiseKey key, std::uint64_t first_path, std::uint64_t first_step, int steps, int components,
                     Lanes* out) {
  const Generator<Groups> generator(key, first_path);
  const std::uint64_t end = first_step + steps;
  for (std::uint64_t step = first_step; step < end;) {
    const std::uint64_t word_end = std::min(end, (step / 64 + 1) * 64);  // the steps whose signs are in one 64-bit word
    for (int c = 0; c < components; ++c) {
      std::array<Place, Groups> places;
      for (int g = 0; g < Groups; ++g) {
        places[g] = {g, step / rademacher_steps};
      }
      const auto random = generator.draw(places, c);
      std::array<WordVector, Groups> bits;
      for (int g = 0; g < Groups; ++g) {
        bits[g] = sign_bits<Lanes>(random[g], step / 64 % 2) << (step % 64);
      }
      Lanes* to = out + c * Groups;
      for (std::uint64_t s = step; s < word_end; ++s, to += components * Groups) {
        for (int g = 0; g < Groups; ++g) {
          to[g] = uppermost_sign<Lanes>(bits[g]);
          bits[g] += bits[g];  // the next step's bit moves up
        }
      }
    }
    out += static_cast<std::ptrdiff_t>(word_end - step) * components * Groups;
    step = word_end;
  }
}

/// The four words of one counter.
r123::Philox4x32::ctr_type random_block(NoiseKey key, std::uint64_t path, std::uint64_t step_group,
                                        std::uint32_t component) {
  const r123::Philox4x32::ctr_type counter = {{static_cast<std::uint32_t>(path), static_cast<std::uint32_t>(step_group),
                                               static_cast<std::uint32_t>(path >> 32) | key.process << 24,
                                               static_cast<std::uint32_t>(step_group >> 32) | component << 16}};
  const r123::Philox4x32::key_type seed = {
      {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)}};
  return r123::Philox4x32()(counter, seed);
}

}  // namespace

std::span<const Named<NoiseLaw>> names_of(NoiseLaw) {
  static constexpr Named<NoiseLaw> names[] = {{NoiseLaw::gaussian, "gaussian"},
                                              {NoiseLaw::rademacher, "rademacher", "+1 or -1"}};
  return names;
}

double noise(NoiseLaw law, NoiseKey key, std::uint64_t path, std::uint64_t step, std::uint32_t component) {
  check_range(key, path, step, component);
  const std::uint64_t step_group = step / (law == NoiseLaw::gaussian ? 2 : rademacher_steps);
  const r123::Philox4x32::ctr_type words = random_block(key, path, step_group, component);
  const Block<double> random = {words[0], words[1], words[2], words[3]};
  if (law == NoiseLaw::rademacher) {
    return uppermost_sign<double>(sign_bits<double>(random, step / 64 % 2) << (step % 64));
  }
  const NormalPair<double> normals = normal_pairs<double, 1>({random})[0];
  return step % 2 == 0 ? normals.even : normals.odd;
}

template <int Groups>
void fill_noise(NoiseLaw law, NoiseKey key, std::uint64_t first_path, std::uint64_t first_step, int steps,
                int components, Lanes* out) {
  if (steps <= 0 || components <= 0) {
    return;
  }
  check_range(key, first_path, first_step, 0);  // first, because the sums below could wrap around
  check_range(key, first_path + (Groups * lane_count - 1), first_step + (steps - 1), components - 1);
  if (law == NoiseLaw::gaussian) {
    fill_gaussian<Groups>(key, first_path, first_step, steps, components, out);
  } else {
    fill_rademacher<Groups>(key, first_path, first_step, steps, components, out);
  }
}

std::uint32_t random_word(NoiseKey key, std::uint64_t path, std::uint64_t step, std::uint32_t word) {
  check_range(key, path, step, word / words_of_block);
  return random_block(key, path, step, word / words_of_block)[word % words_of_block];
}

template <int Groups>
void fill_words(NoiseKey key, std::uint64_t first_path, std::uint64_t first_step, int steps, int words,
                WordVector* out) {
  if (steps <= 0 || words <= 0) return;
  check_range(key, first_path, first_step, 0);
  check_range(key, first_path + (Groups * lane_count - 1), first_step + (steps - 1), (words - 1) / words_of_block);
  const Generator<Groups> generator(key, first_path);
  std::array<Place, Groups> places;
  for (int i = 0; i < steps; ++i) {
    for (int g = 0; g < Groups; ++g) places[g] = {g, first_step + i};
    for (int first = 0; first < words; first += words_of_block) {
      const auto random = generator.draw(places, first / words_of_block);
      for (int j = first; j < std::min(words, first + words_of_block); ++j, out += Groups) {
        for (int g = 0; g < Groups; ++g) out[g] = random[g][j - first] & 0xffffffff;
      }
    }
  }
}

template void fill_words<1>(NoiseKey, std::uint64_t, std::uint64_t, int, int, WordVector*);
template void fill_words<2>(NoiseKey, std::uint64_t, std::uint64_t, int, int, WordVector*);
template void fill_words<4>(NoiseKey, std::uint64_t, std::uint64_t, int, int, WordVector*);
template void fill_noise<1>(NoiseLaw, NoiseKey, std::uint64_t, std::uint64_t, int, int, Lanes*);
template void fill_noise<2>(NoiseLaw, NoiseKey, std::uint64_t, std::uint64_t, int, int, Lanes*);
template void fill_noise<4>(NoiseLaw, NoiseKey, std::uint64_t, std::uint64_t, int, int, Lanes*);

}  // namespace valleydrift::manifolds
