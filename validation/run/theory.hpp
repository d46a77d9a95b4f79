// The limiting diffusion's side of a comparison: its observables at the records.
#pragma once

#include <vector>

#include "validation/run/ensemble.hpp"

namespace valleydrift::run {

/// The theory's columns at the records: exact where nothing diffuses, else batch means.
struct Theory {
  std::vector<std::vector<double>> curve;  ///< records x columns
  std::vector<BatchTable> ensemble;        ///< one table; none if exact

  double sample(int batch, int record, int column) const {
    return ensemble.empty() ? mean(record, column) : ensemble.front().at(batch, record, column);
  }
  double mean(int record, int column) const {
    return curve[static_cast<std::size_t>(record)][static_cast<std::size_t>(column)];
  }
};

/// Y at the times, for a noise without diffusion.
std::vector<Vector> exact_path(const ResolvedRun& run, const sde::LyapunovOperator& form,
                               const std::vector<double>& times);
/// The columns along it.
Theory exact_theory(const ResolvedRun& run, const sde::LyapunovOperator& form, const Columns& columns,
                    const std::vector<Vector>& path);
/// The columns of an ensemble of the limiting diffusion.
Theory ensemble_theory(BatchTable table);

/// One column at one record, a number per batch.
std::vector<double> batch_samples(const BatchTable& table, int record, int column);

}  // namespace valleydrift::run
