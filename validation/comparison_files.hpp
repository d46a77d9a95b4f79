// The files of a comparison.
#pragma once

#include <string>

#include "validation/comparison.hpp"
#include "validation/output_folder.hpp"
#include "validation/run_facts.hpp"

namespace valleydrift::validation {

/// series.csv: every observable at every record, numbers in the shortest form that reads back to the same bits.
std::string series_csv(const Comparison& comparison);
/// descent.csv: every quantity of the first phase at its steps: of the noiseless iteration, of the gradient flow, mean
/// and standard deviation over the run's own paths. `step` counts as in the other files, negative in the first phase.
std::string descent_csv(const DescentResult& descent);
/// run.json, with the cost of a step.
std::string run_json(const Comparison& comparison, const RunFacts& facts);

/// Writes config.ini and, for constant noise, sigma.csv beside it. Throws FileError.
void write_config(OutputFolder& folder, const RunConfig& config, const std::string& config_ini);
/// Writes config.ini, sigma.csv (constant noise), series.csv, descent.csv (with a first phase), run.json and
/// summary.json, all complete before the first
/// one takes its final name, and removes what an earlier run left. Throws FileError.
void write_data(OutputFolder& folder, const Comparison& comparison, const std::string& config_ini,
                const RunFacts& facts);
}  // namespace valleydrift::validation
