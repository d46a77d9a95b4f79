// Noise of drawn batches.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include "discrete/step_constants.hpp"
#include "manifolds/loss.hpp"
#include "manifolds/random/batch_draws.hpp"

namespace valleydrift::discrete {

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

}  // namespace valleydrift::discrete
