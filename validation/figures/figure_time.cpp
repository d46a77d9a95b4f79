// Observables against slow time.
#include <algorithm>
#include <cmath>

#include "validation/figures/figures.hpp"
#include "validation/figures/plot_text.hpp"

namespace valleydrift::figures {
namespace {

/// A line's width as a fraction of the range: what differs by less cannot be told apart in the picture.
constexpr double visible = 0.004;

struct OtherForm {
  std::string name;
  const std::vector<double>* series;
};

/// What a panel shows of one observable: series and ranges.
class TimePanel {
 public:
  TimePanel(Figure& figure, const compare::Comparison& comparison, const compare::ObservableResult& observable,
            const Box& box);
  void draw();

 private:
  /// The empty transverse cloud at t = 0 would hide the rest: before what is judged only the theory is drawn then.
  bool is_shown(std::size_t i) const { return !starts_apart_ || follows_start(i); }
  bool follows_start(std::size_t i) const { return any_judged_ ? i < o_.judged.size() && o_.judged[i] : i > 0; }
  double band(std::size_t i) const { return 2.0 * compare::at(o_.standard_error, i); }
  void find_other_forms();
  void measure();
  void titles();
  void step_axis(const Box& upper);
  void draw_values();
  void draw_difference();
  int value_rows() const { return (4 + static_cast<int>(others_.size())) / 2; }

  Figure& figure_;
  const compare::Comparison& comparison_;
  const compare::ObservableResult& o_;
  Box box_;
  std::size_t count_;
  bool any_judged_, starts_apart_ = false;
  double end_;  ///< of the time axis
  Range values_, residuals_;
  double widest_band_ = 0.0;
  std::vector<OtherForm> others_;
};

TimePanel::TimePanel(Figure& figure, const compare::Comparison& comparison, const compare::ObservableResult& observable,
                     const Box& box)
    : figure_(figure),
      comparison_(comparison),
      o_(observable),
      box_(box),
      count_(comparison.times.size()),
      any_judged_(std::find(o_.judged.begin(), o_.judged.end(), true) != o_.judged.end()),
      end_(axis_end(count_ ? comparison.times.back() : 1.0)) {
  starts_apart_ = count_ > 0 && !follows_start(0) &&
                  std::abs(compare::at(o_.difference, 0)) > 0.2 * std::abs(compare::at(o_.theory, 0));
  find_other_forms();
  measure();
}

/// Other forms of the theory, where they exist and can be told from the judged one.
void TimePanel::find_other_forms() {
  Range both;
  for (std::size_t i = 0; i < count_; ++i) {
    both.add(compare::at(o_.theory, i));
    if (is_shown(i)) both.add(compare::at(o_.discrete, i));
  }
  for (const auto& [form, series] :
       {std::pair{sde::Form::finite_step, &o_.theory_finite_step}, std::pair{sde::Form::paper, &o_.theory_paper},
        std::pair{sde::Form::asymptotic, &o_.theory_asymptotic}}) {
    if (form == comparison_.config.form || series->size() != count_ || both.is_constant()) continue;
    double largest = 0.0;
    for (std::size_t i = 0; i < count_; ++i)
      largest = std::max(largest, std::abs((*series)[i] - compare::at(o_.theory, i)));
    if (largest > visible * both.width()) others_.push_back({name_of(form) + " form", series});
  }
}

void TimePanel::measure() {
  for (std::size_t i = 0; i < count_; ++i) {
    values_.add(compare::at(o_.theory, i));
    for (const OtherForm& other : others_) values_.add((*other.series)[i]);
    if (!is_shown(i)) continue;
    const double mean = compare::at(o_.discrete, i), d = compare::at(o_.difference, i);
    const double e = compare::at(o_.extrapolated, i), e_band = 2.0 * compare::at(o_.extrapolated_error, i);
    for (const double x : {mean, mean - band(i), mean + band(i)}) values_.add(x);
    for (const double x : {d, d - band(i), d + band(i), e - e_band, e + e_band}) residuals_.add(x);
    if (std::isfinite(band(i))) widest_band_ = std::max(widest_band_, band(i));
    if (i < o_.judged.size() && o_.judged[i]) {
      residuals_.add(compare::at(o_.bound, i));
      residuals_.add(-compare::at(o_.bound, i));
    }
  }
}

void TimePanel::titles() {
  const bool unjudged = o_.verdict == compare::Verdict::inconclusive && o_.bound.empty();
  figure_.line("# --- {}", o_.name);
  figure_.line("unset label");
  figure_.text(formula(o_.meaning.empty() ? o_.name : o_.meaning, comparison_.config.formula != nullptr), box_.left,
               box_.top - 14.0, "left", 15);
  figure_.text(unjudged ? "not judged" : "verdict: " + name_of(o_.verdict), box_.right, box_.top - 14.0, "right", 13);
}

/// The steps on the upper axis: three to seven round numbers.
void TimePanel::step_axis(const Box& upper) {
  const double last = count_ ? comparison_.times.back() : 0.0;
  if (comparison_.steps.empty() || !(last > 0.0)) return;
  const double steps = static_cast<double>(comparison_.steps.back()) * (end_ / last);
  if (!(steps > 0.0)) return;
  figure_.line("set x2range [0:{}]; set x2tics {} out scale 0.6 offset 0,-closer font ',12'", number(steps),
               number(round_tick(steps / 4.5)));
  figure_.text("step k", 0.5 * (upper.left + upper.right), upper.top + 38.0, "center", 12);
}

void TimePanel::draw_values() {
  const std::string data = figure_.block("time, theory, discrete, - 2 SE, + 2 SE, other forms: " + o_.name);
  for (std::size_t i = 0; i < count_; ++i) {
    const double mean = is_shown(i) ? compare::at(o_.discrete, i) : NAN;
    const auto other = [&](std::size_t k) { return k < others_.size() ? (*others_[k].series)[i] : NAN; };
    figure_.row(
        {comparison_.times[i], compare::at(o_.theory, i), mean, mean - band(i), mean + band(i), other(0), other(1)});
  }
  const bool thin = !(widest_band_ > visible * values_.padded(0.06).width());
  std::vector<std::string> parts = {
      fmt::format("{} using 1:4:5 with filledcurves lc rgb '{}' fs transparent solid 0.25 noborder title '± 2 SE{}'",
                  data, discrete_colour, thin ? " (too thin to see)" : ""),
      fmt::format("{} using 1:2 with lines lw 3 lc rgb '{}' title 'theory ({})'", data, theory_colour,
                  name_of(comparison_.config.form))};
  constexpr const char* other_styles[] = {"dt (12,8) lc rgb '#202020'", "dt (3,6) lc rgb '#AA4499'"};
  for (std::size_t k = 0; k < others_.size(); ++k) {
    parts.push_back(
        fmt::format("{} using 1:{} with lines lw 1.6 {} title '{}'", data, 6 + k, other_styles[k], others_[k].name));
  }
  parts.push_back(fmt::format("{} every {} using 1:3 with points pt 6 ps 0.55 lw 1.4 lc rgb '{}' title 'discrete mean'",
                              data, mark_stride(count_), discrete_colour));
  figure_.plot("plot", parts);
}

void TimePanel::draw_difference() {
  const std::string data =
      figure_.block("time, difference, - 2 SE, + 2 SE, extrapolated, its 2 SE, -bound, bound: " + o_.name);
  for (std::size_t i = 0; i < count_; ++i) {
    const double d = is_shown(i) ? compare::at(o_.difference, i) : NAN,
                 e = is_shown(i) ? compare::at(o_.extrapolated, i) : NAN;
    const double bound = i < o_.judged.size() && o_.judged[i] ? compare::at(o_.bound, i) : NAN;
    figure_.row({comparison_.times[i], d, d - band(i), d + band(i), e, 2.0 * compare::at(o_.extrapolated_error, i),
                 -bound, bound});
  }
  std::vector<std::string> parts = {
      fmt::format("{} using 1:3:4 with filledcurves lc rgb '{}' fs transparent solid 0.25 noborder notitle", data,
                  discrete_colour),
      fmt::format("{} using 1:2 with lines lw 1.6 lc rgb '{}' title 'difference ± 2 SE'", data, discrete_colour)};
  const char* limit = comparison_.config.form == sde::Form::paper ? "η" : "ε";  // of the judged ladder
  if (!o_.extrapolated.empty()) {                                               // with a ladder
    parts.insert(parts.begin(),
                 fmt::format("{} using 1:7:8 with filledcurves lc rgb '#b0b0b0' fs transparent solid 0.45 noborder "
                             "title 'bound at {} = 0'",
                             data, limit));
    parts.push_back(
        fmt::format("{} every {} using 1:5:6 with yerrorbars pt 7 ps 0.36 lw 1.2 lc rgb '{}' title "
                    "'at {} = 0, ± 2 SE'",
                    data, mark_stride(count_), extrapolated_colour, limit));
  }
  figure_.plot("plot", parts);
}

void TimePanel::draw() {
  constexpr double title = 32.0, steps = 54.0, gap = 16.0, below = 54.0, lower_part = 0.38, y_label = 90.0;
  const double rows = key_row * value_rows(), lower_rows = 2.0 * key_row;
  const double free = box_.top - box_.bottom - title - rows - steps - gap - lower_rows - below;
  const Box lower = {box_.left, box_.right, box_.bottom + below, box_.bottom + below + lower_part * free};
  const Box upper = {box_.left, box_.right, lower.top + gap + lower_rows, box_.top - title - rows - steps};

  titles();
  step_axis(upper);
  figure_.place(upper);
  figure_.key(upper.left, upper.top + steps, "bottom", value_rows());
  figure_.line("set xrange [0:{}]; set yrange {}", end_, text_of(values_.padded(0.06)));
  figure_.line("set format x ''");
  figure_.text(axis_label(o_.name, comparison_.config.formula != nullptr), upper.left - y_label,
               0.5 * (upper.bottom + upper.top), "center", 14, true);
  figure_.line("set ytics {}", number(round_tick(values_.padded(0.06).width() / 5.0)));
  draw_values();

  figure_.line("unset label; unset x2tics");
  figure_.place(lower);
  figure_.key(lower.left, lower.top + 4.0, "bottom", 2);
  const Range range = residuals_.padded(0.08);
  figure_.line("set yrange {}; set ytics {}", text_of(range), number(round_tick(range.width() / 4.0)));
  figure_.line("set format x '%g'");
  figure_.axis_labels(lower, slow_time_label, "discrete − theory", y_label);
  figure_.line("set xzeroaxis lw 1 lc rgb '#808080'");
  draw_difference();
  figure_.line("unset xzeroaxis");
}

}  // namespace

Figure time_figure(const std::string& name, const compare::Comparison& comparison,
                   const std::vector<const compare::ObservableResult*>& shown) {
  constexpr double left = 110.0, right = 18.0;
  constexpr int panel_height = 540;
  const int columns = shown.size() > 1 ? 2 : 1, width = columns == 1 ? 680 : 550;
  const int rows = (static_cast<int>(shown.size()) + columns - 1) / columns;
  Figure figure(name, columns * width, rows * panel_height);
  figure.line("set multiplot");
  for (std::size_t k = 0; k < shown.size(); ++k) {
    const int column = static_cast<int>(k) % columns, row = static_cast<int>(k) / columns;
    const double x = column * width, top = (rows - row) * panel_height;
    TimePanel(figure, comparison, *shown[k], {x + left, x + width - right, top - panel_height, top - 4.0}).draw();
  }
  figure.line("unset multiplot");
  return figure;
}

}  // namespace valleydrift::figures
