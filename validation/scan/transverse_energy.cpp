// The recursion of each mode, where it comes to rest, and when the sum of their energies is within delta of that.
#include "validation/scan/transverse_energy.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "manifolds/numbers/lane_math.hpp"

namespace valleydrift::scan {

bool underdamped(double eigenvalue, const manifolds::Hyperparameters& h) {
  const double e = h.eta * eigenvalue, b = h.beta();
  const bool nesterov = h.scheme == manifolds::Scheme::nesterov;
  const double chi = nesterov ? (1.0 + b) * (1.0 - e) : 1.0 + b - e, delta = nesterov ? b * (1.0 - e) : b;
  return chi * chi < 4.0 * delta;
}

EnergyForm energy_form(const manifolds::Vector& spectrum, const manifolds::Hyperparameters& h) {
  for (const double l : spectrum) {
    if (!underdamped(l, h)) return {};
  }
  const double gradient = 0.5 * h.eta * (h.scheme == manifolds::Scheme::nesterov ? h.mu : 1.0);
  return {.kinetic = 0.5 * h.eta * h.beta(), .displacement = 0.5 * h.mu, .gradient = gradient};
}

TransverseEnergy::TransverseEnergy(const manifolds::Geometry& geometry, const manifolds::NoiseFactor& noise,
                                   const manifolds::Hyperparameters& h) {
  const double b = h.beta(), eta = h.eta;
  const EnergyForm form = energy_form(geometry.spectrum, h);
  const double look_ahead = h.scheme == manifolds::Scheme::nesterov ? eta * b : 0.0;
  const manifolds::Matrix across = noise.after(geometry.transverse.transpose());
  for (Eigen::Index i = 0; i < geometry.spectrum.size(); ++i) {
    const double l = geometry.spectrum[i];
    const double kick = h.epsilon * across.row(i).norm();
    // p' = b p - l (w + look_ahead p) + noise, w' = w + eta p': the rows of the step, and the noise it adds.
    const double pw = -l, pp = b - l * look_ahead, ww = 1.0 + eta * pw, wp = eta * pp;
    Mode mode;
    mode.map << ww * ww, 2.0 * ww * wp, wp * wp,  //
        ww * pw, ww * pp + wp * pw, wp * pp,      //
        pw * pw, 2.0 * pw * pp, pp * pp;
    const Eigen::Vector3d added = kick * kick * Eigen::Vector3d(eta * eta, eta, 1.0);
    mode.stationary = (Eigen::Matrix3d::Identity() - mode.map).partialPivLu().solve(added);
    mode.weights = {0.5 * l, form.displacement - form.gradient * l, form.kinetic};
    plateau_ += mode.weights.dot(mode.stationary);
    loss_plateau_ += 0.5 * l * mode.stationary[0];
    modes_.push_back(mode);
  }
}

std::optional<double> TransverseEnergy::convergence_time(double delta, double tau_1) const {
  constexpr double fewest_steps = 8.0;  // a mode with eta l = 1 is there after one
  constexpr double per_time = 400.0;    // samples of a relaxation time; between them the curve is straight
  const double stride = std::max(1.0, std::floor(tau_1 / per_time));
  // What is left falls as exp(-2k/tau_1) times a factor of order one, of at most e^4 near critical damping.
  const double longest = std::max(tau_1 * (2.0 + manifolds::log(1.0 / delta)), fewest_steps);
  std::vector<Eigen::Matrix3d> powers;
  std::vector<Eigen::Vector3d> left;
  for (const Mode& mode : modes_) {
    Eigen::Matrix3d power = Eigen::Matrix3d::Identity(), square = mode.map;
    for (auto n = static_cast<std::int64_t>(stride); n > 0; n /= 2, square = (square * square).eval()) {
      if (n % 2 == 1) power = (power * square).eval();
    }
    powers.push_back(power);
    left.push_back(mode.stationary);
  }
  std::optional<double> last;
  double before = 1.0;
  for (double step = stride; step <= longest; step += stride) {
    double missing = 0.0;
    for (std::size_t i = 0; i < modes_.size(); ++i) {
      left[i] = (powers[i] * left[i]).eval();
      missing += modes_[i].weights.dot(left[i]);
    }
    const double now = std::abs(missing) / plateau_;
    if (before > delta && now <= delta) last = step - stride * (delta - now) / (before - now);
    before = now;
  }
  if (!(before <= delta)) return {};
  return last;
}

}  // namespace valleydrift::scan
