// What a search from several starts has found, and how each point is reached.
#include "validation/report/relaxation_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "manifolds/manifold.hpp"
#include "validation/report/json.hpp"

namespace valleydrift::report {

std::string text_of(const run::FlattestPoint& flattest, const std::vector<std::string>& names) {
  constexpr std::size_t most_shown = 4;
  std::string text = fmt::format("tr H = {:.6g}", flattest.trace_hessian);
  for (std::size_t k = 0; k < std::min(names.size(), most_shown); ++k) {
    text += fmt::format(", {} = {:.6g}", names[k], flattest.slow_coordinates[static_cast<Eigen::Index>(k)]);
  }
  return text;
}

nlohmann::json coordinates_json(const std::vector<std::string>& names, const Vector& values) {
  nlohmann::json out = nlohmann::json::object();
  for (std::size_t k = 0; k < names.size(); ++k) out[names[k]] = json_number(values[static_cast<Eigen::Index>(k)]);
  return out;
}

std::string search_text(const run::FlattestSearch& search, const std::vector<std::string>& names) {
  std::string text = fmt::format("  local flattest points found from {} starts, this one and {} drawn around it\n",
                                 search.drawn + 1, search.drawn);
  constexpr std::size_t most_shown = 10;
  for (std::size_t k = 0; k < std::min(search.found.size(), most_shown); ++k) {
    const run::FlattestSearch::Found& f = search.found[k];
    text +=
        fmt::format("    {:>4} {} to {} with {}{}\n", f.starts, f.starts == 1 ? "start " : "starts",
                    manifolds::format_point(f.flattest.point), text_of(f.flattest, names), f.own ? " (from here)" : "");
  }
  if (search.found.size() > most_shown) text += fmt::format("    ... {} in all\n", search.found.size());
  if (search.without > 0) text += fmt::format("    {:>4} to none: {}\n", search.without, search.reason);
  return text;
}

nlohmann::json search_json(const run::FlattestSearch& search, const std::vector<std::string>& names) {
  nlohmann::json out = {{"starts", search.drawn + 1}, {"without", search.without}, {"found", nlohmann::json::array()}};
  if (search.without > 0) out["without_reason"] = search.reason;
  for (const run::FlattestSearch::Found& f : search.found) {
    nlohmann::json entry = {{"point", json_array(f.flattest.point)},
                            {"trace_hessian", json_number(f.flattest.trace_hessian)},
                            {"slow_coordinates", coordinates_json(names, f.flattest.slow_coordinates)},
                            {"tau_Y", json_number(f.tau_Y.value)},
                            {"starts", f.starts},
                            {"from_here", f.own}};
    explain(entry, "tau_Y", f.tau_Y.reason);
    out["found"].push_back(entry);
  }
  return out;
}

}  // namespace valleydrift::report
