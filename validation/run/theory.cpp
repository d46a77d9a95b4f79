// An exact curve where nothing diffuses, batch means of paths elsewhere.
#include "validation/run/theory.hpp"

#include "sde/label_flow.hpp"
#include "validation/statistics/statistics.hpp"

namespace valleydrift::run {

std::vector<Vector> exact_path(const ResolvedRun& run, const sde::LyapunovOperator& form,
                               const std::vector<double>& times) {
  return sde::label_path(run.manifold, form, run.start, times, run.batch_noise());
}

Theory exact_theory(const ResolvedRun& run, const sde::LyapunovOperator& form, const Columns& columns,
                    const std::vector<Vector>& path) {
  Theory theory;
  for (const Vector& y : path) {
    const manifolds::Geometry geometry = run.manifold.geometry(y);
    const sde::TransversePlateau plateau = sde::transverse_plateau(geometry, run.noise_factor(y, form), form);
    const Vector q = run.manifold.slow_coordinates(y, run.start);
    std::vector<double> row(q.data(), q.data() + q.size());
    row.insert(row.end(), {geometry.trace_hessian(), plateau.variance, plateau.loss});
    row.resize(static_cast<std::size_t>(columns.count), 0.0);
    theory.curve.push_back(row);
  }
  return theory;
}

std::vector<double> batch_samples(const BatchTable& table, int record, int column) {
  std::vector<double> out;
  for (int b = 0; b < batch_count; ++b) out.push_back(table.at(b, record, column));
  return out;
}

Theory ensemble_theory(BatchTable table) {
  Theory theory;
  for (int r = 0; r < table.records(); ++r) {
    std::vector<double> row;
    for (int c = 0; c < table.columns(); ++c) row.push_back(statistics::estimate(batch_samples(table, r, c)).mean);
    theory.curve.push_back(row);
  }
  theory.ensemble.push_back(std::move(table));
  return theory;
}

}  // namespace valleydrift::run
