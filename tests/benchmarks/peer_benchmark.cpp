// The workloads that tests/benchmarks/peers.py runs in NumPy and PyTorch, here as the ensembles run them, and as a user
// of Eigen and <random> would write the first. Each reports the mean of one number over the final states with its
// standard error, which must agree between all of them:
//   A  uv: u^2 - v^2 after 1000 steps of heavy ball with Gaussian label noise
//   B  sphere: Brownian motion on the sphere in R^3, y . y0 at t = 1 after 256 steps
//   C  linear-network: the test error |u*u - v*v - b*|^2 after 1000 steps of heavy ball with Gaussian label noise
//   D, E  matrix-sensing, small and larger: the same
//   F  linear-network, larger: the same after 100 steps
//   G, H  teacher-student, small, and larger after 100 steps: the same
#include <cmath>
#include <random>
#include <vector>

#include "tests/benchmarks/runs.hpp"

namespace {

using namespace valleydrift;
using namespace valleydrift::benchmarks;

constexpr double epsilon = 0.05;  // eta 0.05 and beta 0.9 are the defaults
constexpr std::int64_t steps = 1000;
constexpr int sphere_steps = 256;

/// The mean of numbers, with its standard error, as counters.
class Mean {
 public:
  void add(double x) {
    ++count_;
    const double away = x - mean_;
    mean_ += away / count_;
    squares_ += away * (x - mean_);
  }
  void report(benchmark::State& state) const {
    state.counters["mean"] = mean_;
    state.counters["standard_error"] = std::sqrt(squares_ / (count_ - 1.0) / count_);
  }

 private:
  double count_ = 0.0, mean_ = 0.0, squares_ = 0.0;
};

/// A group of paths after the other, from the start to the last step; no path twice.
void iteration(benchmark::State& state, const char* manifold, std::int64_t steps,
               const std::map<std::string, std::string>& parameters = {}) {
  ResolvedRun run = run_of(manifold, NoiseKind::label, NoiseLaw::gaussian, parameters);
  run.hyperparameters.epsilon = epsilon;
  const DiscreteRequest request = ensemble_of(run, batch_count, steps);
  Mean mean;
  DiscreteGroup group(request);
  const int paths = group.paths();
  Vector w(run.start.size());
  std::int64_t first = 0;
  measure(state, static_cast<double>(steps * paths), [&] {
    group.start(first, paths);
    group.run_to(steps);
    first += paths;
    for (int g = 0; g < group.groups(); ++g) {
      for (int l = 0; l < lane_count; ++l) {
        for (Eigen::Index i = 0; i < w.size(); ++i) {
          w[i] = manifolds::lane(group.w(g)[static_cast<std::size_t>(i)], l);
        }
        mean.add(run.manifold.slow_coordinates(w, w)[0]);
      }
    }
  });
  mean.report(state);
}

void sphere(benchmark::State& state) {
  const ResolvedRun run = run_of("sphere", NoiseKind::isotropic, NoiseLaw::gaussian);
  Mean mean;
  constexpr double dt = 1.0 / sphere_steps;
  const auto field = sde::make_field<Lanes>(run.manifold, sde::LyapunovOperator(Form::finite_step, run.hyperparameters),
                                            run.noise_factor(run.start));
  sde::EulerMaruyama<Lanes> stepper(3, 3);
  std::vector<Lanes> y(3), dw(3 * sphere_steps);
  std::uint64_t first = 0;
  measure(state, static_cast<double>(sphere_steps * lane_count), [&] {
    manifolds::fill_noise<1>(NoiseLaw::gaussian, {.seed = 1, .process = 32}, first, 0, sphere_steps, 3, dw.data());
    first += lane_count;
    for (Lanes& x : dw) x = std::sqrt(dt) * x;
    for (std::size_t i = 0; i < 3; ++i) y[i] = Lanes(run.start[static_cast<Eigen::Index>(i)]);
    for (std::size_t k = 0; k < sphere_steps; ++k) {
      stepper.step(*field, std::span<Lanes>(y), std::span<const Lanes>(dw).subspan(3 * k, 3), dt);
    }
    for (int l = 0; l < lane_count; ++l) mean.add(manifolds::lane(y[0], l));
  });
  mean.report(state);
}

/// The gradient of (1/2)(u v - label)^2.
Eigen::VectorXd uv_gradient(const Eigen::VectorXd& w, double label) {
  const double f = w[0] * w[1] - label;
  Eigen::VectorXd g(2);
  g << w[1] * f, w[0] * f;
  return g;
}

/// One path after the other in dense vectors, a function that returns the gradient, one draw at a time.
void eigen_and_random(benchmark::State& state) {
  const double eta = 0.05, beta = 0.9;
  std::mt19937 engine(1);
  std::normal_distribution<double> normal;
  Mean mean;
  measure(state, static_cast<double>(steps), [&] {
    Eigen::VectorXd w(2), p = Eigen::VectorXd::Zero(2);
    w << 2.0, 0.5;
    for (std::int64_t k = 0; k < steps; ++k) {
      p = beta * p - uv_gradient(w, 1.0 + epsilon * normal(engine));
      w += eta * p;
    }
    mean.add(w[0] * w[0] - w[1] * w[1]);
  });
  mean.report(state);
}

BENCHMARK_CAPTURE(iteration, , "uv", steps)->Name("peer/valleydrift/uv");
BENCHMARK(sphere)->Name("peer/valleydrift/sphere");
BENCHMARK_CAPTURE(iteration, , "linear-network", steps)->Name("peer/valleydrift/linear-network");
BENCHMARK_CAPTURE(iteration, , "matrix-sensing", steps)->Name("peer/valleydrift/matrix-sensing");
BENCHMARK_CAPTURE(iteration, , "matrix-sensing", steps, {{"dimension", "12"}, {"rank", "3"}, {"samples", "30"}})
    ->Name("peer/valleydrift/matrix-sensing-large");
BENCHMARK_CAPTURE(iteration, , "linear-network", 100, {{"features", "200"}, {"samples", "100"}})
    ->Name("peer/valleydrift/linear-network-large");
BENCHMARK_CAPTURE(iteration, , "teacher-student", steps)->Name("peer/valleydrift/teacher-student");
BENCHMARK_CAPTURE(iteration, , "teacher-student", 100, {{"inputs", "16"}, {"width", "32"}, {"samples", "48"}})
    ->Name("peer/valleydrift/teacher-student-large");
BENCHMARK(eigen_and_random)->Name("peer/eigen-mt19937/uv");

}  // namespace
