// Dormand and Prince's method of Boost.Odeint, and points as it integrates them.
#pragma once

#include <boost/numeric/odeint/integrate/integrate_adaptive.hpp>
#include <boost/numeric/odeint/stepper/controlled_runge_kutta.hpp>
#include <boost/numeric/odeint/stepper/generation.hpp>
#include <boost/numeric/odeint/stepper/generation/generation_controlled_runge_kutta.hpp>
#include <boost/numeric/odeint/stepper/generation/generation_runge_kutta_dopri5.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>
#include <vector>

#include "manifolds/geometry.hpp"

namespace valleydrift::sde {

using State = std::vector<double>;

inline Eigen::Map<const manifolds::Vector> view(const State& y) {
  return {y.data(), static_cast<Eigen::Index>(y.size())};
}

/// With steps chosen so that each errs by at most `absolute`, or `relative` of a component.
inline auto dormand_prince(double absolute, double relative) {
  return boost::numeric::odeint::make_controlled(absolute, relative,
                                                 boost::numeric::odeint::runge_kutta_dopri5<State>());
}

}  // namespace valleydrift::sde
