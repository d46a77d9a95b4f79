// The measurements, the teacher, the start and limits on their sizes; the trace of the Hessian in closed form.
#include "manifolds/models/matrix_sensing.hpp"

#include <fmt/format.h>

#include <Eigen/Core>
#include <stdexcept>

#include "manifolds/random/random_data.hpp"

namespace valleydrift::manifolds {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Factor = Eigen::Map<const RowMajor>;

/// What the draws of a seed are for.
enum Role : std::uint32_t { measurements, left_teacher, right_teacher, left_start, right_start };

/// Of the d x d matrices of rank r, and of the symmetric ones: only so many residuals can have independent gradients.
int matrices_of_rank(int d, int r, bool symmetric) { return symmetric ? d * r - r * (r - 1) / 2 : 2 * d * r - r * r; }

}  // namespace

MatrixSensing::MatrixSensing(const ParameterValues& parameters)
    : d_(static_cast<int>(parameters.at("dimension"))),
      r_(static_cast<int>(parameters.at("rank"))),
      samples_(static_cast<int>(parameters.at("samples"))),
      symmetric_(parameters.at("variant") == 1.0),
      seed_(parameters.at("seed")) {
  const int teacher_rank = static_cast<int>(parameters.at("teacher-rank"));
  if (!(teacher_rank <= r_ && r_ <= d_)) {
    throw std::invalid_argument(
        fmt::format("teacher-rank = {}, rank = {} and dimension = {} must not decrease in this "
                    "order",
                    teacher_rank, r_, d_));
  }
  const int most = matrices_of_rank(d_, r_, symmetric_);
  if (!(samples_ < most)) {
    throw std::invalid_argument(
        fmt::format("samples = {} must be below {}, the dimension of the {}{} x {} matrices of rank {}: otherwise no "
                    "valley is left",
                    samples_, most, symmetric_ ? "symmetric " : "", d_, d_, r_));
  }
  const RandomData draw(seed_);
  const Eigen::Index d = d_;
  for (int i = 0; i < samples_; ++i) {
    RowMajor a(d, d);
    for (int e = 0; e < d_ * d_; ++e) a.data()[e] = draw.normal(i, e, measurements);
    if (symmetric_) a = (0.5 * (a + a.transpose())).eval();
    a_.insert(a_.end(), a.data(), a.data() + a.size());
  }
  const double scale = 1.0 / std::sqrt(static_cast<double>(d_));  // the nonzero singular values of M* are near 1
  const std::vector<double> x = draw.normals(d_, teacher_rank, left_teacher, scale);
  const std::vector<double> z = symmetric_ ? x : draw.normals(d_, teacher_rank, right_teacher, scale);
  const RowMajor teacher = Factor(x.data(), d, teacher_rank) * Factor(z.data(), d, teacher_rank).transpose();
  teacher_.assign(teacher.data(), teacher.data() + teacher.size());
  for (Eigen::Index i = 0; i < samples_; ++i) {
    y_.push_back(Factor(a_.data() + i * d * d, d, d).cwiseProduct(teacher).sum());
  }
}

ManifoldDescription MatrixSensing::describe() {
  return {.name = "matrix-sensing",
          .formula = "f_i = <A_i, U V^T> - y_i, i = 1..n, L = (1/2n) sum_i f_i^2; symmetric: V = U",
          .coordinates = "U_11..U_dr, V_11..V_dr, row by row; symmetric: U alone",
          .summary = "a low-rank matrix from few linear measurements, by two factors",
          .parameters = {{"dimension", "d: matrices are d x d", 4, 2, 64, true},
                         {"rank", "r, columns of U and V", 2, 1, 64, true},
                         {"teacher-rank", "rank of the matrix measured", 1, 1, 64, true},
                         {"samples", "n, below the dimension of the matrices of rank r", 4, 1, 255, true},
                         {"variant", "U V^T or U U^T", 0, 0, 1, true, {"asymmetric", "symmetric"}},
                         {"seed", "of the measurements, the teacher and the start", 1, 0, 1e9, true}},
          .known = {"tr H = (1/n) sum_i (|A_i V|^2 + |A_i^T U|^2) on the valley; symmetric: (4/n) sum_i |A_i U|^2: "
                    "label noise prefers a small nuclear norm, that is low rank",
                    "gradient flow conserves U^T U - V^T V",
                    "U -> U Q, V -> V Q with Q orthogonal changes neither loss nor tr H"},
          // The other variant, with fewer entries than one pass of the blocked loops takes, and a remainder.
          .awkward = {{"dimension", 3}, {"rank", 2}, {"teacher-rank", 2}, {"samples", 3}, {"variant", 1}, {"seed", 5}},
          .invalid = {{"samples", 12}}};
}

std::vector<double> MatrixSensing::default_start() const {
  const RandomData draw(seed_);
  const double scale = 1.0 / std::sqrt(static_cast<double>(r_));
  std::vector<double> w = draw.normals(d_, r_, left_start, scale);
  if (!symmetric_) {
    const std::vector<double> v = draw.normals(d_, r_, right_start, scale);
    w.insert(w.end(), v.begin(), v.end());
  }
  return brought_to_valley(
      "matrix-sensing", std::move(w), samples_,
      [this](std::span<const double> at, std::span<double> f) { residuals<double>(at, f); },
      [this](std::span<const double> at, std::span<const double> r, std::span<double> g) {
        pullback<double, double>(at, r, g);
      });
}

std::vector<std::string> MatrixSensing::slow_coordinate_names() const {
  return {"test_error", symmetric_ ? "|U|^2" : "|U^TU-V^TV|^2"};
}

void MatrixSensing::slow_coordinates(std::span<const double> y, std::span<const double> /*start*/,
                                     std::span<double> q) const {
  const Factor u(y.data(), d_, r_), v(second_factor(y.data()), d_, r_);
  q[0] = (u * v.transpose() - Factor(teacher_.data(), d_, d_)).squaredNorm();
  q[1] = symmetric_ ? u.squaredNorm() : (u.transpose() * u - v.transpose() * v).squaredNorm();
}

double MatrixSensing::closed_trace_hessian(std::span<const double> y) const {
  const Factor u(y.data(), d_, r_), v(second_factor(y.data()), d_, r_);
  double sum = 0.0;
  for (Eigen::Index i = 0; i < samples_; ++i) {
    const Factor a(a_.data() + i * d_ * d_, d_, d_);
    sum += symmetric_ ? 4.0 * (a * u).squaredNorm() : (a * v).squaredNorm() + (a.transpose() * u).squaredNorm();
  }
  return sum / samples_;
}

}  // namespace valleydrift::manifolds
