// From states on lanes to the numbers of a record, path by path.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

#include "discrete/iteration.hpp"
#include "manifolds/registry.hpp"
#include "sde/limit_fields.hpp"
#include "validation/run/ensemble.hpp"

namespace valleydrift::run {

using manifolds::Buffer;
using manifolds::lane_count;
using manifolds::Lanes;

/// Sums over the paths of one batch in the order of the path index: means of the first columns, covariances of the
/// slow coordinates after them.
class BatchSums {
 public:
  BatchSums(int records, const Columns& columns)
      : columns_(columns),
        sums_(static_cast<std::size_t>(records * columns.sums())),
        products_(static_cast<std::size_t>(records * (columns.count - columns.sums()))) {}

  /// values: columns.sums() numbers of one path; the slow coordinates counted from the start, so that no digits are
  /// lost in the products.
  void add(int record, std::span<const double> values);
  /// Writes means and unbiased covariances of `paths` paths; `offset` are the slow coordinates of the start.
  void finish(std::int64_t paths, std::span<const double> offset, int batch, BatchTable& table) const;

 private:
  const Columns& columns_;
  std::vector<double> sums_, products_;
};

/// A point further from the valley than this, its scaled residual, is lost: far above rounding, far below what a lost
/// path shows.
inline constexpr double lost_from = 1e-6;

/// Lane 0 of numbers on lanes.
inline Vector first_lane(std::span<const Lanes> x) {
  Vector out(static_cast<Eigen::Index>(x.size()));
  for (std::size_t i = 0; i < x.size(); ++i) out[static_cast<Eigen::Index>(i)] = manifolds::lane(x[i], 0);
  return out;
}

/// Turns discrete states into slow variable and observables, DERIVATION (27), and points of the limiting diffusion into
/// the same observables. One per thread.
template <class Loss>
class Observer {
 public:
  using Model = typename Loss::model_type;
  static constexpr int D = Loss::static_dimension;

  Observer(const Loss& loss, const ResolvedRun& run, const Hyperparameters& h, const Columns& columns,
           const sde::LimitForm& form, const NoiseFactor& sigma);

  /// Reads a discrete state; fills slow variable and the values of every lane. False in `ok` for a lane that is not
  /// finite or whose projection does not reach the valley.
  void read(const discrete::State<Lanes, Loss>& state);
  /// Reads a point of the limiting diffusion likewise, with the plateau of this form in the place of the measured one.
  void read_limit(std::span<const Lanes> y);

  bool ok(int lane) const { return ok_[static_cast<std::size_t>(lane)]; }
  std::span<const double> values(int lane) const { return row(values_, columns_.sums(), lane); }
  std::span<const double> slow(int lane) const { return row(slow_, loss_.dimension(), lane); }
  std::span<const double> weights(int lane) const { return row(weights_, loss_.dimension(), lane); }
  /// The slow variable on lanes.
  std::span<const Lanes> slow_lanes() const { return {y_.data(), y_.size()}; }
  const std::vector<double>& start_coordinates() const { return start_coordinates_; }

 private:
  static std::span<const double> row(const std::vector<double>& table, int width, int lane) {
    return std::span(table).subspan(static_cast<std::size_t>(lane * width), static_cast<std::size_t>(width));
  }
  void slow_variable(const discrete::State<Lanes, Loss>& state);
  void unpack(Lanes trace, Lanes variance, Lanes value);

  const Loss& loss_;
  const Columns& columns_;
  discrete::StepConstants constants_;
  double per_epsilon2_, momentum_reach_;  ///< 1/eps^2; eta beta / mu
  std::int64_t iterated_steps_ = 0;
  std::vector<double> start_, start_coordinates_;
  sde::LimitField<Lanes, Model> field_;
  discrete::State<Lanes, Loss> iterated_;
  discrete::Scratch<Lanes, Loss> scratch_;
  Buffer<Lanes, D> nearest_, y_;
  Buffer<Lanes, Loss::static_labels> f_;
  Buffer<Lanes, Model::static_residuals> units_;
  std::vector<double> values_, slow_, weights_;
  std::array<bool, lane_count> ok_{};
};

template <class Loss>
Observer<Loss>::Observer(const Loss& loss, const ResolvedRun& run, const Hyperparameters& h, const Columns& columns,
                         const sde::LimitForm& form, const NoiseFactor& sigma)
    : loss_(loss),
      columns_(columns),
      constants_(h),
      per_epsilon2_(1.0 / (h.epsilon * h.epsilon)),
      momentum_reach_(h.eta * h.beta() / h.mu),
      start_(run.start.data(), run.start.data() + run.start.size()),
      start_coordinates_(static_cast<std::size_t>(columns.slow)),
      field_(loss.model(), form, sigma),
      iterated_(loss),
      scratch_(loss),
      nearest_(loss.dimension()),
      y_(loss.dimension()),
      f_(loss.scratch_size()),
      units_(loss.model().residual_count()),
      values_(static_cast<std::size_t>(lane_count * columns.sums())),
      slow_(static_cast<std::size_t>(lane_count * loss.dimension())),
      weights_(slow_.size()) {
  loss.model().slow_coordinates(start_, start_, start_coordinates_);
  field_.measure_by(manifolds::least_length(run.manifold, run.start));
  if (run.config.slow_variable == SlowVariable::iterated) {
    // After 40 relaxation times of the slowest mode, of w or of momentum, e^-40 of the transverse part is left.
    const manifolds::Geometry geometry = run.manifold.geometry(run.start);
    iterated_steps_ =
        static_cast<std::int64_t>(std::ceil(40.0 * std::max(transverse_time(geometry.spectrum, h), momentum_time(h))));
  }
}

/// y_1 = nearest point of the valley to w; y = that to y_1 + (eta beta/mu) P_L(y_1) p, or to the end of the noiseless
/// iteration.
template <class Loss>
void Observer<Loss>::slow_variable(const discrete::State<Lanes, Loss>& state) {
  const int dimension = loss_.dimension();
  for (int i = 0; i < dimension; ++i) nearest_[i] = state.w[i];
  field_.retract(std::span<Lanes>(nearest_.data(), nearest_.size()));
  if (iterated_steps_ > 0) {
    iterated_ = state;
    discrete::advance_noiseless(loss_, constants_, iterated_, iterated_steps_, scratch_);
    for (int i = 0; i < dimension; ++i) y_[i] = iterated_.w[i];
  } else {
    for (int i = 0; i < dimension; ++i) y_[i] = state.p[i];
    field_.project(std::span<const Lanes>(nearest_.data(), nearest_.size()), std::span<Lanes>(y_.data(), y_.size()));
    for (int i = 0; i < dimension; ++i) y_[i] = nearest_[i] + momentum_reach_ * y_[i];
  }
  field_.retract(std::span<Lanes>(y_.data(), y_.size()));
}

template <class Loss>
void Observer<Loss>::read(const discrete::State<Lanes, Loss>& state) {
  const int dimension = loss_.dimension();
  slow_variable(state);
  Lanes distance2(0.0);
  for (int i = 0; i < dimension; ++i) {
    const Lanes away = state.w[i] - nearest_[i];
    distance2 = distance2 + away * away;
  }
  const Lanes value = loss_.template value<Lanes>(std::span<const Lanes>(state.w.data(), state.w.size()),
                                                  std::span<Lanes>(f_.data(), f_.size()));
  const Lanes trace = field_.trace_hessian(std::span<const Lanes>(y_.data(), y_.size()));
  for (int i = 0; i < dimension; ++i) {
    for (int l = 0; l < lane_count; ++l) {
      weights_[static_cast<std::size_t>(l * dimension + i)] = manifolds::lane(state.w[i], l);
    }
  }
  unpack(trace, distance2 * per_epsilon2_, value * per_epsilon2_);
}

template <class Loss>
void Observer<Loss>::read_limit(std::span<const Lanes> y) {
  for (int i = 0; i < loss_.dimension(); ++i) y_[i] = y[static_cast<std::size_t>(i)];
  const Lanes trace = field_.trace_hessian(y);
  Lanes variance, value;
  field_.plateau(y, variance, value);
  unpack(trace, variance, value);
}

/// Slow variable and columns of every lane as plain numbers.
template <class Loss>
void Observer<Loss>::unpack(Lanes trace, Lanes variance, Lanes value) {
  const int dimension = loss_.dimension();
  const auto residuals =
      std::span<Lanes>(f_.data(), f_.size()).first(static_cast<std::size_t>(loss_.model().residual_count()));
  loss_.model().template residuals<Lanes>(std::span<const Lanes>(y_.data(), y_.size()), residuals);
  field_.residual_units(std::span<const Lanes>(y_.data(), y_.size()), std::span<Lanes>(units_.data(), units_.size()));
  for (int l = 0; l < lane_count; ++l) {
    const auto slow =
        std::span(slow_).subspan(static_cast<std::size_t>(l * dimension), static_cast<std::size_t>(dimension));
    const auto values = std::span(values_).subspan(static_cast<std::size_t>(l * columns_.sums()),
                                                   static_cast<std::size_t>(columns_.sums()));
    bool good = std::isfinite(manifolds::lane(variance, l)) && std::isfinite(manifolds::lane(value, l));
    for (std::size_t a = 0; a < residuals.size(); ++a) {
      const Lanes unit = units_[static_cast<int>(a)];
      good = good && std::abs(manifolds::lane(residuals[a], l)) < lost_from * manifolds::lane(unit, l);
    }
    for (int i = 0; i < dimension; ++i) slow[static_cast<std::size_t>(i)] = manifolds::lane(y_[i], l);
    loss_.model().slow_coordinates(slow, start_, values.first(static_cast<std::size_t>(columns_.slow)));
    for (int i = 0; i < columns_.slow; ++i) {
      values[static_cast<std::size_t>(i)] -= start_coordinates_[static_cast<std::size_t>(i)];
    }
    values[static_cast<std::size_t>(columns_.trace_hessian())] = manifolds::lane(trace, l);
    values[static_cast<std::size_t>(columns_.variance())] = manifolds::lane(variance, l);
    values[static_cast<std::size_t>(columns_.loss())] = manifolds::lane(value, l);
    for (double x : values) good = good && std::isfinite(x);
    ok_[static_cast<std::size_t>(l)] = good;
  }
}

}  // namespace valleydrift::run
