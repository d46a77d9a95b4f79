// The ladders on logarithmic axes.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "validation/compare/ladder.hpp"
#include "validation/figures/figures.hpp"
#include "validation/figures/plot_text.hpp"

namespace valleydrift::figures {
namespace {

constexpr const char* series_colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"};
constexpr int series_marks[] = {7, 5, 9, 13, 11, 15};
constexpr std::size_t most_series = 6;

/// A rung is seen where its difference exceeds two standard errors; else it is at most this.
struct DrawnRung {
  double at, difference, error;

  bool is_seen() const { return difference > 2.0 * error; }
  double highest() const { return difference + 2.0 * error; }
  /// On a logarithmic axis a bar down to zero has no end.
  double lowest() const { return std::max(difference - 2.0 * error, 0.1 * difference); }
};

std::vector<DrawnRung> rungs_of(const compare::LadderResult& l) {
  std::vector<DrawnRung> rungs;
  for (std::size_t i = 0; i < l.rung.size(); ++i) {
    rungs.push_back({l.rung[i], std::abs(compare::at(l.difference, i)), compare::at(l.standard_error, i)});
  }
  return rungs;
}

/// One ladder's panel: what is drawn, what is only named, and how much room its key takes.
struct LadderPanel {
  std::string variable, ylabel, title;
  std::vector<const compare::LadderResult*> drawn = {};
  std::vector<std::string> conserved = {}, left_out = {};
  bool typed = false;  ///< names are the user's own

  void choose(const std::vector<compare::LadderResult>& ladder);
  bool has_limits() const;
  int key_rows() const;
};

/// A slope with a wide interval says nothing: its line would only confuse the picture.
bool has_line(const compare::LadderResult& l) {
  constexpr double widest = 6.0;
  return l.slope && l.rung.size() > 1 && l.slope_high - l.slope_low < widest && std::abs(l.difference.back()) > 0.0;
}

/// Resolved ladders first, the best resolved ones first.
void LadderPanel::choose(const std::vector<compare::LadderResult>& ladder) {
  for (const compare::LadderResult& l : ladder) {
    // What theory and simulation both conserve differs by rounding alone, and would stretch the axis over ten decades.
    const bool moves =
        std::any_of(l.difference.begin(), l.difference.end(), [&](double d) { return std::abs(d) > l.accuracy; });
    if (moves || l.slope) {
      drawn.push_back(&l);
    } else {
      conserved.push_back(axis_label(l.observable, typed));
    }
  }
  const auto clarity = [](const compare::LadderResult* l) {
    return std::abs(compare::at(l->difference, 0)) / std::max(compare::at(l->standard_error, 0), 1e-300);
  };
  std::stable_sort(drawn.begin(), drawn.end(), [&](const compare::LadderResult* a, const compare::LadderResult* b) {
    if (a->slope.has_value() != b->slope.has_value()) return a->slope.has_value();
    return clarity(a) > clarity(b);
  });
  const auto resolved = static_cast<std::size_t>(
      std::count_if(drawn.begin(), drawn.end(), [](const compare::LadderResult* l) { return l->slope.has_value(); }));
  const std::size_t most = resolved ? std::min(resolved + 1, most_series) : 3;  // of what is not resolved, a few
  for (std::size_t k = most; k < drawn.size(); ++k) left_out.push_back(axis_label(drawn[k]->observable, typed));
  drawn.resize(std::min(drawn.size(), most));
}

bool LadderPanel::has_limits() const {
  return std::any_of(drawn.begin(), drawn.end(), [](const compare::LadderResult* l) {
    const auto rungs = rungs_of(*l);
    return std::any_of(rungs.begin(), rungs.end(),
                       [](const DrawnRung& r) { return !r.is_seen() && r.highest() > 0.0; });
  });
}

int LadderPanel::key_rows() const {
  return 1 + static_cast<int>(drawn.size()) + has_limits() + !left_out.empty() + !conserved.empty();
}

struct Axes {
  Range x, y;
};

/// Room for all that is drawn, and at least one decade of height, so that the slope is seen.
Axes axes_of(const LadderPanel& panel) {
  Axes axes;
  for (const compare::LadderResult* l : panel.drawn) {
    for (const DrawnRung& r : rungs_of(*l)) {
      axes.x.add(r.at);
      if (!(r.highest() > 0.0)) continue;
      axes.y.add(r.highest());
      axes.y.add(r.is_seen() ? r.lowest() : 0.5 * r.highest());  // an arrow's tip
      if (has_line(*l) && r.difference > 0.0) axes.y.add(r.difference);
    }
  }
  if (axes.x.empty() || axes.y.empty()) return {};
  const double middle = std::sqrt(axes.y.low * axes.y.high);
  const double half = 1.3 * std::max(std::sqrt(axes.y.high / axes.y.low), 3.2);
  return {{axes.x.low / 1.35, axes.x.high * 1.35}, {middle / half, middle * half}};
}

void set_axes(Figure& figure, const LadderPanel& panel, const Axes& axes) {
  std::vector<double> rungs;
  for (const compare::LadderResult* l : panel.drawn) rungs.insert(rungs.end(), l->rung.begin(), l->rung.end());
  std::sort(rungs.begin(), rungs.end());
  rungs.erase(std::unique(rungs.begin(), rungs.end()), rungs.end());
  std::vector<std::string> ticks;
  for (const double r : rungs) ticks.push_back(fmt::format("'{:.3g}' {}", r, number(r)));
  figure.line("set logscale xy; set xtics ({})", fmt::join(ticks, ", "));

  ticks.clear();
  const bool few_decades = axes.y.high / axes.y.low < 300.0;  // powers of ten alone would leave one or two labels
  const int lowest = static_cast<int>(std::floor(std::log10(axes.y.low)));
  const int highest = static_cast<int>(std::ceil(std::log10(axes.y.high)));
  const int step = std::max(1, (highest - lowest) / 6);
  for (int exponent = lowest; exponent < highest; exponent += step) {
    for (const int digit : {1, 2, 5}) {
      if (digit > 1 && !few_decades) continue;
      ticks.push_back(fmt::format("'{}' {}e{}", decade_label(digit, exponent), digit, exponent));
    }
  }
  figure.line("set ytics ({})", fmt::join(ticks, ", "));
  figure.line("set xrange {}; set yrange {}", text_of(axes.x), text_of(axes.y));
}

std::string series_label(const compare::LadderResult& l, bool typed) {
  std::string name = axis_label(l.observable, typed);
  if (std::isfinite(l.time) && l.time > 0.0) name += fmt::format(", t = {:.3g}", l.time);
  if (!l.slope) return name + ": slope not resolved";
  return fmt::format("{}: slope {:.2f} in [{:.2f}, {:.2f}]", name, *l.slope, l.slope_low, l.slope_high);
}

/// One ladder: points with their bars, limits as arrows, the fitted line. `shift` keeps bars at the same rung apart.
void add_series(Figure& figure, const compare::LadderResult& l, bool typed, std::size_t place, double shift,
                std::vector<std::string>& parts) {
  const char* colour = series_colours[place % most_series];
  const std::string data = figure.block("rung, |difference|, lowest, highest, at most (2 SE): " + l.observable);
  const std::vector<DrawnRung> rungs = rungs_of(l);
  bool any_seen = false, any_limit = false;
  for (const DrawnRung& r : rungs) {
    const bool seen = r.is_seen(), limit = !seen && r.highest() > 0.0;
    any_seen |= seen;
    any_limit |= limit;
    figure.row({r.at, seen ? r.difference : NAN, r.lowest(), r.highest(), limit ? r.highest() : NAN});
  }
  const std::string title = "title " + quoted(series_label(l, typed));
  const std::string x = fmt::format("($1*{})", number(shift));
  if (any_seen) {
    parts.push_back(fmt::format("{} using {}:2:3:4 with yerrorbars pt {} ps 0.8 lw 1.4 lc rgb '{}' {}", data, x,
                                series_marks[place % most_series], colour, title));
  }
  if (any_limit) {
    parts.push_back(
        fmt::format("{} using {}:5:(0):(-$5*0.45) with vectors head filled size screen 0.012,20 lw 1.4 lc rgb '{}' {}",
                    data, x, colour, any_seen ? "notitle" : title));
  }
  // The slope is that at the finest rung, DERIVATION (40): the line goes through it.
  if (has_line(l)) {
    parts.push_back(fmt::format("[{}:{}] {}*(x/{})**{} with lines lw 1.4 lc rgb '{}' notitle",
                                number(shift * rungs.back().at), number(shift * rungs.front().at),
                                number(rungs.back().difference), number(shift * rungs.back().at), number(*l.slope),
                                colour));
  }
}

/// Lines of the key that stand for no curve.
void add_notes(const LadderPanel& panel, std::vector<std::string>& parts) {
  const auto note = [&](const std::string& text) {
    parts.push_back("NaN with points pt 0 lc rgb 'white' title " + quoted(text));
  };
  if (panel.has_limits()) note("arrow: not seen, at most its upper end (2 SE)");
  if (!panel.left_out.empty()) {
    const std::vector<std::string> listed(panel.left_out.begin(),
                                          panel.left_out.begin() + std::min<long>(3, std::ssize(panel.left_out)));
    const std::size_t more = panel.left_out.size() - listed.size();
    note(fmt::format("not drawn: {}{}", fmt::join(listed, "; "), more ? fmt::format(" and {} more", more) : ""));
  }
  if (!panel.conserved.empty()) note(fmt::format("zero to rounding: {}", fmt::join(panel.conserved, "; ")));
}

/// `names` are the observables drawn so far: each keeps its colour from panel to panel.
void draw_panel(Figure& figure, const LadderPanel& panel, const Box& box, std::vector<std::string>& names) {
  constexpr double axis = 52.0;  // tick labels and the axis label
  figure.place(box);
  figure.line("unset label");
  figure.text(panel.title, 0.5 * (box.left + box.right), box.top + 18.0, "center", 14);
  figure.axis_labels(box, panel.variable, panel.ylabel);
  const Axes axes = axes_of(panel);
  if (axes.x.empty()) {
    figure.text("nothing to draw: every difference is zero to rounding", 0.5 * (box.left + box.right),
                0.5 * (box.bottom + box.top), "center", 12);
    figure.line("unset key; unset logscale; unset xtics; unset ytics; set xrange [0:1]; set yrange [0:1]");
    figure.plot("plot", {});
    return;
  }
  set_axes(figure, panel, axes);
  figure.key(box.left, box.bottom - axis, "top", panel.key_rows());
  std::vector<std::string> parts;
  const compare::LadderResult& first = *panel.drawn.front();
  if (first.expected_slope != 0.0 && std::abs(compare::at(first.difference, 0)) > 0.0) {
    const double below = 1.8;  // so as not to cover the clearest ladder
    parts.push_back(fmt::format("[{}:{}] {}*(x/{})**{} with lines lw 1.6 dt (12,8) lc rgb '#505050' title {}",
                                number(first.rung.back()), number(first.rung.front()),
                                number(std::abs(compare::at(first.difference, 0)) / below), number(first.rung.front()),
                                number(first.expected_slope),
                                quoted(fmt::format("expected: slope {:g}", first.expected_slope))));
  }
  const double spread = 0.012 * std::log(axes.x.high / axes.x.low);
  for (std::size_t k = 0; k < panel.drawn.size(); ++k) {
    const compare::LadderResult& l = *panel.drawn[k];
    const auto named = std::find(names.begin(), names.end(), l.observable);
    const auto place = static_cast<std::size_t>(named - names.begin());
    if (named == names.end()) names.push_back(l.observable);
    const double middle = 0.5 * (static_cast<double>(panel.drawn.size()) - 1.0);
    add_series(figure, l, panel.typed, place, std::exp(spread * (static_cast<double>(k) - middle)), parts);
  }
  add_notes(panel, parts);
  figure.plot("plot sample", parts);
}

}  // namespace

Figure ladder_figure(const compare::Comparison& comparison) {
  std::vector<LadderPanel> panels;
  const auto add = [&](const std::vector<compare::LadderResult>& ladder, LadderPanel panel) {
    if (ladder.empty()) return;
    panel.typed = comparison.config.formula != nullptr;
    panel.choose(ladder);
    panels.push_back(std::move(panel));
  };
  std::vector<compare::LadderResult> path_error;
  if (comparison.path_error) path_error.push_back(*comparison.path_error);
  add(comparison.epsilon_ladder, {"noise scale ε", "|discrete − theory|", "ε → 0 at fixed η and β"});
  add(comparison.eta_ladder, {"learning rate η", "|discrete − paper form|", "η → 0 at fixed β"});
  add(path_error, {"noise scale ε", "rms distance of the paths", "shared noise: path by path"});

  constexpr double left = 96.0, right = 16.0, top = 34.0, axis = 52.0;
  constexpr int plot_height = 400;
  int rows = 0;
  for (const LadderPanel& panel : panels) rows = std::max(rows, panel.key_rows());
  const double bottom = axis + key_row * rows + 14.0;
  const int count = static_cast<int>(panels.size()), width = count == 1 ? 640 : 540;
  const int height = plot_height + static_cast<int>(bottom + top);
  Figure figure("ladder", width * std::max(count, 1), height);
  std::vector<std::string> names;
  figure.line("set multiplot");
  for (int k = 0; k < count; ++k) {
    draw_panel(figure, panels[static_cast<std::size_t>(k)],
               {k * width + left, (k + 1) * width - right, bottom, height - top}, names);
  }
  figure.line("unset multiplot");
  return figure;
}

}  // namespace valleydrift::figures
