// Ranges, ticks, boxes, texts and data blocks of a script.
#include "validation/figures/figure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "validation/compare/ladder.hpp"
#include "validation/figures/plot_text.hpp"

namespace valleydrift::figures {

Range::Range() : low(std::numeric_limits<double>::infinity()), high(-low) {}

void Range::add(double x) {
  if (!std::isfinite(x)) return;
  low = std::min(low, x);
  high = std::max(high, x);
}

double Range::scale() const { return std::max(std::abs(low), std::abs(high)); }

bool Range::is_constant() const {
  constexpr double visible = 1e-6;  // of the values: below it gnuplot's labels, and soon its axes, lose their digits
  return !(width() > visible * scale());
}

Range Range::padded(double fraction) const {
  if (empty()) return {-1.0, 1.0};
  const double margin = !is_constant() ? fraction * width() : scale() > 0.0 ? 0.05 * scale() : 1.0;
  return {low - margin, high + margin};
}

std::string text_of(const Range& range) { return fmt::format("[{:.10g}:{:.10g}]", range.low, range.high); }

double round_tick(double width) {
  if (!(width > 0.0) || !std::isfinite(width)) return 1.0;
  const double decade = std::pow(10.0, std::floor(std::log10(width)));
  for (const double digit : {1.0, 2.0, 2.5, 5.0}) {
    if (digit * decade >= 0.8 * width) return digit * decade;
  }
  return 10.0 * decade;
}

double axis_end(double last) {
  const double round = std::round(100.0 * last) / 100.0;
  return round >= last && round - last < 1e-3 * last ? round : last;
}

std::size_t mark_stride(std::size_t records) {
  if (records < 2) return 1;
  for (std::size_t marks = 25; marks >= 12; --marks) {
    if ((records - 1) % marks == 0) return (records - 1) / marks;
  }
  return std::max<std::size_t>(1, (records + 23) / 24);
}

void Figure::plot(const std::string& command, const std::vector<std::string>& parts) {
  line("{} {}", command, parts.empty() ? "NaN notitle" : fmt::format("{}", fmt::join(parts, ", \\\n    ")));
}

std::string Figure::block(const std::string& columns) {
  data_ = data();
  rows_ = 0;
  data_ += fmt::format("{}# index {}: {}\n", blocks_ ? "\n\n" : "", blocks_, columns);
  return fmt::format("data index {}", blocks_++);
}

std::string Figure::data() const { return blocks_ && !rows_ ? data_ + "NaN NaN NaN NaN NaN NaN NaN NaN\n" : data_; }

void Figure::row(std::initializer_list<double> values) {
  ++rows_;
  for (const double v : values) {
    if (data_.back() != '\n') data_ += ' ';
    data_ += std::isfinite(v) ? fmt::format("{}", v) : "NaN";
  }
  data_ += '\n';
}

std::string Figure::screen(double x, double y) const {
  return fmt::format("screen {:.4f},{:.4f}", x / width_, y / height_);
}

void Figure::text(const std::string& text, double x, double y, const char* align, int size, bool upright) {
  line("set label {} at {} {} {} font ',{}'", quoted(text), screen(x, y), align, upright ? "rotate by 90" : "", size);
}

void Figure::axis_labels(const Box& box, const std::string& x, const std::string& y, double left) {
  text(x, 0.5 * (box.left + box.right), box.bottom - 39.0, "center", 14);
  text(y, box.left - left, 0.5 * (box.bottom + box.top), "center", 14, true);
}

void Figure::place(const Box& box) {
  line(
      "set lmargin at screen {:.4f}; set rmargin at screen {:.4f}; set bmargin at screen {:.4f}; set tmargin at "
      "screen {:.4f}",
      box.left / width_, box.right / width_, box.bottom / height_, box.top / height_);
}

void Figure::key(double x, double y, const char* corner, int rows) {
  line("set key at {} left {} vertical Left reverse samplen 2.6 spacing 1.1*row_height width 0.5 maxrows {} font ',12'",
       screen(x - 10.0, y), corner, rows);
}

std::string Figure::script() const {
  return fmt::format(
      "# Draws {0}.svg and {0}.png from {0}.dat: gnuplot {0}.gnuplot\n"
      "if (!exists('suffix')) suffix = ''\n"
      "data = '{0}.dat'\n"
      "set encoding utf8\n"
      "do for [kind in 'svg png'] {{\n"
      "  reset\n"
      "  row_height = kind eq 'svg' ? 0.78 : 1.0; closer = kind eq 'svg' ? 0.35 : 0.0\n"
      "  if (kind eq 'svg') {{\n"
      "    set terminal svg size {1},{2} dynamic enhanced font 'DejaVu Sans,14' rounded background 'white'\n"
      "  }} else {{\n"
      "    set terminal pngcairo size {3},{4} enhanced font 'DejaVu Sans,14' fontscale 1.5 linewidth 2 pointscale 2.5 "
      "rounded background 'white'\n"
      "  }}\n"
      "  set output '{0}.'.kind.suffix\n"
      "  set border lw 0.8; set tics nomirror out scale 0.6 font ',12'; set xtics offset 0,closer\n"
      "  set pointintervalbox 0.7; set grid lc rgb '#dddddd' lw 0.6\n"
      "{5}"
      "  unset output\n"
      "}}\n",
      name_, width_, height_, 2 * width_, 2 * height_, script_);
}

void logarithmic_axis(Figure& figure, const char* which, const Range& range) {
  if (range.empty() || !(range.low > 0.0)) return;
  const Range wide{range.low / 1.25, range.high * 1.25};
  const bool few = wide.high / wide.low < 60.0;
  std::vector<std::string> ticks;
  for (int e = static_cast<int>(std::floor(std::log10(wide.low))); e <= std::log10(wide.high); ++e) {
    for (const int digit : {1, 2, 5}) {
      if (digit == 1 || few) ticks.push_back(fmt::format("'{}' {}e{}", decade_label(digit, e), digit, e));
    }
  }
  figure.line("set logscale {0}; set {0}range {1}; set {0}tics ({2})", which, text_of(wide), fmt::join(ticks, ", "));
}

}  // namespace valleydrift::figures
