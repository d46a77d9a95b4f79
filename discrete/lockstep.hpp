// Paths of the iteration as what runs them sees them: many in lockstep, or one without noise, behind interfaces,
// whatever the model is.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "discrete/noise_model.hpp"
#include "discrete/step_constants.hpp"
#include "manifolds/manifold.hpp"
#include "manifolds/numbers/lanes.hpp"

namespace valleydrift::discrete {

using manifolds::Lanes;
using manifolds::Manifold;

/// Groups of lane_count paths each: weights w and momentum p, D numbers on lanes.
class Lockstep {
 public:
  virtual ~Lockstep() = default;
  virtual int groups() const = 0;
  /// Groups that run interleaved at most, 1, 2 or 4: enough independent chains to hide the latency of the update where
  /// the state fits the registers, one where it does not.
  virtual int most_together() const = 0;
  /// Draws of one step of one path.
  virtual int draw_count() const = 0;

  virtual std::span<Lanes> w(int group) = 0;
  virtual std::span<Lanes> p(int group) = 0;
  virtual std::span<const Lanes> w(int group) const = 0;
  virtual std::span<const Lanes> p(int group) const = 0;

  /// `steps` steps of the groups from `first` on, `together` of them interleaved (1, 2 or 4), DERIVATION (1), (2):
  /// xi[(i draw_count + c) together + g] is component c of the draw of step i for group first + g.
  virtual void advance(int first, int together, const Lanes* xi, int steps) = 0;
  /// The same without noise for one group.
  virtual void advance_noiseless(int group, std::int64_t steps) = 0;

  /// L(w) and its gradient.
  virtual Lanes loss(std::span<const Lanes> w) = 0;
  virtual void gradient(std::span<const Lanes> w, std::span<Lanes> g) = 0;
};

/// One path of the iteration without noise, for the limit map in phase space, DERIVATION (6). T is double or long
/// double.
template <class T>
class NoiselessPath {
 public:
  virtual ~NoiselessPath() = default;
  virtual std::span<T> w() = 0;
  virtual std::span<T> p() = 0;
  virtual void advance(std::int64_t steps) = 0;
};

// For the model of a manifold, which must outlive them; w and p are not set.
/// Of at least so many paths: a multiple of most_together groups.
std::unique_ptr<Lockstep> make_lockstep(const Manifold& manifold, const Hyperparameters& hyperparameters,
                                        const NoiseModel& noise, std::int64_t paths = 1);
template <class T>
std::unique_ptr<NoiselessPath<T>> make_noiseless_path(const Manifold& manifold, const Hyperparameters& hyperparameters);
void make_lockstep(Manifold&&, const Hyperparameters&, const NoiseModel&, std::int64_t = 1) = delete;
template <class T>
void make_noiseless_path(Manifold&&, const Hyperparameters&) = delete;

}  // namespace valleydrift::discrete
