// Power laws, branches and optima, with intervals.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace valleydrift::scan {

struct Interval {
  double low, high;
  bool contains(double x) const { return x >= low && x <= high; }
  double half_width() const { return 0.5 * (high - low); }
};

/// y = intercept + slope x by least squares with weights 1/sigma^2, and the coefficient of x^2/2 in a fit with one term
/// more (x from its mean), with its standard error from the sigmas and, if larger, from the residuals.
struct Line {
  double intercept = 0.0, slope = 0.0;
  std::optional<double> curvature = {}, curvature_error = {};  ///< from four points on
  double at(double x) const { return intercept + slope * x; }
};
/// At least two different x; sigma > 0.
Line weighted_line(const std::vector<double>& x, const std::vector<double>& y, const std::vector<double>& sigma);

/// One cell in a fit: log eta, the time, its relative standard error, and resampled times (NaN: without the time).
struct FitPoint {
  double log_eta, time, relative_error;
  std::vector<double> resampled;
};

/// T ~ eta^-alpha at the learning rates given. `interval` holds the alpha of infinitely many paths with 95 %; `range`
/// joins it with the fits that leave out one learning rate: what another choice of them might have given.
struct PowerLaw {
  double alpha = 0.0, prefactor = 0.0;  ///< T = prefactor eta^-alpha
  Interval interval{}, leave_one_out{}, range{};
  std::optional<double> curvature = {}, curvature_error = {};
  int cells_used = 0;
  std::vector<double> samples = {};         ///< alpha of each bootstrap fit
  double small_eta = 0.0, large_eta = 0.0;  ///< alpha of the lower and of the upper half of the learning rates
  /// Curvature beyond three standard errors.
  bool curved() const;
};
/// None with fewer than three cells. Bootstrap: each cell with one of its resampled times and an error from some
/// of them: of a curved law the weights move alpha. Deterministic in `seed`.
std::optional<PowerLaw> fit_power(const std::vector<FitPoint>& points, std::uint64_t seed);

/// How far alpha moves at most if every log T is off by up to the error given for it, weighted as in `fit_power`.
double alpha_error(const std::vector<FitPoint>& points, const std::vector<double>& errors);

/// alpha(gamma) on one branch.
struct BranchPoint {
  double gamma;
  PowerLaw law;
};
struct Crossing {
  double gamma = 0.0, alpha = 0.0;
  Interval interval{};
  Line longitudinal{}, transverse{};
};
/// Where the lines through the two branches meet; none if either has fewer than two points, or outside gamma 0 to 1.
/// The interval joins the bootstrap's 95 % with the range of the crossings that leave out one point of one branch, and
/// with those of either half of the learning rates, wherever these meet: what still moves with eta is not known better.
/// It is wider than 95 %.
std::optional<Crossing> cross(const std::vector<BranchPoint>& longitudinal, const std::vector<BranchPoint>& transverse);

/// The extremum of log y over log x near the best sample, by the parabola through it and its neighbours; at a jump, the
/// best sample's y, and the middle of the jump: the step to one neighbour is four times that to the other and that
/// beyond it.
struct Extremum {
  double x, y;
};
/// Of the largest y if `largest`, else of the smallest; samples that are not positive are left out. None with fewer
/// than three, or at an end.
std::optional<Extremum> extremum(const std::vector<double>& x, const std::vector<double>& y, bool largest);

/// How far the middle 95 % of the finite samples reaches from `estimate`, on the side where it reaches further: an
/// interval of that half-width holds its own estimate, and the bias that resampling shows. None with fewer than 20, or
/// with more than one in ten that are not finite: what these would say is not known.
std::optional<double> reach_95(double estimate, std::vector<double> samples);

}  // namespace valleydrift::scan
