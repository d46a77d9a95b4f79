// The valley, tr H on it, and trajectories of both processes.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "manifolds/errors.hpp"
#include "validation/figures/figures.hpp"
#include "validation/figures/plot_text.hpp"
#include "validation/figures/valley_view.hpp"

namespace valleydrift::figures {
namespace {

constexpr int figure_width = 1060, figure_height = 540;
constexpr Box valley_box = {76.0, 554.0, 100.0, 500.0}, path_box = {752.0, 1046.0, 100.0, 500.0};

class ValleyPicture {
 public:
  ValleyPicture(const compare::Comparison& comparison, const Manifold& manifold);
  Figure draw();

 private:
  enum class Kind { raw, slow, limit };

  void find_valley();
  void find_path_traces();
  void choose_viewpoint();
  bool is_in_front(const Vector& w) const;
  std::string write_valley();
  std::string write_path(const compare::SampledPath& path, Kind kind, const std::vector<double>& traces);
  std::vector<std::string> write_paths(Kind kind);
  void title_and_colours();
  std::vector<std::string> path_parts(const std::string& columns, const char* raw_colour);
  void draw_flat();
  void draw_space();
  void reset_axes();
  void draw_against_time();

  const compare::Comparison& comparison_;
  const Manifold& manifold_;
  Vector start_;
  Trajectories shown_;
  View view_;
  ValleyMesh valley_;
  Range traces_;                                  // tr H over what is coloured
  std::vector<std::vector<double>> path_traces_;  // along each limit, where the valley has no picture of its own
  double rotate_x_ = 65.0, rotate_z_ = 30.0;      // degrees
  Vector towards_viewer_;
  Figure figure_{"valley", figure_width, figure_height};
};

/// A line in the palette's middle colour for the key.
std::string palette_key(const std::string& title) {
  return fmt::format("NaN with lines lw 6 lc rgb '#21918c' title {}", quoted(title));
}

ValleyPicture::ValleyPicture(const compare::Comparison& comparison, const Manifold& manifold)
    : comparison_(comparison),
      manifold_(manifold),
      start_(comparison.start),
      shown_(trajectories_of(comparison)),
      view_(manifold, start_, shown_, (valley_box.right - valley_box.left) / (valley_box.top - valley_box.bottom)) {
  find_valley();
  if (valley_.empty()) find_path_traces();
  if (view_.is_space()) choose_viewpoint();
}

void ValleyPicture::find_valley() {
  const int dimension = manifold_.valley_dimension();
  if (dimension == 1 && manifold_.dimension() <= 3) {
    constexpr double steps_across = 200.0;
    valley_ = curve_mesh(manifold_, start_, view_.extent() / steps_across,
                         [&](const Vector& w) { return view_.is_inside(w, -0.02); });
  } else if (dimension == 2) {
    const bool fills = !view_.is_space();  // a flat picture is filled to its edges
    // In space as far as it bends visibly; half a turn of it where nothing moves.
    const double radius = manifold_.curvature_radius(manifold_.geometry(start_));
    const double bend = std::isfinite(radius) ? (comparison_.moves_along_valley ? 0.5 : 1.5) * radius : 0.0;
    const double least = fills ? 0.5 * view_.extent() : std::max(bend, 1e-6 * view_.extent());
    valley_ = surface_mesh(manifold_, start_, shown_.on_valley, least,
                           [&](const Vector& w) { return !fills || !view_.is_inside(w, 0.2); });
  }
  for (const auto& line : valley_) {
    for (const ValleyPoint& p : line) {
      if (view_.is_space() || view_.is_inside(p.w, 0.0)) traces_.add(p.trace);
    }
  }
}

/// A valley of more than two dimensions has no picture of its own: tr H then colours the limit's path.
void ValleyPicture::find_path_traces() {
  for (const compare::SampledPath* path : shown_.paths) {
    std::vector<double>& traces = path_traces_.emplace_back();
    for (const Vector& y : path->limit) {
      double trace = NAN;
      try {
        if (is_drawable(y)) trace = manifold_.geometry(y).trace_hessian();
      } catch (const NumericalError&) {
        // No tr H here: the point is not drawn.
      }
      traces.push_back(trace);
      traces_.add(trace);
    }
  }
}

/// From the side on which the trajectories are, a little above and oblique to all axes.
void ValleyPicture::choose_viewpoint() {
  Vector towards = Vector::Zero(3);
  for (const Vector& w : shown_.on_valley) {
    const Vector normal = manifold_.jacobian(w).row(0).transpose();
    towards += normal / std::max(normal.norm(), 1e-300);
  }
  constexpr double degrees = 180.0 / std::numbers::pi, oblique = 25.0;
  if (towards.head(2).norm() > 1e-9) {
    const double side = std::atan2(towards[0], -towards[1]) * degrees + 360.0 + oblique, quarter = 90.0;
    const double axis = quarter * std::floor(side / quarter);
    rotate_z_ = std::fmod(axis + std::clamp(side - axis, oblique, quarter - oblique), 360.0);
  }
  if (towards[2] < -0.5 * towards.norm()) rotate_x_ = 115.0;  // from below
  const double x = rotate_x_ / degrees, z = rotate_z_ / degrees;
  towards_viewer_ = Vector{{std::sin(x) * std::sin(z), -std::sin(x) * std::cos(z), std::cos(x)}};
  for (const auto& line : valley_) {
    for (const ValleyPoint& p : line) view_.include(p.w);
  }
}

/// Not hidden by the surface.
bool ValleyPicture::is_in_front(const Vector& w) const {
  return manifold_.valley_dimension() != 2 || manifold_.jacobian(w).row(0).dot(towards_viewer_.transpose()) > 0.0;
}

std::string ValleyPicture::write_valley() {
  const std::string data = figure_.block("the valley: coordinates, tr H");
  for (const auto& line : valley_) {
    for (const ValleyPoint& p : line) {
      const auto c = [&](int i) { return view_.coordinate(p.w, i); };
      view_.is_space() ? figure_.row({c(0), c(1), c(2), p.trace}) : figure_.row({c(0), c(1), 0.0, p.trace});
    }
    figure_.blank();
  }
  return data;
}

/// In space a trajectory is cut where it passes behind the surface.
std::string ValleyPicture::write_path(const compare::SampledPath& path, Kind kind, const std::vector<double>& traces) {
  const auto& states = kind == Kind::raw ? path.discrete : kind == Kind::slow ? path.slow : path.limit;
  const char* what = kind == Kind::raw ? "weights w" : kind == Kind::slow ? "slow variable" : "limit Y";
  const std::size_t stride = kind == Kind::slow ? mark_stride(states.size()) : 1;
  const std::string data = figure_.block(fmt::format("path {}, {}: coordinates, tr H", path.path, what));
  bool drawn = false;
  for (std::size_t i = 0; i < states.size(); i += stride) {
    if (!is_drawable(states[i])) continue;
    const auto c = [&](int axis) { return view_.coordinate(states[i], axis); };
    const bool draw = !view_.is_space() || is_in_front(states[i]);
    if (draw) figure_.row({c(0), c(1), view_.is_space() ? c(2) : 0.0, compare::at(traces, i)});
    if (drawn && !draw) figure_.blank();  // one blank line: two would end the block
    drawn = draw;
  }
  return data;
}

std::vector<std::string> ValleyPicture::write_paths(Kind kind) {
  std::vector<std::string> blocks;
  for (std::size_t k = 0; k < shown_.paths.size(); ++k) {
    const bool coloured = kind == Kind::limit && !path_traces_.empty();
    blocks.push_back(write_path(*shown_.paths[k], kind, coloured ? path_traces_[k] : std::vector<double>()));
  }
  return blocks;
}

void ValleyPicture::title_and_colours() {
  std::string title = plain(manifold_.description().name) + ":  " +
                      formula(manifold_.description().formula, manifold_.description().source != nullptr);
  figure_.line(
      "set palette defined (0 '#440154', 1 '#472d7b', 2 '#3b528b', 3 '#2c728e', 4 '#21918c', 5 '#28ae80', 6 '#5ec962', "
      "7 '#addc30', 8 '#fde725')");
  if (traces_.is_constant()) {
    figure_.line("unset colorbox; set cbrange {}", text_of(traces_.padded(0.0)));
    if (!traces_.empty()) title += fmt::format(";  tr H = {:.4g} everywhere", traces_.middle());
  } else {
    figure_.line("set cbrange {}; set cblabel 'tr H' offset -0.3,0; set cbtics font ',12' offset -0.5,0",
                 text_of(traces_));
    figure_.line("set colorbox user origin {} size screen {:.4f},{:.4f}",
                 figure_.screen(valley_box.right + 14.0, valley_box.bottom), 14.0 / figure_width,
                 (valley_box.top - valley_box.bottom) / figure_height);
  }
  figure_.text(title, 0.5 * (valley_box.left + valley_box.right), valley_box.top + 18.0, "center", 14);
  figure_.key(valley_box.left, 40.0, "top", 1);
}

/// The trajectories, the limit above the raw weights and below the marks of the slow variable.
std::vector<std::string> ValleyPicture::path_parts(const std::string& columns, const char* raw_colour) {
  std::vector<std::string> parts;
  const auto add = [&](const std::vector<std::string>& blocks, const std::string& style, const std::string& title) {
    for (const std::string& block : blocks) {
      const bool named = !title.empty() && &block == &blocks.front();
      parts.push_back(
          fmt::format("{} using {} with {} {}", block, columns, style, named ? "title " + quoted(title) : "notitle"));
    }
  };
  const auto limit = write_paths(Kind::limit), slow = write_paths(Kind::slow);
  add(write_paths(Kind::raw), fmt::format("lines lw 0.6 lc rgb '{}'", raw_colour), "raw weights w");
  if (path_traces_.empty()) {
    add(limit, "lines lw 3.2 lc rgb 'white'", "");
    add(limit, fmt::format("lines lw 1.8 lc rgb '{}'", theory_colour), "limit Y");
  } else {
    add(limit, "lines lw 5 lc palette", "");
    parts.push_back(palette_key("limit Y, colour: tr H"));
  }
  add(slow, "points pt 7 ps 0.68 lc rgb 'white'", "");
  add(slow, fmt::format("points pt 7 ps 0.48 lc rgb '{}'", discrete_colour),
      view_.is_space() ? "slow variable (in view)" : "slow variable");
  return parts;
}

void ValleyPicture::draw_flat() {
  figure_.place(valley_box);
  figure_.line("set xrange {}; set yrange {}", text_of(view_.window(0)), text_of(view_.window(1)));
  figure_.axis_labels(valley_box, view_.label(0), view_.label(1), 54.0);
  const bool surface = manifold_.valley_dimension() == 2;
  const char* columns = surface ? "1:2:3" : path_traces_.empty() ? "1:2" : "1:2:4";
  std::vector<std::string> parts;
  if (surface) {
    figure_.line("set view map; set pm3d corners2color mean interpolate 2,2; unset grid");
    parts.push_back(write_valley() + " using 1:2:3:4 with pm3d notitle");
  } else if (!valley_.empty()) {
    parts.push_back(write_valley() + " using 1:2:4 with lines lw 13 lc palette notitle");
    parts.push_back(palette_key("valley, colour: tr H"));
  }
  for (const std::string& part : path_parts(columns, surface ? "#d0d0d0" : "#909090")) parts.push_back(part);
  figure_.plot(surface ? "splot" : "plot", parts);
}

void ValleyPicture::draw_space() {
  figure_.line("unset lmargin; unset rmargin; unset tmargin; unset bmargin; set origin 0,0.09; set size 0.54,0.86");
  figure_.line("set view {:.0f},{:.0f},1.3; set view equal xyz; set xyplane relative 0; unset grid", rotate_x_,
               rotate_z_);
  figure_.line("set border 31 lw 0.5 lc rgb '#909090'; set tics textcolor rgb 'black' font ',11'");
  for (int i = 0; i < 3; ++i) {
    const double width = view_.window(i).width();
    figure_.line("set {0}range {1}; set {0}label {2} offset 0,{3}; set {0}tics {4} offset 0,{5}", "xyz"[i],
                 text_of(view_.window(i)), quoted(view_.label(i)), i < 2 ? -0.7 : 0.0,
                 number(round_tick(width / (width < 0.35 * view_.extent() ? 1.5 : 3.5))), i < 2 ? -0.3 : 0.0);
  }
  // Within one plot gnuplot draws a surface last: the trajectories come in a second one above it.
  const std::string valley = valley_.empty() ? "" : write_valley();
  if (manifold_.valley_dimension() == 2) {
    figure_.line(
        "set pm3d depthorder noborder lighting primary 0.35 specular 0.1; set style fill transparent solid 0.85");
    figure_.plot("splot", {valley + " using 1:2:3:4 with pm3d notitle"});
  } else {
    figure_.plot("splot", {valley + " using 1:2:3:4 with lines lw 7 lc palette notitle"});
  }
  figure_.line("unset border; unset tics; unset xlabel; unset ylabel; unset zlabel; unset pm3d; unset colorbox");
  figure_.line("unset label");
  figure_.plot("splot", path_parts("1:2:3", "#404040"));
}

/// Back to a plain panel after a map or a picture in space.
void ValleyPicture::reset_axes() {
  figure_.line(
      "unset label; unset key; unset xlabel; unset ylabel; unset colorbox; unset pm3d; set view 60,30,1; set size "
      "noratio");
  figure_.line("set origin 0,0; set size 1,1; set border 31 lw 0.8 lc rgb 'black'");
  figure_.line(
      "set xtics autofreq nomirror out offset 0,closer font ',12'; set ytics autofreq nomirror out offset 0,0");
  figure_.line("set ytics font ',12'; set grid lc rgb '#dddddd' lw 0.6");
}

/// The first slow coordinate of the same paths against time.
void ValleyPicture::draw_against_time() {
  const std::string name = manifold_.slow_coordinate_names().front();
  const double last = comparison_.times.empty() ? 1.0 : comparison_.times.back();
  Range values;
  std::size_t records = 0;
  std::vector<std::string> raw, slow, limit;
  for (const compare::SampledPath* path : shown_.paths) {
    const std::string data = figure_.block(fmt::format("path {}: time, {} of w, slow variable, Y", path->path, name));
    records = std::max({path->discrete.size(), path->slow.size(), path->limit.size()});
    for (std::size_t i = 0; i < records; ++i) {
      const auto coordinate = [&](const std::vector<Vector>& states) {
        if (i >= states.size() || !is_drawable(states[i])) return std::nan("");
        const double q = manifold_.slow_coordinates(states[i], start_)[0];
        values.add(q);
        return q;
      };
      // Sampled paths have records of their own, evenly spread over the run.
      const double time = last * static_cast<double>(i) / static_cast<double>(std::max<std::size_t>(records - 1, 1));
      figure_.row({time, coordinate(path->discrete), coordinate(path->slow), coordinate(path->limit)});
    }
    raw.push_back(data + " using 1:2 with lines lw 0.7 lc rgb '#a0a0a0'");
    limit.push_back(fmt::format("{} using 1:4 with lines lw 2 lc rgb '{}'", data, theory_colour));
    slow.push_back(fmt::format("{} every {} using 1:3 with points pt 7 ps 0.48 lc rgb '{}'", data, mark_stride(records),
                               discrete_colour));
  }
  figure_.place(path_box);
  figure_.line("set xrange [0:{}]; set yrange {}", axis_end(last), text_of(values.padded(0.06)));
  figure_.axis_labels(path_box, slow_time_label, axis_label(name, manifold_.description().source != nullptr), 62.0);
  figure_.text(shown_.paths.size() > 1 ? "the same paths against slow time" : "the same path against slow time",
               0.5 * (path_box.left + path_box.right), path_box.top + 18.0, "center", 14);
  std::vector<std::string> parts;
  for (const auto* some : {&raw, &limit, &slow}) parts.insert(parts.end(), some->begin(), some->end());
  figure_.plot("plot", parts);
}

Figure ValleyPicture::draw() {
  figure_.line("set multiplot");
  title_and_colours();
  view_.is_space() ? draw_space() : draw_flat();
  reset_axes();
  draw_against_time();
  figure_.line("unset multiplot");
  return figure_;
}

}  // namespace

Figure valley_figure(const compare::Comparison& comparison, const Manifold& manifold) {
  return ValleyPicture(comparison, manifold).draw();
}

}  // namespace valleydrift::figures
