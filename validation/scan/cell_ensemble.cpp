// States of all lane groups kept between calls, and sums of the readings by batch.
#include "validation/scan/cell_ensemble.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "manifolds/errors.hpp"
#include "manifolds/random/noise.hpp"
#include "validation/run/batches.hpp"
#include "validation/run/ensemble_kernel.hpp"
#include "validation/run/random_start.hpp"
#include "validation/scan/transverse_energy.hpp"

namespace valleydrift::scan {
namespace {

/// What the worker of a thread needs, and the states of all groups between calls.
template <class Loss>
class TypedEnsemble : public CellEnsemble {
 public:
  TypedEnsemble(const Loss& loss, const ResolvedScan& scan, const run::ResolvedRun& run, std::uint64_t seed)
      : loss_(loss),
        noise_(run::noise_model(run.config, loss.label_count())),
        constants_(run.hyperparameters),
        form_(Form::finite_step, run.hyperparameters),
        energy_(energy_form(run.manifold.geometry(scan.flattest_point).spectrum, run.hyperparameters)),
        law_(run.config.noise_law),
        seed_(seed),
        name_(run.manifold.name()),
        paths_(run.config.paths),
        random_(scan.config.scattered()),
        on_valley_(scan.config.read_at == ReadAt::valley),
        least_length_(manifolds::least_length(run.manifold, run.start)),
        start_(run.start.begin(), run.start.end()) {
    const Vector flattest = run.manifold.slow_coordinates(scan.flattest_point, run.start);
    flattest_.assign(flattest.begin(), flattest.end());
    discrete::State<manifolds::Lanes, Loss> initial(loss_);
    for (int i = 0; i < loss_.dimension(); ++i) {
      initial.w[i] = manifolds::Lanes(scan.initial[i]);
      initial.p[i] = manifolds::Lanes(0.0);
    }
    for (int batch = 0; batch < run::batch_count; ++batch) {
      const std::int64_t count = run::first_path_of(batch + 1, paths_) - run::first_path_of(batch, paths_);
      const auto groups = static_cast<std::size_t>((count + width - 1) / width);
      states_.emplace_back(groups * interleaved, initial);
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
  static constexpr int interleaved = run::interleaved_groups<Loss>;
  static constexpr int width = interleaved * manifolds::lane_count;

  /// Calls use(state, path, lane) for every path in order.
  template <class Use>
  void for_each_path(const Use& use) {
    for (int batch = 0; batch < run::batch_count; ++batch) {
      const std::int64_t begin = run::first_path_of(batch, paths_), end = run::first_path_of(batch + 1, paths_);
      for (std::int64_t path = begin; path < end; ++path) {
        const std::int64_t place = path - begin;
        use(states_[static_cast<std::size_t>(batch)][static_cast<std::size_t>(place / manifolds::lane_count)], path,
            static_cast<int>(place % manifolds::lane_count));
      }
    }
  }
  /// Gives every path a random point of its own.
  void scatter(double scale) {
    for_each_path([&](discrete::State<manifolds::Lanes, Loss>& state, std::int64_t path, int lane) {
      const Vector w = run::random_start(seed_, static_cast<std::uint64_t>(path), scale, loss_.dimension());
      for (int i = 0; i < loss_.dimension(); ++i) manifolds::set_lane(state.w[i], lane, w[i]);
    });
  }
  /// What every path starts with, over the mean square: of the point on the valley for a start given, of the point
  /// itself for a random one.
  void note_excess(const Vector& given) {
    std::vector<double> point(given.begin(), given.end()), slow(flattest_.size());
    const auto of_point = [&] {
      loss_.model().slow_coordinates(point, start_, slow);
      double squared = 0.0;
      for (std::size_t i = 0; i < slow.size(); ++i) {
        slow[i] -= flattest_[i];
        squared += slow[i] * slow[i];
      }
      return squared;
    };
    double sum = 0.0;
    if (random_) {
      for_each_path([&](const discrete::State<manifolds::Lanes, Loss>& state, std::int64_t /*path*/, int lane) {
        for (std::size_t i = 0; i < point.size(); ++i) point[i] = manifolds::lane(state.w[static_cast<int>(i)], lane);
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
    explicit Worker(TypedEnsemble& of)
        : of_(of),
          scratch_(of.loss_),
          chunks_(run::noise_chunks<interleaved>(of.loss_, of.noise_, of.law_, {of.seed_, 0})),
          field_(of.loss_.model(), of.form_, Matrix(of.loss_.dimension(), 0)),
          residuals_(of.loss_.scratch_size()),
          units_(of.loss_.model().residual_count()),
          along_valley_(of.start_.size()),
          nearest_(of.start_.size()),
          gradient_(of.start_.size()),
          point_(of.start_.size()),
          slow_(of.flattest_.size()) {
      field_.measure_by(of.least_length_);
    }

    void run(int batch, std::int64_t begun, const std::vector<std::int64_t>& steps, std::size_t first,
             CellRecords& records) {
      auto& states = of_.states_[static_cast<std::size_t>(batch)];
      const std::int64_t begin = run::first_path_of(batch, of_.paths_), end = run::first_path_of(batch + 1, of_.paths_);
      for (std::size_t g = 0; g < states.size(); g += interleaved) {
        const std::int64_t path = begin + static_cast<std::int64_t>(g / interleaved) * width;
        chunks_.start(static_cast<std::uint64_t>(path), interleaved);
        std::int64_t step = begun;
        for (std::size_t r = 0; r < steps.size(); ++r) {
          advance(&states[g], step, steps[r]);
          step = steps[r];
          for (int i = 0; i < interleaved; ++i) {
            const std::int64_t base = path + i * manifolds::lane_count;
            const int lanes = static_cast<int>(std::clamp<std::int64_t>(end - base, 0, manifolds::lane_count));
            read(states[g + static_cast<std::size_t>(i)], base, lanes, step,
                 records.batches[first + r][static_cast<std::size_t>(batch)]);
          }
        }
      }
    }

   private:
    void advance(discrete::State<manifolds::Lanes, Loss>* states, std::int64_t step, std::int64_t last) {
      while (step < last) {
        throw_if_interrupted();
        const manifolds::Lanes* xi = chunks_.at(step);
        const int count = static_cast<int>(std::min(last, chunks_.available_until()) - step);
        std::visit(
            [&](const auto& noise) {
              discrete::advance<interleaved>(of_.loss_, of_.constants_, noise, states, xi, count, scratch_);
            },
            of_.noise_);
        step += count;
      }
    }

    void read(const discrete::State<manifolds::Lanes, Loss>& state, std::int64_t base, int lanes, std::int64_t step,
              CellRecords::BatchSums& sums) {
      const std::span<const manifolds::Lanes> w(state.w.data(), state.w.size());
      const manifolds::Lanes value = of_.loss_.template value<manifolds::Lanes>(
          w, std::span<manifolds::Lanes>(residuals_.data(), residuals_.size()));
      const manifolds::Lanes trace = field_.trace_hessian(w);
      if (of_.on_valley_ || of_.energy_.kinetic != 0.0) {
        std::copy(w.begin(), w.end(), nearest_.begin());
        field_.retract(std::span<manifolds::Lanes>(nearest_));
      }
      const manifolds::Lanes energy = value + momentum_energy(state, w);
      if (of_.on_valley_) {
        of_.loss_.model().template residuals<manifolds::Lanes>(
            std::span<const manifolds::Lanes>(nearest_),
            std::span<manifolds::Lanes>(residuals_.data(), residuals_.size()));
        field_.residual_units(nearest_, std::span<manifolds::Lanes>(units_.data(), units_.size()));
      }
      for (int l = 0; l < lanes; ++l) {
        const std::span<const manifolds::Lanes> read_at =
            of_.on_valley_ && arrived(l) ? std::span<const manifolds::Lanes>(nearest_) : w;
        for (std::size_t i = 0; i < point_.size(); ++i) point_[i] = manifolds::lane(read_at[i], l);
        of_.loss_.model().slow_coordinates(point_, of_.start_, slow_);
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
              of_.name_, base + l, of_.constants_.epsilon, of_.constants_.eta, step));
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
      for (int a = 0; a < of_.loss_.model().residual_count(); ++a) {
        if (!(std::abs(manifolds::lane(residuals_[a], lane)) < run::lost_from * manifolds::lane(units_[a], lane)))
          return false;
      }
      return true;
    }

    /// What the transverse energy has beside the loss, with the nearest point of the valley at hand.
    manifolds::Lanes momentum_energy(const discrete::State<manifolds::Lanes, Loss>& state,
                                     std::span<const manifolds::Lanes> w) {
      const EnergyForm& form = of_.energy_;
      if (form.kinetic == 0.0) return manifolds::Lanes(0.0);
      for (std::size_t i = 0; i < w.size(); ++i) along_valley_[i] = state.p[i];
      field_.project(w, std::span<manifolds::Lanes>(along_valley_));
      of_.loss_.template gradient<manifolds::Lanes>(
          w, std::span<manifolds::Lanes>(residuals_.data(), residuals_.size()), std::span<manifolds::Lanes>(gradient_));
      manifolds::Lanes sum(0.0);
      for (std::size_t i = 0; i < w.size(); ++i) {
        const manifolds::Lanes across = state.p[i] - along_valley_[i];
        sum = sum + across * (form.kinetic * across + form.displacement * (w[i] - nearest_[i]) -
                              form.gradient * gradient_[i]);
      }
      return sum;
    }

    TypedEnsemble& of_;
    discrete::Scratch<manifolds::Lanes, Loss> scratch_;
    run::NoiseChunks<interleaved> chunks_;
    sde::LimitField<manifolds::Lanes, typename Loss::model_type> field_;
    manifolds::Buffer<manifolds::Lanes, Loss::static_labels> residuals_;
    manifolds::Buffer<manifolds::Lanes, Loss::model_type::static_residuals> units_;  ///< of the residuals at nearest_
    std::vector<manifolds::Lanes> along_valley_, nearest_, gradient_;
    std::vector<double> point_, slow_;
  };

  const Loss& loss_;
  discrete::NoiseModel noise_;
  discrete::StepConstants constants_;
  sde::LimitForm form_;
  EnergyForm energy_;
  NoiseLaw law_;
  std::uint64_t seed_;
  std::string name_;
  std::int64_t paths_;
  bool random_, on_valley_;
  double least_length_;
  std::vector<double> start_, flattest_;
  std::vector<double> direction_;  // the excess at the start: one, or one per path
  double per_square_ = 0.0;
  std::vector<std::vector<discrete::State<manifolds::Lanes, Loss>>> states_;  // by batch
  std::int64_t step_ = 0;
};

}  // namespace

std::unique_ptr<CellEnsemble> CellEnsemble::make(const ResolvedScan& scan, const run::ResolvedRun& run,
                                                 std::uint64_t seed) {
  return std::visit(
      [&]<class Loss>(const Loss& loss) -> std::unique_ptr<CellEnsemble> {
        return std::make_unique<TypedEnsemble<Loss>>(loss, scan, run, seed);
      },
      run.manifold.registered().loss);
}

}  // namespace valleydrift::scan
