// Differences on a ladder: their extrapolation and their slope.
#pragma once

#include <vector>

#include "validation/compare/comparison.hpp"
#include "validation/statistics/statistics.hpp"

namespace valleydrift::compare {

/// The probability that one comparison calls a true agreement a disagreement, over all its judged numbers together; and
/// that it refuses a true slope, over all its ladders together.
inline constexpr double false_alarm_probability = 1e-6;

/// Weights of the Richardson extrapolation to 0 of rungs h, h/2, ... for an error in ascending powers p, 2p, ...:
/// DERIVATION (38). p = 2 for epsilon, 1 for eta; 2 or 3 rungs.
std::vector<double> extrapolation_weights(std::size_t rungs, int power);

/// Batch samples of one number on every rung: samples[rung][batch].
using RungSamples = std::vector<std::vector<double>>;

/// sum_r weight_r samples[r], batch by batch.
std::vector<double> combine(const RungSamples& samples, const std::vector<double>& weights);

/// Fits the signed slope of a ladder, DERIVATION (40): local slopes log2(D_r / D_{r+1}), extrapolated over three rungs.
/// Its interval is the 99.9 % statistical one plus the effect of the next order: half an order with two rungs, the
/// change between local slopes with three. Not resolved where the coarsest difference is below 5 standard errors or
/// the interval wider than an order to each side, nor where it is below `accuracy`, the observable's own. `consistent`
/// allows for `slopes` fits in the run.
LadderResult fit_ladder(const std::string& observable, double time, const std::vector<double>& rungs,
                        const RungSamples& samples, double expected_slope, int slopes = 1, double accuracy = 0.0);

}  // namespace valleydrift::compare
