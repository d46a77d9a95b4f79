// D5 and D14 for drawn batches: against an average over every batch that can be drawn.
#include <fmt/ranges.h>

#include <Eigen/Dense>
#include <algorithm>
#include <complex>
#include <map>
#include <numbers>
#include <utility>
#include <vector>

#include "manifolds/random/batch_draws.hpp"
#include "sde/drawn_batches.hpp"
#include "validation/verify/site_cases.hpp"

namespace valleydrift::verify {
namespace {

using namespace sites;
using manifolds::BatchLaw;
using manifolds::Draw;
using manifolds::Geometry;
using manifolds::Lanes;
using sde::LyapunovOperator;

using Counts = std::vector<int>;

/// N_a of all batches, each as probable as any other: subsets without replacement, sequences of draws with.
std::vector<Counts> all_batches(const BatchLaw& law) {
  struct Unfinished {
    Counts counts;
    std::size_t next;  ///< without replacement samples are taken in order
  };
  const auto samples = static_cast<std::size_t>(law.samples);
  const bool again = law.draw == Draw::with_replacement;
  std::vector<Unfinished> batches = {{Counts(samples), 0}};
  for (int k = 0; k < law.size; ++k) {
    std::vector<Unfinished> longer;
    for (const Unfinished& batch : batches) {
      for (std::size_t a = batch.next; a < samples; ++a) {
        longer.push_back({batch.counts, again ? 0 : a + 1});
        ++longer.back().counts[a];
      }
    }
    batches = std::move(longer);
  }
  std::vector<Counts> out;
  for (Unfinished& batch : batches) out.push_back(std::move(batch.counts));
  return out;
}

/// The entries of a symmetric matrix on and below the diagonal, those below times the root of 2: products of two such
/// vectors are traces of products.
Vector entries(const Matrix& symmetric) {
  Vector out(symmetric.rows() * (symmetric.rows() + 1) / 2);
  Eigen::Index at = 0;
  for (Eigen::Index i = 0; i < symmetric.rows(); ++i) {
    for (Eigen::Index j = 0; j <= i; ++j) out[at++] = (i == j ? 1.0 : std::numbers::sqrt2) * symmetric(i, j);
  }
  return out;
}

Matrix symmetric_of(const Vector& entries, Eigen::Index size) {
  Matrix out(size, size);
  Eigen::Index at = 0;
  for (Eigen::Index i = 0; i < size; ++i) {
    for (Eigen::Index j = 0; j <= i; ++j) out(i, j) = out(j, i) = entries[at++] / (i == j ? 1.0 : std::numbers::sqrt2);
  }
  return out;
}

/// C -> M C M^T on the entries of symmetric matrices C.
Matrix congruence(const Matrix& m) {
  const Eigen::Index size = m.rows();
  Matrix out(size * (size + 1) / 2, size * (size + 1) / 2);
  Eigen::Index column = 0;
  for (Eigen::Index k = 0; k < size; ++k) {
    for (Eigen::Index l = 0; l <= k; ++l, ++column) {
      const double of_column = k == l ? 0.5 : 1.0 / std::numbers::sqrt2;
      Eigen::Index row = 0;
      for (Eigen::Index i = 0; i < size; ++i) {
        for (Eigen::Index j = 0; j <= i; ++j, ++row) {
          const double of_row = i == j ? 1.0 : std::numbers::sqrt2;
          out(row, column) = of_row * of_column * (m(i, k) * m(j, l) + m(i, l) * m(j, k));
        }
      }
    }
  }
  return out;
}

/// All that the noise of a batch can be: the same symmetric n x n matrix X in w and eta p, one column per entry of X,
/// of length 1.
Matrix kicked_entries(Eigen::Index n) {
  Matrix out(n * (2 * n + 1), n * (n + 1) / 2);
  for (Eigen::Index k = 0; k < out.cols(); ++k) {
    const Matrix x = 0.5 * symmetric_of(Vector::Unit(out.cols(), k), n);
    Matrix both(2 * n, 2 * n);
    both << x, x, x, x;
    out.col(k) = entries(both);
  }
  return out;
}

/// The second moments C of (w - y, eta p), per epsilon^2, under steps that are linear in it and differ from batch to
/// batch: C = E[M C M^T] + E[N], DERIVATION (48), as a linear system with the averages taken over all batches.
class SecondMoments {
 public:
  SecondMoments(const Manifold& m, const Vector& y, const BatchLaw& law, const Hyperparameters& h) {
    const Matrix full = m.jacobian(y);
    const Eigen::Index n = full.rows(), d = full.cols();
    basis_ = Eigen::HouseholderQR<Matrix>(full.transpose()).householderQ() * Matrix::Identity(d, n);
    const Matrix j = full * basis_;  // motion along the valley has no part in it
    const double s = m.label_constant(), ahead = h.scheme == Scheme::nesterov ? h.beta() : 0.0;
    const Matrix one = Matrix::Identity(n, n);
    hessian_ = s * j.transpose() * j;
    look_.resize(n, 2 * n);
    look_ << one, ahead * one;
    Matrix kick(2 * n, n), mean_step = Matrix::Zero(2 * n, 2 * n), entering = Matrix::Zero(2 * n, 2 * n);
    kick << h.eta * one, h.eta * one;
    Matrix moments = Matrix::Zero(n * (2 * n + 1), n * (2 * n + 1));
    label_ = Matrix::Zero(d, d);
    const std::vector<Counts> batches = all_batches(law);
    const double probability = 1.0 / static_cast<double>(batches.size());
    for (const Counts& counts : batches) {
      Vector weight(n), label(n);  // m_a, and the variance m_a^2/N_a of its label noise
      for (Eigen::Index a = 0; a < n; ++a) {
        const double count = counts[static_cast<std::size_t>(a)];
        weight[a] = count * static_cast<double>(n) / law.size;
        label[a] = count > 0.0 ? weight[a] * weight[a] / count : 0.0;
      }
      const Matrix of_batch = s * j.transpose() * weight.asDiagonal() * j;
      const Matrix q_of_w = -h.eta * of_batch, q_of_q = h.beta() * one - ahead * h.eta * of_batch;
      Matrix step(2 * n, 2 * n);
      step << one + q_of_w, q_of_q, q_of_w, q_of_q;
      const Matrix noise = s * s * full.transpose() * label.asDiagonal() * full;
      mean_step += probability * step;
      moments += probability * congruence(step);
      entering += probability * kick * (basis_.transpose() * noise * basis_) * kick.transpose();
      label_ += probability * noise;
    }
    const Matrix identity = Matrix::Identity(moments.rows(), moments.cols());
    settled_ = symmetric_of((identity - moments).partialPivLu().solve(entries(entering)), 2 * n);
    const Matrix of_mean = congruence(mean_step), kicked = kicked_entries(n);
    generation_ = kicked.transpose() * (moments - of_mean) * (identity - of_mean).partialPivLu().solve(kicked);
  }

  /// Covariance of w, and of the point where the gradient is taken, D x D.
  Matrix of_w() const {
    const Eigen::Index n = basis_.cols();
    return basis_ * settled_.topLeftCorner(n, n) * basis_.transpose();
  }
  Matrix of_look_ahead() const { return basis_ * look_ * settled_ * look_.transpose() * basis_.transpose(); }
  double loss() const { return 0.5 * (hessian_ * settled_.topLeftCorner(basis_.cols(), basis_.cols())).trace(); }
  /// Sigma of the label noise alone, D x D.
  const Matrix& label_noise() const { return label_; }
  /// The two largest moduli of eigenvalues of what the differences between batches make of a kick until it has decayed.
  /// Covariances become covariances, so the larger is an eigenvalue.
  std::pair<double, double> strengths() const {
    const Eigen::EigenSolver<Matrix> solver(generation_, false);
    std::pair<double, double> largest = {0.0, 0.0};
    for (const std::complex<double>& value : solver.eigenvalues()) {
      const double x = std::abs(value);
      largest = x > largest.first ? std::pair(x, largest.first) : std::pair(largest.first, std::max(x, largest.second));
    }
    return largest;
  }

 private:
  Matrix basis_, look_, hessian_, settled_, generation_, label_;
};

bool has_few_samples(const Manifold& m) { return m.label_count() > 1 && m.label_count() <= 10; }

Finding drawn_moments(const CheckSite& site) {
  // The moments' equation loses what the slowest mode's life is long, some 1000 steps: 1e-13, and the sum of
  // generations its last term.
  WorstRatio worst;
  const Manifold& m = site.manifold;
  const int n = m.label_count();
  for_points(site, 53, [&](const Vector& y, Random&, const std::string& where) {
    const Geometry g = m.geometry(y);
    std::vector<BatchLaw> laws = {{n, 1, Draw::without_replacement}, {n, 1, Draw::with_replacement}};
    if (n > 2) laws.push_back({n, n - 1, Draw::without_replacement});
    laws.push_back({n, 2, Draw::with_replacement});
    for (const BatchLaw& law : laws) {
      for (const Scheme scheme : both_schemes) {
        for (const double mu : {1.0, 0.1}) {
          // The sampling adds up to a quarter: eta/mu times spread and largest eigenvalue is 1/2.
          const double spread = law.draw == Draw::with_replacement || law.size == 1
                                    ? static_cast<double>(n) / law.size
                                    : static_cast<double>(n) / (law.size * (n - 1.0));
          const Hyperparameters h =
              hyperparameters(scheme, std::min(0.4, 0.5 * mu / spread) / g.spectrum.maxCoeff(), mu);
          const SecondMoments moments(m, y, law, h);
          const double bound = 1e-10 * std::max(1.0, 1e-3 * mu / (h.eta * g.spectrum.minCoeff()));
          const LyapunovOperator form(Form::finite_step, h), paper(Form::paper, h);
          const sde::BatchNoise noise{law.ratio(), law.spread()};
          const Matrix sigma = sde::drawn_noise_factor(m, y, noise, form);
          const std::string what =
              fmt::format("{} of {} {}, {}, {}", law.size, n, name_of(law.draw), describe(h), where);

          const Matrix solved = moments.of_look_ahead();
          const Matrix response = sde::theorem(m, g, sigma, form).transverse_response;
          const Matrix claimed = (h.eta / h.mu) * g.transverse * response * g.transverse.transpose();
          worst.add((claimed - solved).norm() / solved.norm(), bound, "covariance, " + what);
          const auto plateau = sde::transverse_plateau(g, sigma, form);
          worst.add(std::abs(plateau.variance / moments.of_w().trace() - 1.0), bound, "variance, " + what);
          worst.add(std::abs(plateau.loss / moments.loss() - 1.0), bound, "loss, " + what);
          const Matrix labels = sde::drawn_noise_factor(m, y, noise, paper);
          worst.add((labels * labels.transpose() - moments.label_noise()).norm() / moments.label_noise().norm(), bound,
                    "label noise of the paper form, " + what);
          // sampling_strength's powers end where one more changes them by 1e-9: over the gap to the next eigenvalue
          // that is their error, but never more than a few times the gap itself, at which the two are one; 1e-4 at
          // most.
          const auto [strength, next] = moments.strengths();
          const double gap = 1.0 - next / strength;
          worst.add(std::abs(sde::sampling_strength(m, g, noise, h) / strength - 1.0),
                    std::min(1e-4, 1e-7 + 1e-8 / gap), "strength, " + what);
        }
      }
    }
  });
  return worst.finding();
}

/// How many of the counts on lanes are not those of single paths.
template <int Groups>
int wrong_on_lanes(const BatchLaw& law, manifolds::NoiseKey key) {
  constexpr int steps = 9;
  constexpr std::uint64_t first_path = 40, first_step = (std::uint64_t{1} << 32) - 4;
  const int row = law.samples + 1;
  std::vector<Lanes> out(static_cast<std::size_t>(steps * row * Groups), Lanes(-7.0));
  manifolds::BatchDraws(law, key).fill<Groups>(first_path, first_step, steps, row, out.data());
  int wrong = 0;
  for (int i = 0; i < steps; ++i) {
    for (int at = 0; at < Groups * manifolds::lane_count; ++at) {
      const int group = at / manifolds::lane_count;
      const Counts counts = manifolds::batch_counts(law, key, first_path + static_cast<std::uint64_t>(at),
                                                    first_step + static_cast<std::uint64_t>(i));
      for (int a = 0; a < row; ++a) {
        const double expected = a < law.samples ? counts[static_cast<std::size_t>(a)] : -7.0;
        const Lanes& found = out[static_cast<std::size_t>((i * row + a) * Groups + group)];
        wrong += manifolds::lane(found, at % manifolds::lane_count) == expected ? 0 : 1;
      }
    }
  }
  return wrong;
}

std::string text_of(const BatchLaw& law) {
  return fmt::format("{} of {} {}", law.size, law.samples, name_of(law.draw));
}

void add_lanes(Worst& worst, const BatchLaw& law, manifolds::NoiseKey key) {
  const int wrong = wrong_on_lanes<1>(law, key) + wrong_on_lanes<2>(law, key) + wrong_on_lanes<4>(law, key);
  worst.add(wrong == 0 ? 0.0 : infinite, fmt::format("{} counts on lanes, {}", wrong, text_of(law)));
}

/// With one key, so always the same numbers: of the 39 frequencies the farthest is 2.2 standard deviations off. If path
/// or step did not count, 100 or 300 equal draws each would make it some 10 or 17 times as many.
Finding batches_drawn(std::uint64_t) {
  Worst worst(5.0);
  const manifolds::NoiseKey key = {0x5eed, 77};
  constexpr int paths = 100, steps = 300;
  for (const BatchLaw& law : {BatchLaw{5, 2, Draw::without_replacement}, BatchLaw{4, 3, Draw::without_replacement},
                              BatchLaw{5, 1, Draw::without_replacement}, BatchLaw{4, 2, Draw::with_replacement},
                              BatchLaw{3, 3, Draw::with_replacement}}) {
    const std::string what = text_of(law);
    const std::vector<Counts> all = all_batches(law);
    std::map<Counts, double> probability, seen;
    for (const Counts& counts : all) probability[counts] += 1.0 / static_cast<double>(all.size());
    for (std::uint64_t path = 0; path < paths; ++path) {
      for (std::uint64_t step = 0; step < steps; ++step) seen[manifolds::batch_counts(law, key, path, step)] += 1.0;
    }
    for (const auto& [counts, number] : seen) {
      if (!probability.contains(counts)) worst.add(infinite, "a batch that cannot be, " + what);
    }
    for (const auto& [counts, p] : probability) {
      const double expected = p * paths * steps;
      worst.add(std::abs(seen[counts] - expected) / std::sqrt(expected * (1.0 - p)),
                fmt::format("frequency of [{}], {}", fmt::join(counts, " "), what));
    }
    add_lanes(worst, law, key);
  }
  for (const Draw draw : {Draw::without_replacement, Draw::with_replacement}) {
    for (const BatchLaw& law : {BatchLaw{2, 1, draw}, BatchLaw{7, 3, draw}, BatchLaw{10, 9, draw}}) {
      add_lanes(worst, law, key);
    }
  }
  return worst.finding();
}

}  // namespace

std::vector<Check> drawn_checks() {
  constexpr auto deterministic = CheckKind::deterministic;
  return {
      {"D5-drawn", deterministic,
       "Under drawn batches the transverse covariance, its plateau and the sampling's strength are those of the "
       "iteration's second moments, averaged over every batch.",
       "(48), (49), (50), (51)",
       "sde/drawn_batches.cpp, or ratio() and spread() of manifolds/batch_draws.*; if D5-lyapunov fails too, Lt^{-1}.",
       has_few_samples, drawn_moments},
      {.id = "D14-batches",
       .kind = deterministic,
       .claim =
           "every batch is drawn as often as the law says, anew for each path and step; batches on lanes are those "
           "of single paths",
       .equation = "(48)",
       .advice = "manifolds/random/batch_draws.cpp, batch_counts() and BatchDraws::fill(); if D14-fill fails too, "
                 "manifolds/random/noise.cpp",
       .run_once = batches_drawn},
  };
}

}  // namespace valleydrift::verify
