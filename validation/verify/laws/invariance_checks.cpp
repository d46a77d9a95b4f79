// D10: one diffusion, however it is written: in Ito's or Stratonovich's form, in rotated or rescaled coordinates, with
// its noise mixed; and as the kernel of the ensembles.
#include <Eigen/Dense>
#include <memory>

#include "manifolds/pointwise_loss.hpp"
#include "sde/field.hpp"
#include "sde/kernel/given_noise.hpp"
#include "sde/theorem.hpp"
#include "validation/verify/laws/theorem_checks.hpp"
#include "validation/verify/site_cases.hpp"

namespace valleydrift::verify {
namespace {

using namespace sites;
using manifolds::Geometry;
using sde::Coefficients;
using sde::LyapunovOperator;
using sde::theorem;

/// Both calculi at one point, from the kernel of the ensembles.
struct Increments {
  Vector ito, stratonovich;  ///< drifts
  Matrix diffusion;          ///< V_j, D x r
};

class Kernel {
 public:
  explicit Kernel(std::shared_ptr<sde::Field<double>> field)
      : field_(std::move(field)),
        columns_(static_cast<std::size_t>(field_->noise_count())) {}

  /// V_j(w).
  Vector diffusion(const Vector& w, std::size_t j) {
    std::vector<double> unit(columns_);
    unit[j] = 1.0;
    Vector v(w.size());
    field_->diffusion_increment(view(w), unit, view(v));
    return v;
  }
  Increments at(const Vector& y) {
    const std::vector<double> none(columns_);
    Increments out{Vector(y.size()), Vector(y.size()), Matrix(y.size(), static_cast<Eigen::Index>(columns_))};
    field_->ito_increment(view(y), 1.0, none, view(out.ito));
    field_->stratonovich_increment(view(y), 1.0, none, view(out.stratonovich));
    for (std::size_t j = 0; j < columns_; ++j) out.diffusion.col(static_cast<Eigen::Index>(j)) = diffusion(y, j);
    return out;
  }

 private:
  std::shared_ptr<sde::Field<double>> field_;
  std::size_t columns_;
};

Kernel kernel_of(const Manifold& m, const LyapunovOperator& form, const NoiseFactor& noise) {
  return Kernel(sde::make_field<double>(m, form, noise));
}

/// Rounding 1e-16 times the D additions of a change of coordinates, and up to 1e4 where eigenvectors of near
/// eigenvalues are mixed; times what rounding y and the condition of H, where they are more than 100, make of it.
double rounding_bound(const CheckSite& site, const Geometry& g) {
  return 1e-11 * std::max({1.0, 1e-2 * condition(g.spectrum), 1e-2 * rounding_of(site, g.point)});
}

/// What errors of a drift are measured by: its terms, and where there are none 1e-3 of what noise of this size moves
/// where the valley bends over its length.
double size_of(const CheckSite& site, const Coefficients& c, const Matrix& sigma) {
  return c.curvature.norm() + c.mixed.norm() + c.transverse.norm() + 1e-3 * sigma.squaredNorm() / site.length;
}

/// The kernel's Ito drift and diffusion, those of isotropic noise, which has a way of its own, and its drift of label
/// noise are those of theorem, which the checks D4 hold against the iteration.
Finding kernel(const CheckSite& site) {
  WorstRatio worst;
  for_points(site, 101, [&](const Vector& y, Random& random, const std::string& where) {
    const Geometry g = site.manifold.geometry(y);
    const Matrix sigma = full_sigma(random, y.size());
    const double least = 1e-3 / site.length, bound = rounding_bound(site, g);
    for (const Hyperparameters& h : all_momenta(visible_step(g.spectrum))) {
      const LyapunovOperator form(Form::finite_step, h);
      const Increments field = kernel_of(site.manifold, form, sigma).at(y);
      const Coefficients c = theorem(site.manifold, g, sigma, form);
      const double size = size_of(site, c, sigma);
      worst.add((field.ito - c.drift()).norm() / size, bound, fmt::format("drift, {}, {}", describe(h), where));
      worst.add((field.diffusion - c.diffusion).norm() / sigma.norm(), bound, "diffusion " + where);

      const Coefficients i = theorem(site.manifold, g, Matrix::Identity(y.size(), y.size()), form);
      const Increments isotropic = kernel_of(site.manifold, form, NoiseFactor::isotropic(y.size())).at(y);
      const double unit = i.curvature.norm() + i.transverse.norm() + least * static_cast<double>(y.size());
      worst.add((isotropic.ito - i.drift()).norm() / unit, bound,
                fmt::format("isotropic drift, {}, {}", describe(h), where));
      worst.add((isotropic.stratonovich - i.transverse).norm() / unit, bound,
                fmt::format("isotropic Stratonovich drift, {}, {}", describe(h), where));
      worst.add((isotropic.diffusion - i.diffusion).norm() / std::sqrt(static_cast<double>(y.size())), bound,
                "isotropic diffusion " + where);

      const Matrix labels = site.manifold.label_noise_factor(y);
      const Vector expected = theorem(site.manifold, g, labels, form).drift();
      Vector drift(y.size());
      sde::make_label_drift<double>(site.manifold, form)->increment(view(y), 1.0, view(drift));
      worst.add((drift - expected).norm() / (expected.norm() + least * labels.squaredNorm()), bound,
                fmt::format("label drift, {}, {}", describe(h), where));
    }
  });
  return worst.finding();
}

/// Ito drift less Stratonovich drift is (1/2) sum_j DV_j[V_j], by differences of the diffusion field; the Stratonovich
/// drift is tangent to the valley.
Finding stratonovich(const CheckSite& site) {
  // Richardson leaves h^4 / 4, 4e-8 for h = 2^-9 of the valley's length where it bends over a tenth of that; rounding
  // 1e-15 / h.
  const double h = 0x1p-9 * site.length;
  Worst worst(1e-7);
  for_points(site, 102, [&](const Vector& y, Random& random, const std::string& where) {
    const Geometry g = site.manifold.geometry(y);
    const Matrix sigma = full_sigma(random, y.size()).colwise().normalized();
    for (const Hyperparameters& hyper : all_momenta(visible_step(g.spectrum))) {
      Kernel kernel = kernel_of(site.manifold, LyapunovOperator(Form::finite_step, hyper), sigma);
      const Increments field = kernel.at(y);
      Vector correction = Vector::Zero(y.size());
      for (Eigen::Index j = 0; j < sigma.cols(); ++j) {
        const Vector v = field.diffusion.col(j);
        const auto slope = [&](double step) {
          const auto column = static_cast<std::size_t>(j);
          return Vector((kernel.diffusion(y + step * v, column) - kernel.diffusion(y - step * v, column)) /
                        (2.0 * step));
        };
        correction += 0.5 * (4.0 * slope(h / 2.0) - slope(h)) / 3.0;
      }
      const double size = std::max(correction.norm(), 1e-2 * sigma.squaredNorm() / site.length);
      const std::string which = fmt::format("{}, {}", describe(hyper), where);
      worst.add((field.ito - field.stratonovich - correction).norm() / size, "difference of the drifts, " + which);
      const Vector across = field.stratonovich - g.longitudinal(field.stratonovich);
      worst.add(across.norm() / (size + field.stratonovich.norm()), "J V_0 = 0, " + which);
    }
  });
  return worst.finding();
}

/// The same residuals in coordinates x with w = A x, and the loss times `factor`: a model whose sizes are known to the
/// compiler, as those of the manifold's own model may be.
template <int D, int m>
class Transformed {
 public:
  static constexpr int static_dimension = D;
  static constexpr int static_residuals = m;
  Transformed(const Manifold& manifold, const Matrix& a, double factor) : manifold_(manifold), a_(a), factor_(factor) {}

  int dimension() const { return manifold_.dimension(); }
  int residual_count() const { return manifold_.transverse_dimension(); }
  double weight() const { return factor_ * manifold_.pointwise().weight(); }
  template <class T>
  void residuals(std::span<const T> x, std::span<T> f) const {
    manifold_.pointwise().residuals(std::span<const T>(original<T>(x)), f);
  }
  template <class T, class R>
  void pullback(std::span<const T> x, std::span<const R> r, std::span<T> g) const {
    const std::vector<T> w = original<T>(x);
    std::vector<T> of_w(x.size());
    manifold_.pointwise().pullback(std::span<const T>(w), r, std::span<T>(of_w));
    for (std::size_t i = 0; i < g.size(); ++i) {
      g[i] = T(0.0);
      for (std::size_t k = 0; k < of_w.size(); ++k) g[i] = g[i] + entry(k, i) * of_w[k];
    }
  }
  std::vector<double> default_start() const { return {}; }
  std::vector<std::string> slow_coordinate_names() const { return {}; }
  void slow_coordinates(std::span<const double>, std::span<const double>, std::span<double>) const {}

 private:
  double entry(std::size_t row, std::size_t column) const {
    return a_(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(column));
  }
  template <class T>
  std::vector<T> original(std::span<const T> x) const {
    std::vector<T> w(x.size(), T(0.0));
    for (std::size_t i = 0; i < w.size(); ++i) {
      for (std::size_t k = 0; k < x.size(); ++k) w[i] = w[i] + entry(i, k) * x[k];
    }
    return w;
  }
  const Manifold& manifold_;
  Matrix a_;
  double factor_;
};

/// The field of a model with the model itself.
template <int D, int m>
struct TransformedField {
  Transformed<D, m> model;
  sde::GivenNoiseField<double, Transformed<D, m>> field;
  TransformedField(const Transformed<D, m>& of, const LyapunovOperator& form, const Matrix& sigma)
      : model(of),
        field(model, form, sigma) {}
};

/// In coordinates x with w = A x and with the loss times `factor`; small ones by the kernel of known sizes, which the
/// models of the list have with weight 1 alone.
Kernel kernel_in(const Matrix& a, double factor, const Manifold& m, const LyapunovOperator& form, const Matrix& sigma) {
  const auto made = [&]<int D, int residuals>() {
    const auto both =
        std::make_shared<TransformedField<D, residuals>>(Transformed<D, residuals>(m, a, factor), form, sigma);
    return Kernel(std::shared_ptr<sde::Field<double>>(both, &both->field));
  };
  const int dimension = m.dimension(), residuals = m.transverse_dimension();
  if (dimension == 2 && residuals == 1) return made.template operator()<2, 1>();
  if (dimension == 3 && residuals == 1) return made.template operator()<3, 1>();
  if (dimension == 4 && residuals == 2) return made.template operator()<4, 2>();
  return made.template operator()<manifolds::dynamic, manifolds::dynamic>();
}

Matrix orthogonal(Random& random, Eigen::Index size) {
  return Eigen::HouseholderQR<Matrix>(random.matrix(size, size)).householderQ();
}

/// sigma Q has the same Sigma, hence the same terms. In coordinates x with w = A x, A orthogonal, noise A^T sigma
/// drifts by A^T times the drift.
Finding rotation(const CheckSite& site) {
  WorstRatio worst;
  const Manifold& m = site.manifold;
  for_points(site, 103, [&](const Vector& y, Random& random, const std::string& where) {
    const Geometry g = m.geometry(y);
    const Matrix sigma = full_sigma(random, y.size()), mixed = sigma * orthogonal(random, sigma.cols());
    const Matrix a = orthogonal(random, y.size());
    const double bound = rounding_bound(site, g);
    for (const Hyperparameters& h : all_momenta(visible_step(g.spectrum))) {
      const LyapunovOperator form(Form::finite_step, h);
      const std::string which = fmt::format("{}, {}", describe(h), where);
      const Coefficients one = theorem(m, g, sigma, form), two = theorem(m, g, mixed, form);
      const double size = size_of(site, one, sigma);
      worst.add((one.curvature - two.curvature).norm() / size, bound, "sigma Q, curvature, " + which);
      worst.add((one.mixed - two.mixed).norm() / size, bound, "sigma Q, mixed, " + which);
      worst.add((one.transverse - two.transverse).norm() / size, bound, "sigma Q, transverse, " + which);
      const Matrix covariance = one.diffusion * one.diffusion.transpose();
      worst.add((covariance - two.diffusion * two.diffusion.transpose()).norm() / sigma.squaredNorm(), bound,
                "sigma Q, diffusion, " + which);
      if (!m.is_least_squares()) continue;
      const Increments there = kernel_in(a, 1.0, m, form, Matrix(a.transpose() * sigma)).at(a.transpose() * y);
      const Vector tangent = kernel_of(m, form, sigma).at(y).stratonovich;
      worst.add((a * there.ito - one.drift()).norm() / size, bound, "coordinates, Ito, " + which);
      worst.add((a * there.stratonovich - tangent).norm() / size, bound, "coordinates, Stratonovich, " + which);
      worst.add((a * there.diffusion - one.diffusion).norm() / sigma.norm(), bound, "coordinates, diffusion, " + which);
    }
  });
  return worst.finding();
}

/// The loss F L(a x) iterates in x as L does in w = a x, with F a^2 eta' in the place of eta and the same mu, if its
/// noise factor is F a sigma: w' and p change by the same numbers in each step, p' = F a p. The slow time (9) runs
/// F^2 a^4 times slower in x, so its drift is F^2 a^3 times that in w, and its diffusion F a times.
Finding rescaling(const CheckSite& site) {
  WorstRatio worst;
  constexpr double a = 1.7, factor = 2.3;
  for_points(site, 104, [&](const Vector& y, Random& random, const std::string& where) {
    const Geometry g = site.manifold.geometry(y);
    const Matrix sigma = full_sigma(random, y.size());
    const Matrix scale = a * Matrix::Identity(y.size(), y.size());
    const double bound = rounding_bound(site, g);
    for (const Hyperparameters& h : all_momenta(visible_step(g.spectrum))) {
      const Hyperparameters there = hyperparameters(h.scheme, h.eta / (factor * a * a), h.mu);
      const LyapunovOperator form(Form::finite_step, h), scaled_form(Form::finite_step, there);
      const Coefficients in_w = theorem(site.manifold, g, sigma, form);
      const Vector tangent = kernel_of(site.manifold, form, sigma).at(y).stratonovich;
      const Increments in_x =
          kernel_in(scale, factor, site.manifold, scaled_form, Matrix(factor * a * sigma)).at(y / a);
      const double per_time = factor * factor * a * a * a, size = size_of(site, in_w, sigma);
      const std::string which = fmt::format("{}, {}", describe(h), where);
      worst.add((in_x.ito / per_time - in_w.drift()).norm() / size, bound, "Ito, " + which);
      worst.add((in_x.stratonovich / per_time - tangent).norm() / size, bound, "Stratonovich, " + which);
      worst.add((in_x.diffusion / (factor * a) - in_w.diffusion).norm() / sigma.norm(), bound, "diffusion, " + which);
      worst.add(std::abs(there.slow_unit() / (factor * factor * a * a * a * a * h.slow_unit()) - 1.0), bound,
                "clock, " + which);
    }
  });
  return worst.finding();
}

}  // namespace

std::vector<Check> invariance_checks() {
  const auto kind = CheckKind::deterministic;
  return {{"D10-kernel", kind, "The kernel that ensembles run has the drift and diffusion of the theorem's definition.",
           "(10), (19), (20)",
           "sde/kernel/given_noise.hpp: tangent_drift() (mixed and transverse), curvature(), noise_blocks(); with "
           "isotropic "
           "noise sde/kernel/isotropic_noise.hpp; of label noise sde/kernel/label_noise.hpp and field_kernel.hpp; or "
           "sde/kernel/symmetric_eigen.hpp for manifolds with several "
           "residuals.",
           least_squares, kernel},
          {"D10-stratonovich", kind,
           "Ito drift less Stratonovich drift is half the sum of the fields' derivatives along themselves.",
           "(21), (21b)", "sde/kernel/given_noise.hpp, tangent_drift(), the weight of the Stratonovich calculus.",
           least_squares, stratonovich},
          {"D10-rotation", kind,
           "Mixing the noise by an orthogonal matrix changes nothing, rotating the coordinates rotates everything.",
           "(10), (20)",
           "sde/theorem.cpp if 'sigma Q' fails, sde/kernel/given_noise.hpp if 'coordinates' fails: a product that "
           "depends on the basis.",
           everywhere, rotation},
          {"D10-rescaling", kind,
           "The loss F L(a x) with noise F a sigma and learning rate eta/(F a^2) has F^2 a^3 times the drift.",
           "(9), (10), (12), (13)",
           "A power of eta, l or the weight s that does not fit: sde/lyapunov_operator.hpp, or root_weight_ in "
           "sde/kernel/given_noise.hpp.",
           least_squares, rescaling}};
}

}  // namespace valleydrift::verify
