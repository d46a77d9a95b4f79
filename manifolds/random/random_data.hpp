// What data models share: samples drawn from a seed, and a random start brought to the valley.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "manifolds/random/noise.hpp"

namespace valleydrift::manifolds {

/// Standard normal numbers that are a function of the seed alone and of no draw of an ensemble: `role` keeps samples,
/// teacher and start apart.
class RandomData {
 public:
  explicit RandomData(double seed);
  double normal(int row, int column, std::uint32_t role = 0) const;
  /// Rows x columns of them, row by row, times `scale`.
  std::vector<double> normals(int rows, int columns, std::uint32_t role, double scale = 1.0) const;

 private:
  NoiseKey key_;
};

/// residuals(w, f), f: m; pullback(w, r, g) = J(w)^T r, g: D.
using ResidualsAt = std::function<void(std::span<const double>, std::span<double>)>;
using PullbackAt = std::function<void(std::span<const double>, std::span<const double>, std::span<double>)>;

/// A point of the valley by Gauss-Newton steps from w, DERIVATION (36), each halved until |f| falls, until max |f|
/// stops falling. Throws NumericalError, with `name`, if it does not come below 1e-12.
std::vector<double> brought_to_valley(const std::string& name, std::vector<double> w, int residuals,
                                      const ResidualsAt& residuals_at, const PullbackAt& pullback_at);

}  // namespace valleydrift::manifolds
