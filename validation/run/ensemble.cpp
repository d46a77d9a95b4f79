// Names of the columns, and the message for a limit that leaves the valley.
#include "validation/run/ensemble.hpp"

#include <fmt/format.h>

#include "manifolds/errors.hpp"
#include "validation/run/observer.hpp"

namespace valleydrift::run {

Columns::Columns(const Manifold& manifold, bool with_covariances) {
  const std::vector<std::string> coordinates = manifold.slow_coordinate_names();
  slow = static_cast<int>(coordinates.size());
  for (const std::string& name : coordinates) {
    names.push_back(name);
    meanings.push_back("slow coordinate " + name);
  }
  names.insert(names.end(), {"trace_hessian", "transverse_variance", "loss"});
  meanings.insert(meanings.end(), {"trace of the Hessian at the slow variable", "transverse variance tr A / eps^2",
                                   "loss plateau E L / eps^2"});
  constexpr int most_covaried = 4;  // 10 covariances; a list of more is not read by anyone
  if (with_covariances && slow <= most_covaried) {
    for (int i = 0; i < slow; ++i) {
      for (int j = i; j < slow; ++j) {
        const std::string& a = coordinates[static_cast<std::size_t>(i)];
        const std::string& b = coordinates[static_cast<std::size_t>(j)];
        names.push_back(i == j ? fmt::format("var({})", a) : fmt::format("cov({},{})", a, b));
        meanings.push_back(i == j ? "variance of " + a + " over paths" : "covariance of " + a + " and " + b);
      }
    }
  }
  count = static_cast<int>(names.size());
}

void report_lost_limit(const ResolvedRun& run, std::int64_t path, double time, const Vector& last) {
  const Vector spectrum = run.manifold.spectrum(last);
  const Hyperparameters& h = run.hyperparameters;
  const double step = h.eta * spectrum[spectrum.size() - 1], limit = h.stability_limit();
  // Within a fifth of the limit the response of the stiffest mode, and with it the drift, grows without bound.
  const std::string cause =
      step > 0.8 * limit
          ? fmt::format("eta times the largest is {:.4g}, close to the stability limit {:.4g}: take a smaller --eta",
                        step, limit)
          : "the rank changes or the valley bends too sharply: start elsewhere, shorten --time or take a smaller "
            "--limit-step";
  throw NumericalError(fmt::format(
      "{}: path {} of the limiting diffusion leaves the valley at t = {:.4g}: its last point there is {}, where the "
      "nonzero spectrum of the Hessian is {}; {}",
      run.manifold.name(), path, time, manifolds::format_point(last), manifolds::format_point(spectrum), cause));
}

std::int64_t first_path_of(int batch, std::int64_t paths) { return batch * paths / batch_count; }

}  // namespace valleydrift::run
