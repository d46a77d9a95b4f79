// The first phase of a run against its steps.
#include <algorithm>
#include <cmath>

#include "validation/figures/figures.hpp"
#include "validation/figures/plot_text.hpp"

namespace valleydrift::figures {
namespace {

/// Loss and distance fall over decades.
bool falls_over_decades(const compare::DescentResult::Quantity& q) { return q.name == "loss" || q.name == "distance"; }

/// Room for the runs with their spread, and for the other two as far down as a tenth of them: without noise they fall
/// to rounding.
Range values_of(const compare::DescentResult::Quantity& q, std::size_t first) {
  const bool logarithmic = falls_over_decades(q);
  Range runs, all;
  for (std::size_t i = first; i < q.mean.size(); ++i) {
    const double low = q.mean[i] - q.deviation[i];
    runs.add(logarithmic && !(low > 0.1 * q.mean[i]) ? 0.1 * q.mean[i] : low);
    runs.add(q.mean[i] + q.deviation[i]);
    all.add(q.noiseless[i]);
    if (i < q.flow.size()) all.add(q.flow[i]);
  }
  if (!logarithmic) return Range{std::min(runs.low, all.low), std::max(runs.high, all.high)}.padded(0.08);
  const double high = std::max(runs.high, all.high);
  const double low = std::max(std::min(runs.low, all.low), 1e-10 * high);  // without noise at all: to rounding
  return {std::max(low, std::min(0.1 * runs.low, high)), high};
}

void draw_panel_of(Figure& figure, const compare::DescentResult& descent, const compare::DescentResult::Quantity& q,
                   bool typed, const Box& box, double key_top) {
  const std::size_t first = descent.steps.size() > 1 ? 1 : 0;  // step 0 has no place on a logarithmic axis
  figure.place(box);
  figure.line("unset label; unset arrow; unset logscale; set autoscale; set xtics autofreq; set ytics autofreq");
  figure.line("set format '%g'");
  figure.text(formula(q.meaning, typed), box.left, box.top + 16.0, "left", 15);
  figure.axis_labels(box, "step since the start", q.name == "loss" ? "L" : axis_label(q.name, typed), 84.0);
  figure.key(box.left, key_top, "top", 2);

  Range steps;
  for (std::size_t i = first; i < descent.steps.size(); ++i) steps.add(static_cast<double>(descent.steps[i]));
  logarithmic_axis(figure, "x", steps);
  const Range values = values_of(q, first);
  if (falls_over_decades(q) && values.low > 0.0) {
    logarithmic_axis(figure, "y", values);
  } else {
    figure.line("set yrange {}; set ytics {}", text_of(values), number(round_tick(values.width() / 5.0)));
  }
  if (descent.phase.steps > 0) {
    figure.line("set arrow from {0},graph 0 to {0},graph 1 nohead lw 1.2 dt (6,6) lc rgb '#808080'",
                descent.phase.steps);
    figure.line("set label 'clock starts' at {}, graph 0.96 right offset -0.5,0 textcolor rgb '#606060' font ',12'",
                descent.phase.steps);
  }

  const std::string data = figure.block("step, noiseless, gradient flow, mean, - spread, + spread: " + q.name);
  for (std::size_t i = first; i < descent.steps.size(); ++i) {
    const double low = q.mean[i] - q.deviation[i];
    figure.row({static_cast<double>(descent.steps[i]), q.noiseless[i], compare::at(q.flow, i), q.mean[i],
                falls_over_decades(q) && !(low > 0.0) ? values.low : low, q.mean[i] + q.deviation[i]});
  }
  std::vector<std::string> parts = {
      fmt::format("{} using 1:5:6 with filledcurves lc rgb '{}' fs transparent solid 0.25 noborder title "
                  "'one standard deviation'",
                  data, discrete_colour),
      fmt::format("{} using 1:4 with lines lw 2.4 lc rgb '{}' title 'mean of {} runs'", data, discrete_colour,
                  descent.paths),
      fmt::format("{} using 1:2 with lines lw 1.6 dt (12,6) lc rgb '{}' title 'iteration without noise'", data,
                  theory_colour)};
  if (!q.flow.empty()) {
    parts.push_back(fmt::format("{} using 1:3 with lines lw 1.6 dt (3,5) lc rgb '{}' title 'gradient flow'", data,
                                extrapolated_colour));
  }
  figure.plot("plot", parts);
}

}  // namespace

Figure descent_figure(const compare::DescentResult& descent, bool typed) {
  constexpr std::size_t most_panels = 4;
  constexpr double left = 104.0, right = 18.0, top = 36.0, axis = 54.0;
  constexpr int width = 550, plot_height = 300;
  constexpr double keys = 2.0 * key_row + 8.0;
  constexpr int panel_height = plot_height + static_cast<int>(top + axis + keys);
  const std::size_t shown = std::min(descent.quantities.size(), most_panels);
  const int rows = static_cast<int>(shown + 1) / 2;
  Figure figure("descent", 2 * width, rows * panel_height);
  figure.line("set multiplot");
  for (std::size_t k = 0; k < shown; ++k) {
    const int column = static_cast<int>(k) % 2, row = static_cast<int>(k) / 2;
    const double bottom = (rows - 1 - row) * panel_height + keys + axis;
    draw_panel_of(figure, descent, descent.quantities[k], typed,
                  {column * width + left, (column + 1) * width - right, bottom, bottom + plot_height}, bottom - axis);
  }
  figure.line("unset multiplot");
  return figure;
}

}  // namespace valleydrift::figures
