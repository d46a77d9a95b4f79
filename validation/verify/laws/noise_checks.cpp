// The noise and the clock: published and pinned numbers, and counts of steps. But for the paths, which are those of uv,
// none of it concerns a valley.
#include <Random123/philox.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include "discrete/reference.hpp"
#include "manifolds/random/noise.hpp"
#include "sde/field.hpp"
#include "validation/run/plan.hpp"
#include "validation/run/schedule.hpp"
#include "validation/verify/check.hpp"

namespace valleydrift::verify {
namespace {

using manifolds::lane;
using manifolds::lane_count;
using manifolds::Lanes;
using manifolds::NoiseKey;

/// All arguments of a draw but the law.
struct Arguments {
  NoiseKey key;
  std::uint64_t path, step;
  std::uint32_t component;
};

double draw(NoiseLaw law, const Arguments& a) { return manifolds::noise(law, a.key, a.path, a.step, a.component); }

std::string text(const Arguments& a) {
  return fmt::format("seed {}, process {}, path {}, step {}, component {}", a.key.seed, a.key.process, a.path, a.step,
                     a.component);
}

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

/// The sign bits of the 64 steps from a multiple of 64 on that hold `step`, the first step's uppermost.
std::uint64_t signs_of_64_steps(Arguments a) {
  std::uint64_t bits = 0;
  const std::uint64_t first = a.step / 64 * 64;
  for (std::uint64_t i = 0; i < 64; ++i) {
    a.step = first + i;
    bits = bits << 1 | (draw(NoiseLaw::rademacher, a) < 0 ? 1U : 0U);
  }
  return bits;
}

// --- Known answers ---------------------------------------------------------------------------------------------------

using Words = std::array<std::uint32_t, 4>;

/// The normals of an even step and of its successor from four random words: Box-Muller in extended precision. Only u is
/// rounded to a double, as documented: near u = 1 that rounding is far larger than any other error.
std::array<long double, 2> normals_of(const Words& words) {
  const std::uint64_t k = (std::uint64_t{words[1]} << 32 | words[0]) >> 11;
  const auto u = static_cast<double>((static_cast<long double>(k) + 0.25L) * 0x1p-53L);
  const long double radius = std::sqrt(-2.0L * std::log(static_cast<long double>(u)));
  const std::uint64_t digits = std::uint64_t{words[3] & 0xfffff} << 32 | words[2];
  const long double angle = std::numbers::pi_v<long double> / 4 * (static_cast<long double>(digits) * 0x1p-51L - 1.0L);
  const bool mirrored = (words[3] >> 30 & 1) != 0, exchanged = (words[3] >> 31) != 0;
  const long double along = radius * (mirrored ? -std::cos(angle) : std::cos(angle)), across = radius * std::sin(angle);
  return exchanged ? std::array{across, along} : std::array{along, across};
}

/// Random123, tests/kat_vectors, lines `philox4x32 10`: by its own code, and seen through the draws, for which the
/// counter is (path, step group, path and process, step group and component) and the key the seed. The statistic
/// counts wrong answers; a draw is wrong beyond the 2e-15 of manifolds/random/noise.hpp.
Finding run_philox(std::uint64_t) {
  struct Answer {
    Words counter;
    std::array<std::uint32_t, 2> key;
    Words words;
  };
  const std::array answers = {Answer{{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
                              Answer{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                                     {0xffffffff, 0xffffffff},
                                     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
                              Answer{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                                     {0xa4093822, 0x299f31d0},
                                     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
  Worst worst(0.0);
  for (const Answer& a : answers) {
    const auto words =
        r123::Philox4x32()({{a.counter[0], a.counter[1], a.counter[2], a.counter[3]}}, {{a.key[0], a.key[1]}});
    worst.add(std::equal(a.words.begin(), a.words.end(), words.begin()) ? 0.0 : 1.0,
              fmt::format("Philox4x32-10 of counter {:08x} ...", a.counter[0]));
  }
  const bool first = signs_of_64_steps({{0, 0}, 0, 0, 0}) == 0xe169c58d6627e8d5;
  const bool second = signs_of_64_steps({{0, 0}, 0, 64, 0}) == 0x9b00dbd8bc57ac4c;
  worst.add((first ? 0.0 : 1.0) + (second ? 0.0 : 1.0), "signs of 128 steps from counter 0, key 0");
  const std::array<long double, 2> exact = normals_of(answers[2].words);
  for (std::size_t odd = 0; odd < 2; ++odd) {
    const Arguments a{{0x299f31d0a4093822, 0x13}, 0x198a2e243f6a88, 2 * 0x734485a308d3ULL + odd, 0x0370};
    const long double error = std::abs(draw(NoiseLaw::gaussian, a) - exact[odd]) / std::abs(exact[odd]);
    worst.add(error < 2e-15L ? 0.0 : 1.0, "normal of " + text(a));
  }
  return worst.finding();
}

/// Draws that must never change, one for each argument of the key. The statistic counts wrong bits.
Finding run_draws(std::uint64_t) {
  struct Pin {
    Arguments arguments;
    double gaussian;
    std::uint64_t signs;
  };
  const std::uint64_t one = 1;
  const std::array pins = {
      Pin{{{0, 0}, 0, 0, 0}, -0x1.4d36eb91d5462p-2, 0xe169c58d6627e8d5},
      Pin{{{1, 0}, 0, 0, 0}, -0x1.b72a6c08d440fp-4, 0xe50a0ebce3e80670},
      Pin{{{one << 32, 0}, 0, 0, 0}, -0x1.b5bcfda5d8351p-5, 0xfa7e58b6fdde3e0b},
      Pin{{{0, 1}, 0, 0, 0}, -0x1.33151ddd18cfep+0, 0x5e0ad07a00eaa2e5},
      Pin{{{0, 0}, 1, 0, 0}, 0x1.1a1f7a5119f19p+0, 0x5cb200dbf8e4cca4},
      Pin{{{0, 0}, one << 32, 0, 0}, 0x1.055affc83fc4dp-6, 0xf08d6eaa844515e1},
      Pin{{{0, 0}, 0, 1, 0}, 0x1.8abbd8d2fac8p-2, 0xe169c58d6627e8d5},
      Pin{{{0, 0}, 0, 2, 0}, 0x1.ad521a73a391ap-2, 0xe169c58d6627e8d5},
      Pin{{{0, 0}, 0, one << 33, 0}, -0x1.30163faa95ac3p-4, 0x6504dffd66bb21bc},
      Pin{{{0, 0}, 0, 0, 1}, -0x1.3a452b914311ep-3, 0x917b936fe6073e71},
      Pin{{{~std::uint64_t{0}, 255}, (one << 56) - 1, (one << 48) - 1, 65535},
          -0x1.fc6dfe380e1acp-7,
          0x1cebbd7b1c2f0d05},
  };
  Worst worst(0.0);
  for (const Pin& pin : pins) {
    const auto gaussian = std::bit_cast<std::uint64_t>(draw(NoiseLaw::gaussian, pin.arguments));
    worst.add(std::popcount(gaussian ^ std::bit_cast<std::uint64_t>(pin.gaussian)), "normal of " + text(pin.arguments));
    worst.add(std::popcount(signs_of_64_steps(pin.arguments) ^ pin.signs), "64 signs of " + text(pin.arguments));
  }
  return worst.finding();
}

/// The number of draws of a fill in lanes that are not the single draw, bit for bit.
template <int Groups>
void compare_fill(Worst& worst, NoiseLaw law, std::uint64_t first_step, int steps, int components) {
  const NoiseKey key = {0x0123456789abcdef, 200};
  const std::uint64_t first_path = (std::uint64_t{1} << 32) - 3;  // the carry to the upper word falls between two lanes
  const std::size_t size = static_cast<std::size_t>(steps * components * Groups);
  std::vector<Lanes> out(size + 1, Lanes(77.0));
  manifolds::fill_noise<Groups>(law, key, first_path, first_step, steps, components, out.data());
  int wrong = lane(out[size], 0) == 77.0 ? 0 : 1;  // nothing beyond the end
  for (std::size_t at = 0; at < size; ++at) {
    const std::size_t g = at % Groups, c = at / Groups % static_cast<std::size_t>(components),
                      i = at / Groups / static_cast<std::size_t>(components);
    for (int l = 0; l < lane_count; ++l) {
      const Arguments a{key, first_path + g * lane_count + static_cast<std::uint64_t>(l), first_step + i,
                        static_cast<std::uint32_t>(c)};
      wrong += same_bits(lane(out[at], l), draw(law, a)) ? 0 : 1;
    }
  }
  worst.add(wrong, fmt::format("{}, {} groups, {} steps from {}, {} components", name_of(law), Groups, steps,
                               first_step, components));
}

Finding run_fill(std::uint64_t) {
  Worst worst(0.0);
  const std::uint64_t one = 1;
  for (const NoiseLaw law : {NoiseLaw::gaussian, NoiseLaw::rademacher}) {
    for (const std::uint64_t first : {one * 0, one, one * 2, one * 63, one * 127, one * 1000, (one << 33) - 3,
                                      (one << 39) - 5, (one << 48) - 131}) {
      for (const int steps : {0, 1, 2, 3, 64, 131}) {
        for (const int components : {1, 3}) {
          compare_fill<1>(worst, law, first, steps, components);
          compare_fill<2>(worst, law, first, steps, components);
          compare_fill<4>(worst, law, first, steps, components);
        }
      }
    }
  }
  return worst.finding();
}

// --- The clock -------------------------------------------------------------------------------------------------------

/// Records ascend from 0 to the end, each within half a step of its share; blocks between two records are even in
/// number, touch, and hold every step once, each block within a factor 2 of what was asked for.
void count_steps_of_schedule(Worst& worst, std::int64_t steps, int records, std::int64_t block) {
  const std::vector<std::int64_t> at = run::record_steps(steps, records);
  bool good = at.front() == 0 && at.back() == steps;
  std::vector<int> covered(static_cast<std::size_t>(steps), 0);
  for (std::size_t r = 1; r < at.size(); ++r) {
    const double share = static_cast<double>(steps) / records;
    good = good && at[r] > at[r - 1] && std::abs(std::remainder(static_cast<double>(at[r]), share)) <= 0.5 + 1e-9;
    const std::vector<std::int64_t> cuts = run::block_boundaries(at[r - 1], at[r], block);
    good = good && cuts.front() == at[r - 1] && cuts.back() == at[r] && cuts.size() % 2 == 1;
    for (std::size_t b = 1; b < cuts.size(); ++b) {
      good = good && cuts[b] - cuts[b - 1] <= 2 * block;
      for (std::int64_t k = cuts[b - 1]; k < cuts[b]; ++k) ++covered[static_cast<std::size_t>(k)];
    }
  }
  good = good && std::all_of(covered.begin(), covered.end(), [](int n) { return n == 1; });
  worst.add(good ? 0.0 : 1.0,
            fmt::format("records and blocks of {} steps, {} records, blocks of {}", steps, records, block));
}

/// A path of the ensemble, step by step, is the reference path after as many steps; and the limiting diffusion coupled
/// to it has moved once per block, by Euler-Maruyama with dW = (eta eps/mu) sum xi and dt = steps (eta eps/mu)^2.
void follow_path(Worst& worst, const run::ResolvedRun& run, std::int64_t path) {
  const Hyperparameters& h = run.hyperparameters;
  run::DiscreteRequest request = run::own_rung(run, run::plan_comparison(run));
  request.record_steps = {0, 96, 160};
  request.block = 16;
  discrete::ReferencePath reference(
      run.manifold, h, [&run](const Vector& w) { return run.noise_factor(w).dense(); }, run.config.noise_law,
      {run.config.seed, request.process}, static_cast<std::uint64_t>(path), run.start);
  const auto field = sde::make_field<double>(run.manifold, request.form, Matrix(Matrix::Identity(2, 2)));
  Vector y = run.start, sum = Vector::Zero(2);
  double apart = 0.0, limit_apart = 0.0;
  std::int64_t expected_step = 0;
  bool counted = true;
  run::replay_path(request, path,
                   [&](std::int64_t k, const Vector& w, const Vector&, const Vector&, const Vector& limit) {
                     counted = counted && k == expected_step++;
                     apart = std::max(apart, (w - reference.w()).cwiseAbs().maxCoeff());
                     if (k % 16 == 8) limit_apart = std::max(limit_apart, (limit - y).cwiseAbs().maxCoeff());
                     for (std::uint32_t c = 0; c < 2; ++c) {
                       sum[c] += manifolds::noise(run.config.noise_law, {run.config.seed, request.process},
                                                  static_cast<std::uint64_t>(path), static_cast<std::uint64_t>(k), c);
                     }
                     if ((k + 1) % 16 == 0) {
                       const double mobility = h.eta * h.epsilon / h.mu;
                       const Vector dw = mobility * sum;
                       Vector move(2);
                       field->ito_increment({y.data(), 2}, 16 * mobility * mobility, {dw.data(), 2}, {move.data(), 2});
                       y += move;
                       field->retract({y.data(), 2});
                       sum.setZero();
                     }
                     reference.step();
                   });
  worst.add(counted && expected_step == 161 ? 0.0 : 1.0, fmt::format("{} steps of 160 are shown", expected_step - 1));
  worst.add(apart < 1e-12 ? 0.0 : 1.0, fmt::format("path {} is {:.2g} from the reference path", path, apart));
  worst.add(limit_apart < 1e-12 ? 0.0 : 1.0,
            fmt::format("its limit is {:.2g} from Euler-Maruyama by hand", limit_apart));
}

/// Half the epsilon takes exactly four times the steps.
Finding run_schedule(std::uint64_t) {
  Worst worst(0.0);
  for (const std::int64_t steps : {1, 19, 20, 21, 1000, 12345}) {
    for (const std::int64_t block : {1, 7, 64}) count_steps_of_schedule(worst, steps, 20, block);
  }
  const Hyperparameters whole{Scheme::heavy_ball, 0.02, 0.1, 0.0625}, half{Scheme::heavy_ball, 0.02, 0.1, 0.03125};
  worst.add(half.slow_unit() == 4.0 * whole.slow_unit() ? 0.0 : 1.0, "steps per slow unit at half the epsilon");
  return worst.finding();
}

/// Slow time is k (eta eps/mu)^2, DERIVATION (9). Rounding of 160 steps leaves 1e-14 in a path; a draw at the wrong
/// step moves it by eta eps = 1e-3.
Finding run_clock(const CheckSite& site) {
  Worst worst(0.0);
  run::RunConfig config;
  config.noise = run::NoiseKind::isotropic;
  config.seed = site.seed;
  config.epsilon = 0.0625;
  config.time = 2.0;
  const run::ResolvedRun run = run::resolve(config);
  const run::Plan plan = run::plan_comparison(run);
  const Hyperparameters& h = run.hyperparameters;
  for (std::size_t r = 0; r < plan.times.size(); ++r) {
    const double time = static_cast<double>(plan.record_steps[r]) * std::pow(h.eta * h.epsilon / h.mu, 2);
    worst.add(std::abs(plan.times[r] - time) < 1e-13 ? 0.0 : 1.0,
              fmt::format("slow time of step {}", plan.record_steps[r]));
  }
  // The end is rounded to a step, (eta eps/mu)^2 = 1e-3 of slow time.
  worst.add(std::abs(plan.times.back() - 2.0) < 1e-3 ? 0.0 : 1.0, "the last record is at t = 2");
  for (const std::int64_t path : {0, 5}) follow_path(worst, run, path);
  return worst.finding();
}

}  // namespace

std::vector<Check> noise_checks() {
  constexpr auto deterministic = CheckKind::deterministic;
  return {
      {.id = "D14-philox",
       .kind = deterministic,
       .claim = "the generator gives Random123's published Philox4x32-10 answers",
       .equation = "section 1",
       .advice = "another generator, order of words or Box-Muller: manifolds/random/noise.cpp",
       .run_once = run_philox},
      {.id = "D14-draws",
       .kind = deterministic,
       .claim = "draws depend on seed, process, path, step and component as pinned, in both laws",
       .equation = "section 1",
       .advice = "an argument is left out, exchanged or packed elsewhere in the counter: manifolds/random/noise.cpp",
       .run_once = run_draws},
      {.id = "D14-fill",
       .kind = deterministic,
       .claim = "draws on lanes are the single draws, bit for bit",
       .equation = "section 1",
       .advice = "the layout or the arithmetic of fill_noise in manifolds/random/noise.cpp differs from noise()",
       .run_once = run_fill},
      {.id = "D14-schedule",
       .kind = deterministic,
       .claim = "records and blocks hold every step once; half the epsilon takes four times the steps",
       .equation = "(9), (28)",
       .advice = "validation/run/schedule.cpp, or slow_unit of manifolds/hyperparameters.hpp",
       .run_once = run_schedule},
      on_drawn_paths(
          {"D14-clock", deterministic, "slow time is k (eta eps/mu)^2; one step takes one draw, also in the limit",
           "(9), (28)",
           "validation/run/plan.cpp, slow_unit and increment of manifolds/hyperparameters.hpp, DiscreteGroup in "
           "validation/run/discrete_group.cpp",
           [](const Manifold& m) { return m.name() == "uv"; }, run_clock}),
  };
}

}  // namespace valleydrift::verify
