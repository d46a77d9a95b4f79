// D5 and D8: the transverse cloud against the discrete Lyapunov equation of the linearised iteration, and label noise
// against differences of the spectrum along the valley.
#include <Eigen/Dense>

#include "sde/theorem.hpp"
#include "validation/run/applicability.hpp"
#include "validation/verify/laws/theorem_checks.hpp"
#include "validation/verify/site_cases.hpp"

namespace valleydrift::verify {
namespace {

using namespace sites;
using manifolds::Geometry;
using sde::LyapunovOperator;
using sde::theorem;

// --- D5 -------------------------------------------------------------------------------------------------------------

/// Stationary covariances over eps^2, in the basis in which H was given.
struct Cloud {
  Matrix of_w, of_look_ahead;
};

/// The solution of C = M C M^T + B Sigma B^T for the linear map M of (w, eta p), DERIVATION (1), (2), with Hessian h
/// (m x m, positive, any basis) and the kick B = (eta, eta): the sum over k of M^k B Sigma B^T M^kT, whose number of
/// terms is doubled until it no longer grows.
Cloud lyapunov_cloud(const Hyperparameters& hyper, const Matrix& h, const Matrix& noise) {
  const Eigen::Index m = h.rows();
  const Matrix one = Matrix::Identity(m, m);
  const double beta = hyper.beta(), ahead = hyper.scheme == Scheme::nesterov ? beta : 0.0;
  // q' = beta q - eta H (w + ahead q), w' = w + q', with q = eta p
  const Matrix q_of_w = -hyper.eta * h, q_of_q = beta * one - ahead * hyper.eta * h;
  Matrix power(2 * m, 2 * m), kick(2 * m, m), look(m, 2 * m);
  power << one + q_of_w, q_of_q, q_of_w, q_of_q;
  kick << hyper.eta * one, hyper.eta * one;
  look << one, ahead * one;
  Matrix sum = kick * noise * kick.transpose();
  for (int doubling = 0; doubling < 60; ++doubling) {
    const Matrix more = power * sum * power.transpose();
    sum += more;
    if (!(more.norm() > 1e-17 * sum.norm())) break;
    power = Matrix(power * power);
  }
  return {sum.topLeftCorner(m, m), look * sum * look.transpose()};
}

/// H and Sigma restricted to the range of H, in a basis that is not the eigenbasis.
struct Restricted {
  Matrix basis, hessian, noise;
  Restricted(const Manifold& m, const Vector& y, const Matrix& sigma) {
    const Matrix j = m.jacobian(y);
    basis = Eigen::HouseholderQR<Matrix>(j.transpose()).householderQ() * Matrix::Identity(y.size(), j.rows());
    hessian = basis.transpose() * m.hessian(y) * basis;
    noise = basis.transpose() * sigma * sigma.transpose() * basis;
  }
};

/// Squaring M doubles the relative error of its powers, which matters for as many steps as a mode lives: 1e-16 times
/// that and the size of the transient, 1/mu, for some 1000 steps; longer where a mode is gentle.
double lyapunov_bound(const Hyperparameters& h, const Vector& spectrum) {
  return 1e-10 * std::max(1.0, 1e-3 * h.mu / (h.eta * spectrum.minCoeff()));
}

/// Lt^{-1} Sigma_TT times eta/mu is the cloud of the point where the gradient is taken.
Finding lyapunov(const CheckSite& site) {
  WorstRatio worst;
  for_points(site, 51, [&](const Vector& y, Random& random, const std::string& where) {
    const Geometry g = site.manifold.geometry(y);
    const Matrix sigma = full_sigma(random, y.size());
    const Restricted range(site.manifold, y, sigma);
    for (const Hyperparameters& h : all_momenta(visible_step(g.spectrum))) {
      const Cloud cloud = lyapunov_cloud(h, range.hessian, range.noise);
      const Matrix solved = range.basis * cloud.of_look_ahead * range.basis.transpose();
      const Matrix response =
          theorem(site.manifold, g, sigma, LyapunovOperator(Form::finite_step, h)).transverse_response;
      const Matrix claimed = (h.eta / h.mu) * g.transverse * response * g.transverse.transpose();
      worst.add((claimed - solved).norm() / solved.norm(), lyapunov_bound(h, g.spectrum),
                fmt::format("{}, {}", describe(h), where));
    }
  });
  return worst.finding();
}

/// Variance of w itself and the plateau of the loss.
Finding position(const CheckSite& site) {
  WorstRatio worst;
  for_points(site, 52, [&](const Vector& y, Random& random, const std::string& where) {
    const Geometry g = site.manifold.geometry(y);
    const Matrix sigma = full_sigma(random, y.size());
    const Restricted range(site.manifold, y, sigma);
    for (const Hyperparameters& h : all_momenta(visible_step(g.spectrum))) {
      const Cloud cloud = lyapunov_cloud(h, range.hessian, range.noise);
      const auto plateau = sde::transverse_plateau(g, sigma, LyapunovOperator(Form::finite_step, h));
      const double loss = 0.5 * (range.hessian * cloud.of_w).trace();
      const double bound = lyapunov_bound(h, g.spectrum);
      worst.add(std::abs(plateau.variance / cloud.of_w.trace() - 1.0), bound,
                fmt::format("variance, {}, {}", describe(h), where));
      worst.add(std::abs(plateau.loss / loss - 1.0), bound, fmt::format("loss, {}, {}", describe(h), where));
    }
  });
  return worst.finding();
}

/// log of the largest modulus of an eigenvalue of the step of (w, eta p) in one mode, e = eta l: the matrix is squared
/// until its norm is that to the power 2^60, times at most 2^60.
double log_root(Scheme scheme, double mu, double e) {
  const double beta = 1.0 - mu, ahead = scheme == Scheme::nesterov ? beta : 0.0;
  Eigen::Matrix2d step;
  step << 1.0 - e, beta - ahead * e, -e, beta - ahead * e;
  double log_norm = 0.0, weight = 1.0;
  for (int squaring = 0; squaring <= 60; ++squaring, weight /= 2.0) {
    const double norm = step.norm();
    log_norm += weight * std::log(norm);
    step = Eigen::Matrix2d(step / norm * (step / norm));
  }
  return log_norm;
}

/// Modes decay by their slowest root per step, and no longer decay just above the stability limit; momentum along the
/// valley falls by e in its relaxation time.
Finding relaxation(const CheckSite& site) {
  // The squarings round by 1e-16 each, and each counts half as much as the one before: 1e-15 in all, over log |z|, one
  // over the number of steps that a mode lives, for both sides.
  WorstRatio worst;
  constexpr double rounding = 1e-14;
  const Vector spectrum = site.manifold.geometry(site.points.front()).spectrum;
  for (const double step : {0.001, 0.1, 0.6, 0.9}) {
    for (const Hyperparameters& h : all_momenta(step / spectrum.maxCoeff(), {0.9, 0.5, 0.1, 0.02})) {
      double slowest = 0.0;
      for (const double l : spectrum) slowest = std::max(slowest, -1.0 / log_root(h.scheme, h.mu, h.eta * l));
      const double tau_1 = run::transverse_time(spectrum, h), tau_momentum = run::momentum_time(h);
      worst.add(std::abs(tau_1 / slowest - 1.0), rounding * (1.0 + slowest), "tau_1, " + describe(h));
      worst.add(std::abs(tau_momentum * std::log(h.beta()) + 1.0), rounding * (1.0 + 1.0 / h.mu),
                "tau_momentum, " + describe(h));
      const double limit = h.stability_limit();
      const bool below = log_root(h.scheme, h.mu, (1.0 - 1e-6) * limit) < 0.0;
      const bool above = log_root(h.scheme, h.mu, (1.0 + 1e-6) * limit) > 0.0;
      worst.add(below && above ? 0.0 : 1.0, 0.5, "stability limit, " + describe(h));
    }
  }
  return worst.finding();
}

// --- D8 -------------------------------------------------------------------------------------------------------------

/// Slopes along the valley of functions of the spectrum of H. The dense spectrum is computed once at the points of a
/// stencil: central differences over h and h/2 and one Richardson step. A step's end is put back on the valley; how,
/// matters only at O(h^2), and not to the slope.
class SpectrumSlopes {
 public:
  /// Along a tangent basis of the valley; beyond eight dimensions along four directions, the steepest among them.
  SpectrumSlopes(const Manifold& m, const Geometry& g, double length, Random& random) : step_(0x1p-9 * length) {
    const Matrix basis = g.longitudinal_basis();
    directions_ =
        basis.cols() <= 8 ? basis : Matrix(g.longitudinal(random.matrix(basis.rows(), 4)).colwise().normalized());
    if (basis.cols() > 8) {
      const Matrix identity = Matrix::Identity(basis.rows(), basis.rows());
      const Vector steepest = g.longitudinal(m.third_contraction(g.point, identity));
      if (steepest.norm() > 1e-6 * g.trace_hessian() / length) directions_.col(0) = steepest.normalized();
    }
    for (const auto& direction : directions_.colwise()) {
      for (const double h : {step_, -step_, step_ / 2.0, -step_ / 2.0}) {
        const Matrix hessian = m.hessian(m.retract(g.point + h * direction));
        spectra_.push_back(Eigen::SelfAdjointEigenSolver<Matrix>(hessian, Eigen::EigenvaluesOnly).eigenvalues());
      }
    }
  }
  const Matrix& directions() const { return directions_; }

  /// The slopes of sum_i rho(l_i) along the directions; rho(0) = 0.
  template <class Rho>
  Vector slopes(const Rho& rho) const {
    Vector out(directions_.cols());
    for (Eigen::Index k = 0; k < out.size(); ++k) {
      const auto value = [&](Eigen::Index i) {
        double sum = 0.0;
        for (const double l : spectra_[static_cast<std::size_t>(4 * k + i)]) sum += rho(l);
        return sum;
      };
      const double whole = (value(0) - value(1)) / (2.0 * step_), half = (value(2) - value(3)) / step_;
      out[k] = (4.0 * half - whole) / 3.0;
    }
    return out;
  }

 private:
  double step_;
  Matrix directions_;
  std::vector<Vector> spectra_;
};

// Relative to the drift, or where there is none to 1e-2 c tr H over the valley's length: Richardson leaves a quarter of
// step^4, 4e-8 where the valley bends over a tenth of that length; rounding 1e-14 / 2^-9 over 1e-2.
constexpr double descent_bound = 1e-7;

/// Adds the distance of the label-noise drift in one form from -P_L grad R, R = sum_i rho(l_i).
template <class Rho>
void compare_with_descent(const CheckSite& site, const Geometry& g, const SpectrumSlopes& spectrum,
                          const LyapunovOperator& form, const Rho& rho, const std::string& where, Worst& worst) {
  const Manifold& m = site.manifold;
  const auto c = theorem(m, g, m.label_noise_factor(g.point), form);
  const Vector drift = c.drift(), expected = -spectrum.slopes(rho);
  const double size = std::max(drift.norm(), 1e-2 * m.label_constant() * g.trace_hessian() / site.length);
  worst.add(largest(spectrum.directions().transpose() * drift - expected) / size, where);
  worst.add(largest(drift - g.longitudinal(drift)) / size, "across the valley, " + where);
  worst.add(largest(c.diffusion) / std::sqrt(m.label_constant() * g.trace_hessian()), "diffusion, " + where);
}

Finding trace(const CheckSite& site) {
  Worst worst(descent_bound);
  for_points(site, 81, [&](const Vector& y, Random& random, const std::string& where) {
    const Geometry g = site.manifold.geometry(y);
    const SpectrumSlopes spectrum(site.manifold, g, site.length, random);
    const double c = site.manifold.label_constant();
    for (const Hyperparameters& h : all_momenta(visible_step(g.spectrum))) {  // kappa drops out
      compare_with_descent(
          site, g, spectrum, LyapunovOperator(Form::paper, h), [c](double l) { return c / 4.0 * l; },
          fmt::format("{}, {}", describe(h), where), worst);
    }
  });
  return worst.finding();
}

/// rho(l) of DERIVATION (23), (24).
double regulariser(const Hyperparameters& h, double c, double l) {
  const double b = h.beta(), e = h.eta * l;
  if (h.scheme != Scheme::nesterov) return -(c / 2.0) * ((1.0 + b) / h.eta) * std::log1p(-e / (2.0 * (1.0 + b)));
  return c * h.mu / (2.0 * h.eta * (1.0 + 3.0 * b)) *
         (2.0 * b * b * std::log1p(b * e / h.mu) -
          (1.0 + b) * (1.0 + 2.0 * b) * std::log1p(-(1.0 + 2.0 * b) * e / (2.0 * (1.0 + b))));
}

Finding log_determinant(const CheckSite& site) {
  Worst worst(descent_bound);
  for_points(site, 82, [&](const Vector& y, Random& random, const std::string& where) {
    const Geometry g = site.manifold.geometry(y);
    const SpectrumSlopes spectrum(site.manifold, g, site.length, random);
    const double c = site.manifold.label_constant();
    for (const Hyperparameters& h : all_momenta(visible_step(g.spectrum))) {
      compare_with_descent(
          site, g, spectrum, LyapunovOperator(Form::finite_step, h), [&](double l) { return regulariser(h, c, l); },
          fmt::format("{}, {}", describe(h), where), worst);
    }
  });
  return worst.finding();
}

}  // namespace

std::vector<Check> stationary_checks() {
  const auto kind = CheckKind::deterministic;
  return {
      {"D5-lyapunov", kind,
       "Lt^{-1} Sigma_TT solves the discrete Lyapunov equation of position and momentum on the range of H.",
       "(11), (12), (13), (25)",
       "sde/lyapunov_operator.hpp, finite_step_inverse(), or transverse_response in sde/theorem.cpp.", everywhere,
       lyapunov},
      {"D5-position", kind,
       "Variance of w and plateau of the loss are those of the Lyapunov equation's covariance of w.",
       "(25), (25a), (26)", "sde/lyapunov_operator.hpp, position_response(); sde/theorem.cpp, transverse_plateau().",
       everywhere, position},
      {"D5-relaxation", kind,
       "Relaxation times and stability limit are those of the powers of one mode's step, and of momentum's.",
       "(5), (29), (30)",
       "validation/run/applicability.cpp, transverse_time() and momentum_time(); manifolds/hyperparameters.cpp, "
       "stability_limit().",
       everywhere, relaxation},
      {"D8-trace", kind, "Under label noise the paper form descends c/4 times the trace of the Hessian.", "(22)",
       "sde/theorem.cpp, the transverse term, or kappa in sde/lyapunov_operator.cpp, which must drop out; "
       "manifolds/manifold.cpp, label_noise_factor(); see D1-label.",
       everywhere, trace},
      {"D8-log-determinant", kind,
       "Under label noise the finite-step form descends the log-determinants of heavy ball and Nesterov.", "(23), (24)",
       "sde/lyapunov_operator.hpp, finite_step_inverse() on the diagonal; if D8-trace fails as well, the transverse "
       "term.",
       everywhere, log_determinant}};
}

}  // namespace valleydrift::verify
