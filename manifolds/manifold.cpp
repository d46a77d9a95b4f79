// Geometry, third derivatives, retraction and curvature at a point: from residuals, or for any loss from its gradient.
#include "manifolds/manifold.hpp"

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "manifolds/errors.hpp"
#include "manifolds/numbers/lane_math.hpp"
#include "manifolds/numbers/number_text.hpp"
#include "manifolds/registry.hpp"
#include "manifolds/residual_unit.hpp"

namespace valleydrift::manifolds {
namespace {

/// Below this ratio of extreme nonzero eigenvalues the rank of H is taken to change: the transverse directions are no
/// longer separated from the valley's own at the accuracy of the third derivatives.
constexpr double rank_gap_tolerance = 1e-9;

std::span<const double> view(const Vector& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }
std::span<double> view(Vector& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }

using First = PointwiseLoss::First;
using Second = PointwiseLoss::Second;

/// d^2/dh^2 grad L(w + h v).
Vector second_derivative_of_gradient(const PointwiseLoss& loss, const Vector& w, const Vector& v) {
  std::vector<Second> x(static_cast<std::size_t>(w.size())), g(x.size());
  for (Eigen::Index i = 0; i < w.size(); ++i) {
    x[static_cast<std::size_t>(i)] = Second(First(w[i], v[i]), First(v[i], 0.0));
  }
  loss.gradient(std::span<const Second>(x), std::span<Second>(g));
  Vector out(w.size());
  for (Eigen::Index i = 0; i < w.size(); ++i) out[i] = g[static_cast<std::size_t>(i)].slope.slope;
  return out;
}

/// D3L[S] from grad L alone: S = sum_k lambda_k e_k e_k^T.
Vector generic_third_contraction(const PointwiseLoss& loss, const Vector& w, const Matrix& s) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(s);
  Vector out = Vector::Zero(w.size());
  for (Eigen::Index k = 0; k < s.cols(); ++k) {
    const double lambda = solver.eigenvalues()[k];
    if (lambda != 0.0) out += lambda * second_derivative_of_gradient(loss, w, solver.eigenvectors().col(k));
  }
  return out;
}

/// The m x m problem, DERIVATION section 5: Gram = s J J^T = V diag(l) V^T, U = s^(1/2) J^T V diag(l)^(-1/2).
void solve_gram(const PointwiseLoss& loss, const Vector& y, Geometry& geometry) {
  const Matrix j = std::sqrt(loss.weight()) * loss.jacobian(y);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(j * j.transpose());
  geometry.spectrum = solver.eigenvalues();
  geometry.transverse = j.transpose() * solver.eigenvectors();
  for (Eigen::Index i = 0; i < geometry.spectrum.size(); ++i) {
    geometry.transverse.col(i) /= std::sqrt(geometry.spectrum[i]);
  }
}

}  // namespace

Matrix Geometry::longitudinal_basis() const {
  const Eigen::HouseholderQR<Matrix> qr(transverse);
  const Matrix q = qr.householderQ() * Matrix::Identity(transverse.rows(), transverse.rows());
  return q.rightCols(transverse.rows() - transverse.cols());
}

Manifold::Manifold(const std::string& name, ParameterValues parameters)
    : Manifold(description_of(name), std::move(parameters)) {}

Manifold::Manifold(ManifoldDescription description, ParameterValues parameters)
    : description_(std::move(description)),
      loss_(make_loss(description_, parameters)) {
  for (const ParameterInfo& info : description_.parameters) {
    const auto given = parameters.find(info.name);
    parameters_[info.name] = given == parameters.end() ? info.default_value : given->second;
  }
}

int Manifold::dimension() const { return loss_->dimension(); }
int Manifold::transverse_dimension() const { return loss_->transverse_dimension(); }
bool Manifold::is_least_squares() const { return loss_->is_least_squares(); }
int Manifold::label_count() const { return loss_->label_count(); }
double Manifold::label_constant() const { return loss_->label_constant(); }
std::int64_t Manifold::most_flow_gradients() const { return loss_->most_flow_gradients(); }

double Manifold::loss(const Vector& w) const { return loss_->value(view(w)); }

Vector Manifold::gradient(const Vector& w) const {
  Vector g(w.size());
  loss_->gradient(view(w), view(g));
  return g;
}

Matrix Manifold::hessian(const Vector& w) const {
  Matrix h(w.size(), w.size());
  std::vector<First> x(view(w).begin(), view(w).end()), g(x.size());
  for (Eigen::Index k = 0; k < w.size(); ++k) {
    x[static_cast<std::size_t>(k)].slope = 1.0;
    loss_->gradient(std::span<const First>(x), std::span<First>(g));
    x[static_cast<std::size_t>(k)].slope = 0.0;
    for (Eigen::Index i = 0; i < w.size(); ++i) h(i, k) = g[static_cast<std::size_t>(i)].slope;
  }
  return 0.5 * (h + h.transpose());
}

Vector Manifold::third_contraction(const Vector& w, const Matrix& s) const {
  if (!is_least_squares()) return generic_third_contraction(*loss_, w, s);
  const Matrix j = jacobian(w);
  Vector out = Vector::Zero(w.size());
  for (Eigen::Index a = 0; a < j.rows(); ++a) {
    const Matrix h = residual_hessian(w, Vector::Unit(j.rows(), a));
    const Vector g = j.row(a).transpose();
    out += loss_->weight() * (2.0 * (h * (s * g)) + g * h.cwiseProduct(s.transpose()).sum());
  }
  return out;
}

Vector Manifold::residuals(const Vector& w) const {
  Vector f(transverse_dimension());
  loss_->residuals(view(w), view(f));
  return f;
}

Matrix Manifold::jacobian(const Vector& w) const { return loss_->jacobian(w); }
Vector Manifold::residual_hessian_times(const Vector& w, const Vector& r, const Vector& v) const {
  return loss_->residual_hessian_times(w, r, v);
}
Matrix Manifold::residual_hessian(const Vector& w, const Vector& r) const { return loss_->residual_hessian(w, r); }

Matrix Manifold::label_noise_factor(const Vector& w) const {
  Matrix sigma(w.size(), label_count());
  const std::vector<First> x(view(w).begin(), view(w).end());
  std::vector<First> shift(static_cast<std::size_t>(label_count())), g(x.size());
  for (Eigen::Index a = 0; a < sigma.cols(); ++a) {
    shift[static_cast<std::size_t>(a)] = First(0.0, 1.0);
    loss_->noisy_gradient(std::span<const First>(x), std::span<const First>(shift), std::span<First>(g));
    shift[static_cast<std::size_t>(a)] = First(0.0, 0.0);
    // The iteration adds -grad L + eps sigma xi.
    for (Eigen::Index i = 0; i < w.size(); ++i) sigma(i, a) = -g[static_cast<std::size_t>(i)].slope;
  }
  return sigma;
}

Vector Manifold::spectrum(const Vector& y) const { return decompose(y).spectrum; }

Geometry Manifold::decompose(const Vector& y) const {
  Geometry geometry;
  geometry.point = y;
  if (is_least_squares()) {
    solve_gram(*loss_, y, geometry);
    return geometry;
  }
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(hessian(y));
  geometry.spectrum = solver.eigenvalues().tail(transverse_dimension());
  geometry.transverse = solver.eigenvectors().rightCols(transverse_dimension());
  return geometry;
}

Geometry Manifold::geometry(const Vector& y, double earlier) const {
  Geometry geometry = decompose(y);
  if (!geometry.spectrum.allFinite()) {
    throw NumericalError(fmt::format(
        "{}: the spectrum of the Hessian at {} cannot be told in double precision: it is {}; start elsewhere, where "
        "numbers are nearer to 1",
        name(), format_point(y), format_point(geometry.spectrum)));
  }
  const double largest = geometry.spectrum[geometry.spectrum.size() - 1];
  geometry.rank_gap = geometry.spectrum[0] / largest;
  const double gap = geometry.spectrum[0] / std::max(largest, earlier);
  if (!(gap > rank_gap_tolerance)) {
    throw NumericalError(fmt::format(
        "{}: the rank of the Hessian changes at {}: its spectrum there is {}, smallest over largest {:.3g}, "
        "bound {:g}; start elsewhere, or shorten --time",
        name(), format_point(y), format_point(geometry.spectrum), largest > 0.0 ? gap : 0.0, rank_gap_tolerance));
  }
  return geometry;
}

double Manifold::valley_residual(const Vector& w) const { return residuals(w).cwiseAbs().maxCoeff(); }

double Manifold::length(const Vector& w) const {
  const double size = w.norm();
  if (!(size < 1.0)) return size;
  const double bend = 2.0 * curvature_radius(decompose(w));
  return bend > size ? std::min(1.0, bend) : size;  // no number where w has no valley
}

double least_length(const Manifold& manifold, const Vector& w) {
  const double size = w.norm(), least_slope = manifold.jacobian(w).rowwise().norm().minCoeff();
  // The bends, which take long to find, only where they make a difference.
  return std::min(1.0, residual_unit(size * least_slope) < 1.0 ? manifold.length(w) : size);
}

Vector Manifold::residual_units(const Vector& w) const {
  const double scale = std::max(w.norm(), least_length(*this, w));
  return (scale * jacobian(w).rowwise().norm()).unaryExpr([](double s) { return residual_unit(s); });
}

double Manifold::scaled_residual(const Vector& w) const {
  const Vector f = residuals(w);
  if ((f.array() == 0.0).all()) return 0.0;
  return f.cwiseQuotient(residual_units(w)).cwiseAbs().maxCoeff<Eigen::PropagateNaN>();
}

std::string Manifold::residual_text(const Vector& w, double bound) const {
  const Vector f = residuals(w).cwiseAbs(), units = residual_units(w);
  Eigen::Index a = 0;
  f.cwiseQuotient(units).maxCoeff(&a);
  const double unit = units[a] > 0.0 ? units[a] : 1.0;  // 0 where f has no slope
  return fmt::format("max |f| = {}, bound {}", number_text(f[a]), number_text(bound * unit, 6));
}

Vector Manifold::retract(const Vector& start) const {
  constexpr int most_steps = 50;  // Gauss-Newton near the valley squares the error: 5 steps are usual
  constexpr double arrived = 1e-10;
  Vector w = start;
  double residual = valley_residual(w);
  for (int step = 0; step < most_steps && residual > 0.0; ++step) {
    const Matrix j = jacobian(w);
    const Vector next = w - j.transpose() * (j * j.transpose()).ldlt().solve(residuals(w));
    const double next_residual = valley_residual(next);
    if (!(next_residual < residual)) break;
    w = next;
    residual = next_residual;
  }
  if (!(scaled_residual(w) < arrived)) {
    throw NumericalError(
        fmt::format("{}: retraction from {} does not reach the valley: {}; take a smaller --epsilon or a start nearer "
                    "to the valley",
                    name(), format_point(start), residual_text(w, arrived)));
  }
  return w;
}

double Manifold::curvature_radius(const Geometry& geometry) const {
  const Matrix j = jacobian(geometry.point);
  // Normal e_i = J^T c_i with c_i the i-th column of (J U)^(-T); its shape operator is -P_L (sum_a c_ai Hess f_a) P_L.
  const Matrix coefficients = (j * geometry.transverse).transpose().inverse();
  constexpr int largest_dense = 32;
  const bool dense = valley_dimension() <= largest_dense;
  return 1.0 / std::sqrt(dense ? largest_squared_curvature_dense(geometry, coefficients)
                               : largest_squared_curvature_by_lanczos(geometry, coefficients));
}

double Manifold::largest_squared_curvature_dense(const Geometry& geometry, const Matrix& coefficients) const {
  const Matrix basis = geometry.longitudinal_basis();
  Matrix squares = Matrix::Zero(basis.cols(), basis.cols());
  for (Eigen::Index i = 0; i < geometry.spectrum.size(); ++i) {
    const Matrix shape = basis.transpose() * residual_hessian(geometry.point, coefficients.col(i)) * basis;
    squares += shape * shape;
  }
  return Eigen::SelfAdjointEigenSolver<Matrix>(squares, Eigen::EigenvaluesOnly).eigenvalues().maxCoeff();
}

/// sum_i S_i^2 v of DERIVATION (33b) by 2 m products Hess f_a v, none of them a matrix. omega = (J J^T)^(-1).
Vector Manifold::squared_shapes_times(const Geometry& geometry, const Matrix& omega, const Vector& v) const {
  const Matrix bent = loss_->each_residual_hessian_times(geometry.point, v.replicate(1, omega.cols()));
  const Matrix twice = loss_->each_residual_hessian_times(geometry.point, geometry.longitudinal(bent) * omega);
  Vector out = Vector::Zero(v.size());
  for (const auto& column : twice.colwise()) out += column;
  return geometry.longitudinal(out);
}

/// Lanczos' method, each direction made orthogonal to all before it: 20 to 30 products where the power method would
/// take hundreds.
double Manifold::largest_squared_curvature_by_lanczos(const Geometry& geometry, const Matrix& coefficients) const {
  constexpr int most_iterations = 100;
  constexpr double unchanged = 1e-4;   // relative; what rests on the radius are ratios compared with 0.1
  constexpr double exhausted = 1e-10;  // of the largest: what is left is rounding
  const Matrix omega = coefficients * coefficients.transpose();
  Vector v(geometry.point.size());
  for (Eigen::Index i = 0; i < v.size(); ++i) v[i] = cos(static_cast<double>(i * i));  // no symmetry of a model's
  v = geometry.longitudinal(v).normalized();
  Matrix basis(v.size(), 0);
  Vector diagonal(0), beside(0);
  double largest = 0.0;
  for (int k = 0; k < most_iterations; ++k) {
    basis.conservativeResize(Eigen::NoChange, k + 1);
    basis.col(k) = v;
    Vector next = squared_shapes_times(geometry, omega, v);
    diagonal.conservativeResize(k + 1);
    diagonal[k] = v.dot(next);
    const double before = largest;
    Eigen::SelfAdjointEigenSolver<Matrix> ritz;
    ritz.computeFromTridiagonal(diagonal, beside, Eigen::EigenvaluesOnly);
    largest = ritz.eigenvalues()[k];
    for (int pass = 0; pass < 2; ++pass) next -= basis * (basis.transpose() * next);
    const double rest = next.norm();
    if (!(largest - before > unchanged * largest) || !(rest > exhausted * largest)) break;
    beside.conservativeResize(k + 1);
    beside[k] = rest;
    v = next / rest;
  }
  return largest;
}

Vector Manifold::default_start() const {
  const std::vector<double> start = loss_->default_start();
  return Eigen::Map<const Vector>(start.data(), static_cast<Eigen::Index>(start.size()));
}

std::vector<std::string> Manifold::slow_coordinate_names() const { return loss_->slow_coordinate_names(); }

Vector Manifold::slow_coordinates(const Vector& y, const Vector& start) const {
  Vector q(static_cast<Eigen::Index>(slow_coordinate_names().size()));
  loss_->slow_coordinates(view(y), view(start), view(q));
  return q;
}

std::string format_point(const Vector& w) {
  constexpr Eigen::Index most_shown = 8;  // a point of a large network is not worth a page
  std::vector<std::string> shown;
  for (const double x : w.head(std::min(w.size(), most_shown))) shown.push_back(number_text(x, 6));
  return fmt::format("({}{})", fmt::join(shown, ", "), w.size() > most_shown ? ", ..." : "");
}

}  // namespace valleydrift::manifolds
