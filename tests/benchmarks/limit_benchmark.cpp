// The limiting diffusion by the general theorem, on lanes: draws, all terms, Euler-Maruyama and retraction.
#include <algorithm>
#include <cmath>
#include <vector>

#include "manifolds/manifold.hpp"
#include "manifolds/random/noise.hpp"
#include "sde/steppers.hpp"
#include "tests/benchmarks/per_path_step.hpp"

namespace {

using namespace valleydrift;
using Eigen::MatrixXd;
using manifolds::lane_count;
using manifolds::Lanes;

constexpr int steps = 64;
constexpr double dt = 1.0 / 128.0;

/// A sigma of full rank with nothing special about it.
MatrixXd full_rank(Eigen::Index dimension) {
  MatrixXd sigma = MatrixXd::Identity(dimension, dimension);
  for (Eigen::Index i = 0; i < dimension; ++i) {
    for (Eigen::Index j = 0; j < dimension; ++j) sigma(i, j) += 0.3 * std::cos(static_cast<double>(3 * i + 2 * j));
  }
  return sigma;
}

const sde::LyapunovOperator lyapunov(sde::Form::finite_step, {manifolds::Scheme::heavy_ball, 0.05, 0.1, 0.05});

void limit(benchmark::State& state, const Manifold& manifold, const MatrixXd& sigma) {
  const auto field = sde::make_field<Lanes>(manifold, lyapunov, sigma);
  const auto draws = static_cast<std::size_t>(sigma.cols());
  sde::EulerMaruyama<Lanes> stepper(manifold.dimension(), static_cast<int>(draws));
  const Vector start = manifold.default_start();
  std::vector<Lanes> y(start.begin(), start.end()), dw(steps * draws);
  std::uint64_t first_step = 0;
  benchmarks::measure(state, static_cast<double>(steps * lane_count), [&] {
    manifolds::fill_noise<1>(manifolds::NoiseLaw::gaussian, {.seed = 1, .process = 32}, 0, first_step, steps,
                             static_cast<int>(draws), dw.data());
    first_step += steps;
    for (Lanes& x : dw) x = std::sqrt(dt) * x;
    for (std::size_t k = 0; k < steps; ++k) {
      stepper.step(*field, std::span<Lanes>(y), std::span<const Lanes>(dw).subspan(draws * k, draws), dt);
    }
    benchmark::DoNotOptimize(y.data());
  });
}

/// The same for label noise, whose limit does not diffuse: drift without eigenvectors, Euler's step, retraction.
void label_limit(benchmark::State& state, const Manifold& manifold) {
  const auto drift = sde::make_label_drift<Lanes>(manifold, lyapunov);
  const Vector start = manifold.default_start();
  std::vector<Lanes> y(start.begin(), start.end()), increment(y.size());
  benchmarks::measure(state, static_cast<double>(steps * lane_count), [&] {
    std::copy(start.begin(), start.end(), y.begin());
    for (int i = 0; i < steps; ++i) {
      drift->increment(y, Lanes(dt), increment);
      for (std::size_t k = 0; k < y.size(); ++k) y[k] = y[k] + increment[k];
      drift->retract(y);
    }
    benchmark::DoNotOptimize(y.data());
  });
}

const bool added = [] {
  const auto add = [](const char* name, const Manifold& manifold, const MatrixXd& sigma) {
    benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { limit(state, manifold, sigma); });
  };
  add("limit/sphere/isotropic", Manifold("sphere", {{"D", 3}}), MatrixXd::Identity(3, 3));
  add("limit/uv/isotropic", Manifold("uv", {}), MatrixXd::Identity(2, 2));
  add("limit/quadratic-pair/constant", Manifold("quadratic-pair", {{"kappa", 0.5}, {"lambda", 1.5}}), full_rank(4));
  benchmark::RegisterBenchmark("limit/uv/label", [m = Manifold("uv", {})](auto& state) { label_limit(state, m); });
  return true;
}();

}  // namespace
