// States of all lane groups kept between calls, and sums of the readings by batch.
#include "validation/scan/cell_ensemble.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "discrete/lockstep.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/pointwise_loss.hpp"
#include "manifolds/residual_unit.hpp"
#include "sde/field.hpp"
#include "validation/run/batches.hpp"
#include "validation/run/noise_chunks.hpp"
#include "validation/run/observer.hpp"
#include "validation/run/random_start.hpp"
#include "validation/scan/transverse_energy.hpp"

namespace valleydrift::scan {
namespace {

using manifolds::lane_count;
using manifolds::Lanes;

/// What the worker of a thread needs, and the states of all paths between calls.
class Ensemble : public CellEnsemble {
 public:
  Ensemble(const ResolvedScan& scan, const run::ResolvedRun& run, std::uint64_t seed)
      : manifold_(run.manifold),
        loss_(manifold_.pointwise()),
        noise_(run::noise_model(run.config, loss_.label_count())),
        hyperparameters_(run.hyperparameters),
        energy_(energy_form(run.manifold.geometry(scan.flattest_point).spectrum, run.hyperparameters)),
        law_(run.config.noise_law),
        seed_(seed),
        paths_(run.config.paths),
        random_(scan.config.scattered()),
        on_valley_(scan.config.read_at == ReadAt::valley),
        least_length_(manifolds::least_length(run.manifold, run.start)),
        start_(run.start.begin(), run.start.end()) {
    const Vector flattest = run.manifold.slow_coordinates(scan.flattest_point, run.start);
    flattest_.assign(flattest.begin(), flattest.end());
    for (int batch = 0; batch < run::batch_count; ++batch) {
      const std::int64_t count = run::first_path_of(batch + 1, paths_) - run::first_path_of(batch, paths_);
      states_.push_back(discrete::make_lockstep(manifold_, hyperparameters_, noise_, count));
      for (int g = 0; g < states_.back()->groups(); ++g) {
        std::copy(scan.initial.begin(), scan.initial.end(), states_.back()->w(g).begin());
        std::fill(states_.back()->p(g).begin(), states_.back()->p(g).end(), Lanes(0.0));
      }
    }
    if (random_) scatter(scan.config.run.start_scale.value());
    note_excess(run.start);
  }

  void advance(const std::vector<std::int64_t>& steps, CellRecords& records) override {
    const std::size_t first = records.steps.size();
    records.steps.insert(records.steps.end(), steps.begin(), steps.end());
    records.batches.resize(records.steps.size(), std::vector<CellRecords::BatchSums>(run::batch_count));
    const auto make_worker = [&] {
      return [&, worker = Worker(*this)](int batch) mutable { worker.run(batch, step_, steps, first, records); };
    };
    run::for_each_batch(make_worker, [](int) {});
    step_ = steps.back();
  }

 private:
  /// Calls use(weights, path, lane) for every path in order.
  template <class Use>
  void for_each_path(const Use& use) {
    for (int batch = 0; batch < run::batch_count; ++batch) {
      const std::int64_t begin = run::first_path_of(batch, paths_), end = run::first_path_of(batch + 1, paths_);
      for (std::int64_t path = begin; path < end; ++path) {
        const auto place = static_cast<int>(path - begin);
        use(states_[static_cast<std::size_t>(batch)]->w(place / lane_count), path, place % lane_count);
      }
    }
  }
  /// Gives every path a random point of its own.
  void scatter(double scale) {
    for_each_path([&](std::span<Lanes> weights, std::int64_t path, int lane) {
      const Vector w = run::random_start(seed_, static_cast<std::uint64_t>(path), scale, loss_.dimension());
      for (std::size_t i = 0; i < weights.size(); ++i) {
        manifolds::set_lane(weights[i], lane, w[static_cast<Eigen::Index>(i)]);
      }
    });
  }
  /// What every path starts with, over the mean square: of the point on the valley for a start given, of the point
  /// itself for a random one.
  void note_excess(const Vector& given) {
    std::vector<double> point(given.begin(), given.end()), slow(flattest_.size());
    const auto of_point = [&] {
      loss_.slow_coordinates(point, start_, slow);
      double squared = 0.0;
      for (std::size_t i = 0; i < slow.size(); ++i) {
        slow[i] -= flattest_[i];
        squared += slow[i] * slow[i];
      }
      return squared;
    };
    double sum = 0.0;
    if (random_) {
      for_each_path([&](std::span<const Lanes> weights, std::int64_t /*path*/, int lane) {
        for (std::size_t i = 0; i < point.size(); ++i) point[i] = manifolds::lane(weights[i], lane);
        sum += of_point();
        direction_.insert(direction_.end(), slow.begin(), slow.end());
      });
      sum /= static_cast<double>(paths_);
    } else {
      sum = of_point();
      direction_ = slow;
    }
    per_square_ = 1.0 / sum;
  }

  class Worker {
   public:
    explicit Worker(Ensemble& of)
        : of_(of),
          together_(of.states_.front()->most_together()),
          chunks_(of.noise_, of.states_.front()->draw_count(), of.law_, {of.seed_, run::process::discrete_rung},
                  together_),
          geometry_(sde::make_geometry<Lanes>(of.manifold_)),
          residuals_(static_cast<std::size_t>(of.manifold_.transverse_dimension())),
          units_(residuals_.size()),
          along_valley_(of.start_.size()),
          nearest_(of.start_.size()),
          gradient_(of.start_.size()),
          point_(of.start_.size()),
          slow_(of.flattest_.size()) {
      geometry_->measure_by(of.least_length_);
    }

    void run(int batch, std::int64_t begun, const std::vector<std::int64_t>& steps, std::size_t first,
             CellRecords& records) {
      discrete::Lockstep& states = *of_.states_[static_cast<std::size_t>(batch)];
      const std::int64_t begin = run::first_path_of(batch, of_.paths_), end = run::first_path_of(batch + 1, of_.paths_);
      for (int g = 0; g < states.groups(); g += together_) {
        const std::int64_t path = begin + std::int64_t{g} * lane_count;
        chunks_.start(static_cast<std::uint64_t>(path), together_);
        std::int64_t step = begun;
        for (std::size_t r = 0; r < steps.size(); ++r) {
          advance(states, g, step, steps[r]);
          step = steps[r];
          for (int i = 0; i < together_; ++i) {
            const std::int64_t base = path + i * lane_count;
            const int lanes = static_cast<int>(std::clamp<std::int64_t>(end - base, 0, lane_count));
            read(states, g + i, base, lanes, step, records.batches[first + r][static_cast<std::size_t>(batch)]);
          }
        }
      }
    }

   private:
    void advance(discrete::Lockstep& states, int group, std::int64_t step, std::int64_t last) {
      while (step < last) {
        throw_if_interrupted();
        const Lanes* xi = chunks_.at(step);
        const int count = static_cast<int>(std::min(last, chunks_.available_until()) - step);
        states.advance(group, together_, xi, count);
        step += count;
      }
    }

    void read(discrete::Lockstep& states, int group, std::int64_t base, int lanes, std::int64_t step,
              CellRecords::BatchSums& sums) {
      const std::span<const Lanes> w = states.w(group), p = states.p(group);
      const Lanes value = states.loss(w);
      const Lanes trace = geometry_->trace_hessian(w);
      if (of_.on_valley_ || of_.energy_.kinetic != 0.0) {
        std::copy(w.begin(), w.end(), nearest_.begin());
        geometry_->retract(nearest_);
      }
      const Lanes energy = value + momentum_energy(states, w, p);
      if (of_.on_valley_) {
        geometry_->residuals(nearest_, residuals_);
        geometry_->residual_units(nearest_, units_);
      }
      for (int l = 0; l < lanes; ++l) {
        const std::span<const Lanes> read_at = of_.on_valley_ && arrived(l) ? std::span<const Lanes>(nearest_) : w;
        for (std::size_t i = 0; i < point_.size(); ++i) point_[i] = manifolds::lane(read_at[i], l);
        of_.loss_.slow_coordinates(point_, of_.start_, slow_);
        const std::size_t own = of_.random_ ? static_cast<std::size_t>(base + l) * slow_.size() : 0;
        double along = 0.0, squared = 0.0;
        for (std::size_t i = 0; i < slow_.size(); ++i) {
          const double excess = slow_[i] - of_.flattest_[i];
          along += excess * of_.direction_[own + i];
          squared += excess * excess;
        }
        const double loss = manifolds::lane(value, l);
        if (!std::isfinite(loss) || !std::isfinite(squared)) {
          throw NumericalError(fmt::format(
              "{}: path {} of the discrete iteration (epsilon {:g}, eta {:g}) is not finite at step {}; take "
              "a smaller --eta or --epsilon",
              of_.manifold_.name(), base + l, of_.hyperparameters_.epsilon, of_.hyperparameters_.eta, step));
        }
        sums[static_cast<std::size_t>(Sum::along)] += along * of_.per_square_;
        sums[static_cast<std::size_t>(Sum::squared)] += squared * of_.per_square_;
        sums[static_cast<std::size_t>(Sum::loss)] += loss;
        sums[static_cast<std::size_t>(Sum::energy)] += manifolds::lane(energy, l);
        sums[static_cast<std::size_t>(Sum::trace)] += manifolds::lane(trace, l);
      }
    }

    /// Whether the nearest point of this lane was found: from far off the valley it may not be.
    bool arrived(int lane) const {
      for (std::size_t a = 0; a < residuals_.size(); ++a) {
        const double bound = run::lost_from * manifolds::lane(units_[a], lane);
        if (!(std::abs(manifolds::lane(residuals_[a], lane)) < bound)) return false;
      }
      return true;
    }

    /// What the transverse energy has beside the loss, with the nearest point of the valley at hand.
    Lanes momentum_energy(discrete::Lockstep& states, std::span<const Lanes> w, std::span<const Lanes> p) {
      const EnergyForm& form = of_.energy_;
      if (form.kinetic == 0.0) return Lanes(0.0);
      std::copy(p.begin(), p.end(), along_valley_.begin());
      geometry_->project(w, along_valley_);
      states.gradient(w, gradient_);
      Lanes sum(0.0);
      for (std::size_t i = 0; i < w.size(); ++i) {
        const Lanes across = p[i] - along_valley_[i];
        sum = sum + across * (form.kinetic * across + form.displacement * (w[i] - nearest_[i]) -
                              form.gradient * gradient_[i]);
      }
      return sum;
    }

    Ensemble& of_;
    int together_;  ///< groups in lockstep
    run::NoiseChunks chunks_;
    std::unique_ptr<sde::PointGeometry<Lanes>> geometry_;
    std::vector<Lanes> residuals_, units_, along_valley_, nearest_, gradient_;
    std::vector<double> point_, slow_;
  };

  Manifold manifold_;
  const manifolds::PointwiseLoss& loss_;
  discrete::NoiseModel noise_;
  Hyperparameters hyperparameters_;
  EnergyForm energy_;
  NoiseLaw law_;
  std::uint64_t seed_;
  std::int64_t paths_;
  bool random_, on_valley_;
  double least_length_;
  std::vector<double> start_, flattest_;
  std::vector<double> direction_;  // the excess at the start: one, or one per path
  double per_square_ = 0.0;
  std::vector<std::unique_ptr<discrete::Lockstep>> states_;  // by batch
  std::int64_t step_ = 0;
};

}  // namespace

std::unique_ptr<CellEnsemble> CellEnsemble::make(const ResolvedScan& scan, const run::ResolvedRun& run,
                                                 std::uint64_t seed) {
  return std::make_unique<Ensemble>(scan, run, seed);
}

}  // namespace valleydrift::scan
