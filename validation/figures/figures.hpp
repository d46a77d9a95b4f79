// The figures of a comparison; the parts of plots.hpp.
#pragma once

#include <string>
#include <vector>

#include "validation/compare/comparison.hpp"
#include "validation/figures/figure.hpp"

namespace valleydrift::figures {

/// Observables against slow time, a panel each, two abreast: theory and discrete mean with its band above, their
/// difference and the bound below.
Figure time_figure(const std::string& name, const compare::Comparison& comparison,
                   const std::vector<const compare::ObservableResult*>& shown);

/// The first phase: loss, distance and slow coordinates against steps, a panel each, two abreast: the noiseless
/// iteration, the gradient flow, mean and spread of the runs. Names of `typed` valleys stand as they are.
Figure descent_figure(const compare::DescentResult& descent, bool typed);

/// The ladders: |difference| against epsilon and eta on logarithmic axes with the fitted slopes.
Figure ladder_figure(const compare::Comparison& comparison);

/// The valley with tr H in colour and one or two trajectories of both processes; beside it the same against slow time.
Figure valley_figure(const compare::Comparison& comparison, const Manifold& manifold);

}  // namespace valleydrift::figures
