// A run: everything that decides its results, and nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "manifolds/enum_names.hpp"
#include "manifolds/formula/formula_source.hpp"
#include "manifolds/hyperparameters.hpp"
#include "manifolds/manifold.hpp"
#include "manifolds/random/batch_draws.hpp"
#include "manifolds/random/noise.hpp"
#include "sde/lyapunov_operator.hpp"

namespace valleydrift::run {

using manifolds::name_of;

/// The noise model, DERIVATION (4): label (sigma = s J^T, Sigma = c H), isotropic (sigma = I), constant (a given
/// D x r matrix), minibatch (batches drawn, labels exact: sigma = 0 on the valley).
enum class NoiseKind { label, isotropic, constant, minibatch };
/// Which slow variable of a discrete state is compared with Y: DERIVATION (27), or the full limit map (6).
enum class SlowVariable { first_order, iterated };
/// Which ladders are climbed: epsilon and epsilon/2; or also epsilon/4 and three learning rates.
enum class Ladder { brief, full };
/// How a run gets from a start off the valley onto it, DERIVATION (80): none (the start is put there by the gradient
/// flow), gd (the iteration itself descends, without noise) or noisy (with noise).
enum class Phase1 { none, gd, noisy };

std::string name_of(NoiseKind kind);
std::span<const manifolds::Named<SlowVariable>> names_of(SlowVariable);
std::span<const manifolds::Named<Ladder>> names_of(Ladder);
std::span<const manifolds::Named<Phase1>> names_of(Phase1);

struct RunConfig;
/// ", batches of 2 drawn without replacement", or nothing for the full batch.
std::string batch_text(const RunConfig& config);

/// As given by the user, checked one by one and against each other; what is left open (epsilon, start) is resolved by
/// `resolve` in applicability.hpp. Nothing here depends on threads, folders or time.
struct RunConfig {
  std::string manifold = "uv";
  std::shared_ptr<const manifolds::FormulaSource> formula = {};  ///< instead of a name: typed; `manifold` is its name
  std::map<std::string, std::string> parameters = {};            ///< --param KEY=VALUE
  std::optional<std::vector<double>> start = {};                 ///< default: the manifold's own
  bool strict = false;                                           ///< refuse a start off the valley instead of moving it
  bool random_start = false;                                     ///< instead of `start`: drawn from the seed
  std::optional<double> start_scale = {};                        ///< of the random start; default_start_scale
  Phase1 phase1 = Phase1::none;

  Scheme scheme = Scheme::heavy_ball;
  double eta = 0.05;
  std::optional<double> beta = {};  ///< 0.9 unless C is given
  std::optional<double> C = {};     ///< 1 - beta = C eta^gamma
  std::optional<double> gamma = {};
  std::optional<double> epsilon = {};

  NoiseKind noise = NoiseKind::label;
  std::string sigma_file = {};  ///< where `sigma` came from
  Matrix sigma = {};            ///< D x r, for constant noise
  NoiseLaw noise_law = NoiseLaw::gaussian;
  /// Samples drawn in every step, for label and minibatch noise; absent: all of them. Minibatch noise draws 1 unless
  /// told otherwise.
  std::optional<int> batch = {};
  manifolds::Draw draw = manifolds::Draw::without_replacement;

  Form form = Form::finite_step;
  std::optional<double> time = {};  ///< units of slow time; unless steps are given 2, or less on a steep valley
  std::optional<std::int64_t> steps = {};
  /// Slow time per step of the limiting diffusion that the discrete paths drive; absent: as long as is fine.
  std::optional<double> limit_step = {};
  std::int64_t paths = 32768;
  bool shared_noise = false;
  SlowVariable slow_variable = SlowVariable::first_order;
  Ladder ladder = Ladder::brief;
  std::uint64_t seed = 1;

  /// What the list, or the formula, says of the manifold. Throws ConfigError.
  manifolds::ManifoldDescription description() const;
  /// The manifold with its parameters. Throws ConfigError.
  Manifold make_manifold() const;

  /// beta as given, 1 - C eta^gamma, 0 for SGD, or 0.9. Throws ConfigError if mu is not in (0, 1].
  Hyperparameters hyperparameters() const;
  /// How batches are drawn from `samples`, if they are.
  std::optional<manifolds::BatchLaw> batch_law(int samples) const;
};

}  // namespace valleydrift::run
