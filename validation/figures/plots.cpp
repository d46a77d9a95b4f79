// Which pictures a comparison has, and their drawing into the output folder.
#include "validation/figures/plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "manifolds/catalogue.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/manifold.hpp"
#include "validation/figures/figures.hpp"
#include "validation/figures/gnuplot.hpp"

namespace valleydrift::figures {
namespace {

namespace fs = std::filesystem;
using Observables = std::vector<const compare::ObservableResult*>;

constexpr std::size_t most_panels = 4;

/// The observables that pass the test, at most as many as fit into one figure.
template <class Test>
Observables select(const compare::Comparison& comparison, Test test) {
  Observables out;
  for (const compare::ObservableResult& o : comparison.observables) {
    if (out.size() < most_panels && test(o.name)) out.push_back(&o);
  }
  return out;
}

bool has_ladder(const compare::Comparison& comparison) {
  return !comparison.epsilon_ladder.empty() || !comparison.eta_ladder.empty() || comparison.path_error;
}

}  // namespace

std::vector<std::string> draw_plots(const fs::path& folder, const compare::Comparison& comparison) {
  const run::RunConfig& config = comparison.config;
  const Manifold manifold = config.make_manifold();
  const std::vector<std::string> slow = manifold.slow_coordinate_names();
  std::vector<Figure> figures = {valley_figure(comparison, manifold)};
  const auto add = [&](const std::string& name, const Observables& shown) {
    if (!shown.empty()) figures.push_back(time_figure(name, comparison, shown));
  };
  add("trace-hessian", select(comparison, [](const auto& name) { return name == "trace_hessian"; }));
  add("slow-coordinates",
      select(comparison, [&](const auto& name) { return std::find(slow.begin(), slow.end(), name) != slow.end(); }));
  add("covariance",
      select(comparison, [](const auto& name) { return name.starts_with("cov(") || name.starts_with("var("); }));
  add("transverse",
      select(comparison, [](const auto& name) { return name == "transverse_variance" || name == "loss"; }));
  if (comparison.descent) figures.push_back(descent_figure(*comparison.descent, config.formula != nullptr));
  if (has_ladder(comparison)) figures.push_back(ladder_figure(comparison));

  std::error_code error;
  const bool made = fs::create_directory(folder, error);
  if (error) throw FileError(fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
  if (fs::is_symlink(folder)) throw FileError(fmt::format("{} is a link, not a folder", folder.string()));
  try {
    return draw(folder, figures);
  } catch (...) {
    if (made) fs::remove(folder, error);  // only if it is empty
    throw;
  }
}

void write_plots(output::OutputFolder& folder, const compare::Comparison& comparison) {
  folder.require_in_place();
  try {
    for (const std::string& name : draw_plots(folder.path() / "plots", comparison)) {
      folder.note_written("plots/" + name);
    }
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    throw FileError(fmt::format("data complete, plots failed: {}", error.what()));
  }
  folder.require_in_place();
}

}  // namespace valleydrift::figures
