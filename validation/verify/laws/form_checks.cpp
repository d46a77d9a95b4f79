// The forms as limits of one another: orders in the learning rate, fitted where the next order cannot be seen.
#include <fmt/format.h>

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>

#include "sde/theorem.hpp"
#include "validation/verify/site_cases.hpp"

namespace valleydrift::verify {
namespace {

using namespace sites;
using manifolds::Geometry;
using sde::Coefficients;
using sde::LyapunovOperator;
using sde::theorem;

/// A noise factor of at most four columns that excites every block of Sigma; always the same numbers.
Matrix mixed_noise_factor(Eigen::Index dimension) {
  return Random(11).matrix(dimension, std::min<Eigen::Index>(dimension, 4));
}

/// A difference and the rounding that is in it.
struct Difference {
  double size, rounding;
};

/// Least-squares slope of log y over log x, of the differences that stand out of their rounding; infinite if fewer than
/// two do: then the forms agree to rounding, better than at any order. NaN is no rounding.
double fitted_slope(const std::vector<double>& x, const std::vector<Difference>& y) {
  double n = 0.0, sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    // A hundred times its rounding tilts a line over a decade by 0.004.
    if (y[i].size <= 100.0 * y[i].rounding) continue;
    const double a = std::log(x[i]), b = std::log(y[i].size);
    n += 1.0, sx += a, sy += b, sxx += a * a, sxy += a * b;
  }
  return n < 2.0 ? infinite : (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

/// mu at eta l = e, and the form that the finite-step form approaches.
using MuOf = std::function<double(double e)>;
using Other = std::function<LyapunovOperator(const Hyperparameters&)>;

LyapunovOperator paper_form(const Hyperparameters& h) { return LyapunovOperator(Form::paper, h); }

/// A limit of the finite-step form: differences vanish at these orders in eta at least, those of entries of the symbol
/// between equal eigenvalues and between different ones, l = 0 included.
struct Approach {
  std::string name;
  std::vector<double> steps;  ///< eta l
  MuOf mu;
  Other other;
  double diagonal_order, off_diagonal_order;
};

/// The drift at a point. Learning rates are given as e = eta l_max, so that every manifold is as far from the limit as
/// every other.
class FormLadder {
 public:
  FormLadder(const CheckSite& site, const Vector& y)
      : manifold_(site.manifold),
        geometry_(manifold_.geometry(y)),
        sigma_(mixed_noise_factor(y.size())) {
    const LyapunovOperator form = paper_form({Scheme::heavy_ball, 0.5 / largest(), 0.5, 0.0});
    const Coefficients c = theorem(manifold_, geometry_, sigma_, form);
    // What P_L takes off leaves its rounding.
    const Matrix& u = geometry_.transverse;
    Matrix half = Matrix::Zero(y.size(), y.size());  // H^+ Sigma P_L
    for (const auto& column : sigma_.colwise()) {
      half += geometry_.pseudo_inverse(column) * geometry_.longitudinal(Vector(column)).transpose();
    }
    const Matrix response = u * c.transverse_response * u.transpose() + half + half.transpose();
    rounding_ =
        1e-16 * rounding_of(site, y) *
        (c.curvature.norm() + c.mixed.norm() + c.transverse.norm() + manifold_.third_contraction(y, response).norm());
  }

  double largest() const { return geometry_.spectrum[geometry_.spectrum.size() - 1]; }
  const Vector& spectrum() const { return geometry_.spectrum; }

  /// Fitted order in eta of |finite-step form - other|.
  double order(Scheme scheme, const Approach& approach) const {
    std::vector<Difference> differences;
    for (const double e : approach.steps) {
      const Hyperparameters h{scheme, e / largest(), approach.mu(e), 0.0};
      const double size = (drift(LyapunovOperator(Form::finite_step, h)) - drift(approach.other(h))).norm();
      differences.push_back({size, rounding_});
    }
    return fitted_slope(approach.steps, differences);
  }

  /// min over l_i, l_j that the form of gamma > 1/2 tells apart, 0 among them, of (l_i - l_j)^2/(l_i + l_j)/l_max.
  double least_separation() const {
    double least = spectrum()[0] / largest();
    for (Eigen::Index i = 1; i < spectrum().size(); ++i) {
      const double apart = spectrum()[i] - spectrum()[i - 1], sum = spectrum()[i] + spectrum()[i - 1];
      if (apart > 1e-9 * sum) least = std::min(least, apart * apart / sum / largest());  // sde/lyapunov_operator.hpp
    }
    return least;
  }

 private:
  Vector drift(const LyapunovOperator& form) const { return theorem(manifold_, geometry_, sigma_, form).drift(); }

  const Manifold& manifold_;
  Geometry geometry_;
  Matrix sigma_;
  double rounding_ = 0.0;
};

/// Calls use(ladder, scheme, "where") for both schemes at the site's points.
template <class Use>
void for_all_ladders(const CheckSite& site, const Use& use) {
  for (const Vector& y : used_points(site)) {
    const FormLadder ladder(site, y);
    for (const Scheme scheme : both_schemes)
      use(ladder, scheme, fmt::format("{}, {}", named(site, y), name_of(scheme)));
  }
}

// The orders are fitted over two decades. A next order of relative size d at the largest step tilts the line by
// d/(2 ln 10); a form that is not the limit has order 0, which is 0.2 or more away.
constexpr double order_bound = 0.02;

/// Adds by how much an order falls short of what is claimed. Differences that vanish faster are no objection: where a
/// symmetry or a straight valley silences the slowest entries of the symbol, the drift does not see them.
void add_shortfall(Worst& worst, double order, double claimed, const std::string& where) {
  worst.add(order >= claimed ? 0.0 : claimed - order,
            fmt::format("{}: order {:.4g} in eta instead of {:g}", where, order, claimed));
}

/// Entries of 1/d for an eigenvalue: with itself (a degenerate pair), with one that rounding separates from it, with
/// 2 l and with 0. |1/d - limit| must vanish at its order, whatever the drift sees of it.
void add_symbols(Worst& worst, const Approach& approach, double l, Scheme scheme, const std::string& where) {
  struct Pair {
    const char* name;
    double factor;
    bool degenerate;
  };
  for (const Pair& pair : {Pair{"(l, l)", 1.0, true}, Pair{"(l, l (1 + 1e-14))", 1.0 + 1e-14, true},
                           Pair{"(l, 2 l)", 2.0, false}, Pair{"(l, 0)", 0.0, false}}) {
    std::vector<Difference> differences;
    for (const double e : approach.steps) {
      const Hyperparameters h{scheme, e / l, approach.mu(e), 0.0};
      const double finite = LyapunovOperator(Form::finite_step, h).inverse(l, pair.factor * l);
      const double limit = approach.other(h).inverse(l, pair.factor * l);
      differences.push_back({std::abs(finite - limit), 1e-16 * std::abs(finite)});
    }
    add_shortfall(worst, fitted_slope(approach.steps, differences),
                  pair.degenerate ? approach.diagonal_order : approach.off_diagonal_order,
                  fmt::format("{}, {}, symbol of {} with l = {:.4g}", where, approach.name, pair.name, l));
  }
}

void add_orders(Worst& worst, const Approach& approach, const FormLadder& ladder, Scheme scheme,
                const std::string& where) {
  add_symbols(worst, approach, ladder.spectrum()[0], scheme, where);
  add_shortfall(worst, ladder.order(scheme, approach), std::min(approach.diagonal_order, approach.off_diagonal_order),
                fmt::format("{}, {}, drift", where, approach.name));
}

/// At fixed beta the difference is a eta + b eta^2 with b/a of order l/mu^2: at eta l = 1e-5 and mu = 0.1 d is 1e-3
/// times a number of order 1.
Finding run_fixed_beta(const CheckSite& site) {
  Worst worst(order_bound);
  for_all_ladders(site, [&](const FormLadder& ladder, Scheme scheme, const std::string& where) {
    for (const double mu : {1.0, 0.5, 0.1}) {
      const auto constant = [mu](double) { return mu; };
      add_orders(worst, {fmt::format("beta {:g}", 1.0 - mu), {1e-5, 1e-6, 1e-7}, constant, paper_form, 1.0, 1.0},
                 ladder, scheme, where);
    }
  });
  return worst.finding();
}

/// At fixed kappa l_max = 1, mu = (e/2)^(1/2), the difference is a mu + b mu^2, d of order mu = 7e-4. On the diagonal
/// of its symbol heavy ball has no term in mu, DERIVATION (12): order 1.
Finding run_fixed_kappa(const CheckSite& site) {
  Worst worst(order_bound);
  for_all_ladders(site, [&](const FormLadder& ladder, Scheme scheme, const std::string& where) {
    const auto mu = [](double e) { return std::sqrt(e / 2.0); };
    const double diagonal = scheme == Scheme::heavy_ball ? 1.0 : 0.5;
    add_orders(worst, {"kappa l = 1", {1e-6, 1e-8, 1e-10}, mu, paper_form, diagonal, 0.5}, ladder, scheme, where);
  });
  return worst.finding();
}

// --- The regimes of (16), mu = C eta^gamma ---------------------------------------------------------------------------

struct Regime {
  double gamma;
  std::vector<double> heavy_ball_steps, nesterov_steps;  ///< eta l_max

  double mu(double e) const { return 0.7 * std::pow(e, gamma); }
  LyapunovOperator asymptotic(const Hyperparameters& h) const { return LyapunovOperator(Form::asymptotic, h, gamma); }

  /// Order of approach of entries of the symbol: on the diagonal the corrections are eta l (heavy ball) and eta l/mu
  /// (Nesterov); off it kappa or 1/kappa, at gamma = 1/2 mu.
  double diagonal_order(Scheme scheme) const { return scheme == Scheme::nesterov ? 1.0 - gamma : 1.0; }
  double off_diagonal_order(Scheme scheme) const {
    const double of_kappa = gamma == 0.5 ? 0.5 : std::abs(2.0 * gamma - 1.0);
    return scheme == Scheme::nesterov && gamma < 0.5 ? std::min(of_kappa, 1.0 - gamma) : of_kappa;
  }

  /// Above gamma = 1/2 eigenvalues count as different where kappa (l_i - l_j)^2 is large beside l_i + l_j: steps at
  /// which it is 30 times as large, d = 1/30, at least.
  Approach approach(Scheme scheme, double least_separation) const {
    std::vector<double> steps = scheme == Scheme::nesterov ? nesterov_steps : heavy_ball_steps;
    if (gamma > 0.5) {
      const double enough = std::pow(2.0 * 30.0 * 0.49 / least_separation, 1.0 / (1.0 - 2.0 * gamma));
      const double shorter = std::min(1.0, enough / steps.front());
      for (double& e : steps) e *= shorter;
    }
    return {fmt::format("gamma {:g}", gamma),
            steps,
            [*this](double e) { return mu(e); },
            [*this](const Hyperparameters& h) { return asymptotic(h); },
            diagonal_order(scheme),
            off_diagonal_order(scheme)};
  }
};

// gamma = 1/4: the leading e^(1/2) is followed by e^(3/4): d = 6e-3 at 1e-9. gamma = 1/2: e^(1/2), then e: 3e-5.
// gamma = 4/5: heavy ball e^(3/5), then e^(4/5) and e^(6/5): d = 2e-2 at 1e-9, and less rounding, 1e-16/1e-7, than at
// smaller steps; Nesterov e^(1/5), then e^(2/5): d = 1e-3 at 1e-15.
const Regime below_half{0.25, {1e-9, 1e-10, 1e-11}, {1e-9, 1e-10, 1e-11}};
const Regime at_half{0.5, {1e-9, 1e-10, 1e-11}, {1e-9, 1e-10, 1e-11}};
const Regime above_half{0.8, {1e-9, 1e-10, 1e-11}, {1e-15, 1e-16, 1e-17}};

Finding run_regime(const CheckSite& site, const Regime& regime) {
  Worst worst(order_bound);
  for_all_ladders(site, [&](const FormLadder& ladder, Scheme scheme, const std::string& where) {
    add_orders(worst, regime.approach(scheme, ladder.least_separation()), ladder, scheme, where);
  });
  return worst.finding();
}

// --- Nesterov's symbol -----------------------------------------------------------------------------------------------

/// (13), the plain formula, with 50 digits, of which it loses up to 20 below.
double plain_nesterov_error(const LyapunovOperator& form, double li, double lj) {
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
      const LyapunovOperator form(Form::finite_step, {Scheme::nesterov, e / l, mu, 0.0});
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
      "one form's symbol is not the limit of the other's: compare LyapunovOperator::inverse and finite_step_inverse in "
      "sde/lyapunov_operator.hpp, kappa in sde/lyapunov_operator.cpp, with the equations";
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
       "a coefficient of the numerator or denominator is wrong: LyapunovOperator::finite_step_inverse in "
       "sde/lyapunov_operator.hpp",
       everywhere, run_nesterov_symbol},
  };
}

}  // namespace valleydrift::verify
