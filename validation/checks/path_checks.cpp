// What single paths of the iteration obey exactly, whatever the noise; and what noise of residuals does to the theorem.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "discrete/iteration.hpp"
#include "discrete/reference.hpp"
#include "sde/limit_coefficients.hpp"
#include "validation/checks/site_cases.hpp"

namespace valleydrift::validation {

std::vector<Check> path_checks();

namespace {

using namespace sites;
using discrete::ReferencePath;
using discrete::Scratch;
using discrete::State;
using discrete::StepConstants;
using manifolds::lane;
using manifolds::lane_count;
using manifolds::Lanes;
using manifolds::NoiseKey;
using manifolds::NoiseLaw;

const NoiseLaw both_laws[] = {NoiseLaw::gaussian, NoiseLaw::rademacher};
const char* name_of_law(NoiseLaw law) { return law == NoiseLaw::gaussian ? "gaussian" : "rademacher"; }

/// w and p of lane_count paths in lockstep from path 0 on, from the start at rest.
template <class Loss>
struct Lockstep {
  Lockstep(const Loss& loss, const Hyperparameters& h, const discrete::NoiseModel& noise, NoiseLaw law, NoiseKey key,
           const Vector& start, int steps)
      : state(loss) {
    for (int d = 0; d < loss.dimension(); ++d) state.w[d] = Lanes(start[d]), state.p[d] = Lanes(0.0);
    Scratch<Lanes, Loss> scratch(loss);
    std::visit(
        [&](const auto& model) {
          const int draws = model.draw_count(loss);
          std::vector<Lanes> xi(static_cast<std::size_t>(draws * steps));
          manifolds::fill_noise<1>(law, key, 0, 0, steps, draws, xi.data());
          // In two calls, as ensembles do: a loop that kept something between steps would be found out.
          const int first = steps / 3;
          discrete::advance<1>(loss, StepConstants(h), model, &state, xi.data(), first, scratch);
          discrete::advance<1>(loss, StepConstants(h), model, &state, xi.data() + first * draws, steps - first,
                               scratch);
        },
        noise);
  }
  State<Lanes, Loss> state;
};

// --- The imbalance of the uv models ----------------------------------------------------------------------------------

double imbalance(const Vector& w) {
  const Eigen::Index d = w.size() / 2;
  return w.head(d).squaredNorm() - w.tail(d).squaredNorm();
}

template <class Loss>
Vector weights(const State<Lanes, Loss>& state, int dimension, int l) {
  Vector w(dimension);
  for (int d = 0; d < dimension; ++d) w[d] = lane(state.w[d], l);
  return w;
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
      visit_loss(site.manifold, [&]<class Loss>(const Loss& loss) {
        State<Lanes, Loss> state(loss);
        for (int d = 0; d < loss.dimension(); ++d) state.w[d] = Lanes(start[d]), state.p[d] = Lanes(0.0);
        Scratch<Lanes, Loss> scratch(loss);
        std::vector<Lanes> xi(static_cast<std::size_t>(steps));
        manifolds::fill_noise<1>(law, {site.seed, 0}, 0, 0, steps, 1, xi.data());
        for (int i = 0; i < steps; ++i) {
          const State<Lanes, Loss> before = state;
          const Lanes& draw = xi[static_cast<std::size_t>(i)];
          discrete::advance<1>(loss, StepConstants(h), discrete::LabelNoise{}, &state, &draw, 1, scratch);
          for (int l = 0; l < lane_count; ++l) {
            const Vector w = weights(before, loss.dimension(), l), next = weights(state, loss.dimension(), l);
            const Eigen::Index d = w.size() / 2;
            const double r = w.head(d).dot(w.tail(d)) - 1.0 - epsilon * lane(draw, l);
            const double error = imbalance(next) - imbalance(w) * (1.0 - h.eta * h.eta * r * r);
            worst.add(std::abs(error) / w.squaredNorm(),
                      fmt::format("{}, {} label noise, step {}, path {}", named(site, start), name_of_law(law), i, l));
          }
        }
      });
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

/// The epsilon of noise that has a size of its own, isotropic or constant: it must not throw the runs on a flat valley,
/// where steps are long, to infinity.
double epsilon_at(const Manifold& m, const Vector& start) {
  return 0.1 * std::min(1.0, m.geometry(start).spectrum.maxCoeff());
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
      const double rounding = steps * (10.0 + m.dimension()) * 2e-16 * std::max(1.0, start.cwiseAbs().maxCoeff());
      const double bound = first_order_only ? 1e-6 : rounding;
      const double epsilon = noise.name != "label" ? epsilon_at(m, start) : first_order_only ? 1e-3 : 0.1;
      for (const NoiseLaw law : both_laws) {
        for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov, Scheme::sgd}) {
          const Hyperparameters h = {scheme, step_at(m, start, 0.2), scheme == Scheme::sgd ? 1.0 : 0.1, epsilon};
          visit_loss(m, [&]<class Loss>(const Loss& loss) {
            const Lockstep<Loss> lockstep(loss, h, noise.model, law, key, start, steps);
            for (int path = 0; path < (site.thorough ? lane_count : 2); ++path) {
              ReferencePath reference(m, h, noise.factor, law, key, static_cast<std::uint64_t>(path), start);
              for (int i = 0; i < steps; ++i) reference.step();
              double error = 0.0;
              for (int d = 0; d < loss.dimension(); ++d) {
                const double of_w = std::abs(lane(lockstep.state.w[d], path) - reference.w()[d]);
                const double of_p = h.eta * std::abs(lane(lockstep.state.p[d], path) - reference.p()[d]);
                error = of_w + of_p <= HUGE_VAL ? std::max({error, of_w, of_p}) : of_w;
              }
              worst.add(error / bound, fmt::format("{}, {}, {} noise, {}, path {}: distance {:.2g}", named(site, start),
                                                   name_of(scheme), noise.name, name_of_law(law), path, error));
            }
          });
        }
      }
    }
  }
  return worst.finding();
}

/// Bit for bit: at beta = 0 the look-ahead and the momentum kept are products with an exact 0. That it says something:
/// with momentum the schemes differ by far more than 1e-6 after 30 steps.
Finding run_schemes(const CheckSite& site) {
  constexpr int steps = 30;
  Worst worst(0.0);
  for (const Vector& start : used_points(site)) {
    visit_loss(site.manifold, [&]<class Loss>(const Loss& loss) {
      const auto run = [&](Scheme scheme, double mu) {
        const Hyperparameters h{scheme, step_at(site.manifold, start, 0.2), mu, epsilon_at(site.manifold, start)};
        return Lockstep<Loss>(loss, h, discrete::IsotropicNoise{}, NoiseLaw::gaussian, {site.seed, 0}, start, steps);
      };
      const auto distance = [&](const Lockstep<Loss>& a, const Lockstep<Loss>& b) {
        double largest = 0.0;
        for (int path = 0; path < lane_count; ++path) {
          for (int d = 0; d < loss.dimension(); ++d) {
            const double away = std::abs(lane(a.state.w[d], path) - lane(b.state.w[d], path));
            if (largest == largest && !(away <= largest)) largest = away;
          }
        }
        return largest;
      };
      const auto sgd = run(Scheme::sgd, 1.0);
      const std::string where = named(site, start);
      worst.add(distance(run(Scheme::heavy_ball, 1.0), sgd), where + ", heavy ball against SGD");
      worst.add(distance(run(Scheme::nesterov, 1.0), sgd), where + ", Nesterov against SGD");
      const auto momentum = run(Scheme::heavy_ball, 0.1), ahead = run(Scheme::nesterov, 0.1);
      worst.add(distance(momentum, sgd) > 1e-6 ? 0.0 : 1.0, where + ", heavy ball with momentum is SGD");
      worst.add(distance(momentum, ahead) > 1e-6 ? 0.0 : 1.0, where + ", heavy ball with momentum is Nesterov");
    });
  }
  return worst.finding();
}

// --- Sampling of residuals -------------------------------------------------------------------------------------------

/// The gradients s f_a grad f_a of the single residuals, D x m: any sampling of them has its noise in their span.
Matrix residual_gradients(const Manifold& m, const Vector& w) {
  return m.label_constant() * m.jacobian(w).transpose() * m.residuals(w).asDiagonal();
}

/// On the valley f is 1e-15 and the factor |f| |grad f|, so drift and diffusion are below 1e-12; with the label noise
/// factor in its place they are of order 1. Off the valley, at a distance of 0.1, the columns are of order 0.1, and
/// their sum is the gradient of the loss.
Finding run_minibatch(const CheckSite& site) {
  Worst worst(1.0);
  const Manifold& m = site.manifold;
  Random random(5);
  for (const Vector& y : used_points(site)) {
    const manifolds::Geometry geometry = m.geometry(y);
    const Matrix sigma = residual_gradients(m, y);
    const double size = m.jacobian(y).norm();
    for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov}) {
      const sde::LimitForm form(sde::Form::finite_step, {scheme, step_at(m, y, 0.2), 0.1, 0.0});
      const sde::LimitCoefficients c = sde::limit_coefficients(m, geometry, sigma, form);
      worst.add((c.diffusion.norm() + c.drift().norm()) / (1e-12 * size),
                fmt::format("{}, {}: drift {:.2g}, diffusion {:.2g}", named(site, y), name_of(scheme), c.drift().norm(),
                            c.diffusion.norm()));
    }
    worst.add(sigma.norm() / (1e-12 * size),
              fmt::format("{}: gradients of single residuals {:.2g}", named(site, y), sigma.norm()));

    const Vector w = y + 0.1 * (geometry.transverse.col(0) + 0.5 * random.direction(y.size()));
    const Matrix away = residual_gradients(m, w);
    worst.add(1e-3 * size / away.norm(), fmt::format("{}: off the valley only {:.2g}", named(site, y), away.norm()));
    if (!m.is_least_squares()) continue;  // another loss has these gradients to first order in f only
    const double error = (away.rowwise().sum() - m.gradient(w)).norm() / m.gradient(w).norm();
    worst.add(error / 1e-12,
              fmt::format("{}: their sum misses the gradient of the loss by {:.2g}", named(site, y), error));
  }
  return worst.finding();
}

bool is_uv(const Manifold& m) { return m.name() == "uv" || m.name() == "vector-uv"; }

}  // namespace

std::vector<Check> path_checks() {
  constexpr auto deterministic = CheckKind::deterministic;
  const std::string loop = "the loop of discrete/iteration.hpp (advance, the noise models), ";
  return {
      {"D12-identity", deterministic,
       "under SGD with label noise each step multiplies |u|^2 - |v|^2 by exactly 1 - eta^2 r^2, r the noisy residual",
       "(1), (4)",
       loop + "or the model's pullback and noisy_gradient (manifolds/uv.hpp, vector_uv.hpp, loss.hpp) is wrong", is_uv,
       run_identity},
      {"D12-reference", deterministic, "the lockstep loop follows the iteration written plainly, path by path",
       "(1), (2), (4)", loop + "or discrete/reference.cpp has another update rule, noise factor or order of draws",
       everywhere, run_reference},
      {"D12-schemes", deterministic, "without momentum heavy ball, Nesterov and SGD are the same, bit for bit",
       "(1), (2)", loop + "StepConstants: beta or the look-ahead is not 0 at beta = 0", everywhere, run_schemes},
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

}  // namespace valleydrift::validation
