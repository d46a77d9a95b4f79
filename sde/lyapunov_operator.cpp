// Names of the forms, and by which response label noise and plateaus weigh a mode.
#include "sde/lyapunov_operator.hpp"

#include <fmt/format.h>

#include <limits>

#include "manifolds/errors.hpp"

namespace valleydrift::sde {

std::string name_of(Form form) {
  switch (form) {
    case Form::finite_step:
      return "finite-step";
    case Form::paper:
      return "paper";
    case Form::asymptotic:
      return "asymptotic";
  }
  return {};
}

LyapunovOperator::LyapunovOperator(Form form, const Hyperparameters& hyperparameters, std::optional<double> gamma)
    : form_(form),
      h_(hyperparameters),
      kappa_(h_.eta / (2.0 * h_.mu * h_.mu)) {
  if (form != Form::asymptotic) return;
  if (!gamma) throw ConfigError("--form asymptotic: needs --gamma, which chooses its regime");
  if (!(*gamma >= 0.0 && *gamma < 1.0)) {
    throw ConfigError(fmt::format("--gamma {:g}: allowed is 0 <= gamma < 1", *gamma));
  }
  // kappa = eta^(1 - 2 gamma) / (2 C^2) tends to 0, stays 1/(2 C^2), or grows without bound: DERIVATION (16).
  if (*gamma < 0.5) kappa_ = 0.0;
  if (*gamma > 0.5) kappa_ = std::numeric_limits<double>::infinity();
}

LabelResponse LyapunovOperator::label_response() const {
  const double b = h_.beta(), mu = h_.mu;
  if (form_ != Form::finite_step) return {.first = {2.0, 0.0}};
  if (h_.scheme != Scheme::nesterov) return {.first = {2.0, -1.0 / (1.0 + b)}};
  return {.numerator = {mu * (1.0 + b), mu * b * (1.0 + 2.0 * b)},
          .first = {mu, b},
          .second = {2.0 * (1.0 + b), -(1.0 + 2.0 * b)}};
}

LabelResponse LyapunovOperator::stationary_response() const {
  LabelResponse response = label_response();
  if (form_ == Form::finite_step && h_.scheme == Scheme::nesterov) response.numerator.slope = -h_.mu * h_.beta();
  return response;
}

}  // namespace valleydrift::sde
