#include "validation/plots.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <numbers>
#include <system_error>

#include "manifolds/errors.hpp"
#include "manifolds/manifold.hpp"
#include "manifolds/registry.hpp"
#include "validation/output.hpp"

namespace valleydrift::validation {
namespace {

namespace fs = std::filesystem;
using manifolds::Geometry;

// Colours that readers with any colour vision, and black-and-white printers, tell apart (Okabe and Ito 2008).
constexpr const char* theory_colour = "#0072B2";
constexpr const char* discrete_colour = "#D55E00";
constexpr const char* extrapolated_colour = "#009E73";
constexpr const char* series_colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"};
constexpr int series_marks[] = {7, 5, 9, 13, 11, 15};
constexpr std::size_t most_series = 6;

// --- Text inside gnuplot
// ----------------------------------------------------------------------------------------------

/// A string for gnuplot, between single quotes.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c == '\n' ? ' ' : c);
  return out + "'";
}

/// Plain text for gnuplot's enhanced mode.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::strchr("@^_{}&~\\", c)) out += '\\';
    out += c;
  }
  return out;
}

std::string greek(std::string text);

/// The name of an observable as a formula: x1 -> x with subscript, u^2 -> superscript, - -> minus sign.
std::string formula(const std::string& name) {
  if (name == "trace_hessian") return "tr H";
  if (name == "transverse_variance") return "tr A / ε^2";
  if (name == "loss") return "E L / ε^2";
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const auto is = [&](std::size_t k, auto test) {
      return k < name.size() && test(static_cast<unsigned char>(name[k]));
    };
    const auto letter = [](unsigned char x) { return std::isalpha(x) != 0; };
    const auto digit = [](unsigned char x) { return std::isdigit(x) != 0; };
    if (c == '_') {
      out += ' ';
    } else if (c == '-') {
      out += " − ";
    } else if (c == '.') {
      out += "·";
    } else if (digit(static_cast<unsigned char>(c)) && i > 0 && is(i - 1, letter)) {
      out += "_{";
      while (is(i, digit)) out += name[i++];
      out += '}';
      --i;
    } else if (c == ',') {
      out += ", ";
    } else if (std::strchr("@{}&~\\", c)) {
      out += fmt::format("\\{}", c);
    } else {
      out += c;
    }
  }
  return greek(out);
}

/// A formula with its Greek letters, for whole words.
std::string greek(std::string text) {
  for (const auto& [word, letter] : {std::pair{"kappa", "κ"}, std::pair{"lambda", "λ"}, std::pair{"rho", "ρ"},
                                     std::pair{"theta", "θ"}, std::pair{"azimuth", "azimuth φ"}}) {
    const std::size_t length = std::strlen(word);
    const auto letter_at = [&](std::size_t i) {
      return i < text.size() && std::isalnum(static_cast<unsigned char>(text[i])) != 0;
    };
    for (std::size_t i = text.find(word); i != std::string::npos; i = text.find(word, i + length)) {
      if (!(i > 0 && letter_at(i - 1)) && !letter_at(i + length)) text.replace(i, length, letter);
    }
  }
  return text;
}

std::string number(double value) { return std::isfinite(value) ? fmt::format("{:.6g}", value) : "NaN"; }

double at(const std::vector<double>& series, std::size_t i) { return i < series.size() ? series[i] : std::nan(""); }

/// Lowest and highest finite value of some series.
struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double x) {
    if (!std::isfinite(x)) return;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  bool empty() const { return !(low <= high); }
  double width() const { return empty() ? 0.0 : high - low; }
  /// With a margin on both sides; a range without width is opened around its value.
  Range padded(double fraction) const {
    if (empty()) return {-1.0, 1.0};
    double margin = fraction * width();
    // Below a millionth of the values gnuplot's axis labels, and soon its axes, lose their digits.
    if (!(width() > 1e-6 * std::max(std::abs(low), std::abs(high)))) margin = low != 0.0 ? 0.05 * std::abs(low) : 1.0;
    return {low - margin, high + margin};
  }
};

std::string range_text(const Range& r) { return fmt::format("[{:.10g}:{:.10g}]", r.low, r.high); }

// --- A figure: a script and its data
// ------------------------------------------------------------------------------------

/// Left, right, bottom, top as fractions of the picture.
struct Box {
  double left, right, bottom, top;
};

class Figure {
 public:
  Figure(std::string name, int width, int height) : name_(std::move(name)), width_(width), height_(height) {}

  const std::string& name() const { return name_; }
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    script_ += "  " + fmt::format(format, std::forward<Args>(args)...) + '\n';
  }
  /// Starts a block of data and returns how a plot command names it.
  std::string block(const std::string& columns) {
    data_ += fmt::format("{}# index {}: {}\n", blocks_ ? "\n\n" : "", blocks_, columns);
    return fmt::format("data index {}", blocks_++);
  }
  void row(std::initializer_list<double> values) {
    for (const double v : values)
      data_ += (data_.back() == '\n' ? "" : " ") + (std::isfinite(v) ? fmt::format("{}", v) : "NaN");
    data_ += '\n';
  }
  void blank() { data_ += '\n'; }
  void place(const Box& b) {
    line(
        "set lmargin at screen {:.4f}; set rmargin at screen {:.4f}; set bmargin at screen {:.4f}; set tmargin at "
        "screen {:.4f}",
        b.left, b.right, b.bottom, b.top);
  }
  /// A key of at most `rows` rows from (x, y) up or down, outside of all data.
  void key(double x, double y, const char* corner, int rows) {
    line(
        "set key at screen {:.4f},{:.4f} left {} vertical Left reverse samplen 2.2 spacing 1.15 width 1 maxrows {} "
        "font ',11'",
        x - 10.0 / width_, y, corner, rows);
  }

  std::string script() const {
    return fmt::format(
        "# Draws {0}.svg and {0}.png from {0}.dat: gnuplot {0}.gnuplot\n"
        "if (!exists('suffix')) suffix = ''\n"
        "data = '{0}.dat'\n"
        "set encoding utf8\n"
        "do for [kind in 'svg png'] {{\n"
        "  reset\n"
        "  if (kind eq 'svg') {{\n"
        "    set terminal svg size {1},{2} dynamic enhanced font 'DejaVu Sans,13' background 'white'\n"
        "  }} else {{\n"
        "    set terminal pngcairo size {3},{4} enhanced font 'DejaVu Sans,13' fontscale 1.5 linewidth 2 pointscale 2 "
        "background 'white'\n"
        "  }}\n"
        "  set output '{0}.'.kind.suffix\n"
        "  set border lw 0.8; set tics nomirror out scale 0.6 font ',11'; set grid lc rgb '#e4e4e4' lw 0.6\n"
        "{5}"
        "  unset output\n"
        "}}\n",
        name_, width_, height_, 2 * width_, 2 * height_, script_);
  }
  const std::string& data() const { return data_; }

 private:
  std::string name_;
  int width_, height_;
  std::string script_, data_;
  int blocks_ = 0;
};

// --- Observables against slow time
// ----------------------------------------------------------------------------------------

const ObservableResult* find(const Comparison& comparison, const std::string& name) {
  for (const ObservableResult& o : comparison.observables) {
    if (o.name == name) return &o;
  }
  return nullptr;
}

/// What is shown, in words, with formulas set as such.
std::string title_of(const ObservableResult& o) {
  if (o.meaning.empty() || o.meaning == o.name) return formula(o.name);
  const bool self_explaining = o.name == "trace_hessian" || o.name == "transverse_variance" || o.name == "loss";
  const std::size_t named = o.meaning.find(o.name);
  if (!self_explaining && named != std::string::npos) {
    return plain(o.meaning.substr(0, named)) + formula(o.name) + plain(o.meaning.substr(named + o.name.size()));
  }
  std::string words = plain(o.meaning);
  const std::string plain_square = plain("eps^2");
  const std::size_t square = words.find(plain_square);
  if (square != std::string::npos) words.replace(square, plain_square.size(), "ε^2");
  return self_explaining ? words : formula(o.name) + ": " + words;
}

/// The end of the time axis: a round number if the last record is within a step or so of it.
double axis_end(double last) {
  const double round = std::round(100.0 * last) / 100.0;
  return round >= last && round - last < 1e-3 * last ? round : last;
}

/// Every how many records a mark is drawn: about two dozen can be told apart, and the last record is one of them if it
/// can be.
std::size_t mark_stride(std::size_t records) {
  if (records < 2) return 1;
  for (std::size_t marks = 25; marks >= 12; --marks) {
    if ((records - 1) % marks == 0) return (records - 1) / marks;
  }
  return std::max<std::size_t>(1, (records + 23) / 24);
}

std::string form_name(const std::string& form) { return form + " form"; }

/// One observable: theory and discrete mean above, their difference and the bound below.
void time_panel(Figure& figure, const Comparison& comparison, const ObservableResult& o, const Box& box, bool narrow) {
  const std::size_t count = comparison.times.size();
  // The axes span what is judged, or what follows the start: the empty transverse cloud at t = 0 would hide the rest.
  const bool any_judged = std::find(o.judged.begin(), o.judged.end(), true) != o.judged.end();
  const auto spans = [&](std::size_t i) { return any_judged ? i < o.judged.size() && o.judged[i] : i > 0; };
  const bool starts_apart = count > 0 && !spans(0) && std::abs(at(o.difference, 0)) > 0.2 * std::abs(at(o.theory, 0));
  Range values, residuals;
  for (std::size_t i = 0; i < count; ++i) {
    values.add(at(o.theory, i));
    if (!starts_apart || spans(i)) values.add(at(o.discrete, i));
  }
  const Range both = values;
  for (std::size_t i = 0; i < count; ++i) {  // and the band
    if (starts_apart && !spans(i)) continue;
    values.add(at(o.discrete, i) - 2.0 * at(o.standard_error, i));
    values.add(at(o.discrete, i) + 2.0 * at(o.standard_error, i));
  }
  // Other forms of the theory: drawn where they exist and can be told from the judged one in the picture.
  constexpr double visible = 0.004;  // of the range, about the width of a line
  std::vector<std::pair<std::string, const std::vector<double>*>> others;
  for (const auto& [form, series] :
       {std::pair{sde::Form::finite_step, &o.theory_finite_step}, std::pair{sde::Form::paper, &o.theory_paper},
        std::pair{sde::Form::asymptotic, &o.theory_asymptotic}}) {
    if (form == comparison.config.form || series->size() != count) continue;
    double largest = 0.0;
    for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::abs((*series)[i] - at(o.theory, i)));
    if (!(largest > visible * both.width())) continue;
    others.emplace_back(form_name(name_of(form)), series);
    for (const double x : *series) values.add(x);
  }

  const std::string main =
      figure.block("time, theory, discrete, discrete - 2 SE, discrete + 2 SE, other forms: " + o.name);
  double widest_band = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const double se = 2.0 * at(o.standard_error, i);
    const double mean = starts_apart && !spans(i) ? NAN : at(o.discrete, i);
    if (std::isfinite(se)) widest_band = std::max(widest_band, se);
    figure.row({comparison.times[i], at(o.theory, i), mean, mean - se, mean + se,
                others.empty() ? NAN : (*others[0].second)[i], others.size() < 2 ? NAN : (*others[1].second)[i]});
  }
  // No ladder, no extrapolation: then the bare difference is all there is to show.
  const bool extrapolated = !o.extrapolated.empty();
  const std::size_t stride = mark_stride(count);
  const std::string below =
      figure.block("time, difference, - 2 SE, + 2 SE, extrapolated, its 2 SE, -bound, bound: " + o.name);
  for (std::size_t i = 0; i < count; ++i) {
    const bool shown = !starts_apart || spans(i);
    const double d = shown ? at(o.difference, i) : NAN, se = 2.0 * at(o.standard_error, i);
    const double e = shown ? at(o.extrapolated, i) : NAN, ese = 2.0 * at(o.extrapolated_error, i);
    const bool judged = i < o.judged.size() && o.judged[i];
    const double bound = judged ? at(o.bound, i) : NAN;
    figure.row({comparison.times[i], d, d - se, d + se, e, ese, -bound, bound});
    for (const double x : {d, d - se, d + se, e - ese, e + ese}) residuals.add(x);
    residuals.add(bound);
    residuals.add(-bound);
  }

  const double height = box.top - box.bottom;
  const bool crowded = narrow && others.size() == 2;
  const Box upper = {box.left, box.right, box.bottom + 0.465 * height, box.top - (crowded ? 0.205 : 0.185) * height};
  const Box lower = {box.left, box.right, box.bottom + 0.085 * height, box.bottom + 0.345 * height};
  const double last = count ? comparison.times.back() : 1.0, end = axis_end(last);
  const double steps =
      comparison.steps.empty() || !(last > 0.0) ? 0.0 : static_cast<double>(comparison.steps.back()) * (end / last);

  figure.line("# --- {}", o.name);
  figure.place(upper);
  figure.line("set label 1 {} at screen {:.4f},{:.4f} left font ',14'", quoted(title_of(o)), box.left,
              box.top - 0.012 * height);
  figure.line(
      "set label 2 {} at screen {:.4f},{:.4f} right font ',12'",
      quoted(o.verdict == Verdict::inconclusive && o.bound.empty() ? "not judged" : "verdict: " + name_of(o.verdict)),
      box.right, box.top - 0.012 * height);
  figure.line("set xrange [0:{}]; set yrange {}", end,
              range_text(values.padded(0.06)));  // exact: the last record is on it
  figure.line("set format x ''; set xlabel ''; set ylabel {} offset 0.5,0", quoted(formula(o.name)));
  if (steps > 0.0 && end > 0.0) {
    // Three to eight round numbers of steps.
    const double decade = std::pow(10.0, std::floor(std::log10(steps)));
    double tick = decade;
    for (const double part : {0.5, 0.25, 0.2, 0.1, 0.05}) {
      if (steps / tick < (narrow ? 3.0 : 4.0)) tick = part * decade;
    }
    figure.line("set x2range [0:{}]; set x2tics {} font ',11'; set x2label 'step k' offset 0,-0.5 font ',11'",
                number(steps), number(tick));
  }
  figure.key(upper.left, upper.top + 0.085 * height, "bottom", crowded ? 3 : 2);
  const bool thin = !(widest_band > visible * values.width());
  std::string plot = fmt::format(
      "plot {} using 1:4:5 with filledcurves lc rgb '{}' fs transparent solid 0.25 noborder title '± 2 SE{}', \\\n"
      "    '' index {} using 1:2 with lines lw 3 lc rgb '{}' title 'theory ({})', \\\n",
      main, discrete_colour, thin ? " (thinner than the line)" : " of the difference", main.substr(main.rfind(' ') + 1),
      theory_colour, name_of(comparison.config.form));
  for (std::size_t k = 0; k < others.size(); ++k) {
    plot += fmt::format("    '' index {} using 1:{} with lines lw 1.5 dt {} lc rgb '{}' title '{}', \\\n",
                        main.substr(main.rfind(' ') + 1), 6 + k, k == 0 ? "2" : "4", k == 0 ? "#303030" : "#CC79A7",
                        others[k].first);
  }
  plot +=
      fmt::format("    '' index {} every {} using 1:3 with points pt 6 ps 0.7 lw 1.3 lc rgb '{}' title 'discrete mean'",
                  main.substr(main.rfind(' ') + 1), stride, discrete_colour);
  figure.line("{}", plot);

  figure.line("unset label 1; unset label 2; unset x2tics; unset x2label");
  figure.place(lower);
  figure.line(
      "set format x '%g'; set xlabel 'slow time t  [({{/Symbol m}}/{{/Symbol h}}{{/Symbol e}})^2 steps]' offset 0,0.4; "
      "set ylabel 'difference' offset 1.3,0");
  figure.line("set yrange {}; set ytics 4", range_text(residuals.padded(0.08)));
  figure.line("set ytics autofreq; set xzeroaxis lw 1 lc rgb '#808080'");
  figure.key(lower.left, lower.top + 0.012 * height, "bottom", 2);
  const std::string index = below.substr(below.rfind(' ') + 1);
  plot = "plot ";
  if (extrapolated) {
    plot += fmt::format(
        "{} using 1:7:8 with filledcurves lc rgb '#b0b0b0' fs transparent solid 0.45 noborder title 'bound', \\\n    ",
        below);
  }
  plot += fmt::format("{} using 1:3:4 with filledcurves lc rgb '{}' fs transparent solid 0.25 noborder notitle, \\\n",
                      below, discrete_colour);
  plot += fmt::format("    '' index {} using 1:2 with lines lw 1.5 lc rgb '{}' title 'discrete − theory ± 2 SE'", index,
                      discrete_colour);
  if (extrapolated) {
    plot += fmt::format(
        ", \\\n    '' index {} every {} using 1:5:6 with yerrorbars pt 7 ps 0.45 lw 1.1 lc rgb '{}' title "
        "'extrapolated to ε = 0, ± 2 SE'",
        index, stride, extrapolated_colour);
  }
  figure.line("{}", plot);
  figure.line("unset xzeroaxis");
}

/// One figure with a panel per observable, two abreast.
Figure time_figure(const std::string& name, const Comparison& comparison,
                   const std::vector<const ObservableResult*>& shown) {
  const int columns = shown.size() > 1 ? 2 : 1;
  const int rows = (static_cast<int>(shown.size()) + columns - 1) / columns;
  Figure figure(name, columns == 1 ? 820 : 1240, rows == 1 ? 640 : 560 * rows);
  figure.line("set multiplot");
  for (std::size_t k = 0; k < shown.size(); ++k) {
    const int column = static_cast<int>(k) % columns, row = static_cast<int>(k) / columns;
    const double left_margin = columns == 1 ? 0.115 : 0.085;
    const double width = (1.0 - 0.02) / columns, height = 1.0 / rows;
    const Box box = {column * width + left_margin, (column + 1) * width - 0.012, 1.0 - (row + 1) * height,
                     1.0 - row * height - 0.012};
    time_panel(figure, comparison, *shown[k], box, columns > 1);
  }
  figure.line("unset multiplot");
  return figure;
}

// --- The ladders
// ----------------------------------------------------------------------------------------------------------

/// |difference| against epsilon or eta for one ladder, on logarithmic axes.
void ladder_panel(Figure& figure, const std::vector<LadderResult>& ladder, const std::string& variable,
                  const std::string& ylabel, const std::string& title, const Box& box, double key_distance,
                  std::vector<std::string>& names) {
  // Resolved ladders first, the best resolved ones first; what does not fit is named below the panel.
  std::vector<const LadderResult*> shown;
  std::vector<std::string> conserved;
  for (const LadderResult& l : ladder) {
    // What theory and simulation both conserve differs by rounding alone, and would stretch the axis over ten decades.
    constexpr double rounding = 1e-9;
    const bool seen =
        std::any_of(l.difference.begin(), l.difference.end(), [](double d) { return std::abs(d) > rounding; });
    if (seen || l.slope) {
      shown.push_back(&l);
    } else {
      conserved.push_back(formula(l.observable));
    }
  }
  const auto clarity = [](const LadderResult* l) {
    return l->difference.empty() ? 0.0 : std::abs(l->difference[0]) / std::max(at(l->standard_error, 0), 1e-300);
  };
  std::stable_sort(shown.begin(), shown.end(), [&](const LadderResult* a, const LadderResult* b) {
    if (a->slope.has_value() != b->slope.has_value()) return a->slope.has_value();
    return clarity(a) > clarity(b);
  });
  const std::size_t resolved = static_cast<std::size_t>(
      std::count_if(shown.begin(), shown.end(), [](const auto* l) { return l->slope.has_value(); }));
  const std::size_t drawn = std::min(shown.size(), resolved ? std::min(resolved + 1, most_series) : std::size_t{3});

  Range xs, ys;
  for (std::size_t k = 0; k < drawn; ++k) {
    for (std::size_t i = 0; i < shown[k]->rung.size(); ++i) {
      xs.add(shown[k]->rung[i]);
      const double d = std::abs(at(shown[k]->difference, i)), se = at(shown[k]->standard_error, i);
      if (d > 2.0 * se) {
        ys.add(d);
        ys.add(d + 2.0 * se);
        ys.add(std::max(d - 2.0 * se, d / 10.0));  // on a logarithmic axis a bar down to zero has no end
      } else if (d + 2.0 * se > 0.0) {
        ys.add(d + 2.0 * se);
      }
    }
  }
  figure.place(box);
  figure.line("set title {} offset 0,-0.3 font ',13'", quoted(title));
  figure.line("set logscale xy; set format x '%g'");
  if (xs.empty() || ys.empty()) {
    figure.line("unset key; set label 9 'nothing to draw: every difference is zero' at screen {:.4f},{:.4f} center",
                0.5 * (box.left + box.right), 0.5 * (box.bottom + box.top));
    figure.line("set xrange [0.1:1]; set yrange [0.1:1]; plot NaN notitle; unset label 9");
    return;
  }
  std::vector<double> ticks;
  for (std::size_t k = 0; k < drawn; ++k) {
    for (const double r : shown[k]->rung) {
      if (r > 0.0 && std::find(ticks.begin(), ticks.end(), r) == ticks.end()) ticks.push_back(r);
    }
  }
  std::string tick_text;
  for (const double t : ticks) tick_text += fmt::format("{}'{:.3g}' {}", tick_text.empty() ? "" : ", ", t, number(t));
  figure.line("set xtics ({})", tick_text);
  // At least one decade of height, so that the slope is seen and the axis has labels.
  const double middle = std::sqrt(ys.low * ys.high), half = std::max(std::sqrt(ys.high / ys.low), 3.2) * 1.5;
  const Range xr = {xs.low / 1.35, xs.high * 1.35}, yr = {middle / half, middle * half};
  figure.line("set xrange {}; set yrange {}", range_text(xr), range_text(yr));
  if (yr.high / yr.low < 100.0) {  // powers of ten alone would leave one label
    std::string labels;
    for (double decade = std::pow(10.0, std::floor(std::log10(yr.low))); decade < yr.high; decade *= 10.0) {
      for (const double digit : {1.0, 2.0, 5.0}) labels += (labels.empty() ? "" : ", ") + number(digit * decade);
    }
    figure.line("set ytics ({}); set format y '%g'", labels);
  } else {
    figure.line("set ytics autofreq; set format y '10^{{%L}}'");
  }
  figure.line("set xlabel {} offset 0,0.4; set ylabel {} offset 0.5,0", quoted(variable), quoted(ylabel));
  figure.key(box.left, box.bottom - key_distance, "top", 10);

  std::vector<std::string> parts;
  const LadderResult& first = *shown[0];
  if (first.expected_slope != 0.0) {
    // Through the coarsest rung of the clearest ladder, moved down a little so as not to cover it.
    const double anchor = std::max(std::abs(at(first.difference, 0)), ys.low) / 1.7;
    parts.push_back(fmt::format(
        "[{}:{}] {}*(x/{})**{} with lines lw 1.5 dt 2 lc rgb '#606060' title 'guide: slope {:g}'", number(xs.low),
        number(xs.high), number(anchor), number(first.rung[0]), number(first.expected_slope), first.expected_slope));
  }
  bool any_limits = false;
  for (std::size_t k = 0; k < drawn; ++k) {
    const LadderResult& l = *shown[k];
    const std::string points = figure.block("rung, |difference|, lowest, highest (2 SE): " + l.observable);
    bool limits = false, points_drawn = false;
    for (std::size_t i = 0; i < l.rung.size(); ++i) {
      const double d = std::abs(at(l.difference, i)), se = at(l.standard_error, i);
      const bool seen = d > 2.0 * se;
      points_drawn |= seen;
      limits |= !seen && d + 2.0 * se > 0.0;
      figure.row({l.rung[i], seen ? d : NAN, std::max(d - 2.0 * se, yr.low), d + 2.0 * se,
                  seen || !(d + 2.0 * se > 0.0) ? NAN : d + 2.0 * se});
    }
    const auto named = std::find(names.begin(), names.end(), l.observable);
    const std::size_t place = static_cast<std::size_t>(named - names.begin()) % most_series;
    if (named == names.end()) names.push_back(l.observable);
    const char* colour = series_colours[place];
    std::string name = formula(l.observable);
    if (std::isfinite(l.time) && l.time > 0.0) name += fmt::format(", t = {:.3g}", l.time);
    const std::string label =
        l.slope ? fmt::format("{}: slope {:.2f} [{:.2f}, {:.2f}]", name, *l.slope, l.slope_low, l.slope_high)
                : name + ": not resolved";
    if (points_drawn) {
      parts.push_back(fmt::format("{} using 1:2:3:4 with yerrorbars pt {} ps 1 lw 1.3 lc rgb '{}' title {}", points,
                                  series_marks[place], colour, quoted(label)));
    }
    any_limits |= limits;
    if (limits) {
      parts.push_back(fmt::format("{} using 1:5 with points pt 11 ps 1.1 lc rgb '{}' {}", points, colour,
                                  points_drawn ? "notitle" : "title " + quoted(label)));
      parts.push_back(fmt::format(
          "{} using 1:5:(0):(-$5*0.45) with vectors head filled size screen 0.006,25 lw 1.3 lc rgb '{}' notitle",
          points, colour));
    }
    if (l.slope && l.rung.size() > 1) {
      // The fitted line goes through the weighted middle of the logarithms.
      double weight = 0.0, mx = 0.0, my = 0.0;
      for (std::size_t i = 0; i < l.rung.size(); ++i) {
        const double d = std::abs(at(l.difference, i)), se = at(l.standard_error, i);
        if (!(d > 0.0) || !(l.rung[i] > 0.0)) continue;
        const double w = se > 0.0 ? (d / se) * (d / se) : 1.0;
        weight += w;
        mx += w * std::log(l.rung[i]);
        my += w * std::log(d);
      }
      if (weight > 0.0) {
        parts.push_back(fmt::format("[{}:{}] exp({})*(x/exp({}))**{} with lines lw 1.3 lc rgb '{}' notitle",
                                    number(xs.low), number(xs.high), number(my / weight), number(mx / weight),
                                    number(*l.slope), colour));
      }
    }
  }
  if (any_limits)
    parts.push_back("NaN with points pt 11 ps 1.1 lc rgb '#606060' title 'arrow: not seen, at most this (2 SE)'");
  std::string plot = "plot sample ";
  for (std::size_t k = 0; k < parts.size(); ++k) plot += (k ? ", \\\n    " : "") + parts[k];
  if (drawn < shown.size()) {
    std::string rest;
    std::size_t listed = 0;
    for (std::size_t k = drawn; k < shown.size() && listed < 3; ++k, ++listed) {
      rest += (rest.empty() ? "" : "; ") + formula(shown[k]->observable);
    }
    if (drawn + listed < shown.size()) rest += fmt::format(" and {} more", shown.size() - drawn - listed);
    plot += fmt::format(", \\\n    NaN with points pt 0 lc rgb 'white' title {}", quoted("not drawn: " + rest));
  }
  if (!conserved.empty()) {
    plot += fmt::format(", \\\n    NaN with points pt 0 lc rgb 'white' title {}",
                        quoted(fmt::format("zero to rounding: {}", fmt::join(conserved, "; "))));
  }
  figure.line("{}", plot);
}

Figure ladder_figure(const Comparison& comparison) {
  struct Panel {
    std::vector<LadderResult> ladder;
    std::string variable, ylabel, title;
  };
  std::vector<Panel> panels;
  if (!comparison.epsilon_ladder.empty()) {
    panels.push_back({comparison.epsilon_ladder, "noise scale ε", "|discrete − theory|", "ε → 0 at fixed η and β"});
  }
  if (!comparison.eta_ladder.empty()) {
    panels.push_back({comparison.eta_ladder, "learning rate η", "|discrete − paper form|", "η → 0 at fixed β"});
  }
  if (comparison.path_error) {
    panels.push_back(
        {{*comparison.path_error}, "noise scale ε", "rms distance of the paths", "shared noise: path by path"});
  }
  std::size_t rows = 0;
  std::vector<std::string> names;  // an observable keeps its colour from panel to panel
  for (const Panel& panel : panels) rows = std::max(rows, 3 + std::min(panel.ladder.size(), most_series));
  const double key_height = 20.0 * static_cast<double>(rows);
  const int height = 520 + static_cast<int>(key_height);
  Figure figure("ladder", panels.size() <= 1 ? 700 : 560 * static_cast<int>(panels.size()), height);
  figure.line("set multiplot");
  const double width = 1.0 / static_cast<double>(std::max<std::size_t>(panels.size(), 1));
  for (std::size_t k = 0; k < panels.size(); ++k) {
    const double left = static_cast<double>(k) * width;
    ladder_panel(figure, panels[k].ladder, panels[k].variable, panels[k].ylabel, panels[k].title,
                 {left + 0.155 * width, left + 0.97 * width, (key_height + 62.0) / height, 1.0 - 38.0 / height},
                 52.0 / height, names);
  }
  figure.line("unset multiplot");
  return figure;
}

// --- The valley
// -----------------------------------------------------------------------------------------------------------

/// A point of the drawn valley: where it is, tr H there, and the direction out of it (D = 3, m = 1).
struct ValleyPoint {
  Vector w;
  double trace;
  Vector normal;
};

ValleyPoint valley_point(const Manifold& manifold, const Vector& y) {
  const Geometry geometry = manifold.geometry(y);
  return {y, geometry.trace_hessian(), geometry.transverse.col(0)};
}

/// From `start` along `direction`, tangent at each point, in steps of `step` that are retracted; ends after `count`
/// steps, where `inside` ends, where the curve closes, or where the valley cannot be followed.
template <class Inside>
std::vector<ValleyPoint> march(const Manifold& manifold, const Vector& start, Vector direction, double step, int count,
                               const Inside& inside, bool may_close) {
  std::vector<ValleyPoint> points = {valley_point(manifold, start)};
  try {
    for (int i = 0; i < count; ++i) {
      const Vector& here = points.back().w;
      const Matrix along = manifold.geometry(here).longitudinal(direction);
      const double length = along.norm();
      if (!(length > 1e-9)) break;
      const Vector next = manifold.retract(here + (step / length) * along);
      const double moved = (next - here).norm();
      if (!(moved > 0.2 * step && moved < 5.0 * step)) break;  // jumped to another sheet
      direction = next - here;
      points.push_back(valley_point(manifold, next));
      if (!inside(next)) break;
      if (may_close && i > 2 && (next - start).norm() < 0.75 * step) {
        points.push_back(points.front());
        break;
      }
    }
  } catch (const NumericalError&) {
    // The valley ends here, or changes its rank: what has been found is drawn.
  }
  return points;
}

/// A state that can be drawn: a process without a state here has an empty vector.
bool drawable(const Vector& w) { return w.size() > 0 && w.allFinite(); }

/// The trajectories of the picture, at most two.
struct Trajectories {
  std::vector<const SampledPath*> paths;
  std::vector<Vector> on_valley;  // slow and limit
  std::vector<Vector> raw;
};

Trajectories trajectories(const Comparison& comparison) {
  constexpr std::size_t most_paths = 2;
  Trajectories out;
  const auto add = [](std::vector<Vector>& to, const std::vector<Vector>& from) {
    for (const Vector& w : from) {
      if (drawable(w)) to.push_back(w);
    }
  };
  for (const SampledPath& sample : comparison.samples) {
    if (out.paths.size() == most_paths) break;
    out.paths.push_back(&sample);
    add(out.on_valley, sample.slow);
    add(out.on_valley, sample.limit);
    add(out.raw, sample.discrete);
  }
  return out;
}

/// The valley around the trajectories: lines of points; for a surface, rings at equal distance from the start.
struct DrawnValley {
  std::vector<std::vector<ValleyPoint>> lines;
  bool surface = false;
};

DrawnValley curve_within(const Manifold& manifold, const Vector& start, const std::vector<Range>& window) {
  DrawnValley out;
  double extent = 0.0;
  for (const Range& r : window) extent = std::max(extent, r.width());
  const auto inside = [&](const Vector& w) {
    for (std::size_t i = 0; i < window.size(); ++i) {
      const double margin = 0.05 * extent, x = w[static_cast<Eigen::Index>(i)];
      if (!(x >= window[i].low - margin && x <= window[i].high + margin)) return false;
    }
    return true;
  };
  const Vector direction = manifold.geometry(start).longitudinal_basis().col(0);
  const double step = extent / 400.0;
  constexpr int most_points = 4000;
  auto forward = march(manifold, start, direction, step, most_points, inside, true);
  const bool closed = forward.size() > 3 && forward.back().w == forward.front().w;
  std::vector<ValleyPoint> line;
  if (!closed) {
    line = march(manifold, start, -direction, step, most_points, inside, false);
    std::reverse(line.begin(), line.end());
    line.pop_back();
  }
  line.insert(line.end(), forward.begin(), forward.end());
  out.lines.push_back(std::move(line));
  return out;
}

/// A surface: from the middle of the trajectories in all directions, until each trajectory is covered.
DrawnValley surface_around(const Manifold& manifold, const Vector& start, const Trajectories& shown, double margin) {
  DrawnValley out;
  out.surface = true;
  Vector middle = Vector::Zero(start.size());
  for (const Vector& w : shown.on_valley) middle += w;
  Vector centre = start;
  if (!shown.on_valley.empty()) {
    middle /= static_cast<double>(shown.on_valley.size());
    double nearest = std::numeric_limits<double>::infinity();
    for (const Vector& w : shown.on_valley) {  // the mean itself may be far from a valley that turns
      if ((w - middle).norm() < nearest) {
        nearest = (w - middle).norm();
        centre = w;
      }
    }
    centre = manifold.retract(centre);
  }
  double extent = 0.0;
  for (const Vector& w : shown.on_valley) extent = std::max(extent, (w - centre).norm());
  double spread = 0.0;
  for (const Vector& w : shown.raw) spread = std::max(spread, (w - centre).norm());
  const Geometry geometry = manifold.geometry(centre);
  const double radius = manifold.curvature_radius(geometry);
  // A valley on which nothing moves is shown as far as it bends visibly.
  extent = std::max({1.15 * extent, 1.5 * spread * (extent > 0.1 * spread ? 0.0 : 1.0),
                     std::isfinite(radius) ? 0.5 * radius : 0.0, 1e-6});
  constexpr int angles = 120, rings_per_extent = 40, most_extents = 4;
  const double step = extent / rings_per_extent;
  const Matrix basis = geometry.longitudinal_basis();
  const auto everywhere = [](const Vector&) { return true; };
  std::vector<std::vector<ValleyPoint>> rays;
  for (int a = 0; a <= angles; ++a) {
    const double angle = 2.0 * std::numbers::pi * a / angles;
    const Vector direction = std::cos(angle) * basis.col(0) + std::sin(angle) * basis.col(1);
    rays.push_back(march(manifold, centre, direction, step, most_extents * rings_per_extent, everywhere, false));
  }
  // The first ring beyond which every trajectory has been passed.
  std::size_t rings = static_cast<std::size_t>(margin * rings_per_extent);
  for (std::size_t i = 0; i < shown.on_valley.size(); i += 1 + shown.on_valley.size() / 400) {
    double nearest = std::numeric_limits<double>::infinity();
    std::size_t ring = 0;
    for (const auto& ray : rays) {
      for (std::size_t r = 0; r < ray.size(); ++r) {
        const double distance = (ray[r].w - shown.on_valley[i]).norm();
        if (distance < nearest) {
          nearest = distance;
          ring = r;
        }
      }
    }
    rings = std::max(rings, ring + 3);
  }
  for (auto& ray : rays) {
    if (ray.size() > rings + 1) ray.resize(rings + 1);
  }
  out.lines = std::move(rays);
  return out;
}

/// How D numbers become the two of a flat picture.
struct Projection {
  Matrix rows;    // 2 x D
  Vector origin;  // D
  std::string labels[2];

  double coordinate(const Vector& w, int i) const { return rows.row(i).dot(w - origin); }
};

/// The names in "u, v" if there is one per weight, else w1, ..., wD.
std::vector<std::string> weight_names(const Manifold& manifold) {
  std::vector<std::string> names;
  std::string rest = manifold.description().coordinates;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    std::string name = rest.substr(0, comma);
    std::erase(name, ' ');
    names.push_back(name);
    rest.erase(0, comma + 1);
  }
  const auto plain_name = [](const std::string& n) {
    return !n.empty() && std::all_of(n.begin(), n.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
  };
  if (static_cast<int>(names.size()) == manifold.dimension() && std::all_of(names.begin(), names.end(), plain_name)) {
    return names;
  }
  names.clear();
  for (int i = 1; i <= manifold.dimension(); ++i) names.push_back(fmt::format("w{}", i));
  return names;
}

/// The two weights that vary most along the trajectories, or in higher dimension their principal directions.
Projection projection_of(const Manifold& manifold, const Vector& start, const Trajectories& shown) {
  const Eigen::Index dimension = start.size();
  const auto names = weight_names(manifold);
  Projection out{Matrix::Zero(2, dimension), Vector::Zero(dimension), {}};
  const auto label = [&](Eigen::Index i) { return formula(names[static_cast<std::size_t>(i)]); };
  if (dimension == 2) {
    out.rows = Matrix::Identity(2, 2);
    for (int i = 0; i < 2; ++i) out.labels[i] = label(i);
    return out;
  }
  Matrix covariance = Matrix::Zero(dimension, dimension);
  Vector mean = Vector::Zero(dimension);
  for (const Vector& w : shown.on_valley) mean += w / static_cast<double>(shown.on_valley.size());
  for (const Vector& w : shown.on_valley) covariance += (w - mean) * (w - mean).transpose();
  constexpr Eigen::Index few_weights = 4;
  if (dimension <= few_weights) {
    Eigen::Index first = 0, second = 0;
    covariance.diagonal().maxCoeff(&first);
    Vector others = covariance.diagonal();
    others[first] = -1.0;
    others.maxCoeff(&second);
    if (first > second) std::swap(first, second);
    out.rows(0, first) = out.rows(1, second) = 1.0;
    out.labels[0] = label(first);
    out.labels[1] = label(second);
    return out;
  }
  Eigen::SelfAdjointEigenSolver<Matrix> solver(covariance);
  Matrix directions = solver.eigenvectors();
  if (!(covariance.trace() > 0.0)) directions = Matrix::Identity(dimension, dimension);
  out.origin = start;
  for (int i = 0; i < 2; ++i) {
    Vector direction = directions.col(dimension - 1 - i);
    Eigen::Index largest = 0;
    direction.cwiseAbs().maxCoeff(&largest);
    if (direction[largest] < 0.0) direction = -direction;
    out.rows.row(i) = direction.transpose();
    out.labels[i] = fmt::format("principal direction {} of the path, from the start", i + 1);
  }
  return out;
}

const char* palette =
    "set palette defined (0 '#440154', 1 '#472d7b', 2 '#3b528b', 3 '#2c728e', 4 '#21918c', 5 '#28ae80', 6 '#5ec962', 7 "
    "'#addc30', 8 '#fde725')";

/// 1, 2, 2.5 or 5 times a power of ten, near `width`.
double round_tick(double width) {
  if (!(width > 0.0)) return 1.0;
  const double decade = std::pow(10.0, std::floor(std::log10(width)));
  for (const double digit : {1.0, 2.0, 2.5, 5.0}) {
    if (digit * decade >= 0.8 * width) return digit * decade;
  }
  return 10.0 * decade;
}

/// A range for the colours that is never empty.
Range colour_range(const Range& traces) {
  if (!traces.empty() && traces.width() > 1e-6 * std::abs(traces.high)) return traces;
  const double value = traces.empty() ? 1.0 : 0.5 * (traces.low + traces.high);
  const double margin = value != 0.0 ? 0.1 * std::abs(value) : 1.0;
  return {value - margin, value + margin};
}

/// The first slow coordinate of the drawn paths against time: raw weights, slow variable and limit.
void path_panel(Figure& figure, const Comparison& comparison, const Manifold& manifold, const Vector& start,
                const Trajectories& shown, const Box& box) {
  const std::string name = manifold.slow_coordinate_names().front();
  Range values;
  std::vector<std::string> blocks;
  std::size_t count = 0;
  const double last = comparison.times.empty() ? 1.0 : comparison.times.back();
  for (const SampledPath* path : shown.paths) {
    blocks.push_back(figure.block(fmt::format("path {}: time, {} of w, slow variable, Y", path->path, name)));
    count = std::max({path->discrete.size(), path->slow.size(), path->limit.size()});
    for (std::size_t i = 0; i < count; ++i) {
      const auto coordinate = [&](const std::vector<Vector>& states) {
        if (i >= states.size() || !drawable(states[i])) return std::nan("");
        const double q = manifold.slow_coordinates(states[i], start)[0];
        values.add(q);
        return q;
      };
      // Sampled paths have records of their own, evenly spread over the run.
      const double time = last * static_cast<double>(i) / static_cast<double>(std::max<std::size_t>(count - 1, 1));
      figure.row({time, coordinate(path->discrete), coordinate(path->slow), coordinate(path->limit)});
    }
  }
  figure.place(box);
  figure.line("set xrange [0:{}]; set yrange {}", axis_end(last), range_text(values.padded(0.06)));
  figure.line(
      "set size noratio; set xlabel 'slow time t  [({{/Symbol m}}/{{/Symbol h}}{{/Symbol e}})^2 steps]' offset 0,0.4; "
      "set ylabel {} offset 0.8,0",
      quoted(formula(name)));
  figure.line("unset key; unset colorbox; set xtics autofreq; set ytics autofreq; unset label");
  figure.line("set title 'the same paths against slow time' font ',13'");
  std::string plot = "plot ";
  const std::size_t stride = mark_stride(count);
  for (const std::string& b : blocks)
    plot += fmt::format("{} using 1:2 with lines lw 0.7 lc rgb '#a0a0a0', \\\n    ", b);
  for (const std::string& b : blocks) {
    plot += fmt::format(
        "{0} using 1:4 with lines lw 2 lc rgb '{1}', \\\n    {0} every {2} using 1:3 with points pt 6 ps 0.7 lw 1.3 lc "
        "rgb '{3}'",
        b, theory_colour, stride, discrete_colour);
    if (&b != &blocks.back()) plot += ", \\\n    ";
  }
  if (blocks.empty()) plot += "NaN";
  figure.line("{}", plot);
}

Figure valley_figure(const Comparison& comparison) {
  const RunConfig& config = comparison.config;
  const Manifold manifold(config.manifold,
                          manifolds::resolve_parameters(manifolds::description_of(config.manifold), config.parameters));
  Vector start = manifold.default_start();
  if (config.start)
    start = Eigen::Map<const Vector>(config.start->data(), static_cast<Eigen::Index>(config.start->size()));
  start = manifold.retract(start);
  const Trajectories shown = trajectories(comparison);
  const int valley_dimension = manifold.valley_dimension();
  const bool space = manifold.dimension() == 3;

  Figure figure("valley", 1240, 620);
  const Box box = {0.06, 0.50, 0.19, 0.90}, right = {0.675, 0.985, 0.19, 0.90};
  figure.line("{}", palette);
  figure.line("set multiplot");
  figure.line("set rmargin 0");

  const Projection projection = space ? Projection{} : projection_of(manifold, start, shown);
  const int shown_dimension = space ? 3 : 2;
  const auto coordinate = [&](const Vector& w, int i) { return space ? w[i] : projection.coordinate(w, i); };
  std::vector<Range> window(static_cast<std::size_t>(shown_dimension));
  for (const auto* points : {&shown.on_valley, &shown.raw}) {
    for (const Vector& w : *points) {
      for (int i = 0; i < shown_dimension; ++i) window[static_cast<std::size_t>(i)].add(coordinate(w, i));
    }
  }
  for (int i = 0; i < shown_dimension; ++i) window[static_cast<std::size_t>(i)].add(coordinate(start, i));
  // Equal units on all axes: grow the narrow sides, in the proportion of the panel.
  const double proportion = (box.right - box.left) * 1240.0 / ((box.top - box.bottom) * 620.0);
  double unit = 0.0;
  for (int i = 0; i < shown_dimension; ++i) {
    unit = std::max(unit, window[static_cast<std::size_t>(i)].width() / (!space && i == 0 ? proportion : 1.0));
  }
  if (!(unit > 0.0)) unit = 1.0;
  unit *= 1.16;
  for (int i = 0; i < shown_dimension; ++i) {
    Range& r = window[static_cast<std::size_t>(i)];
    const double middle = 0.5 * (r.low + r.high), half = 0.5 * unit * (!space && i == 0 ? proportion : 1.0);
    r = {middle - half, middle + half};
  }

  DrawnValley valley;
  if (valley_dimension == 1 && manifold.dimension() <= 3) {
    valley = curve_within(manifold, start, window);
  } else if (valley_dimension == 2) {
    valley = surface_around(manifold, start, shown, space ? 1.0 : 2.0);  // a flat picture is filled
  }
  Range traces;
  const auto in_window = [&](const Vector& w) {
    for (int i = 0; i < shown_dimension; ++i) {
      const Range& r = window[static_cast<std::size_t>(i)];
      if (!space && !(coordinate(w, i) >= r.low && coordinate(w, i) <= r.high)) return false;
    }
    return true;
  };
  for (const auto& line : valley.lines) {
    for (const ValleyPoint& p : line) {
      if (in_window(p.w)) traces.add(p.trace);
    }
  }
  // A valley of more than two dimensions has no picture of its own: tr H then colours the limit's path.
  std::vector<std::vector<double>> path_traces;
  if (valley.lines.empty()) {
    for (const SampledPath* path : shown.paths) {
      path_traces.emplace_back();
      for (const Vector& y : path->limit) {
        if (!drawable(y)) {
          path_traces.back().push_back(NAN);
          continue;
        }
        try {
          path_traces.back().push_back(manifold.geometry(y).trace_hessian());
          traces.add(path_traces.back().back());
        } catch (const NumericalError&) {
          path_traces.back().push_back(NAN);
        }
      }
    }
  }

  // In space: look from the side on which the trajectories are, from a little above.
  Vector view = Vector::Zero(3);
  double rotate_x = 65.0, rotate_z = 30.0;
  if (space) {
    Vector towards = Vector::Zero(3);
    for (const Vector& w : shown.on_valley) {
      const Vector normal = manifold.jacobian(w).row(0).transpose();
      towards += normal / std::max(normal.norm(), 1e-300);
    }
    if (towards.head(2).norm() > 1e-9) rotate_z = std::atan2(towards[0], -towards[1]) * 180.0 / std::numbers::pi + 20.0;
    rotate_z = std::fmod(rotate_z + 720.0, 360.0);
    if (towards[2] < -0.5 * towards.norm()) rotate_x = 115.0;  // from below
    const double x = rotate_x * std::numbers::pi / 180.0, z = rotate_z * std::numbers::pi / 180.0;
    view = Vector{{std::sin(x) * std::sin(z), -std::sin(x) * std::cos(z), std::cos(x)}};
    for (const auto& line : valley.lines) {
      for (const ValleyPoint& p : line) {
        for (int i = 0; i < 3; ++i) window[static_cast<std::size_t>(i)].add(p.w[i]);
      }
    }
  }

  // Data: the valley, then each trajectory. In space a trajectory is cut where it passes behind the surface.
  std::string valley_block;
  if (!valley.lines.empty()) {
    valley_block = figure.block("the valley: coordinates, tr H");
    for (const auto& line : valley.lines) {
      for (const ValleyPoint& p : line) {
        if (space) {
          figure.row({p.w[0], p.w[1], p.w[2], p.trace});
        } else {
          figure.row({coordinate(p.w, 0), coordinate(p.w, 1), p.trace});
        }
      }
      figure.blank();
    }
  }
  const auto write_path = [&](const std::string& what, const std::vector<Vector>& states,
                              const std::vector<double>* trace, std::size_t every) {
    const std::string block = figure.block(what + ": coordinates" + (space ? ", 1 in front and 0 behind" : ", tr H"));
    bool was_front = true;
    for (std::size_t i = 0; i < states.size(); i += every) {
      if (!drawable(states[i])) continue;
      if (!space) {
        figure.row(
            {coordinate(states[i], 0), coordinate(states[i], 1), trace && i < trace->size() ? (*trace)[i] : NAN});
        continue;
      }
      const bool front = valley_dimension != 2 || manifold.jacobian(states[i]).row(0).dot(view.transpose()) > 0.0;
      if (i > 0 && front != was_front) figure.blank();
      figure.row({states[i][0], states[i][1], states[i][2], front ? 1.0 : 0.0});
      was_front = front;
    }
    return block;
  };
  std::size_t records = 0;
  for (const SampledPath* path : shown.paths) records = std::max(records, path->slow.size());
  const std::size_t stride = mark_stride(records);
  std::vector<std::string> raw, slow, limit;
  for (std::size_t k = 0; k < shown.paths.size(); ++k) {
    const SampledPath& path = *shown.paths[k];
    raw.push_back(write_path(fmt::format("path {}, weights w", path.path), path.discrete, nullptr, 1));
    slow.push_back(write_path(fmt::format("path {}, slow variable", path.path), path.slow, nullptr, stride));
    limit.push_back(write_path(fmt::format("path {}, limit Y", path.path), path.limit,
                               path_traces.empty() ? nullptr : &path_traces[k], 1));
  }

  const std::string title = plain(manifold.description().name) + ":  " + formula(manifold.description().formula);
  figure.place(box);
  figure.line("set cbrange {}; set cblabel '{}' offset -0.6,0", range_text(colour_range(traces)),
              traces.width() > 1e-6 * std::abs(traces.high) ? "tr H" : "tr H, the same everywhere");
  figure.line(
      "set colorbox user origin screen {:.4f},{:.4f} size screen 0.014,{:.4f}; set cbtics font ',11' offset -0.6,0",
      box.right + 0.012, box.bottom, box.top - box.bottom);
  figure.line("set title {} font ',13'", quoted(title));
  figure.key(box.left, 0.085, "top", 2);
  std::vector<std::string> parts;
  if (space) {
    const auto names = weight_names(manifold);
    figure.line("unset lmargin; unset rmargin; unset tmargin; unset bmargin; set origin 0,0.14; set size 0.54,0.8");
    figure.line("set view {:.0f},{:.0f},1.3; set view equal xyz; set xyplane relative 0; unset grid; unset title",
                rotate_x, rotate_z);
    figure.line("set label 3 {} at screen 0.28,0.945 center font ',13'", quoted(title));
    figure.line("set border 31 lw 0.5 lc rgb '#909090'; set tics textcolor rgb 'black' font ',9' offset 0,0");
    figure.line("set xrange {}; set yrange {}; set zrange {}", range_text(window[0]), range_text(window[1]),
                range_text(window[2]));
    for (int i = 0; i < 3; ++i) {
      const double width = window[static_cast<std::size_t>(i)].width();
      const double widest = std::max({window[0].width(), window[1].width(), window[2].width()});  // room for few labels
      figure.line("set {}label {} offset 0,{}; set {}tics {}", "xyz"[i],
                  quoted(formula(names[static_cast<std::size_t>(i)])), i < 2 ? -0.5 : 0.0, "xyz"[i],
                  number(round_tick(width / (width < 0.35 * widest ? 1.5 : 4.0))));
    }
    // Of the trajectories the side in view is drawn, after the surface: within one plot gnuplot draws a surface last.
    std::vector<std::string> surface;
    if (valley_dimension == 2) {
      figure.line(
          "set pm3d depthorder noborder lighting primary 0.35 specular 0.1; set style fill transparent solid 0.8");
      surface.push_back(valley_block + " using 1:2:3:4 with pm3d notitle");
    } else if (!valley_block.empty()) {
      surface.push_back(valley_block + " using 1:2:3:4 with lines lw 7 lc palette notitle");
    }
    const auto draw_path = [&](const std::string& block, const std::string& style, const std::string& key) {
      parts.push_back(fmt::format("{} using 1:2:($4 > 0.5 ? $3 : NaN) with {} {}", block, style, key));
    };
    for (std::size_t k = 0; k < raw.size(); ++k) {
      draw_path(raw[k], "lines lw 0.5 lc rgb '#404040'", k ? "notitle" : "title 'raw weights w'");
    }
    for (std::size_t k = 0; k < limit.size(); ++k) {
      draw_path(limit[k], "lines lw 3.2 lc rgb 'white'", "notitle");
      draw_path(limit[k], fmt::format("lines lw 1.8 lc rgb '{}'", theory_colour), k ? "notitle" : "title 'limit Y'");
    }
    for (std::size_t k = 0; k < slow.size(); ++k) {
      draw_path(slow[k], "points pt 7 ps 0.75 lc rgb 'white'", "notitle");
      draw_path(slow[k], fmt::format("points pt 7 ps 0.5 lc rgb '{}'", discrete_colour),
                k ? "notitle" : "title 'slow variable (side in view)'");
    }
    figure.line("splot {}", fmt::join(surface, ", \\\n    "));
    figure.line(
        "unset border; unset tics; unset xlabel; unset ylabel; unset zlabel; unset pm3d; unset colorbox; unset label "
        "3");
  } else {
    figure.line("set xrange {}; set yrange {}; set xlabel {} offset 0,0.4; set ylabel {} offset 0.8,0",
                range_text(window[0]), range_text(window[1]), quoted(projection.labels[0]),
                quoted(projection.labels[1]));
    const bool map = valley.surface;
    if (map) figure.line("set view map; set pm3d corners2color mean interpolate 2,2; unset grid");
    const char* columns = map ? "1:2:(0)" : "1:2";
    if (map) {
      parts.push_back(valley_block + " using 1:2:(0):3 with pm3d notitle");
    } else if (!valley_block.empty()) {
      parts.push_back(valley_block + " using 1:2:3 with lines lw 9 lc palette title 'valley, coloured by tr H'");
    }
    const char* raw_colour = map ? "#d0d0d0" : "#909090";
    for (std::size_t k = 0; k < raw.size(); ++k) {
      parts.push_back(fmt::format("{} using {} with lines lw 0.6 lc rgb '{}' {}", raw[k], columns, raw_colour,
                                  k ? "notitle" : "title 'raw weights w'"));
    }
    for (std::size_t k = 0; k < limit.size(); ++k) {
      const std::string title = k ? "notitle" : "title 'limit Y'";
      if (path_traces.empty()) {
        parts.push_back(fmt::format("{} using {} with lines lw 3.4 lc rgb 'white' notitle", limit[k], columns));
        parts.push_back(
            fmt::format("{} using {} with lines lw 1.8 lc rgb '{}' {}", limit[k], columns, theory_colour, title));
      } else {
        parts.push_back(fmt::format("{} using 1:2:3 with lines lw 4 lc palette {}", limit[k],
                                    k ? "notitle" : "title 'limit Y, coloured by tr H'"));
      }
    }
    for (std::size_t k = 0; k < slow.size(); ++k) {
      parts.push_back(fmt::format("{} using {} with points pt 7 ps 1.0 lc rgb 'white' notitle", slow[k], columns));
      parts.push_back(fmt::format("{} using {} with points pt 7 ps 0.7 lc rgb '{}' {}", slow[k], columns,
                                  discrete_colour, k ? "notitle" : "title 'slow variable of the discrete path'"));
    }
  }
  std::string plot = space || valley.surface ? "splot " : "plot ";
  if (parts.empty()) parts.push_back("NaN notitle");
  for (std::size_t k = 0; k < parts.size(); ++k) plot += (k ? ", \\\n    " : "") + parts[k];
  figure.line("{}", plot);
  figure.line("unset pm3d; set border 31 lw 0.8 lc rgb 'black'; set view 60,30,1; set origin 0,0; set size 1,1");
  figure.line(
      "set xtics nomirror out font ',11'; set ytics nomirror out font ',11'; unset x2tics; unset y2tics; set grid lc "
      "rgb '#e4e4e4' lw 0.6");
  path_panel(figure, comparison, manifold, start, shown, right);
  figure.line("unset multiplot");
  return figure;
}

// --- gnuplot as a child process
// -----------------------------------------------------------------------------------------

/// Closes a descriptor at the end of the scope.
struct Descriptor {
  int value = -1;
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  void close() {
    if (value >= 0) ::close(value);
    value = -1;
  }
};

/// Runs gnuplot on a script in `folder`; the pictures get the suffix .part. Throws FileError with gnuplot's own words.
void run_gnuplot(const fs::path& folder, const std::string& script) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw FileError(fmt::format("cannot start gnuplot: {}", std::strerror(errno)));
  Descriptor from, to;
  from.value = ends[0];
  to.value = ends[1];
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, to.value, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, to.value, STDERR_FILENO);
  // --default-settings: a user's own .gnuplot file must not change the pictures.
  std::string arguments[] = {"gnuplot", "--default-settings", "-e", "suffix = '.part'", script};
  char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(),
                  arguments[3].data(), arguments[4].data(), nullptr};
  pid_t child = 0;
  posix_spawnattr_t attributes;  // signals that this program ignores, gnuplot need not
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const int error = ::posix_spawnp(&child, "gnuplot", &actions, &attributes, argv, environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw FileError(fmt::format("cannot start gnuplot: {}; install the package gnuplot-nox, or add --no-plots",
                                std::strerror(error)));
  }
  to.close();
  std::string said;
  char buffer[4096];
  for (;;) {
    const ssize_t count = ::read(from.value, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    if (said.size() < sizeof buffer) said.append(buffer, static_cast<std::size_t>(count));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw FileError(fmt::format("gnuplot was lost: {}", std::strerror(errno)));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  // Of what gnuplot said, the last line with words in it names the error.
  std::string last, line;
  for (const char c : said + "\n") {
    if (c != '\n') {
      line += c;
    } else {
      if (std::any_of(line.begin(), line.end(), [](unsigned char x) { return std::isalpha(x) != 0; })) last = line;
      line.clear();
    }
  }
  const std::string how = WIFSIGNALED(status) ? fmt::format("was stopped by signal {}", WTERMSIG(status))
                                              : fmt::format("failed with exit code {}", WEXITSTATUS(status));
  throw FileError(fmt::format("gnuplot {} on {}{}{}", how, (folder / script).string(), last.empty() ? "" : ": ", last));
}

/// A picture is complete if its end is there: gnuplot returns 0 on a full device.
void check_complete(const fs::path& picture, const std::string& kind) {
  std::ifstream file(picture, std::ios::binary);
  if (!file) throw FileError(fmt::format("gnuplot made no {}", picture.string()));
  file.seekg(0, std::ios::end);
  const std::streamoff size = file.tellg();
  constexpr std::streamoff enough = 64;
  const std::streamoff count = std::min(size, enough);
  std::string tail(static_cast<std::size_t>(std::max<std::streamoff>(count, 0)), '\0');
  file.seekg(size - count);
  file.read(tail.data(), count);
  bool complete = false;
  if (kind == "svg") {
    while (!tail.empty() && std::isspace(static_cast<unsigned char>(tail.back()))) tail.pop_back();
    complete = tail.ends_with("</svg>");
  } else {
    complete = tail.size() >= 8 && tail.compare(tail.size() - 8, 4, "IEND") == 0;  // followed by its checksum
  }
  if (!file || !complete)
    throw FileError(fmt::format("{} is cut short: gnuplot could not write all of it (disk full?)", picture.string()));
}

/// Removes the unfinished pictures if drawing does not get to its end.
class UnfinishedPictures {
 public:
  void add(fs::path path) { paths_.push_back(std::move(path)); }
  ~UnfinishedPictures() {
    std::error_code ignored;
    for (const fs::path& path : paths_) fs::remove(path, ignored);
  }

 private:
  std::vector<fs::path> paths_;
};

void draw(const fs::path& folder, const Figure& figure, std::vector<std::string>& names) {
  for (const auto& [extension, content] : {std::pair{".dat", figure.data()}, std::pair{".gnuplot", figure.script()}}) {
    PendingFile file(folder / (figure.name() + extension));
    file.write(content);
    file.commit();
    names.push_back(figure.name() + extension);
  }
  UnfinishedPictures unfinished;
  for (const char* kind : {"svg", "png"}) unfinished.add(folder / fmt::format("{}.{}.part", figure.name(), kind));
  run_gnuplot(folder, figure.name() + ".gnuplot");
  for (const char* kind : {"svg", "png"}) check_complete(folder / fmt::format("{}.{}.part", figure.name(), kind), kind);
  for (const char* kind : {"svg", "png"}) {
    const std::string name = fmt::format("{}.{}", figure.name(), kind);
    std::error_code error;
    fs::rename(folder / (name + ".part"), folder / name, error);
    if (error) throw FileError(fmt::format("cannot write {}: {}", (folder / name).string(), error.message()));
    names.push_back(name);
  }
}

}  // namespace

std::vector<std::string> draw_plots(const fs::path& folder, const Comparison& comparison) {
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) throw FileError(fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));

  const Manifold manifold(comparison.config.manifold,
                          manifolds::resolve_parameters(manifolds::description_of(comparison.config.manifold),
                                                        comparison.config.parameters));
  std::vector<std::string> names;
  draw(folder, valley_figure(comparison), names);
  if (const auto* o = find(comparison, "trace_hessian"))
    draw(folder, time_figure("trace-hessian", comparison, {o}), names);

  constexpr std::size_t most_panels = 4;
  std::vector<const ObservableResult*> coordinates, covariances, transverse;
  for (const std::string& name : manifold.slow_coordinate_names()) {
    const auto* o = find(comparison, name);
    if (o && coordinates.size() < most_panels) coordinates.push_back(o);
  }
  for (const ObservableResult& o : comparison.observables) {
    if (o.name.starts_with("cov(") && covariances.size() < most_panels) covariances.push_back(&o);
  }
  for (const char* name : {"transverse_variance", "loss"}) {
    if (const auto* o = find(comparison, name)) transverse.push_back(o);
  }
  if (!coordinates.empty()) draw(folder, time_figure("slow-coordinates", comparison, coordinates), names);
  if (!covariances.empty()) draw(folder, time_figure("covariance", comparison, covariances), names);
  if (!transverse.empty()) draw(folder, time_figure("transverse", comparison, transverse), names);
  if (!comparison.epsilon_ladder.empty() || !comparison.eta_ladder.empty() || comparison.path_error) {
    draw(folder, ladder_figure(comparison), names);
  }
  return names;
}

}  // namespace valleydrift::validation
