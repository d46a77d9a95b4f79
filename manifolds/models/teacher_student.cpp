// The samples, both networks with their weights, and the trace of the Hessian in closed form.
#include "manifolds/models/teacher_student.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>

#include "manifolds/random/random_data.hpp"

namespace valleydrift::manifolds {
namespace {

/// What the draws of a seed are for.
enum NetworkDraws : std::uint32_t {
  training_inputs,
  test_inputs,
  teacher_outputs,
  teacher_units,
  student_outputs,
  student_units
};

/// Normal weights of variance 2 over the number of weights that enter the same unit.
std::vector<double> kaiming_weights(const RandomData& draw, int width, int inputs, std::uint32_t outputs,
                                    std::uint32_t units) {
  std::vector<double> w = draw.normals(1, width, outputs, std::sqrt(2.0 / width));
  const std::vector<double> u = draw.normals(width, inputs, units, std::sqrt(2.0 / inputs));
  w.insert(w.end(), u.begin(), u.end());
  return w;
}

/// sum_k a_k tanh(w_k . x) for the inputs x[c stride], as many as T has lanes.
template <class T>
T network_answer(std::span<const double> w, int width, int inputs, const double* x, int stride) {
  const auto component = [&](int c) {
    if constexpr (is_lanes_v<T>) {
      return T::load({x + static_cast<std::ptrdiff_t>(c) * stride, lane_count});
    } else {
      return x[static_cast<std::ptrdiff_t>(c) * stride];
    }
  };
  T sum(0.0);
  const double* u = w.data() + width;
  for (int k = 0; k < width; ++k, u += inputs) {
    T z = u[0] * component(0);
    for (int c = 1; c < inputs; ++c) z = z + u[c] * component(c);
    sum = sum + w[static_cast<std::size_t>(k)] * tanh(z);
  }
  return sum;
}

}  // namespace

TeacherStudent::TeacherStudent(const ParameterValues& parameters)
    : inputs_(static_cast<int>(parameters.at("inputs"))),
      width_(static_cast<int>(parameters.at("width"))),
      samples_(static_cast<int>(parameters.at("samples"))),
      seed_(parameters.at("seed")) {
  const int teacher_width = static_cast<int>(parameters.at("teacher-width"));
  if (!(teacher_width <= width_)) {
    throw std::invalid_argument(fmt::format(
        "teacher-width = {} must not exceed width = {}: the student could not learn it", teacher_width, width_));
  }
  if (!(samples_ < dimension())) {
    throw std::invalid_argument(
        fmt::format("samples = {} must be below width (inputs + 1) = {}, the number of weights: otherwise no valley is "
                    "left",
                    samples_, dimension()));
  }
  const RandomData draw(seed_);
  x_ = draw.normals(samples_, inputs_, training_inputs);
  test_x_ = draw.normals(inputs_, test_count, test_inputs);
  teacher_ = kaiming_weights(draw, teacher_width, inputs_, teacher_outputs, teacher_units);
  for (int i = 0; i < samples_; ++i) {
    y_.push_back(network_answer<double>(teacher_, teacher_width, inputs_, input(i), 1));
  }
  for (int t = 0; t < test_count; ++t) {
    test_y_.push_back(network_answer<double>(teacher_, teacher_width, inputs_, test_x_.data() + t, test_count));
  }
}

ManifoldDescription TeacherStudent::describe() {
  return {
      .name = "teacher-student",
      .formula = "f_i = sum_k a_k tanh(w_k . x_i) - y_i, i = 1..n, L = (1/2n) sum_i f_i^2",
      .coordinates = "a_1..a_K, w_1, ..., w_K",
      .summary = "a two-layer network of K units on the labels of a narrower one",
      // With these sizes, of the first hundred seeds 12 begin with eigenvalues within a factor of ten, 65 see the
      // test error fall along the flow and 9 both: 70 is one of them. No more inputs than samples: in directions across
      // all samples nothing would ever move.
      .parameters = {{"inputs", "d, components of x", 4, 1, 64, true},
                     {"width", "K, units of the student", 5, 1, 64, true},
                     {"teacher-width", "units of the teacher, at most K", 2, 1, 64, true},
                     {"samples", "n, below K (d + 1)", 4, 1, 255, true},
                     {"seed", "of samples, teacher and start", 70, 0, 1e9, true}},
      .known = {"tr H = (1/n) sum_ik (h_ik^2 + a_k^2 (1 - h_ik^2)^2 |x_i|^2) on the valley, h_ik = tanh(w_k . x_i): "
                "label noise prefers a small sum of |a_k| |w_k|, that is few units",
                "the teacher is on the valley, each of its units shared by some of the student's",
                "exchanging units, or a_k, w_k -> -a_k, -w_k, changes neither loss nor tr H"},
      // No wider than the teacher, more samples than inputs: the eigenvalues spread by a factor of 28.
      .awkward = {{"inputs", 3}, {"width", 2}, {"teacher-width", 2}, {"samples", 4}, {"seed", 53}},
      .invalid = {{"samples", 25}}};
}

std::vector<double> TeacherStudent::default_start() const {
  return brought_to_valley(
      "teacher-student", kaiming_weights(RandomData(seed_), width_, inputs_, student_outputs, student_units), samples_,
      [this](std::span<const double> at, std::span<double> f) { residuals<double>(at, f); },
      [this](std::span<const double> at, std::span<const double> r, std::span<double> g) {
        pullback<double, double>(at, r, g);
      });
}

void TeacherStudent::slow_coordinates(std::span<const double> y, std::span<const double> /*start*/,
                                      std::span<double> q) const {
  static_assert(test_count % lane_count == 0);
  std::array<double, test_count> answers;
  for (int t = 0; t < test_count; t += lane_count) {
    network_answer<Lanes>(y, width_, inputs_, test_x_.data() + t, test_count)
        .store(std::span(answers).subspan(static_cast<std::size_t>(t)));
  }
  double sum = 0.0;  // one after the other: the same bits for every number of lanes
  for (std::size_t t = 0; t < answers.size(); ++t) sum += (answers[t] - test_y_[t]) * (answers[t] - test_y_[t]);
  q[0] = sum / test_count;
  q[1] = std::inner_product(y.begin(), y.end(), y.begin(), 0.0);
}

double TeacherStudent::closed_trace_hessian(std::span<const double> y) const {
  double sum = 0.0;
  for (int i = 0; i < samples_; ++i) {
    const double square = std::inner_product(input(i), input(i) + inputs_, input(i), 0.0);
    for (int k = 0; k < width_; ++k) {
      double h = 0.0;
      activate<1>(y.data() + first_weight(k), i, &h);
      const double slope = y[static_cast<std::size_t>(k)] * (1.0 - h * h);
      sum += h * h + slope * slope * square;
    }
  }
  return sum / samples_;
}

std::vector<double> TeacherStudent::embedded_teacher() const {
  const int teacher_width = static_cast<int>(teacher_.size()) / (inputs_ + 1);
  std::vector<double> w(static_cast<std::size_t>(dimension()));
  for (int k = 0; k < width_; ++k) {
    const int unit = k % teacher_width, sharing = (width_ - unit - 1) / teacher_width + 1;
    w[static_cast<std::size_t>(k)] = teacher_[static_cast<std::size_t>(unit)] / sharing;
    std::copy_n(teacher_.data() + teacher_width + static_cast<std::ptrdiff_t>(unit) * inputs_, inputs_,
                w.data() + first_weight(k));
  }
  return w;
}

}  // namespace valleydrift::manifolds
