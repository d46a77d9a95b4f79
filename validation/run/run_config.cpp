// Names of a run's choices, and the manifold, batches and hyperparameters that it stands for.
#include "validation/run/run_config.hpp"

#include <fmt/format.h>

#include <cmath>

#include "manifolds/errors.hpp"
#include "manifolds/formula/formula.hpp"
#include "manifolds/numbers/portable_math.hpp"

namespace valleydrift::run {

std::string name_of(NoiseKind kind) {
  switch (kind) {
    case NoiseKind::label:
      return "label";
    case NoiseKind::isotropic:
      return "isotropic";
    case NoiseKind::constant:
      return "constant";
    case NoiseKind::minibatch:
      return "minibatch";
  }
  return {};
}

std::string batch_text(const RunConfig& config) {
  if (!config.batch) return {};
  return fmt::format(", batches of {} drawn {}", *config.batch,
                     config.draw == manifolds::Draw::with_replacement ? "with replacement" : "without replacement");
}

std::span<const manifolds::Named<SlowVariable>> names_of(SlowVariable) {
  static constexpr manifolds::Named<SlowVariable> names[] = {
      {SlowVariable::first_order, "first-order", "projected weights and momentum"},
      {SlowVariable::iterated, "iterated", "the limit map of the noiseless iteration"}};
  return names;
}

std::span<const manifolds::Named<Ladder>> names_of(Ladder) {
  static constexpr manifolds::Named<Ladder> names[] = {
      {Ladder::brief, "brief", "epsilon and epsilon/2"},
      {Ladder::full, "full", "adds epsilon/4 and three learning rates"}};
  return names;
}

std::span<const manifolds::Named<Phase1>> names_of(Phase1) {
  static constexpr manifolds::Named<Phase1> names[] = {
      {Phase1::none, "none", "by the gradient flow, before the run"},
      {Phase1::gd, "gd", "by the iteration without noise, as the run's first phase"},
      {Phase1::noisy, "noisy", "by as many steps with the noise on"}};
  return names;
}

manifolds::ManifoldDescription RunConfig::description() const {
  return formula ? manifolds::description_of(*formula) : manifolds::description_of(manifold);
}

Manifold RunConfig::make_manifold() const {
  manifolds::ManifoldDescription of = description();
  const manifolds::ParameterValues values = manifolds::resolve_parameters(of, parameters);
  return {std::move(of), values};
}

std::optional<manifolds::BatchLaw> RunConfig::batch_law(int samples) const {
  if (batch) return manifolds::BatchLaw{samples, *batch, draw};
  if (noise == NoiseKind::minibatch) return manifolds::BatchLaw{samples, 1, draw};
  return {};
}

Hyperparameters RunConfig::hyperparameters() const {
  Hyperparameters h;
  h.scheme = scheme;
  h.eta = eta;
  h.epsilon = epsilon.value_or(0.0);
  if (scheme == Scheme::sgd) {
    h.mu = 1.0;
  } else if (C) {
    if (!gamma) throw ConfigError(fmt::format("--C {}: needs --gamma, since 1 - beta = C eta^gamma", *C));
    h.mu = *C * manifolds::pow(eta, *gamma);
  } else {
    h.mu = 1.0 - beta.value_or(0.9);
  }
  if (!(h.mu > 0.0 && h.mu <= 1.0)) {
    const std::string value = std::isfinite(h.mu) ? fmt::format("{:.6g}", h.mu) : "beyond double precision";
    throw ConfigError(
        C ? fmt::format(
                "--C {} with --gamma {} and --eta {}: 1 - beta = C eta^gamma = {}, allowed is 0 < 1 - beta <= 1", *C,
                *gamma, eta, value)
          : fmt::format("--beta {}: allowed is 0 <= beta < 1", beta.value_or(0.9)));
  }
  return h;
}

}  // namespace valleydrift::run
