// The three forms of the theorem: which symbol d_ij of the operator Lt is used.
#pragma once

#include <cmath>
#include <optional>
#include <string>

#include "manifolds/hyperparameters.hpp"
#include "manifolds/numbers/lanes.hpp"

namespace valleydrift::sde {

using manifolds::Hyperparameters;
using manifolds::Scheme;

/// finite_step: exact as epsilon -> 0 at fixed eta and beta, DERIVATION (12), (13). paper: eta -> 0 with
/// kappa = eta / (2 mu^2) kept, (15). asymptotic: eta -> 0 at fixed C and gamma, (16).
enum class Form { finite_step, paper, asymptotic };

std::string name_of(Form form);

/// A mode's response to label noise of c = 1, l / d(l, l), as numerator / (first second) with factors linear in eta l:
/// what lets a function of H be applied by solving linear systems, DERIVATION (24b).
struct LabelResponse {
  struct Linear {
    double constant, slope;
  };
  Linear numerator{1.0, 0.0}, first{1.0, 0.0}, second{1.0, 0.0};
};

/// The symbol of Lt in one form: (Lt S)_ij = d(l_i, l_j) S_ij in the eigenbasis of H, l = 0 along the valley.
class LyapunovOperator {
 public:
  /// Throws ConfigError for the asymptotic form without gamma, or with gamma outside [0, 1).
  LyapunovOperator(Form form, const Hyperparameters& hyperparameters, std::optional<double> gamma = {});

  Form form() const { return form_; }
  const Hyperparameters& hyperparameters() const { return h_; }

  /// 1 / d(l_i, l_j), with 0 where d is infinite; not both arguments 0. T is double or Lanes.
  template <class T>
  T inverse(const T& li, const T& lj) const;

  /// Stationary variance of w along a mode of curvature l, per unit eps^2 and unit Sigma_ii: (eta/mu) / d_ii, which for
  /// Nesterov is the look-ahead point's and is corrected to w's own in the finite-step form, DERIVATION (25).
  template <class T>
  T position_response(const T& l) const;

  LabelResponse label_response() const;
  /// l times position_response(l), in units of eta/mu, likewise; DERIVATION (73).
  LabelResponse stationary_response() const;

 private:
  template <class T>
  T finite_step_inverse(const T& li, const T& lj) const;

  Form form_;
  Hyperparameters h_;
  double kappa_;  // of the paper and asymptotic forms; infinite for gamma > 1/2
};

/// DERIVATION (12) for heavy ball and SGD; (13) in its cancellation-free form for Nesterov.
template <class T>
[[gnu::always_inline]] inline T LyapunovOperator::finite_step_inverse(const T& li, const T& lj) const {
  const double eta = h_.eta, mu = h_.mu, b = h_.beta();
  const T difference = li - lj;
  if (h_.scheme != Scheme::nesterov) {
    const T product = li * lj;
    return 1.0 /
           (li + lj - (eta / (1.0 + b)) * product + (b * eta / ((1.0 + b) * mu * mu)) * (difference * difference));
  }
  const T sum = eta * (li + lj);
  const T product = (eta * li) * (eta * lj);
  const T square = (eta * difference) * (eta * difference);
  const T numerator = (mu * mu * (1.0 + b)) * sum + ((1.0 + b) * (2.0 * b * b - b + 1.0) / 4.0) * square +
                      (mu * (6.0 * b * b + 3.0 * b - 1.0) / 4.0) * (sum * sum) +
                      (b * (3.0 * b * b - 1.0)) * (sum * product) - (b * b * (1.0 + 2.0 * b)) * (product * product);
  const T denominator = mu * (1.0 + b) + (b * (1.0 + b - b * b)) * sum + (b * b * (1.0 + 2.0 * b)) * product;
  return (eta * mu) * denominator / numerator;
}

template <class T>
[[gnu::always_inline]] inline T LyapunovOperator::inverse(const T& li, const T& lj) const {
  if (form_ == Form::finite_step) return finite_step_inverse(li, lj);
  const T difference = li - lj;
  if (std::isinf(kappa_)) {
    // Only the eigenspaces survive. Eigenvalues closer than this, relative, count as one: closer than the accuracy
    // (4e-15 relative) of the eigenproblem times a margin, far below any distance that the form can resolve.
    constexpr double one_eigenspace = 1e-9;
    using manifolds::select;
    using std::abs;
    return select(abs(difference) <= one_eigenspace * (li + lj), 1.0 / (li + lj), T(0.0));
  }
  return 1.0 / (li + lj + kappa_ * (difference * difference));
}

template <class T>
T LyapunovOperator::position_response(const T& l) const {
  const double eta = h_.eta, mu = h_.mu, b = h_.beta();
  if (form_ != Form::finite_step || h_.scheme != Scheme::nesterov) return (eta / mu) * inverse(l, l);
  const T e = eta * l;
  return (eta * eta) * (1.0 + b - b * e) / (e * (mu + b * e) * (2.0 * (1.0 + b) - (1.0 + 2.0 * b) * e));
}

}  // namespace valleydrift::sde

namespace valleydrift {
using sde::Form;
}  // namespace valleydrift
