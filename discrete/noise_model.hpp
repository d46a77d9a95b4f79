// The noise of the iteration: what moves the gradient at a point.
#pragma once

#include <variant>

#include "discrete/noises/constant.hpp"
#include "discrete/noises/drawn_batch.hpp"
#include "discrete/noises/isotropic.hpp"
#include "discrete/noises/label.hpp"
#include "discrete/noises/none.hpp"

namespace valleydrift::discrete {

/// One of the noise models, chosen once per run: grad L(x) - epsilon sigma(x) xi, DERIVATION (4). Each has draw_count,
/// the draws of a step, and gradient, which reads them from `xi`, `stride` apart. A model more is a file in noises/ and
/// a line here.
using NoiseModel = std::variant<LabelNoise,       //
                                IsotropicNoise,   //
                                ConstantNoise,    //
                                DrawnBatchNoise,  //
                                NoNoise>;

}  // namespace valleydrift::discrete
