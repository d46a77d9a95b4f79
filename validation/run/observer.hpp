// From states on lanes to the numbers of a record, path by path.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "discrete/lockstep.hpp"
#include "sde/field.hpp"
#include "validation/run/ensemble.hpp"

namespace valleydrift::run {

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
class Observer {
 public:
  /// With a form, for points of its limiting diffusion as well.
  Observer(const ResolvedRun& run, const Hyperparameters& hyperparameters, const Columns& columns,
           const sde::LyapunovOperator* form = nullptr);

  /// Reads a discrete state; fills slow variable and the values of every lane. False in `ok` for a lane that is not
  /// finite or whose projection does not reach the valley.
  void read(std::span<const Lanes> w, std::span<const Lanes> p);
  /// Reads a point of the limiting diffusion likewise, with the plateau of the form in the place of the measured one.
  void read_limit(std::span<const Lanes> y);

  bool ok(int lane) const { return ok_[static_cast<std::size_t>(lane)]; }
  std::span<const double> values(int lane) const { return row(values_, columns_.sums(), lane); }
  std::span<const double> slow(int lane) const { return row(slow_, geometry_->dimension(), lane); }
  std::span<const double> weights(int lane) const { return row(weights_, geometry_->dimension(), lane); }
  /// The slow variable on lanes.
  std::span<const Lanes> slow_lanes() const { return y_; }
  const std::vector<double>& start_coordinates() const { return start_coordinates_; }

 private:
  static std::span<const double> row(const std::vector<double>& table, int width, int lane) {
    return std::span(table).subspan(static_cast<std::size_t>(lane * width), static_cast<std::size_t>(width));
  }
  void slow_variable(std::span<const Lanes> w, std::span<const Lanes> p);
  void unpack(Lanes trace, Lanes variance, Lanes value);

  const manifolds::PointwiseLoss& loss_;
  const Columns& columns_;
  double per_epsilon2_, momentum_reach_;  ///< 1/eps^2; eta beta / mu
  std::int64_t iterated_steps_ = 0;
  std::vector<double> start_, start_coordinates_;
  std::unique_ptr<sde::Field<Lanes>> field_;  ///< of the form, if there is one
  std::unique_ptr<sde::PointGeometry<Lanes>> own_geometry_;
  sde::PointGeometry<Lanes>* geometry_;  ///< one of them
  std::unique_ptr<discrete::Lockstep> iterated_;
  std::vector<Lanes> nearest_, y_, f_, units_;
  std::vector<double> values_, slow_, weights_;
  std::array<bool, lane_count> ok_{};
};

}  // namespace valleydrift::run
