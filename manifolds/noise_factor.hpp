// The noise factor sigma as everything outside the iteration sees it.
#pragma once

#include "manifolds/geometry.hpp"

namespace valleydrift::manifolds {

/// sigma, D x r, DERIVATION (4): a matrix, or the identity of isotropic noise, which is never formed.
class NoiseFactor {
 public:
  template <class Derived>
  NoiseFactor(const Eigen::MatrixBase<Derived>& sigma) : sigma_(sigma),
                                                         rows_(sigma.rows()),
                                                         columns_(sigma.cols()) {}
  static NoiseFactor isotropic(Eigen::Index dimension) {
    NoiseFactor one(Matrix(0, 0));
    one.rows_ = one.columns_ = dimension;
    one.isotropic_ = true;
    return one;
  }

  bool is_isotropic() const { return isotropic_; }
  Eigen::Index rows() const { return rows_; }
  Eigen::Index columns() const { return columns_; }
  /// Of noise that is not isotropic.
  const Matrix& matrix() const { return sigma_; }
  /// a sigma; a: any number of rows, D columns.
  Matrix after(const Matrix& a) const { return isotropic_ ? a : Matrix(a * sigma_); }
  /// D x r, for small D.
  Matrix dense() const { return isotropic_ ? Matrix(Matrix::Identity(rows_, rows_)) : sigma_; }

 private:
  Matrix sigma_;
  Eigen::Index rows_, columns_;
  bool isotropic_ = false;
};

}  // namespace valleydrift::manifolds

namespace valleydrift {
using manifolds::NoiseFactor;
}  // namespace valleydrift
