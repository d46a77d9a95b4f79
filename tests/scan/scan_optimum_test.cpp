// The best prefactor of a scan: readings at a cusp and at a jump, and the interval about them.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "validation/scan/optimum.hpp"

namespace valleydrift {

using namespace valleydrift::run;
using namespace valleydrift::scan;

namespace {

ScanConfig prefactors() {
  ScanConfig c;
  c.run.manifold = "uv";
  c.etas = {3e-3};
  c.gammas = {0.6};
  return c;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scan_optimum)

// A time that jumps where the first overshoot stays within delta: the middle of the jump, not the parabola's vertex on
// its far side.
BOOST_AUTO_TEST_CASE(extremum_at_a_jump) {
  std::vector<double> x, y;
  for (int i = 0; i < 9; ++i) {
    x.push_back(0.1 * std::pow(1.1, i));
    y.push_back(x.back() < 0.14 ? 8.0 - x.back() : 3.5 + x.back());
  }
  BOOST_TEST(extremum(x, y, false)->x == 0.1 * std::pow(1.1, 3.5), boost::test_tools::tolerance(1e-9));
  BOOST_TEST(extremum(x, y, false)->y == 3.5 + x[4]);
  std::reverse(y.begin(), y.end());
  BOOST_TEST(extremum(x, y, false)->x == 0.1 * std::pow(1.1, 4.5), boost::test_tools::tolerance(1e-9));
  // No jump: two samples about the top of a parabola, however close it is to their middle.
  for (const double off : {0.45, 0.499, 0.5, 0.501}) {
    for (int i = 0; i < 9; ++i) y[static_cast<std::size_t>(i)] = std::exp(-0.01 * (i - 4 - off) * (i - 4 - off));
    BOOST_TEST(extremum(x, y, true)->x == 0.1 * std::pow(1.1, 4.0 + off), boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(the_reach_of_resamples_is_on_the_far_side) {
  std::vector<double> samples;
  for (int i = 0; i <= 1000; ++i) samples.push_back(1.0 + 0.001 * i);
  BOOST_TEST(*reach_95(1.5, samples) == 0.475, boost::test_tools::tolerance(1e-3));
  BOOST_TEST(*reach_95(0.9, samples) == 1.075, boost::test_tools::tolerance(1e-3));  // biased: the interval is wider
  // Of what was not reached nothing is known: more than a tenth of it, and there is no interval.
  std::vector<double> some(100, 1.0);
  std::fill_n(some.begin(), 10, not_reached);
  BOOST_TEST(reach_95(1.0, some).has_value());
  some[10] = not_reached;
  BOOST_TEST(!reach_95(1.0, some).has_value());
  samples.resize(10);
  BOOST_TEST(!reach_95(1.0, samples).has_value());
}

// Made-up rates and times of a scan whose unit k_0^(-1/3) moves with C, as Nesterov's does; resampled without any
// scatter, so that the interval is the grid's error alone, and with a bias, so that it must reach further.
BOOST_AUTO_TEST_CASE(an_interval_of_the_best_C_holds_its_own_estimate) {
  ScanConfig config = prefactors();
  config.prefactor_Cs = std::vector<double>();
  for (int i = 0; i < 15; ++i) config.prefactor_Cs->push_back(0.15 * std::pow(1.07, i));
  const ResolvedScan scan = resolve_scan(config);
  const double step = std::log(1.07);
  for (const double bias : {0.0, 0.02}) {
    std::vector<CellResult> cells;
    for (const Cell& cell : scan.cells) {
      if (cell.part != Part::prefactor) continue;
      CellResult r{.cell = cell, .figure = {}};
      r.status = Status::ok;
      r.unit = 1e3 * std::pow(cell.C, 0.5);
      const double x = std::log(cell.C / 0.26) / step;
      const auto values = [&](double shift) {
        FigureValues v{};
        v.fill(not_reached);
        const double smooth = std::exp(-0.02 * (x - shift) * (x - shift));
        v[static_cast<std::size_t>(Figures::rate_rms)] = 1e-3 * smooth;
        v[static_cast<std::size_t>(Figures::rate_mean)] = 1e-3 * std::exp(-0.05 * std::abs(x - shift));
        v[static_cast<std::size_t>(Figures::rms)] = 500.0 / smooth;
        v[static_cast<std::size_t>(Figures::mean)] = x < shift ? 800.0 : 400.0 * std::exp(0.02 * x);
        return v;
      };
      for (int f = 0; f < figure_count; ++f) {
        r.figure[static_cast<std::size_t>(f)] = {values(0.0)[static_cast<std::size_t>(f)], 0.0, not_reached};
      }
      r.replicates.assign(replicate_count, values(bias / step));
      cells.push_back(r);
    }
    for (const Figures f : {Figures::rate_mean, Figures::rate_rms, Figures::mean, Figures::rms}) {
      const bool largest = f == Figures::rate_mean || f == Figures::rate_rms;
      const BestC best = best_c(scan, cells, f, largest);
      BOOST_TEST_CONTEXT("figure " << static_cast<int>(f) << " bias " << bias) {
        BOOST_REQUIRE((best.measured && best.interval && best.grid_error));
        BOOST_TEST(best.interval->contains(*best.measured));
        BOOST_TEST(best.interval->contains(0.26));
        BOOST_TEST(*best.grid_error == 0.07, boost::test_tools::tolerance(1e-6));  // no prediction: a whole step
        const double reach = std::log(best.interval->high / *best.measured) - step;
        // The resampled jump lies between the same two samples.
        BOOST_TEST(std::abs(reach - (f == Figures::mean ? 0.0 : bias)) < 0.01);
        // The fastest by steps, although k_0^(1/3) falls with C.
        BOOST_TEST(std::abs(std::log(*best.measured / 0.26)) < (f == Figures::rate_rms ? 1e-6 : 0.51 * step));
      }
    }
  }
}

// The predicted optimum does not lie on the grid, and the error of the reading is that of the worst position of it.
BOOST_AUTO_TEST_CASE(the_grid_has_an_error_that_is_stated) {
  ScanConfig config = prefactors();
  const ResolvedScan scan = resolve_scan(config);
  std::vector<CellResult> cells;
  for (const Cell& cell : scan.cells) {
    if (cell.part != Part::prefactor) continue;
    CellResult r{.cell = cell, .figure = {}};
    const Prediction p = predict(scan, scan.run_of(cell));
    r.figure.fill({not_reached, not_reached, not_reached});
    const auto put = [&](Figures f, double x) { r.figure[static_cast<std::size_t>(f)] = {x, 0.0, x}; };
    put(Figures::rate_mean, *decay_rate(p, sde::Moment::mean));
    put(Figures::mean, *p.mean);
    r.unit = p.scales.unit;
    r.status = Status::ok;
    FigureValues values{};
    for (std::size_t f = 0; f < values.size(); ++f) values[f] = r.figure[f].measured;
    r.replicates.assign(replicate_count, values);
    cells.push_back(r);
  }
  const double spacing = std::log(cells[1].cell.C / cells[0].cell.C);
  const BestC rate = best_c(scan, cells, Figures::rate_mean, true), time = best_c(scan, cells, Figures::mean, false);
  BOOST_TEST(*rate.predicted == 1.170 * scan.C_star, boost::test_tools::tolerance(2e-3));  // DERIVATION section 13
  BOOST_TEST(*rate.predicted_value == 0.798, boost::test_tools::tolerance(2e-3));
  for (const BestC* best : {&rate, &time}) {
    BOOST_TEST(best->interval->contains(*best->measured));
    BOOST_TEST(best->interval->contains(*best->predicted));
    // At the cusp and the jump the predictions themselves are misread by up to so much; a reading without an error
    // lies.
    BOOST_TEST(std::log1p(*best->grid_error) > 0.4 * spacing);
    BOOST_TEST(std::log1p(*best->grid_error) < 1.2 * spacing);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
