// Noisy SGD with momentum: the update rule, and the loop that every ensemble runs.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>

#include "manifolds/hyperparameters.hpp"
#include "manifolds/loss.hpp"
#include "manifolds/numbers/buffer.hpp"
#include "manifolds/random/batch_draws.hpp"

namespace valleydrift::discrete {

using manifolds::Buffer;
using manifolds::Hyperparameters;
using manifolds::Scheme;

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

/// The numbers of one step. Nesterov takes the gradient at w + look_ahead p, DERIVATION (2); heavy ball has 0 there.
struct StepConstants {
  explicit StepConstants(const Hyperparameters& h)
      : eta(h.eta),
        beta(h.beta()),
        epsilon(h.epsilon),
        look_ahead(h.scheme == Scheme::nesterov ? h.eta * h.beta() : 0.0) {}
  double eta, beta, epsilon, look_ahead;
};

// The noise models, DERIVATION (4): grad L(x) - epsilon sigma(x) xi. `xi` holds draw_count numbers, `stride` apart.

/// sigma = s J^T: every label is moved by epsilon xi_a.
struct LabelNoise {
  template <class Loss>
  static constexpr int static_draws = Loss::static_labels;
  template <class Loss>
  int draw_count(const Loss& loss) const {
    return loss.label_count();
  }
  template <class T, class Loss>
  void gradient(const Loss& loss, std::span<const T> x, const StepConstants& k, const T* xi, int stride,
                std::span<T> shift, std::span<T> scratch, std::span<T> g) const {
    for (std::size_t a = 0; a < shift.size(); ++a) shift[a] = k.epsilon * xi[a * static_cast<std::size_t>(stride)];
    loss.template noisy_gradient<T>(x, shift, scratch, g);
  }
};

/// sigma = I.
struct IsotropicNoise {
  template <class Loss>
  static constexpr int static_draws = Loss::static_dimension;
  template <class Loss>
  int draw_count(const Loss& loss) const {
    return loss.dimension();
  }
  template <class T, class Loss>
  void gradient(const Loss& loss, std::span<const T> x, const StepConstants& k, const T* xi, int stride,
                std::span<T> /*shift*/, std::span<T> scratch, std::span<T> g) const {
    loss.template gradient<T>(x, scratch, g);
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = g[i] - k.epsilon * xi[i * static_cast<std::size_t>(stride)];
  }
};

/// A constant D x r matrix sigma.
class ConstantNoise {
 public:
  template <class Loss>
  static constexpr int static_draws = manifolds::dynamic;
  explicit ConstantNoise(Eigen::MatrixXd sigma) : sigma_(std::move(sigma)) {}
  template <class Loss>
  int draw_count(const Loss&) const {
    return static_cast<int>(sigma_.cols());
  }
  template <class T, class Loss>
  void gradient(const Loss& loss, std::span<const T> x, const StepConstants& k, const T* xi, int stride,
                std::span<T> /*shift*/, std::span<T> scratch, std::span<T> g) const {
    loss.template gradient<T>(x, scratch, g);
    for (Eigen::Index j = 0; j < sigma_.cols(); ++j) {
      const T scaled = k.epsilon * xi[static_cast<std::size_t>(j * stride)];
      const double* column = sigma_.col(j).data();
      for (std::size_t i = 0; i < g.size(); ++i) g[i] = g[i] - column[i] * scaled;
    }
  }

 private:
  Eigen::MatrixXd sigma_;
};

/// A batch of b of the n samples in every step, with label noise or without, DERIVATION (48). `xi` holds the n draws of
/// the labels, if they are noisy, then the counts N_a of the batch. Sample a enters (n/b) N_a times; drawn N_a times in
/// one step it has the mean of N_a labels, each with noise of its own: epsilon xi_a / N_a^(1/2).
class DrawnBatchNoise {
 public:
  DrawnBatchNoise(const manifolds::BatchLaw& law, bool noisy_labels) : law_(law), noisy_labels_(noisy_labels) {}
  const manifolds::BatchLaw& law() const { return law_; }
  bool noisy_labels() const { return noisy_labels_; }
  template <class Loss>
  int draw_count(const Loss&) const {
    return noisy_labels_ ? 2 * law_.samples : law_.samples;
  }
  template <class T, class Loss>
  void gradient(const Loss& loss, std::span<const T> x, const StepConstants& k, const T* xi, int stride,
                std::span<T> shift, std::span<T> scratch, std::span<T> g) const {
    using std::sqrt;
    const auto step = static_cast<std::size_t>(stride);
    const T* counts = noisy_labels_ ? xi + shift.size() * step : xi;
    for (std::size_t a = 0; a < shift.size(); ++a) shift[a] = noisy_labels_ ? k.epsilon * xi[a * step] : T(0.0);
    if (noisy_labels_ && law_.repeats()) {
      for (std::size_t a = 0; a < shift.size(); ++a)
        shift[a] = shift[a] / sqrt(manifolds::max(counts[a * step], T(1.0)));
    }
    loss.template drawn_gradient<T>(x, shift, counts, stride, law_.ratio(), scratch, g);
  }

 private:
  manifolds::BatchLaw law_;
  bool noisy_labels_;
};

/// Any of them, chosen once per run.
using NoiseModel = std::variant<LabelNoise, IsotropicNoise, ConstantNoise, DrawnBatchNoise>;

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

/// The iteration without noise, for the limit map in phase space, DERIVATION (6).
template <class T, class Loss>
void advance_noiseless(const Loss& loss, const StepConstants& k, State<T, Loss>& state, std::int64_t steps,
                       Scratch<T, Loss>& scratch) {
  const int dimension = loss.dimension();
  const auto size = static_cast<std::size_t>(dimension);
  typename Scratch<T, Loss>::Local local = scratch;
  auto& [x, g, shift, residuals] = local;
  const T beta(k.beta), eta(k.eta), look_ahead(k.look_ahead);
  for (std::int64_t i = 0; i < steps; ++i) {
    for (int d = 0; d < dimension; ++d) x[d] = state.w[d] + look_ahead * state.p[d];
    loss.template gradient<T>(std::span<const T>(x.data(), size), std::span<T>(residuals.data(), residuals.size()),
                              std::span<T>(g.data(), size));
    for (int d = 0; d < dimension; ++d) {
      state.p[d] = beta * state.p[d] - g[d];
      state.w[d] = state.w[d] + eta * state.p[d];
    }
  }
}

}  // namespace valleydrift::discrete
