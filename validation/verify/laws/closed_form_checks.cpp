// What is known in closed form: flows of label noise, the trace of the Hessian.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>

#include "manifolds/model.hpp"
#include "manifolds/pointwise_loss.hpp"
#include "sde/gradient_flow.hpp"
#include "sde/label_flow.hpp"
#include "validation/verify/site_cases.hpp"

namespace valleydrift::verify {
namespace {

using namespace sites;
using sde::LyapunovOperator;

// --- Flows of label noise in coordinates of their own, DERIVATION section 11 -----------------------------------------

/// rho'(l): dY/dt = -rho'(l) P_L grad l for one transverse mode of curvature l.
using Rate = std::function<double(double l)>;

struct ReducedFlow {
  std::function<Vector(const Vector& y)> coordinates;
  std::function<Vector(const Vector& q, const Rate& rate)> slope;
  std::function<Vector(const Vector& q0, double ct)> closed = {};  ///< its solution for rate c/4, where there is one
};

/// x = |u|^2 - |v|^2 and l = |u|^2 + |v|^2: with u.v = 1, |P_L grad l|^2 = 4 l - 16/l.
ReducedFlow uv_flow() {
  return {[](const Vector& y) {
            const Eigen::Index d = y.size() / 2;
            return Vector{{y.head(d).squaredNorm() - y.tail(d).squaredNorm(), y.squaredNorm()}};
          },
          [](const Vector& q, const Rate& rate) {
            return Vector{{-4.0 * rate(q[1]) * q[0], -4.0 * rate(q[1]) * (q[1] - 4.0 / q[1])}};
          },
          [](const Vector& q, double ct) {
            return Vector{{q[0] * std::exp(-ct), std::sqrt(4.0 + (q[1] * q[1] - 4.0) * std::exp(-2.0 * ct))}};
          }};
}

/// l = g(x)^2 with g = e^x, (1 + x^2)^(1/2) or x.
ReducedFlow channel_flow(int profile) {
  const auto l = [profile](double x) { return profile == 0 ? std::exp(2.0 * x) : (profile == 1 ? 1.0 : 0.0) + x * x; };
  const auto dl = [profile](double x) { return profile == 0 ? 2.0 * std::exp(2.0 * x) : 2.0 * x; };
  return {
      [](const Vector& y) { return Vector{{y[0]}}; },
      [=](const Vector& q, const Rate& rate) { return Vector{{-rate(l(q[0])) * dl(q[0])}}; },
      [=](const Vector& q, double ct) {
        return Vector{{profile == 0 ? q[0] - 0.5 * std::log1p(ct * std::exp(2.0 * q[0])) : q[0] * std::exp(-ct / 2.0)}};
      }};
}

/// The angle theta of (a cos theta, b sin theta): l = cos^2/a^2 + sin^2/b^2, arc length^2 (a^2 sin^2 + b^2 cos^2) per
/// radian^2.
ReducedFlow ellipse_flow(double a, double b) {
  return {[=](const Vector& y) { return Vector{{std::atan2(y[1] / b, y[0] / a)}}; },
          [=](const Vector& q, const Rate& rate) {
            const double c = std::cos(q[0]), s = std::sin(q[0]);
            const double l = c * c / (a * a) + s * s / (b * b), dl = 2.0 * s * c * (1.0 / (b * b) - 1.0 / (a * a));
            return Vector{{-rate(l) * dl / (a * a * s * s + b * b * c * c)}};
          }};
}

/// The angle around the tube, l = (rho/R)^2 with rho = R + r cos theta; the azimuth stays.
ReducedFlow torus_flow(double major, double minor) {
  return {[=](const Vector& y) {
            return Vector{{std::atan2(y[2], std::hypot(y[0], y[1]) - major), std::atan2(y[1], y[0])}};
          },
          [=](const Vector& q, const Rate& rate) {
            const double rho = (major + minor * std::cos(q[0])) / major;
            return Vector{{rate(rho * rho) * 2.0 * rho * std::sin(q[0]) / (major * minor), 0.0}};
          }};
}

/// Equally steep everywhere: the point stays.
ReducedFlow sphere_flow() {
  return {[](const Vector& y) { return y; },
          [](const Vector& q, const Rate&) { return Vector(Vector::Zero(q.size())); },
          [](const Vector& q, double) { return q; }};
}

std::optional<ReducedFlow> reduced_flow(const Manifold& m) {
  const auto value = [&m](const char* name) { return m.parameters().at(name); };
  if (m.name() == "uv" || m.name() == "vector-uv") return uv_flow();
  if (m.name() == "channel") return channel_flow(static_cast<int>(value("profile")));
  if (m.name() == "ellipse") return ellipse_flow(value("a"), value("b"));
  if (m.name() == "torus") return torus_flow(value("R"), value("r"));
  if (m.name() == "sphere") return sphere_flow();
  return {};
}

bool has_reduced_flow(const Manifold& m) { return reduced_flow(m).has_value(); }

/// dq/dt = slope(q) over [0, t] by classical Runge-Kutta steps. The fastest rate met, 8 per unit of t on the steep
/// ellipse, times a step of 2/4000 is 4e-3: an error of 1e-10 over the way.
Vector integrated(const ReducedFlow& flow, Vector q, double t, const Rate& rate) {
  constexpr int steps = 4000;
  const double h = t / steps;
  for (int i = 0; i < steps; ++i) {
    const Vector a = flow.slope(q, rate), b = flow.slope(q + h / 2.0 * a, rate), c = flow.slope(q + h / 2.0 * b, rate),
                 d = flow.slope(q + h * c, rate);
    q += h / 6.0 * (a + 2.0 * b + 2.0 * c + d);
  }
  return q;
}

// sde/label_flow.hpp promises 1e-9 of |Y|; coordinates derived from it lose a few times that.
constexpr double flow_bound = 1e-8;

const std::vector<double> flow_times = {0.5, 2.0};

/// Against the integrated flow with rate c/4 and its solution where there are coordinates for it, and against the
/// solution that the model itself gives.
Finding run_label_flow(const CheckSite& site) {
  Worst worst(flow_bound);
  const std::optional<ReducedFlow> flow = reduced_flow(site.manifold);
  const double c = site.manifold.label_constant();
  const LyapunovOperator paper(Form::paper, Hyperparameters{Scheme::heavy_ball, 0.05, 0.1, 0.0});
  for (const Vector& y0 : used_points(site)) {
    const std::vector<Vector> path = sde::label_path(site.manifold, paper, y0, flow_times);
    for (std::size_t i = 0; i < path.size(); ++i) {
      const double t = flow_times[i];
      const auto add = [&](const Vector& q, const Vector& expected, double size, const char* what) {
        worst.add(
            largest(q - expected) / std::max(1.0, size),
            fmt::format("{}, t = {:g}: {} instead of {}, {}", named(site, y0), t, shown(q), shown(expected), what));
      };
      if (flow) {
        const Vector q0 = flow->coordinates(y0), q = flow->coordinates(path[i]);
        add(q, integrated(*flow, q0, t, [c](double) { return c / 4.0; }), q0.norm(), "the integrated flow");
        if (flow->closed) add(q, flow->closed(q0, c * t), q0.norm(), "its solution");
      }
      if (const std::optional<Vector> y = site.manifold.pointwise().closed_label_flow(y0, c * t)) {
        add(path[i], *y, y0.norm(), "the model's closed_label_flow");
      }
    }
  }
  return worst.finding();
}

/// rho'(l) at finite step: below (22), and c l / (2 d_ii) with (13e).
double finite_step_rate(const Hyperparameters& h, double c, double l) {
  const double b = h.beta(), e = h.eta * l;
  if (h.scheme == Scheme::heavy_ball) return (c / 4.0) / (1.0 - e / (2.0 * (1.0 + b)));
  const double d =
      l * (h.mu + b * e) * (2.0 * (1.0 + b) - (1.0 + 2.0 * b) * e) / (h.mu * (1.0 + b + b * (1.0 + 2.0 * b) * e));
  return (c / 2.0) * l / d;
}

Finding run_finite_step(const CheckSite& site) {
  Worst worst(flow_bound);
  const ReducedFlow flow = *reduced_flow(site.manifold);
  const double c = site.manifold.label_constant(), t = flow_times.back();
  // In a hundred dimensions a flow takes a fifth of a second.
  const bool costly = site.manifold.dimension() > 32 && !site.thorough;
  const std::vector<double> momenta = costly ? std::vector{0.1} : std::vector{1.0, 0.5, 0.1, 0.01};
  for (const Vector& y0 : used_points(site)) {
    const Vector q0 = flow.coordinates(y0);
    for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov}) {
      for (const double mu : momenta) {
        // eta l = 0.8 at the start, and less later: the paper form is 20 % and more off.
        const Hyperparameters h{scheme, step_at(site.manifold, y0, 0.8), mu, 0.0};
        const Vector q =
            flow.coordinates(sde::label_path(site.manifold, LyapunovOperator(Form::finite_step, h), y0, {t}).front());
        const Vector expected = integrated(flow, q0, t, [&](double l) { return finite_step_rate(h, c, l); });
        worst.add((q - expected).cwiseAbs().maxCoeff() / std::max(1.0, q0.norm()),
                  fmt::format("{}, {}, beta {:g}, t = {:g}: {:.10g} instead of {:.10g}", named(site, y0),
                              name_of(scheme), 1.0 - mu, t, q[0], expected[0]));
      }
    }
  }
  return worst.finding();
}

bool has_closed_trace(const Manifold& m) { return m.pointwise().has_closed_trace_hessian(); }
bool has_closed_limit_map(const Manifold& m) { return m.pointwise().has_closed_limit_map(); }
bool has_label_flow(const Manifold& m) { return has_reduced_flow(m) || m.pointwise().has_closed_label_flow(); }

/// 1e-12: a point is on the valley to 1e-15, sums of 1e2 numbers round by 1e-14.
Finding run_trace(const CheckSite& site) {
  Worst worst(1e-12);
  for (const Vector& y : used_points(site)) {
    const double closed = site.manifold.pointwise().closed_trace_hessian(y).value();
    const auto add = [&](double computed, const char* what) {
      worst.add(std::abs(closed / computed - 1.0),
                fmt::format("{}: closed form {:.12g}, {} {:.12g}", named(site, y), closed, what, computed));
    };
    add(site.manifold.geometry(y).trace_hessian(), "sum of the spectrum");
    add(site.manifold.hessian(y).trace(), "trace by dual numbers");
  }
  return worst.finding();
}

/// sde/gradient_flow.hpp promises 1e-10 in each component; the closed form adds roundings of 1e-16.
Finding run_limit_map(const CheckSite& site) {
  Worst worst(1.1e-10);
  for_points(site, 111, [&](const Vector& y, Random& random, const std::string&) {
    const Vector w = y + 0.1 * random.direction(y.size()), end = sde::limit_map(site.manifold, w);
    const Vector closed = site.manifold.pointwise().closed_limit_map(w).value();
    worst.add(largest(closed - end), fmt::format("from {} near {}: closed form {}, flow {}", shown(w), named(site, y),
                                                 shown(closed), shown(end)));
  });
  return worst.finding();
}

}  // namespace

std::vector<Check> path_checks();  ///< D12, D13; path_checks.cpp

std::vector<Check> closed_form_checks() {
  constexpr auto deterministic = CheckKind::deterministic;
  std::vector<Check> all = {
      {"D11-label-flow", deterministic,
       "label noise moves the limit as the closed flow of the manifold says, -(c/4) P_L grad tr H", "(22), section 11",
       "the transverse term, the noise factor or c is wrong: transverse in sde/theorem.cpp, "
       "label_noise_factor "
       "and label_constant of the loss (manifolds/loss.hpp), closed_label_flow of the model",
       has_label_flow, run_label_flow},
      {"D11-finite-step", deterministic, "at finite step the closed flow has rate c l/(2 d(l)) in place of c/4",
       "(12), (13e), section 11",
       "the diagonal of the symbol is wrong: LyapunovOperator::finite_step_inverse in sde/lyapunov_operator.hpp; if "
       "D11-label-flow "
       "fails "
       "too, see there first",
       has_reduced_flow, run_finite_step},
      {"D11-trace", deterministic, "the closed form of tr H on the valley is the sum of the spectrum of H",
       "(3), section 11",
       "closed_trace_hessian of the model, its pullback, or the Gram matrix in Manifold::geometry is wrong "
       "(manifolds/models/<name>.hpp, manifolds/manifold.cpp)",
       has_closed_trace, run_trace},
      {"D11-limit-map", deterministic, "the closed form of the limit map is where the gradient flow ends",
       "(6), section 11",
       "closed_limit_map of the model (manifolds/models/<name>.hpp), or sde/gradient_flow.cpp if D3 fails too",
       has_closed_limit_map, run_limit_map},
  };
  for (Check& check : path_checks()) all.push_back(std::move(check));
  return all;
}

}  // namespace valleydrift::verify
