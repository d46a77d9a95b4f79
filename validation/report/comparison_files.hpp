// The files of a comparison.
#pragma once

#include <string>

#include "validation/compare/comparison.hpp"
#include "validation/output/output_folder.hpp"
#include "validation/output/run_facts.hpp"

namespace valleydrift::report {

/// series.csv: every observable at every record, numbers in the shortest form that reads back to the same bits.
std::string series_csv(const compare::Comparison& comparison);
/// descent.csv: every quantity of the first phase at its steps: of the noiseless iteration, of the gradient flow, mean
/// and standard deviation over the run's own paths. `step` counts as in the other files, negative in the first phase.
std::string descent_csv(const compare::DescentResult& descent);
/// run.json, with the cost of a step.
std::string run_json(const compare::Comparison& comparison, const output::RunFacts& facts);

/// Writes config.ini and, for constant noise, sigma.csv beside it. Throws FileError.
void write_config(output::OutputFolder& folder, const run::RunConfig& config, const std::string& config_ini);
/// Writes config.ini, sigma.csv (constant noise), series.csv, descent.csv (with a first phase), run.json and
/// summary.json, all complete before the first
/// one takes its final name, and removes what an earlier run left. Throws FileError.
void write_data(output::OutputFolder& folder, const compare::Comparison& comparison, const std::string& config_ini,
                const output::RunFacts& facts);
}  // namespace valleydrift::report
