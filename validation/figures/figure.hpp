// One picture in the making: a gnuplot script and its data, in the style that all pictures share.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "validation/compare/comparison.hpp"

namespace valleydrift::figures {

// Colours that readers with any colour vision, and black-and-white printers, tell apart (Okabe and Ito 2008).
inline constexpr const char* theory_colour = "#0072B2";
inline constexpr const char* discrete_colour = "#D55E00";
inline constexpr const char* extrapolated_colour = "#009E73";

inline constexpr const char* slow_time_label = "slow time t  [(μ/ηε)^2 steps]";

/// Lowest and highest finite value of some series.
struct Range {
  double low, high;

  Range();
  Range(double lowest, double highest) : low(lowest), high(highest) {}
  void add(double x);
  bool empty() const { return !(low <= high); }
  double width() const { return empty() ? 0.0 : high - low; }
  double middle() const { return 0.5 * (low + high); }
  bool contains(double x) const { return x >= low && x <= high; }
  double scale() const;  ///< largest absolute value
  /// Whether what varies is no more than rounding.
  bool is_constant() const;
  /// With a margin on both sides; a range without width is opened around its value.
  Range padded(double fraction) const;
};

/// [low:high] for gnuplot.
std::string text_of(const Range& range);
/// 1, 2, 2.5 or 5 times a power of ten, near `width`.
double round_tick(double width);
/// The end of the time axis: a round number if the last record is within a step or so of it.
double axis_end(double last);
/// Every how many records a mark is drawn: about two dozen can be told apart, and the last record is one of them if it
/// can be.
std::size_t mark_stride(std::size_t records);

/// Left, right, bottom, top in pixels from the lower left corner of the picture.
struct Box {
  double left, right, bottom, top;
};

class Figure {
 public:
  /// Size in pixels of the SVG; the PNG has twice as many. At 1000 pixels on 17 cm the smallest letters have 5.8 pt.
  Figure(std::string name, int width, int height) : name_(std::move(name)), width_(width), height_(height) {}

  const std::string& name() const { return name_; }
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    script_ += "  " + fmt::format(format, std::forward<Args>(args)...) + '\n';
  }
  /// `plot` or `splot` with what it draws.
  void plot(const std::string& command, const std::vector<std::string>& parts);

  /// Starts a block of data and returns how a plot command names it.
  std::string block(const std::string& columns);
  void row(std::initializer_list<double> values);
  void blank() { data_ += '\n'; }

  /// A point in gnuplot's words.
  std::string screen(double x, double y) const;
  /// Text around (x, y); `align` is left, center or right. Titles and axis labels too are put where they belong by
  /// this: gnuplot's own distances differ from SVG to PNG.
  void text(const std::string& text, double x, double y, const char* align, int size, bool upright = false);
  /// The labels of both axes.
  void axis_labels(const Box& box, const std::string& x, const std::string& y, double left = 80.0);
  void place(const Box& box);
  /// A key of at most `rows` rows that hangs from (x, y) or stands on it: outside of all data.
  void key(double x, double y, const char* corner, int rows);

  std::string script() const;
  /// All blocks; gnuplot does not count one without rows, so that it gets a row without numbers.
  std::string data() const;

 private:
  std::string name_;
  int width_, height_;
  std::string script_, data_;
  int blocks_ = 0, rows_ = 0;  // rows of the last block
};

/// A logarithmic axis, x or y, with labels at 1 (and 2, 5 if it is short) times powers of ten.
void logarithmic_axis(Figure& figure, const char* which, const Range& range);

/// Height of one row of a key, in pixels.
inline constexpr double key_row = 16.0;

}  // namespace valleydrift::figures
