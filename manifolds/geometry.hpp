// The geometry of a valley at one of its points: spectrum, projectors, pseudo-inverse.
#pragma once

#include <Eigen/Core>

namespace valleydrift::manifolds {

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

/// At a point y of the valley: the nonzero spectrum of H and its eigenvectors, DERIVATION (3). P_T = U U^T, P_L = I -
/// U U^T and H^+ = U diag(1/l) U^T are applied, never formed.
struct Geometry {
  Vector point;           ///< y, D
  Vector spectrum;        ///< l, the m nonzero eigenvalues of H, ascending
  Matrix transverse;      ///< U, D x m, columns are the eigenvectors of `spectrum`
  double rank_gap = 0.0;  ///< smallest nonzero eigenvalue over the largest

  double trace_hessian() const { return spectrum.sum(); }
  /// P_L x, for a vector or the columns of a matrix.
  Matrix longitudinal(const Matrix& x) const { return x - transverse * (transverse.transpose() * x); }
  /// H^+ x.
  Vector pseudo_inverse(const Vector& x) const {
    return transverse * (transverse.transpose() * x).cwiseQuotient(spectrum);
  }
  /// An orthonormal basis of ker H, D x M, by completing U (Householder).
  Matrix longitudinal_basis() const;
};

}  // namespace valleydrift::manifolds

namespace valleydrift {
using manifolds::Matrix;
using manifolds::Vector;
}  // namespace valleydrift
