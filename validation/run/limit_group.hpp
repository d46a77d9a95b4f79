// A few paths of the limiting diffusion with noise of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sde/steppers.hpp"
#include "validation/run/ensemble.hpp"

namespace valleydrift::run {

/// One group of lane_count paths of the limiting diffusion with noise of its own, by the weak order 2 scheme. One per
/// thread.
class LimitGroup {
 public:
  /// `drift_excess`: the drift along the valley is (1 + drift_excess) times the theorem's, the noise as it is.
  LimitGroup(const ResolvedRun& run, const sde::LyapunovOperator& form, double drift_excess = 0.0);

  void start(std::int64_t first_path);
  /// `steps` equal steps over a slow time of `time`.
  void run(double time, int steps);
  std::span<const manifolds::Lanes> point() const { return y_; }

 private:
  void add_drift(double dt);

  double drift_excess_;
  manifolds::NoiseKey key_;
  Vector start_;
  std::unique_ptr<sde::Field<manifolds::Lanes>> field_;
  sde::WeakOrderTwo<manifolds::Lanes> stepper_;
  std::vector<manifolds::Lanes> y_, draws_, dw_, half_, terms_;
  std::uint64_t first_path_ = 0, step_ = 0;
};

}  // namespace valleydrift::run
