// What single paths of the iteration obey exactly, whatever the noise; and what noise of residuals does to the theorem.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "discrete/lockstep.hpp"
#include "discrete/reference.hpp"
#include "sde/theorem.hpp"
#include "validation/verify/site_cases.hpp"

namespace valleydrift::verify {

std::vector<Check> path_checks();

namespace {

using namespace sites;
using discrete::ReferencePath;
using manifolds::lane;
using manifolds::lane_count;
using manifolds::Lanes;
using manifolds::NoiseKey;

const NoiseLaw both_laws[] = {NoiseLaw::gaussian, NoiseLaw::rademacher};
const char* name_of_law(NoiseLaw law) { return law == NoiseLaw::gaussian ? "gaussian" : "rademacher"; }

/// w and p of lane_count paths, D x lane_count.
struct Paths {
  Matrix w, p;
};

/// The loop's paths in lockstep from path 0 on, from the start at rest: after each of several calls of so many steps.
std::vector<Paths> lockstep(const Manifold& m, const Hyperparameters& h, const discrete::NoiseModel& noise,
                            NoiseLaw law, NoiseKey key, const Vector& start, const std::vector<int>& calls) {
  std::vector<Paths> out;
  const auto lockstep = discrete::make_lockstep(m, h, noise);
  std::copy(start.begin(), start.end(), lockstep->w(0).begin());
  std::fill(lockstep->p(0).begin(), lockstep->p(0).end(), Lanes(0.0));
  const int draws = lockstep->draw_count(), all_steps = std::accumulate(calls.begin(), calls.end(), 0);
  std::vector<Lanes> xi(static_cast<std::size_t>(draws * all_steps));
  manifolds::fill_noise<1>(law, key, 0, 0, all_steps, draws, xi.data());
  const Lanes* next = xi.data();
  for (const int steps : calls) {
    lockstep->advance(0, 1, next, steps);
    next += draws * steps;
    Paths now{Matrix(start.size(), lane_count), Matrix(start.size(), lane_count)};
    for (Eigen::Index d = 0; d < start.size(); ++d) {
      const auto at = static_cast<std::size_t>(d);
      for (int l = 0; l < lane_count; ++l) {
        now.w(d, l) = lane(lockstep->w(0)[at], l), now.p(d, l) = lane(lockstep->p(0)[at], l);
      }
    }
    out.push_back(std::move(now));
  }
  return out;
}

/// After so many steps in two calls, as ensembles do: a loop that kept something between steps would be found out.
Paths lockstep(const Manifold& m, const Hyperparameters& h, const discrete::NoiseModel& noise, NoiseLaw law,
               NoiseKey key, const Vector& start, int steps) {
  return lockstep(m, h, noise, law, key, start, std::vector{steps / 3, steps - steps / 3}).back();
}

// --- The imbalance of the uv models ----------------------------------------------------------------------------------

double imbalance(const Vector& w) {
  const Eigen::Index d = w.size() / 2;
  return w.head(d).squaredNorm() - w.tail(d).squaredNorm();
}

/// u and v move by -eta r v and -eta r u with the same r = f - eps xi, so |u|^2 - |v|^2 is multiplied by
/// 1 - eta^2 r^2, which is 1 - 2e-3 and less. Squares of D numbers are rounded by some 1e-16 each: 1e-14 of |w|^2 in
/// all.
Finding run_identity(const CheckSite& site) {
  constexpr double bound = 1e-14, epsilon = 0.5;
  Worst worst(bound);
  const int steps = site.thorough ? 200 : 50;
  for (const Vector& start : used_points(site)) {
    const Hyperparameters h{Scheme::sgd, step_at(site.manifold, start, 0.4), 1.0, epsilon};
    for (const NoiseLaw law : both_laws) {
      const std::vector<int> calls(static_cast<std::size_t>(steps), 1);
      const auto paths = lockstep(site.manifold, h, discrete::LabelNoise{}, law, {site.seed, 0}, start, calls);
      std::vector<Lanes> xi(calls.size());
      manifolds::fill_noise<1>(law, {site.seed, 0}, 0, 0, steps, 1, xi.data());
      Matrix before = start.replicate(1, lane_count);
      for (std::size_t i = 0; i < calls.size(); ++i) {
        for (int l = 0; l < lane_count; ++l) {
          const Vector w = before.col(l), next = paths[i].w.col(l);
          const Eigen::Index d = w.size() / 2;
          const double r = w.head(d).dot(w.tail(d)) - 1.0 - epsilon * lane(xi[i], l);
          const double error = imbalance(next) - imbalance(w) * (1.0 - h.eta * h.eta * r * r);
          worst.add(std::abs(error) / w.squaredNorm(),
                    fmt::format("{}, {} label noise, step {}, path {}", named(site, start), name_of_law(law), i, l));
        }
        before = paths[i].w;
      }
    }
  }
  return worst.finding();
}

// --- Lockstep against the plain reference ----------------------------------------------------------------------------

struct NamedNoise {
  std::string name;
  discrete::NoiseModel model;
  ReferencePath::NoiseFactor factor;
};

std::vector<NamedNoise> all_noises(const Manifold& m) {
  Matrix sigma(m.dimension(), 3);
  for (Eigen::Index i = 0; i < sigma.size(); ++i) sigma.data()[i] = std::sin(1.0 + 2.3 * static_cast<double>(i));
  const Matrix one = Matrix::Identity(m.dimension(), m.dimension());
  return {{"label", discrete::LabelNoise{}, [&m](const Vector& w) { return m.label_noise_factor(w); }},
          {"isotropic", discrete::IsotropicNoise{}, [one](const Vector&) { return one; }},
          {"constant", discrete::ConstantNoise(sigma), [sigma](const Vector&) { return sigma; }}};
}

/// The epsilon of noise that has a size of its own, isotropic or constant: in proportion to the loss and the valley's
/// length, so that eta eps is the same part of it on flat valleys, where steps are long, and on steep ones.
double epsilon_at(const CheckSite& site, const Vector& start) {
  return 0.1 * site.length * site.manifold.geometry(start).spectrum.maxCoeff();
}
/// Of label noise: no more than what a move by a tenth of the length makes of residuals.
double label_epsilon_at(const CheckSite& site, const Vector& start) {
  return 0.1 * std::min(1.0, site.length * site.manifold.jacobian(start).norm());
}

/// The reference adds eps sigma(x) xi to the gradient, the loop moves labels, adds draws or adds columns: the same up
/// to the order of additions, 10 + D roundings of 2e-16 per step and component, which a stable iteration does not
/// amplify. Of the cosh loss the noisy gradient is sinh(f - eps xi), of which the factor is the first order in
/// s = eps xi: left out is f s^2/2 - s^3/6, below 5e-7 for f and s up to 1e-2, ten standard deviations, and eta times
/// that per step; a wrong factor shows as eta eps = 7e-5.
Finding run_reference(const CheckSite& site) {
  constexpr int steps = 24;
  Worst worst(1.0);
  const NoiseKey key = {site.seed, 3};
  const Manifold& m = site.manifold;
  for (const Vector& start : used_points(site)) {
    for (const NamedNoise& noise : all_noises(m)) {
      const bool first_order_only = noise.name == "label" && !m.is_least_squares();
      const double rounding =
          steps * (10.0 + m.dimension()) * 2e-16 * std::max(site.length, start.cwiseAbs().maxCoeff());
      const double bound = first_order_only ? 1e-6 : rounding;
      const double epsilon = noise.name != "label" ? epsilon_at(site, start)
                             : first_order_only    ? 1e-3
                                                   : label_epsilon_at(site, start);
      for (const NoiseLaw law : both_laws) {
        for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov, Scheme::sgd}) {
          const Hyperparameters h = {scheme, step_at(m, start, 0.2), scheme == Scheme::sgd ? 1.0 : 0.1, epsilon};
          const Paths paths = lockstep(m, h, noise.model, law, key, start, steps);
          for (int path = 0; path < (site.thorough ? lane_count : 2); ++path) {
            ReferencePath reference(m, h, noise.factor, law, key, static_cast<std::uint64_t>(path), start);
            for (int i = 0; i < steps; ++i) reference.step();
            double error = 0.0;
            for (Eigen::Index d = 0; d < start.size(); ++d) {
              const double of_w = std::abs(paths.w(d, path) - reference.w()[d]);
              const double of_p = h.eta * std::abs(paths.p(d, path) - reference.p()[d]);
              error = of_w + of_p <= HUGE_VAL ? std::max({error, of_w, of_p}) : of_w + of_p;
            }
            worst.add(error / bound, fmt::format("{}, {}, {} noise, {}, path {}: distance {:.2g}", named(site, start),
                                                 name_of(scheme), noise.name, name_of_law(law), path, error));
          }
        }
      }
    }
  }
  return worst.finding();
}

/// Bit for bit: at beta = 0 the look-ahead and the momentum kept are products with an exact 0. That it says something:
/// with momentum the schemes differ by far more than 1e-6 of the valley's length after 30 steps.
Finding run_schemes(const CheckSite& site) {
  constexpr int steps = 30;
  Worst worst(0.0);
  const double apart = 1e-6 * site.length;
  for (const Vector& start : used_points(site)) {
    const auto run = [&](Scheme scheme, double mu) {
      const Hyperparameters h{scheme, step_at(site.manifold, start, 0.2), mu, epsilon_at(site, start)};
      const discrete::IsotropicNoise noise;
      return lockstep(site.manifold, h, noise, NoiseLaw::gaussian, {site.seed, 0}, start, steps).w;
    };
    const auto distance = [&](const Matrix& a, const Matrix& b) { return largest(a - b); };
    const Matrix sgd = run(Scheme::sgd, 1.0);
    const std::string where = named(site, start);
    worst.add(distance(run(Scheme::heavy_ball, 1.0), sgd), where + ", heavy ball against SGD");
    worst.add(distance(run(Scheme::nesterov, 1.0), sgd), where + ", Nesterov against SGD");
    const Matrix momentum = run(Scheme::heavy_ball, 0.1), ahead = run(Scheme::nesterov, 0.1);
    worst.add(distance(momentum, sgd) > apart ? 0.0 : 1.0, where + ", heavy ball with momentum is SGD");
    worst.add(distance(momentum, ahead) > apart ? 0.0 : 1.0, where + ", heavy ball with momentum is Nesterov");
  }
  return worst.finding();
}

// --- Sampling of residuals -------------------------------------------------------------------------------------------

/// The gradients s f_a grad f_a of the single residuals, D x m: any sampling of them has its noise in their span.
Matrix residual_gradients(const Manifold& m, const Vector& w) {
  return m.label_constant() * m.jacobian(w).transpose() * m.residuals(w).asDiagonal();
}

/// In units of the gradient at the valley's length: on the valley f is rounding of 1e-15 and the factor |f| |grad f|,
/// so drift and diffusion are below 1e-12; with the label noise factor in its place they are of order 1. Off the
/// valley, at a tenth of the length, the columns are of order 0.1, and their sum is the gradient of the loss.
Finding run_minibatch(const CheckSite& site) {
  Worst worst(1.0);
  const Manifold& m = site.manifold;
  Random random(5);
  for (const Vector& y : used_points(site)) {
    const manifolds::Geometry geometry = m.geometry(y);
    const Matrix sigma = residual_gradients(m, y);
    const double unit = m.label_constant() * m.jacobian(y).squaredNorm() * site.length;
    const double rounding = 1e-12 * rounding_of(site, y);
    for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov}) {
      const sde::LyapunovOperator form(sde::Form::finite_step, {scheme, step_at(m, y, 0.2), 0.1, 0.0});
      const sde::Coefficients c = sde::theorem(m, geometry, sigma, form);
      worst.add((c.diffusion.norm() + c.drift().norm()) / (rounding * unit),
                fmt::format("{}, {}: drift {:.2g}, diffusion {:.2g}", named(site, y), name_of(scheme), c.drift().norm(),
                            c.diffusion.norm()));
    }
    worst.add(sigma.norm() / (rounding * unit),
              fmt::format("{}: gradients of single residuals {:.2g}", named(site, y), sigma.norm()));

    const Vector w = y + 0.1 * site.length * (geometry.transverse.col(0) + 0.5 * random.direction(y.size()));
    const Matrix away = residual_gradients(m, w);
    worst.add(1e-3 * unit / away.norm(), fmt::format("{}: off the valley only {:.2g}", named(site, y), away.norm()));
    if (!m.is_least_squares()) continue;  // another loss has these gradients to first order in f only
    const double error = (away.rowwise().sum() - m.gradient(w)).norm() / m.gradient(w).norm();
    worst.add(error / rounding,
              fmt::format("{}: their sum misses the gradient of the loss by {:.2g}", named(site, y), error));
  }
  return worst.finding();
}

bool is_uv(const Manifold& m) { return m.name() == "uv" || m.name() == "vector-uv"; }

}  // namespace

std::vector<Check> path_checks() {
  constexpr auto deterministic = CheckKind::deterministic;
  const std::string loop = "the loop of discrete/iteration.hpp (advance), the noise models (discrete/noises), ";
  return {
      on_drawn_paths(
          {"D12-identity", deterministic,
           "under SGD with label noise each step multiplies |u|^2 - |v|^2 by exactly 1 - eta^2 r^2, r the noisy "
           "residual",
           "(1), (4)",
           loop +
               "or the model's pullback and noisy_gradient (manifolds/models/uv.hpp, vector_uv.hpp, loss.hpp) is wrong",
           is_uv, run_identity}),
      on_drawn_paths({"D12-reference", deterministic,
                      "the lockstep loop follows the iteration written plainly, path by path", "(1), (2), (4)",
                      loop + "or discrete/reference.cpp has another update rule, noise factor or order of draws",
                      everywhere, run_reference}),
      on_drawn_paths({"D12-schemes", deterministic,
                      "without momentum heavy ball, Nesterov and SGD are the same, bit for bit", "(1), (2)",
                      loop + "discrete/step_constants.hpp: beta or the look-ahead is not 0 at beta = 0", everywhere,
                      run_schemes}),
      {"D13-minibatch", deterministic,
       "without label noise the noise of any sampling of residuals vanishes on the valley, and so do drift and "
       "diffusion",
       "(4), (10)",
       "residuals do not vanish on the valley, or gradients are not J^T diag(s) f: residuals and pullback of the "
       "model, "
       "Manifold::gradient in manifolds/manifold.cpp",
       everywhere, run_minibatch},
  };
}

}  // namespace valleydrift::verify
