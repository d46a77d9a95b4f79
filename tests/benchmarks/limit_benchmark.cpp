// The limiting diffusion by the general theorem, on lanes: draws, all terms, Euler-Maruyama and retraction.
#include <cmath>
#include <vector>

#include "manifolds/random/noise.hpp"
#include "manifolds/registry.hpp"
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

template <class Model>
void limit(benchmark::State& state, const Model& model, const MatrixXd& sigma) {
  const sde::LimitForm form(sde::Form::finite_step, {manifolds::Scheme::heavy_ball, 0.05, 0.1, 0.05});
  sde::LimitField<Lanes, Model> field(model, form, sigma);
  const auto dimension = static_cast<std::size_t>(model.dimension()), draws = static_cast<std::size_t>(sigma.cols());
  sde::EulerMaruyama<Lanes> stepper(model.dimension(), static_cast<int>(draws));
  std::vector<Lanes> y(dimension), dw(steps * draws);
  for (std::size_t i = 0; i < dimension; ++i) y[i] = Lanes(model.default_start()[i]);
  std::uint64_t first_step = 0;
  benchmarks::measure(state, static_cast<double>(steps * lane_count), [&] {
    manifolds::fill_noise<1>(manifolds::NoiseLaw::gaussian, {.seed = 1, .process = 32}, 0, first_step, steps,
                             static_cast<int>(draws), dw.data());
    first_step += steps;
    for (Lanes& x : dw) x = std::sqrt(dt) * x;
    for (std::size_t k = 0; k < steps; ++k) {
      stepper.step(field, std::span<Lanes>(y), std::span<const Lanes>(dw).subspan(draws * k, draws), dt);
    }
    benchmark::DoNotOptimize(y.data());
  });
}

/// The same for label noise, whose limit does not diffuse: drift without eigenvectors, Euler's step, retraction.
template <class Model>
void label_limit(benchmark::State& state, const Model& model) {
  const sde::LimitForm form(sde::Form::finite_step, {manifolds::Scheme::heavy_ball, 0.05, 0.1, 0.05});
  sde::LimitField<Lanes, Model> field(model, form, MatrixXd(model.dimension(), 0));
  const std::vector<double> start = model.default_start();
  std::vector<Lanes> y(start.begin(), start.end()), increment(start.size());
  benchmarks::measure(state, static_cast<double>(steps * lane_count), [&] {
    for (std::size_t k = 0; k < start.size(); ++k) y[k] = Lanes(start[k]);
    for (int i = 0; i < steps; ++i) {
      field.label_increment(y, Lanes(dt), increment);
      for (std::size_t k = 0; k < y.size(); ++k) y[k] = y[k] + increment[k];
      field.retract(y);
    }
    benchmark::DoNotOptimize(y.data());
  });
}

template <class Model>
void add(const char* name, const Model& model, const MatrixXd& sigma) {
  benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { limit(state, model, sigma); });
}

const bool added = [] {
  add("limit/sphere/isotropic", manifolds::SphereInSpace({{"D", 3}}), MatrixXd::Identity(3, 3));
  add("limit/uv/isotropic", manifolds::Uv(), MatrixXd::Identity(2, 2));
  add("limit/quadratic-pair/constant", manifolds::QuadraticPair({{"kappa", 0.5}, {"lambda", 1.5}}), full_rank(4));
  benchmark::RegisterBenchmark("limit/uv/label", [](auto& state) { label_limit(state, manifolds::Uv()); });
  return true;
}();

}  // namespace
