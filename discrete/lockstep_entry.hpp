// The loops of a model, as what makes them: for the sources that CMake makes of each model, and for models of your own.
#pragma once

#include <algorithm>
#include <typeindex>
#include <vector>

#include "discrete/iteration.hpp"
#include "discrete/lockstep.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "manifolds/typed_loss.hpp"

namespace valleydrift::discrete {

using manifolds::PointwiseLoss;

template <class Loss>
class LockstepOf final : public Lockstep {
  static constexpr int most = Loss::static_dimension == manifolds::dynamic || Loss::static_dimension > 4
                                  ? 1
                                  : (Loss::static_dimension > 2 ? 2 : 4);
  static constexpr std::int64_t together = most * manifolds::lane_count;

 public:
  LockstepOf(const Loss& loss, const Hyperparameters& hyperparameters, const NoiseModel& noise, std::int64_t paths)
      : loss_(loss),
        constants_(hyperparameters),
        noise_(noise),
        states_(static_cast<std::size_t>((paths + together - 1) / together * most), State<Lanes, Loss>(loss)),
        scratch_(loss) {}

  int groups() const override { return static_cast<int>(states_.size()); }
  int most_together() const override { return most; }
  int draw_count() const override {
    return std::visit([&](const auto& noise) { return noise.draw_count(loss_); }, noise_);
  }
  std::span<Lanes> w(int group) override { return {state(group).w.data(), state(group).w.size()}; }
  std::span<Lanes> p(int group) override { return {state(group).p.data(), state(group).p.size()}; }
  std::span<const Lanes> w(int group) const override { return {state(group).w.data(), state(group).w.size()}; }
  std::span<const Lanes> p(int group) const override { return {state(group).p.data(), state(group).p.size()}; }

  void advance(int first, int together, const Lanes* xi, int steps) override {
    std::visit(
        [&](const auto& noise) {
          manifolds::with_groups<most>(together, [&]<int Groups>() {
            discrete::advance<Groups>(loss_, constants_, noise, &state(first), xi, steps, scratch_);
          });
        },
        noise_);
  }
  void advance_noiseless(int group, std::int64_t steps) override {
    discrete::advance_noiseless(loss_, constants_, state(group), steps, scratch_);
  }
  Lanes loss(std::span<const Lanes> w) override { return loss_.template value<Lanes>(w, residuals()); }
  void gradient(std::span<const Lanes> w, std::span<Lanes> g) override {
    loss_.template gradient<Lanes>(w, residuals(), g);
  }

 private:
  State<Lanes, Loss>& state(int group) { return states_[static_cast<std::size_t>(group)]; }
  const State<Lanes, Loss>& state(int group) const { return states_[static_cast<std::size_t>(group)]; }
  std::span<Lanes> residuals() { return {scratch_.residuals.data(), scratch_.residuals.size()}; }

  const Loss& loss_;
  StepConstants constants_;
  NoiseModel noise_;
  std::vector<State<Lanes, Loss>> states_;
  Scratch<Lanes, Loss> scratch_;
};

template <class T, class Loss>
class NoiselessPathOf final : public NoiselessPath<T> {
 public:
  NoiselessPathOf(const Loss& loss, const Hyperparameters& hyperparameters)
      : loss_(loss),
        constants_(hyperparameters),
        state_(loss),
        scratch_(loss) {}
  std::span<T> w() override { return {state_.w.data(), state_.w.size()}; }
  std::span<T> p() override { return {state_.p.data(), state_.p.size()}; }
  void advance(std::int64_t steps) override { discrete::advance_noiseless(loss_, constants_, state_, steps, scratch_); }

 private:
  const Loss& loss_;
  StepConstants constants_;
  State<T, Loss> state_;
  Scratch<T, Loss> scratch_;
};

/// What makes the loops of one model; the loss is of the model's own type.
struct LockstepEntry {
  std::type_index loss;
  int width;  ///< lane_count where the entry was compiled
  std::unique_ptr<Lockstep> (*lockstep)(const PointwiseLoss&, const Hyperparameters&, const NoiseModel&,
                                        std::int64_t paths);
  std::unique_ptr<NoiselessPath<double>> (*noiseless)(const PointwiseLoss&, const Hyperparameters&);
  std::unique_ptr<NoiselessPath<long double>> (*extended)(const PointwiseLoss&, const Hyperparameters&);
};

/// Adds an entry, so that make_lockstep knows the model. Throws std::logic_error if it was compiled for lanes of
/// another width. Not for two threads at once.
void add_entry(const LockstepEntry& entry);

/// The entry of a model of residuals, or of a loss.
template <class M>
LockstepEntry lockstep_entry_of() {
  using L = manifolds::LossOf<M>;
  static constexpr auto typed = [](const PointwiseLoss& loss) -> const L& {
    return static_cast<const manifolds::TypedLoss<L>&>(loss).loss();
  };
  return {typeid(manifolds::TypedLoss<L>), manifolds::lane_count,
          [](const PointwiseLoss& loss, const Hyperparameters& h, const NoiseModel& noise, std::int64_t paths)
              -> std::unique_ptr<Lockstep> { return std::make_unique<LockstepOf<L>>(typed(loss), h, noise, paths); },
          [](const PointwiseLoss& loss, const Hyperparameters& h) -> std::unique_ptr<NoiselessPath<double>> {
            return std::make_unique<NoiselessPathOf<double, L>>(typed(loss), h);
          },
          [](const PointwiseLoss& loss, const Hyperparameters& h) -> std::unique_ptr<NoiselessPath<long double>> {
            return std::make_unique<NoiselessPathOf<long double, L>>(typed(loss), h);
          }};
}

}  // namespace valleydrift::discrete
