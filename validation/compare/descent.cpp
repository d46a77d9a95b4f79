// The run's paths and the noiseless iteration at steps that are ever further apart, and where they arrive.
#include "validation/compare/descent.hpp"

#include <algorithm>
#include <cmath>

#include "manifolds/errors.hpp"
#include "manifolds/numbers/portable_math.hpp"
#include "sde/gradient_flow.hpp"
#include "validation/run/batches.hpp"
#include "validation/run/discrete_group.hpp"
#include "validation/statistics/statistics.hpp"

namespace valleydrift::compare {
namespace {

constexpr std::size_t most_shown_coordinates = 4;

/// 0, 1, 2, ... to `last`, ever further apart: about `count` of them.
std::vector<std::int64_t> spread_steps(std::int64_t last, int count) {
  std::vector<std::int64_t> out{0};
  for (int j = 0; j <= count; ++j) {
    const double at = manifolds::pow(static_cast<double>(last), static_cast<double>(j) / count);
    const std::int64_t step = j == count ? last : std::llround(at);
    if (step > out.back()) out.push_back(step);
  }
  return out;
}

/// The quantities of one state: loss, distance from the arrival, slow coordinates of the raw weights.
class Reading {
 public:
  Reading(const run::ResolvedRun& run, const Vector& arrival)
      : run_(run),
        arrival_(arrival),
        count_(2 + std::min(most_shown_coordinates, run.manifold.slow_coordinate_names().size())) {}
  std::size_t count() const { return count_; }
  std::vector<double> of(const Vector& w) const {
    std::vector<double> out{run_.manifold.loss(w), (w - arrival_).norm()};
    const Vector q = run_.manifold.slow_coordinates(w, run_.start);
    for (Eigen::Index i = 0; out.size() < count_; ++i) out.push_back(q[i]);
    return out;
  }
  std::vector<DescentResult::Quantity> named() const {
    std::vector<DescentResult::Quantity> out(count_);
    out[0].name = "loss";
    out[0].meaning = "loss L(w)";
    out[1].name = "distance";
    out[1].meaning = "distance to where the noiseless iteration arrives";
    const std::vector<std::string> names = run_.manifold.slow_coordinate_names();
    for (std::size_t i = 2; i < count_; ++i) {
      out[i].name = names[i - 2];
      out[i].meaning = "slow coordinate " + names[i - 2] + " of the weights";
    }
    return out;
  }

 private:
  const run::ResolvedRun& run_;
  const Vector& arrival_;
  std::size_t count_;
};

/// Sums over the paths of every batch of what the quantities differ by from a reference, and of its square.
class DescentSums {
 public:
  DescentSums(std::size_t steps, std::size_t quantities)
      : steps_(steps),
        quantities_(quantities),
        sums_(2 * static_cast<std::size_t>(run::batch_count) * steps * quantities) {}
  void add(int batch, std::size_t step, std::size_t quantity, double excess) {
    double* const sum = sums_.data() + index(batch, step, quantity);
    sum[0] += excess;
    sum[1] += excess * excess;
  }
  /// Over all batches, in their order.
  std::pair<double, double> total(std::size_t step, std::size_t quantity) const {
    std::pair<double, double> out{0.0, 0.0};
    for (int batch = 0; batch < run::batch_count; ++batch) {
      const double* const sum = sums_.data() + index(batch, step, quantity);
      out.first += sum[0];
      out.second += sum[1];
    }
    return out;
  }

 private:
  std::size_t index(int batch, std::size_t step, std::size_t quantity) const {
    return 2 * ((static_cast<std::size_t>(batch) * steps_ + step) * quantities_ + quantity);
  }
  std::size_t steps_, quantities_;
  std::vector<double> sums_;
};

/// The run's own paths at the steps of `descent`, against the noiseless iteration's quantities.
void run_descents(const run::DiscreteRequest& request, const Reading& reading, const DescentResult& descent,
                  DescentSums& sums) {
  const run::ResolvedRun& run = *request.run;
  const auto make_worker = [&] {
    return [&, group = run::DiscreteGroup(request)](int batch) mutable {
      const std::int64_t first = run::first_path_of(batch, request.paths);
      const std::int64_t last = run::first_path_of(batch + 1, request.paths);
      Vector w(run.start.size());
      for (std::int64_t path = first; path < last; path += group.paths()) {
        group.start(path, last - path);
        for (std::size_t s = 0; s < descent.steps.size(); ++s) {
          group.run_to(descent.steps[s] - descent.phase.steps);
          for (int lane = 0; lane < group.paths() && path + lane < last; ++lane) {
            const std::span<const manifolds::Lanes> weights = group.w(lane / manifolds::lane_count);
            for (Eigen::Index i = 0; i < w.size(); ++i) {
              w[i] = manifolds::lane(weights[static_cast<std::size_t>(i)], lane % manifolds::lane_count);
            }
            const std::vector<double> values = reading.of(w);
            for (std::size_t q = 0; q < values.size(); ++q) {
              sums.add(batch, s, q, values[q] - descent.quantities[q].noiseless[s]);
            }
          }
        }
      }
    };
  };
  run::for_each_batch(make_worker, [](int) {});
}

}  // namespace

DescentResult arrival_of(const Evidence& evidence) {
  DescentResult out;
  out.phase = *evidence.run->first_phase;
  try {
    out.flow_end = sde::limit_map(evidence.run->manifold, out.phase.initial);
  } catch (const NumericalError& error) {
    out.flow_reason = error.what();
  }
  for (const Rung& rung : evidence.epsilon_rungs) {
    const statistics::Estimate squared = statistics::estimate(run::batch_samples(rung.result.path_error, 0, 0));
    const double spread = std::sqrt(squared.mean);
    out.epsilon.push_back(rung.parameter);
    out.spread.push_back(spread);
    out.spread_error.push_back(spread > 0.0 ? 0.5 * squared.standard_error / spread : 0.0);
  }
  return out;
}

void describe_descent(const run::ResolvedRun& run, const run::Plan& plan, DescentResult& descent) {
  constexpr int count = 400;  // every step of an oscillation up to 100 steps or so
  constexpr std::int64_t most_paths = 1024;
  const run::FirstPhase& phase = descent.phase;
  const std::int64_t after = std::clamp<std::int64_t>(phase.steps, 1, plan.record_steps.back());
  descent.steps = spread_steps(phase.steps + after, count);
  descent.paths = std::min(run.config.paths, most_paths);

  const Reading reading(run, phase.arrival);
  descent.quantities = reading.named();
  const auto append = [&](std::vector<double> DescentResult::Quantity::*series, const Vector& w) {
    const std::vector<double> values = reading.of(w);
    for (std::size_t q = 0; q < values.size(); ++q) (descent.quantities[q].*series).push_back(values[q]);
  };
  for (const Vector& w : run::noiseless_points(run.manifold, run.hyperparameters, phase.initial, descent.steps)) {
    append(&DescentResult::Quantity::noiseless, w);
  }
  if (descent.flow_end) {
    std::vector<double> times;
    for (const std::int64_t k : descent.steps) {
      times.push_back(static_cast<double>(k) * run.hyperparameters.eta / run.hyperparameters.mu);
    }
    try {
      for (const Vector& w : sde::gradient_flow(run.manifold, phase.initial, times)) {
        append(&DescentResult::Quantity::flow, w);
      }
    } catch (const NumericalError& error) {
      descent.flow_reason = error.what();
    }
  }

  run::DiscreteRequest request = run::own_rung(run, plan);
  request.coupled = false;
  request.paths = descent.paths;
  DescentSums sums(descent.steps.size(), reading.count());
  run_descents(request, reading, descent, sums);
  const auto n = static_cast<double>(descent.paths);
  for (std::size_t q = 0; q < reading.count(); ++q) {
    DescentResult::Quantity& quantity = descent.quantities[q];
    for (std::size_t s = 0; s < descent.steps.size(); ++s) {
      const auto [sum, squares] = sums.total(s, q);
      quantity.mean.push_back(quantity.noiseless[s] + sum / n);
      quantity.deviation.push_back(std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1.0))));
    }
  }
}

}  // namespace valleydrift::compare
