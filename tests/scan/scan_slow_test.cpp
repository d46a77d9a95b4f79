// The two-thirds law and the prefactor as a user would scan them, at the full grid.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "validation/scan/scan.hpp"

namespace valleydrift {

using namespace valleydrift::run;
using namespace valleydrift::scan;

BOOST_AUTO_TEST_SUITE(scan_of_a_grid, *boost::unit_test::label("slow"))

namespace {

constexpr double two_thirds = 2.0 / 3.0;

ScanConfig configuration(const std::string& manifold) {
  ScanConfig c;
  c.run.manifold = manifold;
  c.run.noise_law = NoiseLaw::rademacher;
  c.run.paths = 4096;
  return c;
}

ScanResult result_of(const ScanConfig& config) {
  const ResolvedScan scan = resolve_scan(config);
  return evaluate(scan, run_cells(scan, {}, {}));
}

/// Every time beside its prediction: 5 % and five standard errors.
void check_cells(const ScanResult& result) {
  int checked = 0;
  for (const CellResult& cell : result.cells) {
    if (cell.status != Status::ok || cell.scaled_friction > 5.0) continue;
    for (const Figures f : {Figures::mean, Figures::rms, Figures::transverse}) {
      const Figured& x = cell.at(f);
      ++checked;
      BOOST_TEST(std::abs(x.measured - x.predicted) < 0.05 * x.predicted + 5.0 * x.standard_error,
                 "eta " << cell.cell.eta << " gamma " << cell.cell.gamma << " C " << cell.cell.C << " figure "
                        << static_cast<int>(f) << ": " << x.measured << " against " << x.predicted);
    }
  }
  BOOST_TEST(checked > 60);
}

void check_law(const ScanResult& result) {
  for (const ExponentRow& row : result.exponents) {
    BOOST_TEST_CONTEXT("gamma " << row.gamma) {
      if (row.gamma < 0.64) {
        BOOST_REQUIRE(row.mean.law.has_value());
        BOOST_TEST(std::abs(row.mean.law->alpha - (2.0 - 2.0 * row.gamma)) < 0.03);
      }
      if (row.gamma > 0.54 && row.transverse.law) BOOST_TEST(std::abs(row.transverse.law->alpha - row.gamma) < 0.03);
    }
  }
  BOOST_REQUIRE(result.crossing.has_value());
  BOOST_TEST(std::abs(result.crossing->gamma - two_thirds) < 0.03);
  BOOST_TEST(result.crossing->interval.half_width() < 0.03);
  BOOST_TEST((result.verdict == LawVerdict::agree));
}

/// Where the least-squares lines through the predicted exponents meet, the mean's up to gamma 0.64 and the transverse
/// ones: 2/3 up to what the learning rates of the scan leave.
double predicted_crossing(const ScanResult& result) {
  const auto line = [&](const Exponent ExponentRow::*reading, double highest) {
    double n = 0.0, x = 0.0, y = 0.0, xx = 0.0, xy = 0.0;
    for (const ExponentRow& row : result.exponents) {
      const std::optional<double> alpha = (row.*reading).predicted;
      if (!alpha || row.gamma > highest) continue;
      n += 1.0, x += row.gamma, y += *alpha, xx += row.gamma * row.gamma, xy += row.gamma * *alpha;
    }
    const double slope = (n * xy - x * y) / (n * xx - x * x);
    return std::pair{(y - slope * x) / n, slope};
  };
  const auto [a, falling] = line(&ExponentRow::mean, 0.64);
  const auto [b, rising] = line(&ExponentRow::transverse, 1.0);
  return (b - a) / (falling - rising);
}

}  // namespace

BOOST_AUTO_TEST_CASE(two_thirds_law_on_uv) {
  const ScanConfig config = configuration("uv");
  const ResolvedScan scan = resolve_scan(config);
  const ScanResult result = evaluate(scan, run_cells(scan, {}, {}));
  check_cells(result);
  check_law(result);
  BOOST_TEST(result.crossing->interval.contains(predicted_crossing(result)));

  // The prefactor, against the peaks of the hierarchy's own rates: 1.003 C* and 1.170 C*.
  const double C_star = std::cbrt(0.02);
  BOOST_REQUIRE((result.rate_rms.measured && result.rate_mean.measured));
  BOOST_TEST(*result.rate_rms.measured == C_star, boost::test_tools::tolerance(0.1));
  BOOST_TEST(*result.rate_mean.measured == 1.167 * C_star, boost::test_tools::tolerance(0.1));
  BOOST_TEST(*result.rate_rms.value == 0.411, boost::test_tools::tolerance(0.05));
  BOOST_TEST(*result.rate_mean.value == 0.796, boost::test_tools::tolerance(0.05));

  // The denials: the same cells without their transverse times, or counted by the wrong clock, show no V.
  for (const Control control : {Control::no_transverse, Control::wrong_clock}) {
    ResolvedScan wrong = scan;
    wrong.config.control = control;
    BOOST_TEST((evaluate(wrong, result.cells).verdict == LawVerdict::disagree), name_of(control));
  }
}

BOOST_AUTO_TEST_CASE(two_thirds_law_on_other_valleys) {
  for (const char* manifold : {"ellipse", "channel"}) {
    ScanConfig config = configuration(manifold);
    config.prefactor = false;
    config.etas = {3e-4, 1e-3, 3e-3, 1e-2};
    const ScanResult result = result_of(config);
    BOOST_TEST_CONTEXT(manifold) {
      check_cells(result);
      check_law(result);
    }
  }
}

BOOST_AUTO_TEST_CASE(time_scales_where_they_are_separated_and_where_not) {
  ScanConfig config = configuration("uv");
  config.etas = {1e-3};
  config.gammas = {0.5, 0.6, 0.8};
  config.prefactor = false;
  const ScanResult result = result_of(config);
  for (const CellResult& cell : result.cells) {
    const Figured &one = cell.at(Figures::tau_1), &two = cell.at(Figures::tau_2);
    BOOST_TEST(std::abs(one.measured / one.predicted - 1.0) < 0.05 + 5.0 * one.standard_error / one.predicted);
    const double off = std::abs(two.measured / two.predicted - 1.0);
    BOOST_TEST((cell.cell.gamma < 0.7 ? off < 0.05 : off > 0.2), cell.cell.gamma << ": " << off);
  }
}

// Times and their exponents with drawn batches, whose own noise makes the mean relax sooner than the paper's form says:
// DERIVATION (48) to (51) against runs.
BOOST_AUTO_TEST_CASE(drawn_batches_on_the_quadratic_pair) {
  ScanConfig config = configuration("quadratic-pair");
  config.run.epsilon = 0.02;
  config.run.paths = 256;
  config.etas = {2e-4, 3.2e-4, 5e-4};
  config.gammas = {0.5, 0.55};
  config.Cs = {{0.12}};
  config.prefactor = false;
  const ResolvedScan full = resolve_scan(config);
  config.run.batch = 1;
  const ResolvedScan scan = resolve_scan(config);
  const ScanResult result = evaluate(scan, run_cells(scan, {}, {}));
  BOOST_REQUIRE(result.cells.size() == full.cells.size());
  for (std::size_t i = 0; i < result.cells.size(); ++i) {
    const CellResult& cell = result.cells[i];
    BOOST_TEST_CONTEXT("eta " << cell.cell.eta << " gamma " << cell.cell.gamma) {
      BOOST_TEST((cell.status == Status::ok));
      for (const Figures f : {Figures::mean, Figures::rms, Figures::transverse, Figures::tau_2}) {
        const Figured& x = cell.at(f);
        BOOST_TEST(
            std::abs(x.measured - x.predicted) < 0.05 * x.predicted + 5.0 * x.standard_error,
            static_cast<int>(f) << ": " << x.measured << " +- " << x.standard_error << " against " << x.predicted);
      }
      // The denials: label noise of one sample alone halves the full batch's time; the root mean square of several slow
      // coordinates, of which one decays later, is not as soon small as the part along the start.
      const double of_full = predict(full, full.run_of(full.cells[i])).mean.value();
      BOOST_TEST(0.5 * of_full > 1.1 * cell.at(Figures::mean).measured);
      BOOST_TEST(cell.at(Figures::rms).measured > 1.2 * cell.at(Figures::mean).measured);
    }
  }
  for (const ExponentRow& row : result.exponents) {
    BOOST_TEST_CONTEXT("gamma " << row.gamma) {
      BOOST_REQUIRE((row.mean.law && row.mean.predicted && row.transverse.law && row.transverse.predicted));
      BOOST_TEST(std::abs(row.mean.law->alpha - *row.mean.predicted) < 0.05);
      BOOST_TEST(std::abs(row.transverse.law->alpha - *row.transverse.predicted) < 0.1);
      BOOST_TEST(row.mean.law->alpha > 2.0 - 2.0 * row.gamma + 0.06);  // their noise is a correction of order eta/mu
    }
  }
}

BOOST_AUTO_TEST_CASE(nesterov_at_small_noise) {
  ScanConfig config = configuration("uv");
  config.run.scheme = valleydrift::manifolds::Scheme::nesterov;
  config.run.epsilon = 0.005;
  config.etas = {0.02};
  config.gammas = {0.7};
  config.Cs = {{0.03}};
  config.prefactor_eta = 0.02;
  config.prefactor_paths = 16384;
  const ScanResult nesterov = result_of(config);
  BOOST_REQUIRE(nesterov.rate_mean.measured.has_value());
  // Critical damping, DERIVATION (47): mu = 2 eps (eta/l)^(1/2) = 1e-3, and the rate is half of it.
  const double mu = *nesterov.rate_mean.measured * std::pow(0.02, two_thirds);
  BOOST_TEST(mu == 1e-3, boost::test_tools::tolerance(0.1));
  const double unit = std::cbrt(0.02 * 0.02 * 0.005 * 0.005);
  // Heavy ball's fastest rate of the mean is 0.796 k_0^(1/3).
  BOOST_TEST(*nesterov.time_mean.measured > 0.0);
  BOOST_TEST(mu / 2.0 < 0.796 * unit);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
