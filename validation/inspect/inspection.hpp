// Everything the theory says about one point of a valley, without running anything.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "validation/run/relaxation.hpp"

namespace valleydrift::inspect {

/// The three drift terms of DERIVATION (10) in one form, per unit of slow time, D each.
struct FormDrift {
  Form form;
  Vector curvature, mixed, transverse;
  Vector total() const { return curvature + mixed + transverse; }
};

struct Inspection {
  run::RunConfig config;  ///< resolved
  Hyperparameters hyperparameters;
  Vector point;           ///< on the valley
  double distance_moved;  ///< from the point given
  int dimension, valley_dimension;
  double loss;
  Vector spectrum;  ///< nonzero, ascending, m
  double rank_gap, trace_hessian;
  Vector slow_coordinates;
  std::vector<std::string> slow_coordinate_names;
  std::vector<FormDrift> drift;     ///< the forms that exist
  std::optional<Matrix> diffusion;  ///< P_L sigma, D x r, unless it has more than 65536 numbers
  Eigen::Index noise_columns = 0;   ///< r
  double diffusion_rate = 0.0;      ///< tr(P_L Sigma P_L)
  run::Applicability applicability;
  run::Quantity tau_Y;              ///< relaxation time in slow time, DERIVATION (31)
  run::Quantity tau_2;              ///< tau_Y in steps
  run::Quantity tau_2_finite_step;  ///< the same at this eta and beta; for Nesterov longer by 1 + eta l/mu
  run::Quantity C_star;             ///< (2 eps^2 / tau_Y)^(1/3): with gamma = 2/3 the fastest prefactor, a heuristic
  run::Quantity local_time;         ///< tr H / |d tr H / dt| along the flow, in slow time
  std::string relaxation_note;      ///< what was skipped on the way to tau_Y; may be empty
  double relaxation_error = 0.0;    ///< of tau_Y, relative
  std::optional<run::FlattestPoint> flattest;  ///< local: where the flow from `point` ends, if it does
  std::optional<run::FlattestSearch> search = {};
};

/// With `search` starts drawn around the run's for other local flattest points. Throws NumericalError where the rank of
/// the Hessian changes or a figure leaves the range of double precision.
Inspection inspect(const run::ResolvedRun& run, int search = 0);

}  // namespace valleydrift::inspect
