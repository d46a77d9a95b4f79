// Slow variable by projection or by iterating on, then plain numbers lane by lane; and sums of them by batch.
#include "validation/run/observer.hpp"

#include <algorithm>
#include <cmath>

#include "manifolds/pointwise_loss.hpp"
#include "manifolds/residual_unit.hpp"

namespace valleydrift::run {

Observer::Observer(const ResolvedRun& run, const Hyperparameters& h, const Columns& columns,
                   const sde::LyapunovOperator* form)
    : loss_(run.manifold.pointwise()),
      columns_(columns),
      per_epsilon2_(1.0 / (h.epsilon * h.epsilon)),
      momentum_reach_(h.eta * h.beta() / h.mu),
      start_(run.start.begin(), run.start.end()),
      start_coordinates_(static_cast<std::size_t>(columns.slow)),
      field_(form ? sde::make_field<Lanes>(run.manifold, *form, run.noise_factor(run.start)) : nullptr),
      own_geometry_(form ? nullptr : sde::make_geometry<Lanes>(run.manifold)),
      geometry_(form ? field_.get() : own_geometry_.get()),
      iterated_(discrete::make_lockstep(run.manifold, h, discrete::NoNoise{})),
      nearest_(start_.size()),
      y_(start_.size()),
      f_(static_cast<std::size_t>(run.manifold.transverse_dimension())),
      units_(f_.size()),
      values_(static_cast<std::size_t>(lane_count * columns.sums())),
      slow_(lane_count * start_.size()),
      weights_(slow_.size()) {
  loss_.slow_coordinates(start_, start_, start_coordinates_);
  geometry_->measure_by(manifolds::least_length(run.manifold, run.start));
  if (run.config.slow_variable == SlowVariable::iterated) {
    // After 40 relaxation times of the slowest mode, of w or of momentum, e^-40 of the transverse part is left.
    const manifolds::Geometry geometry = run.manifold.geometry(run.start);
    iterated_steps_ =
        static_cast<std::int64_t>(std::ceil(40.0 * std::max(transverse_time(geometry.spectrum, h), momentum_time(h))));
  }
}

/// y_1 = nearest point of the valley to w; y = that to y_1 + (eta beta/mu) P_L(y_1) p, or to the end of the noiseless
/// iteration.
void Observer::slow_variable(std::span<const Lanes> w, std::span<const Lanes> p) {
  std::copy(w.begin(), w.end(), nearest_.begin());
  geometry_->retract(nearest_);
  if (iterated_steps_ > 0) {
    std::copy(w.begin(), w.end(), iterated_->w(0).begin());
    std::copy(p.begin(), p.end(), iterated_->p(0).begin());
    iterated_->advance_noiseless(0, iterated_steps_);
    std::copy(iterated_->w(0).begin(), iterated_->w(0).end(), y_.begin());
  } else {
    std::copy(p.begin(), p.end(), y_.begin());
    geometry_->project(nearest_, y_);
    for (std::size_t i = 0; i < y_.size(); ++i) y_[i] = nearest_[i] + momentum_reach_ * y_[i];
  }
  geometry_->retract(y_);
}

void Observer::read(std::span<const Lanes> w, std::span<const Lanes> p) {
  slow_variable(w, p);
  Lanes distance2(0.0);
  for (std::size_t i = 0; i < w.size(); ++i) {
    const Lanes away = w[i] - nearest_[i];
    distance2 = distance2 + away * away;
  }
  const Lanes value = iterated_->loss(w);
  const Lanes trace = geometry_->trace_hessian(y_);
  for (std::size_t i = 0; i < w.size(); ++i) {
    for (std::size_t l = 0; l < std::size_t{lane_count}; ++l) {
      weights_[l * w.size() + i] = manifolds::lane(w[i], static_cast<int>(l));
    }
  }
  unpack(trace, distance2 * per_epsilon2_, value * per_epsilon2_);
}

void Observer::read_limit(std::span<const Lanes> y) {
  std::copy(y.begin(), y.end(), y_.begin());
  const Lanes trace = geometry_->trace_hessian(y);
  Lanes variance, value;
  field_->plateau(y, variance, value);
  unpack(trace, variance, value);
}

/// Slow variable and columns of every lane as plain numbers.
void Observer::unpack(Lanes trace, Lanes variance, Lanes value) {
  const std::size_t dimension = y_.size();
  geometry_->residuals(y_, f_);
  geometry_->residual_units(y_, units_);
  for (int l = 0; l < lane_count; ++l) {
    const auto slow = std::span(slow_).subspan(static_cast<std::size_t>(l) * dimension, dimension);
    const auto values = std::span(values_).subspan(static_cast<std::size_t>(l * columns_.sums()),
                                                   static_cast<std::size_t>(columns_.sums()));
    bool good = std::isfinite(manifolds::lane(variance, l)) && std::isfinite(manifolds::lane(value, l));
    for (std::size_t a = 0; a < f_.size(); ++a) {
      good = good && std::abs(manifolds::lane(f_[a], l)) < lost_from * manifolds::lane(units_[a], l);
    }
    for (std::size_t i = 0; i < dimension; ++i) slow[i] = manifolds::lane(y_[i], l);
    loss_.slow_coordinates(slow, start_, values.first(static_cast<std::size_t>(columns_.slow)));
    for (std::size_t i = 0; i < start_coordinates_.size(); ++i) values[i] -= start_coordinates_[i];
    values[static_cast<std::size_t>(columns_.trace_hessian())] = manifolds::lane(trace, l);
    values[static_cast<std::size_t>(columns_.variance())] = manifolds::lane(variance, l);
    values[static_cast<std::size_t>(columns_.loss())] = manifolds::lane(value, l);
    for (double x : values) good = good && std::isfinite(x);
    ok_[static_cast<std::size_t>(l)] = good;
  }
}

void BatchSums::add(int record, std::span<const double> values) {
  double* sums = sums_.data() + static_cast<std::ptrdiff_t>(record) * columns_.sums();
  for (std::size_t c = 0; c < values.size(); ++c) sums[c] += values[c];
  const int covariances = columns_.count - columns_.sums();
  if (covariances == 0) return;
  double* products = products_.data() + static_cast<std::ptrdiff_t>(record) * covariances;
  for (int i = 0; i < columns_.slow; ++i) {
    for (int j = i; j < columns_.slow; ++j) {
      *products++ += values[static_cast<std::size_t>(i)] * values[static_cast<std::size_t>(j)];
    }
  }
}

void BatchSums::finish(std::int64_t paths, std::span<const double> offset, int batch, BatchTable& table) const {
  const auto n = static_cast<double>(paths);
  const int covariances = columns_.count - columns_.sums();
  for (int record = 0; record < table.records(); ++record) {
    const double* sums = sums_.data() + static_cast<std::ptrdiff_t>(record) * columns_.sums();
    for (int c = 0; c < columns_.sums(); ++c) {
      table.at(batch, record, c) = sums[c] / n + (c < columns_.slow ? offset[static_cast<std::size_t>(c)] : 0.0);
    }
    if (covariances == 0) continue;
    const double* products = products_.data() + static_cast<std::ptrdiff_t>(record) * covariances;
    int c = columns_.sums();
    for (int i = 0; i < columns_.slow; ++i) {
      for (int j = i; j < columns_.slow; ++j, ++c) {
        table.at(batch, record, c) = (*products++ - sums[i] * sums[j] / n) / (n - 1.0);
      }
    }
  }
}

}  // namespace valleydrift::run
