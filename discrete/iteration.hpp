// Noisy SGD with momentum: the update rule, and the loop that every ensemble runs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "discrete/noise_model.hpp"
#include "discrete/step_constants.hpp"
#include "manifolds/loss.hpp"
#include "manifolds/numbers/buffer.hpp"

namespace valleydrift::discrete {

using manifolds::Buffer;

/// Weights w and momentum p, D numbers each.
template <class T, class Loss>
struct State {
  explicit State(const Loss& loss) : w(loss.dimension()), p(loss.dimension()) {}
  Buffer<T, Loss::static_dimension> w, p;
};

/// Working storage of a step; in registers where the model's size is known.
template <class T, class Loss>
struct Scratch {
  explicit Scratch(const Loss& loss)
      : x(loss.dimension()),
        g(loss.dimension()),
        shift(loss.label_count()),
        residuals(loss.scratch_size()) {}
  Buffer<T, Loss::static_dimension> x, g;
  Buffer<T, Loss::static_labels> shift, residuals;

  /// What a loop works on: this storage where it lives on the heap, else a local copy, which the compiler can keep in
  /// registers.
  using Local = std::conditional_t<Loss::static_dimension == manifolds::dynamic, Scratch&, Scratch>;
};

/// Advances `Groups` independent states by `steps` steps in lockstep, interleaved so that their latencies overlap:
///   p <- beta p - grad L(w + look_ahead p) + epsilon sigma xi,   w <- w + eta p          DERIVATION (1), (2)
/// xi[(i draws + c) Groups + g] is component c of the draw of step i for group g (the layout of fill_noise); T is
/// double (the reference, one path) or Lanes (one path per lane).
template <int Groups, class T, class Loss, class Noise>
void advance(const Loss& loss, const StepConstants& k, const Noise& noise, State<T, Loss>* states, const T* xi,
             int steps, Scratch<T, Loss>& scratch) {
  const int dimension = loss.dimension();
  const auto size = static_cast<std::size_t>(dimension);
  const int draws = noise.draw_count(loss);
  typename Scratch<T, Loss>::Local local = scratch;
  auto& [x, g, shift, residuals] = local;
  const T beta(k.beta), eta(k.eta), look_ahead(k.look_ahead);
  // Where the state lives in memory a copy is worth avoiding; where it lives in registers a pointer would force it out.
  const bool looks_ahead = Loss::static_dimension != manifolds::dynamic || k.look_ahead != 0.0;
  for (int i = 0; i < steps; ++i, xi += static_cast<std::ptrdiff_t>(draws) * Groups) {
    for (int group = 0; group < Groups; ++group) {
      auto& [w, p] = states[group];
      const T* at = w.data();
      if (looks_ahead) {
        for (int d = 0; d < dimension; ++d) x[d] = w[d] + look_ahead * p[d];
        at = x.data();
      }
      noise.template gradient<T>(loss, std::span<const T>(at, size), k, xi + group, Groups,
                                 std::span<T>(shift.data(), shift.size()),
                                 std::span<T>(residuals.data(), residuals.size()), std::span<T>(g.data(), size));
      for (int d = 0; d < dimension; ++d) {
        p[d] = beta * p[d] - g[d];
        w[d] = w[d] + eta * p[d];
      }
    }
  }
}

/// The same without noise for one state, any number of steps.
template <class T, class Loss>
void advance_noiseless(const Loss& loss, const StepConstants& k, State<T, Loss>& state, std::int64_t steps,
                       Scratch<T, Loss>& scratch) {
  constexpr int at_once = 1 << 20;
  for (; steps > 0; steps -= at_once) {
    advance<1>(loss, k, NoNoise{}, &state, static_cast<const T*>(nullptr),
               static_cast<int>(std::min<std::int64_t>(steps, at_once)), scratch);
  }
}

}  // namespace valleydrift::discrete
