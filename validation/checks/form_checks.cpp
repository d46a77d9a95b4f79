// The forms as limits of one another: orders in the learning rate, fitted where the next order cannot be seen.
#include <fmt/format.h>

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>

#include "sde/limit_coefficients.hpp"
#include "validation/checks/site_cases.hpp"

namespace valleydrift::validation {
namespace {

using namespace sites;
using manifolds::Geometry;
using sde::Form;
using sde::limit_coefficients;
using sde::LimitCoefficients;
using sde::LimitForm;

/// A noise factor of at most four columns that excites every block of Sigma; always the same numbers.
Matrix mixed_noise_factor(Eigen::Index dimension) {
  return Random(11).matrix(dimension, std::min<Eigen::Index>(dimension, 4));
}

/// Least-squares slope of log y over log x.
double fitted_slope(const std::vector<double>& x, const std::vector<double>& y) {
  double sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double a = std::log(x[i]), b = std::log(std::abs(y[i]));
    sx += a, sy += b, sxx += a * a, sxy += a * b;
  }
  const auto n = static_cast<double>(x.size());
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

/// Learning rates are given as e = eta l_max, so that every manifold is as far from the limit as every other.
using MuOf = std::function<double(double e)>;
using Other = std::function<LimitForm(const Hyperparameters&)>;

LimitForm paper_form(const Hyperparameters& h) { return LimitForm(Form::paper, h); }

/// The drift at a point, and how fast the finite-step form approaches another one there.
class FormLadder {
 public:
  FormLadder(const Manifold& manifold, const Vector& y)
      : manifold_(manifold),
        geometry_(manifold.geometry(y)),
        sigma_(mixed_noise_factor(y.size())),
        coefficients_(limit_coefficients(manifold, geometry_, sigma_,
                                         paper_form({Scheme::heavy_ball, 0.5 / largest(), 0.5, 0.0}))) {}

  double largest() const { return geometry_.spectrum[geometry_.spectrum.size() - 1]; }
  const Vector& spectrum() const { return geometry_.spectrum; }
  /// Diagonal entries of the symbol matter; entries between different eigenvalues, l = 0 included, do. Where the valley
  /// is straight (channel) or equally steep everywhere (sphere) one of them is silent. 1e-6: products with exact zeros
  /// leave 1e-15, anything else is of the order of the drift.
  bool diagonal() const { return coefficients_.transverse.norm() > 1e-6 * size(); }
  bool off_diagonal() const {
    return coefficients_.mixed.norm() > 1e-6 * size() || (diagonal() && geometry_.spectrum.size() > 1);
  }

  /// Fitted order in eta of |finite-step form - other|.
  double order(Scheme scheme, const std::vector<double>& steps, const MuOf& mu_of, const Other& other) const {
    std::vector<double> differences;
    for (const double e : steps) {
      const Hyperparameters h{scheme, e / largest(), mu_of(e), 0.0};
      differences.push_back((drift(LimitForm(Form::finite_step, h)) - drift(other(h))).norm());
    }
    return fitted_slope(steps, differences);
  }

 private:
  double size() const { return coefficients_.mixed.norm() + coefficients_.transverse.norm(); }
  Vector drift(const LimitForm& form) const { return limit_coefficients(manifold_, geometry_, sigma_, form).drift(); }

  const Manifold& manifold_;
  Geometry geometry_;
  Matrix sigma_;
  LimitCoefficients coefficients_;
};

/// Calls use(ladder, scheme, "where") for both schemes at the site's points.
template <class Use>
void for_all_ladders(const CheckSite& site, const Use& use) {
  for (const Vector& y : used_points(site)) {
    const FormLadder ladder(site.manifold, y);
    for (const Scheme scheme : both_schemes)
      use(ladder, scheme, fmt::format("{}, {}", named(site, y), name_of(scheme)));
  }
}

// The orders are fitted over two decades. A next order of relative size d at the largest step tilts the line by
// d/(2 ln 10); a form that is not the limit has order 0, which is 0.2 or more away.
constexpr double order_bound = 0.02;

/// At fixed beta the difference is a eta + b eta^2 with b/a of order l/mu^2: at eta l = 1e-5 and mu = 0.1 d is 1e-3
/// times a number of order 1.
Finding run_fixed_beta(const CheckSite& site) {
  Worst worst(order_bound);
  const std::vector<double> steps = {1e-5, 1e-6, 1e-7};
  for_all_ladders(site, [&](const FormLadder& ladder, Scheme scheme, const std::string& where) {
    for (const double mu : {1.0, 0.5, 0.1}) {
      const double order = ladder.order(
          scheme, steps, [mu](double) { return mu; }, paper_form);
      worst.add(std::abs(order - 1.0),
                fmt::format("{}, beta {:g}: order {:.4g} in eta instead of 1", where, 1.0 - mu, order));
    }
  });
  return worst.finding();
}

/// At fixed kappa l_max = 1, mu = (e/2)^(1/2), the difference is a mu + b mu^2, d of order mu = 7e-4. Where only the
/// diagonal of the symbol is seen, heavy ball has no term in mu, DERIVATION (12): order 1.
Finding run_fixed_kappa(const CheckSite& site) {
  Worst worst(order_bound);
  const std::vector<double> steps = {1e-6, 1e-8, 1e-10};
  for_all_ladders(site, [&](const FormLadder& ladder, Scheme scheme, const std::string& where) {
    const double order = ladder.order(
        scheme, steps, [](double e) { return std::sqrt(e / 2.0); }, paper_form);
    const double expected = scheme == Scheme::heavy_ball && !ladder.off_diagonal() ? 1.0 : 0.5;
    worst.add(std::abs(order - expected),
              fmt::format("{}, kappa l = 1: order {:.4g} in eta instead of {:g}", where, order, expected));
  });
  return worst.finding();
}

// --- The regimes of (16), mu = C eta^gamma ---------------------------------------------------------------------------

struct Regime {
  double gamma;
  std::vector<double> heavy_ball_steps, nesterov_steps;  ///< eta l_max

  const std::vector<double>& steps(Scheme scheme) const {
    return scheme == Scheme::nesterov ? nesterov_steps : heavy_ball_steps;
  }
  double mu(double e) const { return 0.7 * std::pow(e, gamma); }
  LimitForm asymptotic(const Hyperparameters& h) const { return LimitForm(Form::asymptotic, h, gamma); }

  /// Order of approach of entries of the symbol: on the diagonal the corrections are eta l (heavy ball) and eta l/mu
  /// (Nesterov); off it kappa or 1/kappa, at gamma = 1/2 mu.
  double diagonal_order(Scheme scheme) const { return scheme == Scheme::nesterov ? 1.0 - gamma : 1.0; }
  double off_diagonal_order(Scheme scheme) const {
    const double of_kappa = gamma == 0.5 ? 0.5 : std::abs(2.0 * gamma - 1.0);
    return scheme == Scheme::nesterov && gamma < 0.5 ? std::min(of_kappa, 1.0 - gamma) : of_kappa;
  }
};

// gamma = 1/4: the leading e^(1/2) is followed by e^(3/4): d = 6e-3 at 1e-9. gamma = 1/2: e^(1/2), then e: 3e-5.
// gamma = 4/5: heavy ball e^(3/5), then e^(4/5) and e^(6/5): d = 2e-2 at 1e-9, and less rounding, 1e-16/1e-7, than at
// smaller steps; Nesterov e^(1/5), then e^(2/5): d = 1e-3 at 1e-15.
const Regime below_half{0.25, {1e-9, 1e-10, 1e-11}, {1e-9, 1e-10, 1e-11}};
const Regime at_half{0.5, {1e-9, 1e-10, 1e-11}, {1e-9, 1e-10, 1e-11}};
const Regime above_half{0.8, {1e-9, 1e-10, 1e-11}, {1e-15, 1e-16, 1e-17}};

/// Entries of 1/d for the eigenvalues themselves: l with itself (a degenerate pair), with one that rounding separates
/// from it, with 2 l and with 0. |1/d - limit| must vanish at its order.
void add_symbols(Worst& worst, const Regime& regime, const FormLadder& ladder, Scheme scheme,
                 const std::string& where) {
  struct Pair {
    const char* name;
    double factor;
    bool degenerate;
  };
  for (const Pair& pair : {Pair{"(l, l)", 1.0, true}, Pair{"(l, l (1 + 1e-14))", 1.0 + 1e-14, true},
                           Pair{"(l, 2 l)", 2.0, false}, Pair{"(l, 0)", 0.0, false}}) {
    const double l = ladder.spectrum()[0];
    std::vector<double> differences;
    for (const double e : regime.steps(scheme)) {
      const Hyperparameters h{scheme, e / l, regime.mu(e), 0.0};
      const double finite = LimitForm(Form::finite_step, h).inverse(l, pair.factor * l);
      differences.push_back(finite - regime.asymptotic(h).inverse(l, pair.factor * l));
    }
    // A difference of eta l = 1e-11 is 1e5 roundings of 1/d.
    const double order = fitted_slope(regime.steps(scheme), differences);
    const double expected = pair.degenerate ? regime.diagonal_order(scheme) : regime.off_diagonal_order(scheme);
    worst.add(std::abs(order - expected),
              fmt::format("{}, symbol of {} with l = {:.4g}: order {:.4g} in eta instead of {:g}", where, pair.name, l,
                          order, expected));
  }
}

Finding run_regime(const CheckSite& site, const Regime& regime) {
  Worst worst(order_bound);
  for_all_ladders(site, [&](const FormLadder& ladder, Scheme scheme, const std::string& where) {
    add_symbols(worst, regime, ladder, scheme, where);
    double expected = HUGE_VAL;  // the slower of the entries that the drift sees
    if (ladder.diagonal()) expected = std::min(expected, regime.diagonal_order(scheme));
    if (ladder.off_diagonal()) expected = std::min(expected, regime.off_diagonal_order(scheme));
    const double order = ladder.order(
        scheme, regime.steps(scheme), [&](double e) { return regime.mu(e); },
        [&](const Hyperparameters& h) { return regime.asymptotic(h); });
    worst.add(std::abs(order - expected),
              fmt::format("{}, drift: order {:.4g} in eta instead of {:g}", where, order, expected));
  });
  return worst.finding();
}

// --- Nesterov's symbol -----------------------------------------------------------------------------------------------

/// (13), the plain formula, with 50 digits, of which it loses up to 20 below.
double plain_nesterov_error(const LimitForm& form, double li, double lj) {
  using Exact = boost::multiprecision::cpp_bin_float_50;
  const Hyperparameters& h = form.hyperparameters();
  const Exact b = h.beta(), m = 1 - b, eta = h.eta;
  const Exact xi = 1 - eta * li, xj = 1 - eta * lj, q = xi * xj;
  const Exact hh = (xi + xj - 2 * b * q) / (1 - b * b * q);
  const Exact k = 1 + 2 * b + 2 * b * b, g = b * (1 + b) * (1 + b);
  const Exact d = (1 - k * q + g * q * hh) / (eta * m * (k - g * hh));
  return std::abs(static_cast<double>(form.inverse(li, lj) * d - 1));
}

Finding run_nesterov_symbol(const CheckSite& site) {
  Worst worst(1.0);
  const Vector spectrum = site.manifold.geometry(site.points.front()).spectrum;
  const double l = spectrum[spectrum.size() - 1];
  for (const double mu : {1.0, 0.999, 0.5, 0.1, 1e-3, 1e-6}) {
    // mu and 1 - beta differ by the rounding of beta, 5.6e-17; d depends on mu as mu^-2 at most. The formula itself
    // takes some 20 roundings of 1.1e-16.
    const double bound = 3e-15 + 2.0 * 5.6e-17 / mu;
    for (const double e : {1.0, 1e-2, 1e-5, 1e-9}) {
      const LimitForm form(Form::finite_step, {Scheme::nesterov, e / l, mu, 0.0});
      for (const double ratio : {1.0, 0.7, 0.7000001, 1e-3}) {
        for (const double other : {1.0, 0.7, 1e-3, 0.0}) {
          const double error = plain_nesterov_error(form, ratio * l, other * l);
          worst.add(
              error / bound,
              fmt::format("Nesterov, beta {:g}, eta l = {:g}, eigenvalues {:.4g} and {:.4g}: relative error {:.2g}",
                          1.0 - mu, e, ratio * l, other * l, error));
        }
      }
    }
  }
  return worst.finding();
}

}  // namespace

std::vector<Check> form_checks() {
  constexpr auto deterministic = CheckKind::deterministic;
  const std::string advice =
      "one form's symbol is not the limit of the other's: compare LimitForm::inverse and finite_step_inverse in "
      "sde/limit_form.hpp, kappa in sde/limit_form.cpp, with the equations";
  return {
      {"D6-fixed-beta", deterministic, "at fixed beta the finite-step form tends to the paper form as eta",
       "(12), (13), (15)", advice, everywhere, run_fixed_beta},
      {"D6-fixed-kappa", deterministic,
       "at fixed kappa = eta/(2 mu^2) the finite-step form tends to the paper form as eta^(1/2)", "(12), (13), (15)",
       advice, everywhere, run_fixed_kappa},
      {"D7-below-half", deterministic,
       "for gamma < 1/2 the finite-step form tends to Li, Wang, Arora's as eta^(1-2 gamma)", "(16)", advice, everywhere,
       [](const CheckSite& site) { return run_regime(site, below_half); }},
      {"D7-half", deterministic,
       "for gamma = 1/2 the finite-step form tends to that with kappa = 1/(2 C^2) as eta^(1/2)", "(16)", advice,
       everywhere, [](const CheckSite& site) { return run_regime(site, at_half); }},
      {"D7-above-half", deterministic,
       "for gamma > 1/2 only the eigenspaces of H survive, degenerate eigenvalues included, as eta^(2 gamma-1), "
       "Nesterov's diagonal as eta^(1-gamma)",
       "(16)", advice, everywhere, [](const CheckSite& site) { return run_regime(site, above_half); }},
      {"D7-nesterov-symbol", deterministic,
       "Nesterov's symbol without cancellation is the plain formula, which needs 50 digits", "(13), (13c), (13d)",
       "a coefficient of the numerator or denominator is wrong: LimitForm::finite_step_inverse in sde/limit_form.hpp",
       everywhere, run_nesterov_symbol},
  };
}

}  // namespace valleydrift::validation
