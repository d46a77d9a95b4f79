// Isotropic noise without its D x D matrix: the kernel against the theorem's dense definition and against the same
// kernel with sigma = I as a matrix; the algebra in pieces against Eigen; the terms at a point; and a dimension at
// which a D x D matrix would show.
#include <Eigen/Cholesky>
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "manifolds/catalogue.hpp"
#include "sde/drift_terms.hpp"
#include "sde/field.hpp"
#include "sde/kernel/blocked_algebra.hpp"
#include "sde/kernel/symmetric_eigen.hpp"
#include "sde/theorem.hpp"
#include "support.hpp"

using namespace support;
using valleydrift::manifolds::Geometry;
using valleydrift::manifolds::Hyperparameters;
using valleydrift::manifolds::NoiseFactor;
using valleydrift::manifolds::Scheme;
using valleydrift::sde::Coefficients;
using valleydrift::sde::Form;
using valleydrift::sde::LyapunovOperator;
using valleydrift::sde::make_field;
using valleydrift::sde::theorem;

namespace {

LyapunovOperator isotropic_form(Form form, Scheme scheme) {
  return LyapunovOperator(form, Hyperparameters{scheme, 0.02, 0.1, 0.0}, 0.7);
}
const std::vector<LyapunovOperator> isotropic_forms = {
    isotropic_form(Form::finite_step, Scheme::heavy_ball), isotropic_form(Form::finite_step, Scheme::nesterov),
    isotropic_form(Form::paper, Scheme::heavy_ball), isotropic_form(Form::asymptotic, Scheme::heavy_ball)};

// Rounding 1e-16 times sums of some hundred terms, and of the condition of the Gram matrix, at most 4e3 here.
constexpr double isotropic_bound = 1e-12;

}  // namespace

BOOST_AUTO_TEST_SUITE(isotropic_field)

BOOST_AUTO_TEST_CASE(isotropic_noise_is_sigma_one_of_the_definition) {
  double worst = 0.0;
  for_all_least_squares([&](const Manifold& m) {
    const Eigen::Index dimension = m.dimension();
    const Matrix one = Matrix::Identity(dimension, dimension);
    for (std::uint64_t seed = 50; seed < 53; ++seed) {
      const Vector y = valley_point(m, seed), noise = Random(seed).vector(dimension);
      const Geometry g = m.geometry(y);
      for (const LyapunovOperator& form : isotropic_forms) {
        const Coefficients c = theorem(m, g, one, form);
        const Vector moved = g.longitudinal(noise);
        constexpr double h = 0.3;
        const double size = h * (c.curvature.norm() + c.transverse.norm()) + noise.norm();
        const auto field = make_field<double>(m, form, NoiseFactor::isotropic(dimension));
        const auto dense = make_field<double>(m, form, one);
        BOOST_REQUIRE(field->noise_count() == dimension);
        const auto agree = [&](const Vector& a, const Vector& b) {
          worst = std::max(worst, (a - b).norm() / size);
          BOOST_TEST((a - b).norm() < isotropic_bound * size);
        };
        Vector ito(dimension), by_matrix(dimension), stratonovich(dimension), diffusion(dimension);
        field->ito_increment(view(y), h, view(noise), view(ito));
        dense->ito_increment(view(y), h, view(noise), view(by_matrix));
        agree(ito, h * c.drift() + moved);
        agree(ito, by_matrix);
        field->stratonovich_increment(view(y), h, view(noise), view(stratonovich));
        dense->stratonovich_increment(view(y), h, view(noise), view(by_matrix));
        agree(stratonovich, by_matrix);
        agree(stratonovich, h * c.transverse + moved);  // nothing is mixed and nothing bends
        field->diffusion_increment(view(y), view(noise), view(diffusion));
        agree(diffusion, moved);
        double variance = 0.0, loss = 0.0;
        field->plateau(view(y), variance, loss);
        const auto plateau = transverse_plateau(g, one, form);
        BOOST_TEST(std::abs(variance / plateau.variance - 1.0) < isotropic_bound);
        BOOST_TEST(std::abs(loss / plateau.loss - 1.0) < isotropic_bound);
        const auto same = transverse_plateau(g, NoiseFactor::isotropic(dimension), form);
        BOOST_TEST(std::abs(same.variance / plateau.variance - 1.0) < isotropic_bound);
        // A left-out term would be seen, and so would a sign.
        if (m.name() != "channel") BOOST_TEST(c.curvature.norm() > 1e-3);
        if (m.name() != "sphere") BOOST_TEST(c.transverse.norm() > 1e-3);
      }
    }
  });
  BOOST_TEST_MESSAGE("largest relative difference from the definition: " << worst);
}

BOOST_AUTO_TEST_CASE(terms_at_a_point_are_those_of_the_definition) {
  for (const ManifoldDescription& d : valleydrift::manifolds::descriptions()) {
    const Manifold m(d.name, {});
    const Vector y = valley_point(m, 60);
    const Geometry g = m.geometry(y);
    const Matrix one = Matrix::Identity(y.size(), y.size()), sigma = Random(61).matrix(y.size(), 3);
    const LyapunovOperator& form = isotropic_forms[1];
    const std::pair<NoiseFactor, Matrix> noises[] = {
        {NoiseFactor::isotropic(y.size()), one}, {sigma, sigma}, {m.label_noise_factor(y), m.label_noise_factor(y)}};
    for (const auto& [noise, matrix] : noises) {
      const Coefficients c = theorem(m, g, matrix, form);
      const auto terms = valleydrift::sde::drift_terms(m, g, noise, form);
      const double size = c.curvature.norm() + c.mixed.norm() + c.transverse.norm() + matrix.squaredNorm();
      BOOST_TEST_CONTEXT(d.name) {
        BOOST_TEST((terms.curvature - c.curvature).norm() < isotropic_bound * size);
        BOOST_TEST((terms.mixed - c.mixed).norm() < isotropic_bound * size);
        BOOST_TEST((terms.transverse - c.transverse).norm() < isotropic_bound * size);
        BOOST_TEST(std::abs(terms.diffusion_rate - c.diffusion.squaredNorm()) < isotropic_bound * size);
      }
    }
  }
}

// Sizes around the widths of the pieces: multiples of 4, 8 and 16, one more and one less.
BOOST_AUTO_TEST_CASE(products_in_pieces_are_the_products) {
  using valleydrift::manifolds::dynamic;
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  for (const int n : {1, 2, 3, 4, 5, 9}) {
    for (const int columns : {n, 15, 16, 17, 33, 40}) {
      if (columns < n) continue;
      const Rows j = Random(static_cast<std::uint64_t>(100 * n + columns)).matrix(n, columns);
      Rows gram(n, n);
      valleydrift::sde::gram_matrix<double, dynamic, dynamic>(n, columns, j.data(), 0.5, gram.data());
      BOOST_TEST((gram - 0.5 * j * j.transpose()).norm() < 1e-14 * columns);

      const Rows w = Random(7).matrix(n + 2, n);
      Rows combined(n + 2, columns);
      valleydrift::sde::combine_rows<dynamic, dynamic>(n + 2, n, columns, w.data(), j.data(), -2.0, combined.data());
      BOOST_TEST((combined + 2.0 * w * j).norm() < 1e-14 * columns);

      const Rows positive = gram + Matrix::Identity(n, n);
      Rows factor = positive;
      valleydrift::sde::cholesky_factor<double>(n, {factor.data(), static_cast<std::size_t>(n * n)});
      Rows lower = j, both = j;
      valleydrift::sde::solve_lower(n, factor.data(), columns, lower.data());
      valleydrift::sde::cholesky_solve_rows(n, factor.data(), columns, both.data());
      const Eigen::LLT<Matrix> llt(positive);
      BOOST_TEST((lower - Rows(llt.matrixL().solve(Matrix(j)))).norm() < 1e-14 * columns);
      BOOST_TEST((both - Rows(llt.solve(Matrix(j)))).norm() < 1e-14 * columns);
    }
  }
}

// As field_test.cpp has it for a given sigma: the linear channel f = x y, whose Hessian x^2 vanishes at x = 0.
BOOST_AUTO_TEST_CASE(an_isotropic_path_over_a_change_of_rank_is_lost) {
  const Manifold m("channel", {{"profile", 2}});
  const auto field = make_field<double>(m, isotropic_forms[0], NoiseFactor::isotropic(2));
  const auto moved = [&](double x) {
    const Vector y{{x, 0.0}}, dw{{0.1, 0.2}};
    Vector out(2);
    field->stratonovich_increment(view(y), 0.1, view(dw), view(out));
    return out;
  };
  BOOST_TEST(moved(0.1).allFinite());
  BOOST_TEST(moved(-0.1).allFinite());
  field->follow_path();
  BOOST_TEST(moved(0.1).allFinite());
  BOOST_TEST(moved(0.05).allFinite());
  BOOST_TEST(moved(-0.1).hasNaN());
  BOOST_TEST(moved(0.1).hasNaN());  // there is no way back
}

BOOST_AUTO_TEST_SUITE_END()
