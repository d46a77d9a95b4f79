// What the tests of this folder share: random numbers that do not change.
#pragma once

#include <Eigen/Core>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "manifolds/catalogue.hpp"
#include "manifolds/manifold.hpp"

namespace support {

using valleydrift::manifolds::Manifold;
using valleydrift::manifolds::ManifoldDescription;
using valleydrift::manifolds::Matrix;
using valleydrift::manifolds::ParameterValues;
using valleydrift::manifolds::Vector;

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  double number() { return static_cast<double>(engine_() >> 11) * 0x1p-52 - 1.0; }  // uniform in [-1, 1)
  Matrix matrix(Eigen::Index rows, Eigen::Index columns) {
    Matrix a(rows, columns);
    for (Eigen::Index j = 0; j < columns; ++j) {
      for (Eigen::Index i = 0; i < rows; ++i) a(i, j) = number();
    }
    return a;
  }
  Vector vector(Eigen::Index size) { return matrix(size, 1); }
  Vector direction(Eigen::Index size) { return vector(size).normalized(); }

 private:
  std::mt19937_64 engine_;
};

/// A point of the valley near the default start, but at no special place.
inline Vector valley_point(const Manifold& m, std::uint64_t seed) {
  Random random(seed);
  const Vector start = m.default_start();
  return m.retract(start + 0.15 * random.direction(start.size()));
}

inline std::span<const double> view(const Vector& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }
inline std::span<double> view(Vector& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }

inline double largest(const Matrix& a) { return a.size() == 0 ? 0.0 : a.cwiseAbs().maxCoeff(); }

/// Calls check(manifold) for every least-squares manifold with its default and awkward parameters.
template <class Check>
void for_all_least_squares(const Check& check) {
  for (const ManifoldDescription& d : valleydrift::manifolds::descriptions()) {
    std::vector<ParameterValues> sets = {{}};
    if (!d.awkward.empty()) sets.push_back(d.awkward);
    for (const ParameterValues& parameters : sets) {
      const Manifold m(d.name, parameters);
      if (!m.is_least_squares()) continue;
      BOOST_TEST_CONTEXT(d.name << (parameters.empty() ? "" : ", awkward parameters")) { check(m); }
    }
  }
}

}  // namespace support
