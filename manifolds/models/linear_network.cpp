// The network's data, its start on the valley and the trace of its Hessian in closed form.
#include "manifolds/models/linear_network.hpp"

#include <fmt/format.h>

#include <numeric>
#include <stdexcept>

#include "manifolds/random/random_data.hpp"

namespace valleydrift::manifolds {

LinearNetwork::LinearNetwork(const ParameterValues& parameters)
    : features_(static_cast<int>(parameters.at("features"))),
      samples_(static_cast<int>(parameters.at("samples"))) {
  const int sparsity = static_cast<int>(parameters.at("sparsity"));
  if (!(samples_ < features_)) {
    throw std::invalid_argument(fmt::format(
        "samples = {} must be below features = {}: otherwise no valley is sure to be left", samples_, features_));
  }
  if (!(sparsity <= features_)) {
    throw std::invalid_argument(
        fmt::format("sparsity = {} must not exceed features = {}: the teacher's non-zeros", sparsity, features_));
  }
  const RandomData draw(parameters.at("seed"));
  for (int a = 0; a < samples_; ++a) {
    double label = 0.0;
    for (int k = 0; k < features_; ++k) {
      x_.push_back(draw.normal(a, k));
      if (k < sparsity) label += x_.back();
    }
    y_.push_back(label);
  }
  teacher_.assign(static_cast<std::size_t>(features_), 0.0);
  std::fill_n(teacher_.begin(), sparsity, 1.0);
}

ManifoldDescription LinearNetwork::describe() {
  return {.name = "linear-network",
          .formula = "f_i = x_i . (u*u - v*v) - y_i, i = 1..n, L = (1/2n) sum_i f_i^2",
          .coordinates = "u_1..u_F, v_1..v_F",
          .summary = "diagonal linear network, fewer samples than features, a sparse teacher",
          .parameters = {{"features", "F, half of the weights", 20, 2, 1024, true},
                         {"samples", "n, below the features", 10, 1, 255, true},
                         {"sparsity", "non-zeros of the teacher, each 1", 3, 1, 1024, true},
                         {"seed", "of the samples x_ik, standard normal", 1, 0, 1e9, true}},
          .known = {"tr H = (4/n) sum_ik x_ik^2 (u_k^2 + v_k^2) on the valley: label noise prefers sparse u*u - v*v",
                    "gradient flow conserves every u_k v_k"},
          // One sample short of as many as features: the eigenvalues spread by a factor of 37.
          .awkward = {{"features", 6}, {"samples", 5}, {"sparsity", 2}, {"seed", 11}},
          .invalid = {{"samples", 20}}};
}

std::vector<double> LinearNetwork::default_start() const {
  // b = the teacher's part in the span of the samples: Gram-Schmidt, each row twice, which keeps it orthogonal to
  // rounding.
  std::vector<std::vector<double>> basis;
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  std::vector<double> b(teacher_.size(), 0.0);
  for (int i = 0; i < samples_; ++i) {
    std::vector<double> row(x_.begin() + i * features_, x_.begin() + (i + 1) * features_);
    for (int pass = 0; pass < 2; ++pass) {
      for (const std::vector<double>& q : basis) {
        const double along = dot(q, row);
        for (std::size_t k = 0; k < row.size(); ++k) row[k] -= along * q[k];
      }
    }
    const double norm = std::sqrt(dot(row, row));
    for (double& x : row) x /= norm;
    const double along = dot(row, teacher_);
    for (std::size_t k = 0; k < row.size(); ++k) b[k] += along * row[k];
    basis.push_back(std::move(row));
  }
  // u^2 - v^2 = b, u v = 1/4: the larger square is (|b| + (b^2 + 1/4)^(1/2)) / 2.
  constexpr double product = 0.25;
  std::vector<double> w(2 * b.size());
  for (std::size_t k = 0; k < b.size(); ++k) {
    const double larger = std::sqrt((std::abs(b[k]) + std::sqrt(b[k] * b[k] + 4.0 * product * product)) / 2.0);
    w[k] = b[k] >= 0.0 ? larger : product / larger;
    w[b.size() + k] = b[k] >= 0.0 ? product / larger : larger;
  }
  return w;
}

void LinearNetwork::slow_coordinates(std::span<const double> y, std::span<const double> /*start*/,
                                     std::span<double> q) const {
  q[0] = q[1] = 0.0;
  for (std::size_t k = 0; k < teacher_.size(); ++k) {
    const double u = y[k], v = y[teacher_.size() + k];
    const double error = (u - v) * (u + v) - teacher_[k], product = u * v;
    q[0] += error * error;
    q[1] += product * product;
  }
}

double LinearNetwork::closed_trace_hessian(std::span<const double> y) const {
  double sum = 0.0;
  const std::size_t features = teacher_.size();
  for (std::size_t i = 0; i < x_.size(); ++i) {
    const double u = y[i % features], v = y[features + i % features];
    sum += x_[i] * x_[i] * (u * u + v * v);
  }
  return 4.0 / samples_ * sum;
}

}  // namespace valleydrift::manifolds
