// Its figures one by one: times, exponents, time scales, prefactor and trajectories.
#include "validation/figures/scan_figures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <system_error>

#include "manifolds/errors.hpp"
#include "validation/figures/figure.hpp"
#include "validation/figures/gnuplot.hpp"
#include "validation/figures/plot_text.hpp"

namespace valleydrift::figures {
namespace {

namespace fs = std::filesystem;

constexpr const char* colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                   "#E69F00", "#56B4E9", "#000000", "#7F7F7F"};
constexpr int marks[] = {7, 5, 9, 13, 11, 15, 6, 4};
constexpr std::size_t colour_count = std::size(colours);
constexpr double left = 96.0, right = 18.0, top = 34.0, axis = 52.0;

/// Panels side by side, each `width` wide, with room for `key_rows` below.
class Panels {
 public:
  Panels(const std::string& name, int count, int width, int plot_height, int key_rows)
      : width_(width),
        bottom_(axis + key_row * key_rows + 14.0),
        height_(plot_height + static_cast<int>(bottom_ + top)),
        key_rows_(key_rows),
        figure_(name, count * width, height_) {
    figure_.line("set multiplot");
  }
  Figure& figure() { return figure_; }
  /// Begins panel k.
  void begin(int k, const std::string& title, const std::string& x, const std::string& y) {
    const Box box{k * width_ + left, (k + 1) * width_ - right, bottom_, height_ - top};
    figure_.place(box);
    figure_.line("unset label; unset arrow; unset logscale; set autoscale; set xtics autofreq; set ytics autofreq");
    figure_.text(title, 0.5 * (box.left + box.right), box.top + 18.0, "center", 14);
    figure_.axis_labels(box, x, y, 76.0);
    figure_.key(box.left, box.bottom - axis, "top", key_rows_);
  }
  Figure finish() {
    figure_.line("unset multiplot");
    return figure_;
  }

 private:
  int width_;
  double bottom_;
  int height_, key_rows_;
  Figure figure_;
};

std::vector<const scan::CellResult*> cells_of(const scan::ResolvedScan& scan, const scan::ScanResult& result,
                                              double gamma) {
  std::vector<const scan::CellResult*> out;
  for (const scan::CellResult& cell : result.cells) {
    if (cell.cell.part == scan::Part::grid && cell.cell.gamma == gamma && cell.cell.C == scan.config.Cs->front()) {
      out.push_back(&cell);
    }
  }
  return out;
}

std::string gamma_text(double gamma) {
  return std::abs(gamma - scan::two_thirds) < 1e-9 ? "γ = 2/3" : fmt::format("γ = {:.4g}", gamma);
}

// --- T against eta --------------------------------------------------------------------------------------------------

const scan::Exponent& exponent_of(const scan::ExponentRow& row, scan::Figures f) {
  return f == scan::Figures::mean ? row.mean : f == scan::Figures::rms ? row.rms : row.transverse;
}

void draw_times(Panels& panels, int k, const std::string& title, scan::Figures f, const scan::ResolvedScan& scan,
                const scan::ScanResult& result) {
  Figure& figure = panels.figure();
  panels.begin(k, title, "learning rate η", "steps");
  Range x, y;
  std::vector<std::string> parts;
  std::size_t place = 0;
  for (const scan::ExponentRow& row : result.exponents) {
    if (row.C != scan.config.Cs->front() || place == colour_count) continue;
    const std::string data = figure.block("eta, T, 2 SE, predicted: " + title);
    for (const scan::CellResult* cell : cells_of(scan, result, row.gamma)) {
      const scan::Figured& value = cell->at(f);
      x.add(cell->cell.eta);
      y.add(value.measured);
      y.add(value.predicted);
      const bool used = cell->status == scan::Status::ok;
      figure.row({cell->cell.eta, used ? value.measured : NAN, 2.0 * value.standard_error, value.predicted,
                  used ? NAN : value.measured});
    }
    const char* colour = colours[place];
    const auto& law = exponent_of(row, f).law;
    const std::string name = gamma_text(row.gamma) + (law ? fmt::format(": α = {:.3f}", law->alpha) : "");
    parts.push_back(fmt::format("{} using 1:2:3 with yerrorbars pt {} ps 0.8 lw 1.4 lc rgb '{}' title {}", data,
                                marks[place], colour, quoted(name)));
    parts.push_back(fmt::format("{} using 1:5 with points pt 2 ps 0.9 lw 1.4 lc rgb '{}' notitle", data, colour));
    parts.push_back(fmt::format("{} using 1:4 with lines dt (3,5) lw 1.2 lc rgb '{}' notitle", data, colour));
    if (law) {
      parts.push_back(fmt::format("{} * x**(-{}) with lines lw 1.2 lc rgb '{}' notitle", number(law->prefactor),
                                  number(law->alpha), colour));
    }
    ++place;
  }
  parts.push_back("NaN with lines lw 1.2 lc rgb '#505050' title 'fitted'");
  parts.push_back("NaN with lines dt (3,5) lw 1.2 lc rgb '#505050' title 'predicted'");
  logarithmic_axis(figure, "x", x);
  logarithmic_axis(figure, "y", y);
  figure.plot("plot", parts);
}

Figure times_figure(const scan::ResolvedScan& scan, const scan::ScanResult& result) {
  const int rows = static_cast<int>(std::min(scan.config.gammas.size(), colour_count) + 2 + 1) / 2;
  Panels panels("times", 3, 480, 400, rows);
  draw_times(panels, 0, "T_{mean}: mean of the slow coordinate", scan::Figures::mean, scan, result);
  draw_times(panels, 1, "T_{rms}: its root mean square", scan::Figures::rms, scan, result);
  draw_times(panels, 2, "T_{transverse}: energy to its plateau", scan::Figures::transverse, scan, result);
  return panels.finish();
}

// --- alpha against gamma --------------------------------------------------------------------------------------------

Figure exponents_figure(const scan::ResolvedScan& scan, const scan::ScanResult& result) {
  Panels panels("exponents", 1, 720, 430, 5);
  Figure& figure = panels.figure();
  panels.begin(0, "exponents of T ∝ η^{−α} with 1 − β = C η^γ", "γ", "α");
  const std::string data = figure.block("gamma, then alpha, low, high, predicted of mean, rms, transverse");
  Range x, y;
  for (const scan::ExponentRow& row : result.exponents) {
    if (row.C != scan.config.Cs->front()) continue;
    x.add(row.gamma);
    const auto alpha = [](const scan::Exponent& e) { return e.law ? e.law->alpha : NAN; };
    const auto low = [](const scan::Exponent& e) { return e.law ? e.law->interval.low : NAN; };
    const auto high = [](const scan::Exponent& e) { return e.law ? e.law->interval.high : NAN; };
    const auto predicted = [](const scan::Exponent& e) { return e.predicted.value_or(NAN); };
    const scan::Exponent &mean = row.mean, &rms = row.rms, &across = row.transverse;
    for (const scan::Exponent* e : {&mean, &rms, &across}) {
      y.add(low(*e));
      y.add(high(*e));
    }
    figure.row({row.gamma, alpha(mean), low(mean), high(mean), predicted(mean), alpha(rms), low(rms), high(rms),
                predicted(rms), alpha(across), low(across), high(across), predicted(across)});
  }
  y.add(scan::two_thirds);
  const Range wide_x = x.padded(0.08), wide_y = y.padded(0.1);
  figure.line("set xrange {}; set yrange {}", text_of(wide_x), text_of(wide_y));
  std::vector<std::string> parts = {"2 - 2*x with lines lw 2 dt (12,8) lc rgb '#505050' title '2 − 2γ'",
                                    "x with lines lw 2 dt (3,5) lc rgb '#505050' title 'γ'",
                                    "2.0/3.0 with lines lw 1 lc rgb '#a0a0a0' title 'plateau 2/3'"};
  const char* const names[] = {"mean", "RMS", "transverse"};
  for (int k = 0; k < 3; ++k) {
    const int column = 2 + 4 * k;
    parts.push_back(fmt::format("{} using 1:{}:{}:{} with yerrorbars pt {} ps 1.1 lw 1.6 lc rgb '{}' title '{}'", data,
                                column, column + 1, column + 2, marks[k], colours[k], names[k]));
    parts.push_back(fmt::format("{} using 1:{} with lines lw 1.2 lc rgb '{}' title '{}, predicted times fitted'", data,
                                column + 3, colours[k], names[k]));
  }
  if (result.crossing) {
    const scan::Crossing& c = *result.crossing;
    const std::string at = figure.block("optimal gamma, alpha, low, high");
    figure.row({c.gamma, c.alpha, c.interval.low, c.interval.high});
    parts.push_back(fmt::format("{} using 1:2:3:4 with xerrorbars pt 4 ps 1.6 lw 1.8 lc rgb '#CC79A7' title {}", at,
                                quoted(fmt::format("branches meet at γ = {:.3f}", c.gamma))));
  }
  figure.plot("plot", parts);
  return panels.finish();
}

// --- tau_1, tau_2 ---------------------------------------------------------------------------------------------------

Figure scales_figure(const scan::ResolvedScan& scan, const scan::ScanResult& result) {
  const double eta = scan.config.etas[scan.config.etas.size() / 2];
  Panels panels("scales", 1, 720, 400, 3);
  Figure& figure = panels.figure();
  panels.begin(0, fmt::format("time scales at η = {:.3g}", eta), "γ", "steps");
  const std::string data = figure.block("gamma, tau_1, measured, 2 SE, tau_2, measured, 2 SE, tau_momentum");
  Range x, y;
  for (const scan::CellResult& cell : result.cells) {
    if (cell.cell.part != scan::Part::grid || cell.cell.eta != eta || cell.cell.C != scan.config.Cs->front()) continue;
    const scan::Figured &one = cell.at(scan::Figures::tau_1), &two = cell.at(scan::Figures::tau_2);
    x.add(cell.cell.gamma);
    for (const double value : {one.predicted, one.measured, two.predicted, two.measured, cell.tau_momentum}) {
      if (value > 0.0) y.add(value);
    }
    figure.row({cell.cell.gamma, one.predicted, one.measured, 2.0 * one.standard_error, two.predicted, two.measured,
                2.0 * two.standard_error, cell.tau_momentum > 0.0 ? cell.tau_momentum : NAN});
  }
  figure.line("set xrange {}", text_of(x.padded(0.08)));
  logarithmic_axis(figure, "y", y);
  figure.plot("plot", {fmt::format("{} using 1:2 with lines lw 2 lc rgb '{}' title 'τ_1 predicted'", data, colours[0]),
                       fmt::format("{} using 1:3:4 with yerrorbars pt 7 ps 0.9 lw 1.4 lc rgb '{}' title 'τ_1 measured'",
                                   data, colours[0]),
                       fmt::format("{} using 1:5 with lines lw 2 lc rgb '{}' title 'τ_2 predicted'", data, colours[1]),
                       fmt::format("{} using 1:6:7 with yerrorbars pt 5 ps 0.9 lw 1.4 lc rgb '{}' title 'τ_2 measured'",
                                   data, colours[1]),
                       fmt::format("{} using 1:8 with lines lw 1.4 dt (3,5) lc rgb '{}' title 'momentum, 1/μ'", data,
                                   colours[2])});
  return panels.finish();
}

// --- The prefactor --------------------------------------------------------------------------------------------------

void draw_prefactor(Panels& panels, int k, const scan::ResolvedScan& scan, const scan::ScanResult& result, bool rates) {
  Figure& figure = panels.figure();
  panels.begin(k, rates ? "decay rates" : fmt::format("T to within {:g}", scan.config.delta),
               rates ? "μ / k_0^{1/3}" : "C", rates ? "rate / k_0^{1/3}" : "steps");
  const scan::Figures first = rates ? scan::Figures::rate_mean : scan::Figures::mean,
                      second = rates ? scan::Figures::rate_rms : scan::Figures::rms;
  const std::string data = figure.block("C or scaled friction, mean, 2 SE, predicted, rms, 2 SE, predicted");
  Range x, y;
  for (const scan::CellResult& cell : result.cells) {
    if (cell.cell.part != scan::Part::prefactor) continue;
    const double scale = rates ? cell.unit : 1.0, at = rates ? cell.scaled_friction : cell.cell.C;
    const scan::Figured &a = cell.at(first), &b = cell.at(second);
    x.add(at);
    for (const scan::Figured* f : {&a, &b}) {
      y.add(f->measured * scale);
      y.add(f->predicted * scale);
    }
    figure.row({at, a.measured * scale, 2.0 * a.standard_error * scale, a.predicted * scale, b.measured * scale,
                2.0 * b.standard_error * scale, b.predicted * scale});
  }
  std::vector<std::string> parts;
  const bool described = std::any_of(result.cells.begin(), result.cells.end(), [](const scan::CellResult& cell) {
    return cell.cell.part == scan::Part::prefactor && cell.source == scan::Source::hierarchy;
  });
  if (rates && described && scan.config.run.scheme == Scheme::heavy_ball && !x.empty()) {
    // The hierarchy itself, in its own units.
    const std::string curve = figure.block("scaled friction, rate of mean, of rms: moment hierarchy");
    constexpr int points = 160;
    for (int i = 0; i <= points; ++i) {
      const double m = x.low * std::pow(x.high / x.low, static_cast<double>(i) / points);
      const sde::HierarchyRates unit{m, m, 1.0 / (m * m)};
      constexpr int order = 24;
      figure.row({m, sde::decay_rate(unit, sde::Moment::mean, order),
                  sde::decay_rate(unit, sde::Moment::root_mean_square, order)});
    }
    for (int c = 0; c < 2; ++c) {
      parts.push_back(fmt::format("{} using 1:{} with lines lw 1.6 lc rgb '{}' title '{}, moment hierarchy'", curve,
                                  2 + c, colours[c], c == 0 ? "mean" : "RMS"));
    }
  } else {
    for (int c = 0; c < 2; ++c) {
      parts.push_back(fmt::format("{} using 1:{} with lines lw 1.6 lc rgb '{}' title '{}, predicted'", data, 4 + 3 * c,
                                  colours[c], c == 0 ? "mean" : "RMS"));
    }
  }
  for (int c = 0; c < 2; ++c) {
    parts.push_back(fmt::format("{} using 1:{}:{} with yerrorbars pt {} ps 0.9 lw 1.4 lc rgb '{}' title '{}, measured'",
                                data, 2 + 3 * c, 3 + 3 * c, marks[c], colours[c], c == 0 ? "mean" : "RMS"));
  }
  logarithmic_axis(figure, "x", x);
  if (!rates) {
    logarithmic_axis(figure, "y", y);
    figure.line("set arrow from {0}, graph 0 to {0}, graph 1 nohead lw 1.4 dt (12,8) lc rgb '#505050'",
                number(scan.C_star));
    parts.push_back("NaN with lines lw 1.4 dt (12,8) lc rgb '#505050' title 'C_*'");
  }
  figure.plot("plot", parts);
}

Figure prefactor_figure(const scan::ResolvedScan& scan, const scan::ScanResult& result) {
  Panels panels("prefactor", 2, 560, 400, 3);
  draw_prefactor(panels, 0, scan, result, false);
  draw_prefactor(panels, 1, scan, result, true);
  return panels.finish();
}

// --- Trajectories ---------------------------------------------------------------------------------------------------

/// Below, at and above 2/3: the first, the nearest and the last gamma, at the middle learning rate.
std::vector<const scan::CellResult*> shown_cells(const scan::ResolvedScan& scan, const scan::ScanResult& result) {
  const std::vector<double>& gammas = scan.config.gammas;
  const double eta = scan.config.etas[scan.config.etas.size() / 2];
  const double nearest = *std::min_element(gammas.begin(), gammas.end(), [](double a, double b) {
    return std::abs(a - scan::two_thirds) < std::abs(b - scan::two_thirds);
  });
  std::vector<double> chosen = {*std::min_element(gammas.begin(), gammas.end()), nearest,
                                *std::max_element(gammas.begin(), gammas.end())};
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  std::vector<const scan::CellResult*> out;
  for (const double gamma : chosen) {
    for (const scan::CellResult* cell : cells_of(scan, result, gamma)) {
      if (cell->cell.eta == eta && !cell->curves.steps.empty()) out.push_back(cell);
    }
  }
  return out;
}

Figure trajectories_figure(const std::vector<const scan::CellResult*>& cells) {
  const int rows = static_cast<int>(cells.size()) * 2;
  Panels panels("trajectories", 3, 480, 380, rows);
  Figure& figure = panels.figure();
  const std::string eta = fmt::format("η = {:.3g}", cells.front()->cell.eta);
  const char* const titles[] = {"loss over its plateau", "trace of the Hessian", "slow coordinate over its start"};
  Range x;
  for (const scan::CellResult* cell : cells) {
    for (const double step : cell->curves.steps) x.add(step);
  }
  std::vector<std::string> blocks;
  for (const scan::CellResult* cell : cells) {
    blocks.push_back(figure.block("step, loss over plateau, trace, mean, rms: " + gamma_text(cell->cell.gamma)));
    const scan::Curves& c = cell->curves;
    for (std::size_t i = 0; i < c.steps.size(); ++i) {
      figure.row({c.steps[i], c.loss[i], c.trace[i], c.mean[i], c.rms[i]});
    }
  }
  for (int k = 0; k < 3; ++k) {
    panels.begin(k, fmt::format("{}, {}", titles[k], eta), "step k",
                 k == 1   ? "tr H"
                 : k == 0 ? "E L / E L_∞"
                          : "ratio");
    logarithmic_axis(figure, "x", x);
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string name = gamma_text(cells[i]->cell.gamma);
      parts.push_back(fmt::format("{} using 1:{} with lines lw 1.8 lc rgb '{}' title {}", blocks[i], 2 + k, colours[i],
                                  quoted(name + (k == 2 ? ", mean" : ""))));
      if (k == 2) {
        parts.push_back(fmt::format("{} using 1:5 with lines lw 1.4 dt (6,4) lc rgb '{}' title {}", blocks[i],
                                    colours[i], quoted(name + ", RMS")));
      }
    }
    figure.plot("plot", parts);
  }
  return panels.finish();
}

}  // namespace

void write_scan_plots(output::OutputFolder& folder, const scan::ResolvedScan& scan, const scan::ScanResult& result) {
  try {
    std::vector<Figure> figures = {times_figure(scan, result), scales_figure(scan, result)};
    if (scan.config.gammas.size() > 1) figures.push_back(exponents_figure(scan, result));
    if (scan.config.prefactor) figures.push_back(prefactor_figure(scan, result));
    if (const auto cells = shown_cells(scan, result); !cells.empty()) {
      figures.push_back(trajectories_figure(cells));
    }
    const fs::path plots = folder.path() / "plots";
    std::error_code error;
    fs::create_directory(plots, error);
    if (error) throw FileError(fmt::format("cannot make the folder {}: {}", plots.string(), error.message()));
    for (const std::string& name : draw(plots, figures)) folder.note_written("plots/" + name);
  } catch (const std::exception& error) {
    throw FileError(fmt::format("data complete, plots failed: {}", error.what()));
  }
}

}  // namespace valleydrift::figures
