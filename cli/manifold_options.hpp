// Which manifold a run is about: one of the list, or a formula.
#pragma once

#include <memory>
#include <string>

#include "cli/settings.hpp"
#include "validation/run/run_config.hpp"

namespace valleydrift::cli {

/// The formula that --variables and --residual, or --manifold-file, give; nothing if a manifold of the list is asked
/// for. Throws ConfigError for both at once, or for half a formula.
std::shared_ptr<const manifolds::FormulaSource> read_formula_source(const Settings& settings);

/// --manifold with --param, or the formula, into `run`; returns the manifold. Throws ConfigError.
manifolds::Manifold read_manifold(const Settings& settings, run::RunConfig& run);

/// The lines of a configuration file that name the manifold, or hold the formula, and its parameters.
std::string manifold_lines(const run::RunConfig& run);

}  // namespace valleydrift::cli
