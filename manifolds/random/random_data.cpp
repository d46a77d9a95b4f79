// Normal numbers by role, row and column; Gauss-Newton steps that are halved until |f| falls.
#include "manifolds/random/random_data.hpp"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "manifolds/errors.hpp"
#include "manifolds/random/process.hpp"

namespace valleydrift::manifolds {

RandomData::RandomData(double seed) : key_{static_cast<std::uint64_t>(seed), process::data} {}

double RandomData::normal(int row, int column, std::uint32_t role) const {
  return noise(NoiseLaw::gaussian, key_, static_cast<std::uint64_t>(row), static_cast<std::uint64_t>(column), role);
}

std::vector<double> RandomData::normals(int rows, int columns, std::uint32_t role, double scale) const {
  std::vector<double> x;
  x.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) x.push_back(scale * normal(i, j, role));
  }
  return x;
}

std::vector<double> brought_to_valley(const std::string& name, std::vector<double> w, int residuals,
                                      const ResidualsAt& residuals_at, const PullbackAt& pullback_at) {
  constexpr int most_steps = 100, most_halvings = 30;  // from a random start 10 steps are usual, halved once or twice
  constexpr double arrived = 1e-12;
  const auto rows = static_cast<Eigen::Index>(residuals), columns = static_cast<Eigen::Index>(w.size());
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  RowMajor j(rows, columns);
  Eigen::VectorXd f(rows), next_f(rows);
  const auto evaluate = [&](const std::vector<double>& at, Eigen::VectorXd& out) {
    residuals_at(at, {out.data(), static_cast<std::size_t>(rows)});
  };
  evaluate(w, f);
  for (int step = 0; step < most_steps; ++step) {
    for (Eigen::Index a = 0; a < rows; ++a) {
      const Eigen::VectorXd unit = Eigen::VectorXd::Unit(rows, a);
      pullback_at(w, {unit.data(), static_cast<std::size_t>(rows)}, {&j(a, 0), w.size()});
    }
    const Eigen::VectorXd move = j.transpose() * (j * j.transpose()).ldlt().solve(f);
    std::vector<double> next(w.size());
    double part = 1.0;
    for (int halving = 0; halving < most_halvings; ++halving, part *= 0.5) {
      for (std::size_t i = 0; i < w.size(); ++i) next[i] = w[i] - part * move[static_cast<Eigen::Index>(i)];
      evaluate(next, next_f);
      if (next_f.norm() < f.norm()) break;
    }
    if (!(next_f.norm() < f.norm())) break;
    w = next;
    f = next_f;
  }
  if (!(f.cwiseAbs().maxCoeff() < arrived)) {
    throw NumericalError(
        fmt::format("{}: no point of the valley is found from the random start: max |f| = {:.3g}, bound {:g}; take "
                    "another --param seed or fewer samples",
                    name, f.cwiseAbs().maxCoeff(), arrived));
  }
  return w;
}

}  // namespace valleydrift::manifolds
