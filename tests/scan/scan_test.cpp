// The parts of a scan: the transverse energy against impulse responses summed here, and single cells against their
// prediction.
#include "validation/scan/scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>

#include "manifolds/errors.hpp"
#include "validation/report/advice_report.hpp"
#include "validation/run/random_start.hpp"
#include "validation/scan/drawn_relaxation.hpp"
#include "validation/scan/fit.hpp"
#include "validation/scan/transverse_energy.hpp"

namespace valleydrift {

using namespace valleydrift::run;
using namespace valleydrift::scan;

BOOST_AUTO_TEST_SUITE(scan)

namespace {

ScanConfig small(const std::string& manifold = "uv") {
  ScanConfig c;
  c.run.manifold = manifold;
  c.run.noise_law = NoiseLaw::rademacher;
  c.run.paths = 2048;
  c.etas = {3e-3};
  c.gammas = {0.6};
  c.prefactor = false;
  return c;
}

/// The cell of gamma = 2/3 with this friction over k_0^(1/3).
CellResult cell_at(ScanConfig config, double scaled_friction) {
  const ResolvedScan probe = resolve_scan(config);
  config.gammas = {2.0 / 3.0};
  config.Cs = {scaled_friction * probe.C_star / std::cbrt(2.0)};
  const ResolvedScan scan = resolve_scan(config);
  return run_cell(scan, scan.cells.front());
}

void check_near_prediction(const CellResult& r, Figures f, double part) {
  const Figured& x = r.at(f);
  BOOST_TEST(std::abs(x.measured / x.predicted - 1.0) < part + 4.0 * x.standard_error / x.predicted,
             static_cast<int>(f) << ": " << x.measured << " +- " << x.standard_error << " against " << x.predicted);
}

}  // namespace

// --- The transverse energy ------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(transverse_energy_relaxes_without_oscillation) {
  // Second moments of w and p after k kicks are sums of squares of impulse responses, generated here step by step.
  for (const Scheme scheme : {Scheme::heavy_ball, Scheme::nesterov}) {
    const double l = 1.7, epsilon = 0.3;
    const Hyperparameters h{scheme, 0.02, 0.1, epsilon};
    manifolds::Geometry geometry;
    geometry.spectrum = Vector::Constant(1, l);
    geometry.transverse = Matrix::Identity(2, 1);
    const Matrix sigma = std::sqrt(l) * Matrix::Identity(2, 1);
    const TransverseEnergy energy(geometry, sigma, h);
    const EnergyForm form = energy_form(geometry.spectrum, h);
    const double look_ahead = scheme == Scheme::nesterov ? h.eta * h.beta() : 0.0;
    const auto value = [&](double w, double p) {
      return 0.5 * l * w * w + form.kinetic * p * p + form.displacement * w * p - form.gradient * p * l * w;
    };
    double w = h.eta * epsilon * std::sqrt(l), p = epsilon * std::sqrt(l), sum = 0.0, within = 0.0;
    const double decay = scheme == Scheme::nesterov ? h.beta() * (1.0 - h.eta * l) : h.beta();
    for (int k = 1; k <= 2000; ++k) {
      sum += value(w, p);
      const double missing = 1.0 - sum / energy.plateau();
      if (missing > 0.2) within = k;
      // Exact for heavy ball; for Nesterov the kinetic part neglects a factor 1 - eta l.
      const double tolerance = scheme == Scheme::heavy_ball ? 1e-10 : 2.0 * h.eta * l;
      BOOST_TEST(std::abs(missing - std::pow(decay, k)) < tolerance);
      p = h.beta() * p - l * (w + look_ahead * p);
      w += h.eta * p;
    }
    BOOST_TEST(std::abs(sum / energy.plateau() - 1.0) < 1e-10);
    BOOST_TEST(std::abs(energy.convergence_time(0.2, 2.0 / -std::log(decay)).value() - within) <= 1.0);
  }
  // At eta l = 1 sgd is on its plateau after one step, and the straight line to there passes 0.2 at 0.8.
  ScanConfig at_once = small();
  at_once.run.scheme = Scheme::sgd;
  at_once.etas = {0.4, 0.5};
  at_once.gammas = {};
  const ResolvedScan sgd = resolve_scan(at_once);
  BOOST_TEST(predict(sgd, sgd.run_of(sgd.cells.back())).transverse.value() == 0.8, boost::test_tools::tolerance(1e-9));
  // The denial: the loss alone does oscillate.
  BOOST_TEST(energy_form(Vector::Constant(1, 1e-4), {Scheme::heavy_ball, 0.02, 0.1, 0.1}).kinetic == 0.0);
  BOOST_TEST(underdamped(1.0, {Scheme::heavy_ball, 0.02, 0.1, 0.1}));
}

// --- Predictions ----------------------------------------------------------------------------------------------------

// Along a row of gamma from one regime to the other: no kink between the hierarchy and its separated limit, where the
// limiting flow alone is 1.5 % short.
BOOST_AUTO_TEST_CASE(predictions_have_no_kink) {
  ScanConfig config = small();
  const ResolvedScan scan = resolve_scan(config);
  std::vector<double> logs;
  constexpr double step = 0.02;
  for (int i = 0; i < 120; ++i) {
    ResolvedRun run = scan.run_of(scan.cells.front());
    run.hyperparameters.mu = 2.5 * std::pow(1e-6 * 9.0 * 0.01, 1.0 / 3.0) * std::exp(step * i);
    const Prediction p = predict(scan, run);
    BOOST_REQUIRE((p.root_mean_square && p.accuracy));
    BOOST_TEST(*p.accuracy < 0.02);
    logs.push_back(std::log(*p.root_mean_square));
  }
  for (std::size_t i = 1; i + 1 < logs.size(); ++i) {
    // The second difference is of order step^2 times a slope's change of one, and 1e-3 by the orders of the hierarchy.
    BOOST_TEST(std::abs(logs[i + 1] - 2.0 * logs[i] + logs[i - 1]) < 1.5e-3, i);
  }
}

// Of many cells some are planned, and the others follow the power law of their row.
BOOST_AUTO_TEST_CASE(expected_work_of_many_cells) {
  ScanConfig config = small();
  config.etas = {};
  config.gammas = {};
  for (int i = 0; i < 12; ++i) config.gammas.push_back(0.5 + 0.02 * i);
  const ResolvedScan scan = resolve_scan(config);
  const std::vector<CellWork> work = expected_work(scan);
  BOOST_REQUIRE(work.size() == 84u);
  for (std::size_t i = 0; i < work.size(); ++i) {
    const CellWork own = plan_cell(scan, scan.cells[i]).work;
    BOOST_TEST(work[i].path_steps == own.path_steps, boost::test_tools::tolerance(0.3));
    BOOST_TEST(own.path_steps > 2048.0 * *predict(scan, scan.run_of(scan.cells[i])).mean);
    BOOST_TEST(own.path_records > 100.0 * 2048.0);
  }
}

// --- Cells ----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(cells_agree_with_their_prediction) {
  for (const double m : {0.7, 1.3, 3.0}) {
    const CellResult r = cell_at(small(), m);
    BOOST_TEST_CONTEXT("friction " << m) {
      BOOST_REQUIRE(r.status == Status::ok);
      BOOST_TEST(r.scaled_friction == m, boost::test_tools::tolerance(0.02));
      BOOST_TEST((r.source == Source::hierarchy));
      for (const Figures f : {Figures::mean, Figures::rms, Figures::transverse, Figures::tau_1}) {
        check_near_prediction(r, f, 0.05);
      }
      // The denial: beyond separation the limiting flow is seen to be wrong.
      const Figured& rms = r.at(Figures::rms);
      const double flow = r.at(Figures::tau_2).predicted * std::log(5.0);
      if (m < 2.0) BOOST_TEST(std::abs(rms.measured - flow) > 0.3 * rms.measured);
    }
  }
}

BOOST_AUTO_TEST_CASE(random_starts_and_descents) {
  ScanConfig config = small();
  config.run.paths = 8192;
  config.run.random_start = true;
  config.run.phase1 = Phase1::noisy;
  config.run.start_scale = 0.5;
  const ResolvedScan scan = resolve_scan(config);
  ResolvedRun run = scan.run_of(scan.cells.front());
  CellRecords records;
  CellEnsemble::make(scan, run, 5)->advance({1}, records);
  std::array<double, sum_count> mean{};
  for (const auto& batch : records.batches.front()) {
    for (std::size_t c = 0; c < mean.size(); ++c) mean[c] += batch[c] / 8192.0;
  }
  const auto of = [&](Sum sum) { return mean[static_cast<std::size_t>(sum)]; };
  // One small step from where the ratios are 1 by definition.
  BOOST_TEST(of(Sum::along) == 1.0, boost::test_tools::tolerance(0.02));
  BOOST_TEST(of(Sum::squared) == 1.0, boost::test_tools::tolerance(0.02));
  // E L = (E (u v)^2 + 1)/2 with u, v normal of variance 1/4; its deviation over paths is 0.3.
  BOOST_TEST(std::abs(of(Sum::loss) - 0.5 * (0.0625 + 1.0)) < 0.01 + 5.0 * 0.3 / std::sqrt(8192.0));
  // E (u^2 + v^2) = 1/2, deviation 0.5.
  BOOST_TEST(std::abs(of(Sum::trace) - 0.5) < 0.01 + 5.0 * 0.5 / std::sqrt(8192.0));

  // Without the descent one point for all, which the gradient flow moves onto the valley, keeping u^2 - v^2.
  config.run.phase1 = Phase1::none;
  config.run.start_scale = 2.0;
  config.run.seed = 3;
  const ResolvedScan moved = resolve_scan(config);
  const Vector drawn = random_start(config.run.seed, 0, 2.0, 2);
  BOOST_TEST(!moved.linear);  // further out than where a scan would begin by itself
  BOOST_TEST(std::abs(moved.start[0] * moved.start[1] - 1.0) < 1e-9);
  BOOST_TEST(std::abs(moved.start[0] * moved.start[0] - moved.start[1] * moved.start[1] -
                      (drawn[0] * drawn[0] - drawn[1] * drawn[1])) < 1e-6);
  BOOST_TEST((moved.initial - moved.start).norm() == 0.0);
  run = moved.run_of(moved.cells.front());
  BOOST_TEST((run.start - moved.start).norm() < 1e-9);

  ScanConfig descent = small();
  descent.run.start = {{1.6, 1.2}};
  descent.run.phase1 = Phase1::noisy;
  const ResolvedScan from_above = resolve_scan(descent);
  BOOST_TEST(from_above.initial[0] == 1.6);
  CellRecords first;
  CellEnsemble::make(from_above, from_above.run_of(from_above.cells.front()), 5)->advance({1}, first);
  double loss = 0.0;
  for (const auto& batch : first.batches.front()) loss += batch[static_cast<std::size_t>(Sum::loss)] / 2048.0;
  BOOST_TEST(loss == 0.5 * 0.92 * 0.92, boost::test_tools::tolerance(0.05));  // u v - 1 = 0.92
  const CellResult cell = run_cell(from_above, from_above.cells.front());
  BOOST_TEST((cell.status == Status::ok));
  BOOST_TEST(cell.reason.find("descent") != std::string::npos);
}

// Off the valley of uv the nearest point has another u^2 - v^2: along the normal (v, u), by Newton's method here.
BOOST_AUTO_TEST_CASE(coordinates_are_read_at_the_weights_or_on_the_valley) {
  ScanConfig config = small();
  config.run.start = {{1.6, 1.2}};
  config.run.phase1 = Phase1::noisy;
  config.etas = {1e-7};
  const auto excess = [&](std::optional<ReadAt> read_at) {
    config.read_at = read_at;
    const ResolvedScan scan = resolve_scan(config);
    CellRecords records;
    CellEnsemble::make(scan, scan.run_of(scan.cells.front()), 5)->advance({1}, records);
    double sum = 0.0;
    for (const auto& batch : records.batches.front()) sum += batch[static_cast<std::size_t>(Sum::along)] / 2048.0;
    return sum;  // over that of the point on the valley, (1.6^2 - 1.2^2) by the flow's law
  };
  double u = 1.6, v = 1.2;
  for (int i = 0; i < 20; ++i) {
    const double part = (u * v - 1.0) / (u * u + v * v), earlier = u;
    u -= part * v;
    v -= part * earlier;
  }
  BOOST_TEST(excess({}) == 1.0, boost::test_tools::tolerance(1e-5));
  BOOST_TEST(excess(ReadAt::weights) == 1.0, boost::test_tools::tolerance(1e-5));
  BOOST_TEST(excess(ReadAt::valley) == (u * u - v * v) / 1.12, boost::test_tools::tolerance(1e-5));
  BOOST_TEST(std::abs(excess(ReadAt::valley) - 1.0) > 0.02);
}

ScanConfig sensing() {
  ScanConfig config = small("matrix-sensing");
  config.run.parameters = {
      {"dimension", "3"}, {"rank", "2"}, {"teacher-rank", "1"}, {"samples", "3"}, {"variant", "symmetric"}};
  config.run.epsilon = 0.01;
  config.run.paths = 512;
  return config;
}

// The test error has a gradient across the valley, the coordinates of the others have none.
BOOST_AUTO_TEST_CASE(coordinates_across_the_valley_are_read_on_it) {
  for (const char* manifold : {"uv", "ellipse", "channel"}) {
    BOOST_TEST((resolve_scan(small(manifold)).config.read_at == ReadAt::weights), manifold);
  }
  BOOST_TEST((resolve_scan(sensing()).config.read_at == ReadAt::valley));
}

// Several modes stir the valley coordinates up, so that where the scales meet the root mean square rests above delta.
BOOST_AUTO_TEST_CASE(a_root_mean_square_at_rest_has_no_time, *boost::unit_test::label("slow")) {
  ScanConfig config = sensing();
  const CellResult separated = run_cell(resolve_scan(config), resolve_scan(config).cells.front());
  BOOST_TEST((separated.status == Status::ok));
  check_near_prediction(separated, Figures::mean, 0.05);
  config.gammas = {0.75};
  const CellResult met = run_cell(resolve_scan(config), resolve_scan(config).cells.front());
  BOOST_TEST((met.status == Status::ok));
  BOOST_TEST(met.at(Figures::mean).measured > 0.0);
  BOOST_TEST(std::isnan(met.at(Figures::rms).measured));
  BOOST_TEST(met.reason.find("rests at") != std::string::npos, met.reason);
}

// Two samples of which one is drawn: the mean over both of the step's Kronecker square, on position and momentum in
// R^4.
BOOST_AUTO_TEST_CASE(transverse_relaxation_with_drawn_batches) {
  const manifolds::Manifold m("quadratic-pair", {});
  const manifolds::Vector y = m.default_start();
  const manifolds::Geometry geometry = m.geometry(y);
  const manifolds::Matrix j = m.jacobian(y);
  const Eigen::Index d = y.size();
  for (const auto scheme : {manifolds::Scheme::heavy_ball, manifolds::Scheme::nesterov}) {
    const manifolds::Hyperparameters h{scheme, 0.002 / geometry.spectrum.maxCoeff(), 0.3, 0.01};
    const double s = m.label_constant(), twice = 2.0 * s, beta = h.beta();  // L = (s/2) sum f_a^2
    std::vector<manifolds::Matrix> steps;
    for (Eigen::Index a = 0; a < 2; ++a) {  // p' = beta p - grad of the sample drawn, w' = w + eta p'
      const manifolds::Matrix hessian = twice * j.row(a).transpose() * j.row(a);
      const double ahead = scheme == manifolds::Scheme::nesterov ? h.eta * beta : 0.0;
      manifolds::Matrix step = manifolds::Matrix::Identity(2 * d, 2 * d);
      step.bottomLeftCorner(d, d) = -hessian;
      step.bottomRightCorner(d, d) = beta * manifolds::Matrix::Identity(d, d) - ahead * hessian;
      step.topRows(d) += h.eta * step.bottomRows(d);
      steps.push_back(step);
    }
    manifolds::Matrix c = manifolds::Matrix::Zero(2 * d, 2 * d);
    const manifolds::Matrix dense = s * j.transpose() * j;
    std::vector<double> loss, count;
    for (int k = 1; k <= 60000; ++k) {
      manifolds::Matrix next = manifolds::Matrix::Zero(2 * d, 2 * d);
      for (Eigen::Index a = 0; a < 2; ++a) {
        manifolds::Vector kick(2 * d);
        kick << h.eta * twice * j.row(a).transpose(), twice * j.row(a).transpose();
        next += 0.5 * (steps[static_cast<std::size_t>(a)] * c * steps[static_cast<std::size_t>(a)].transpose() +
                       kick * kick.transpose());
      }
      c = next;
      loss.push_back(0.5 * (dense * c.topLeftCorner(d, d)).trace());
      count.push_back(k);
    }
    std::vector<double> ratio;
    for (const double l : loss) ratio.push_back(l / loss.back() - 1.0);
    const double expected = *last_crossing(count, ratio, 0.2);
    const double tau_1 = transverse_time(geometry.spectrum, h);
    const TransverseRelaxation r = drawn_relaxation(m, geometry, {2.0, 2.0}, h, 0.2, tau_1);
    BOOST_TEST(r.convergence_time.value() == expected, boost::test_tools::tolerance(1e-4));
    const double without = drawn_relaxation(m, geometry, {2.0, 0.0}, h, 0.2, tau_1).convergence_time.value();
    BOOST_TEST(std::abs(without / expected - 1.0) > 1e-3);  // what the sampling does is seen
    const auto slope = [&](std::size_t k) { return std::log(ratio[k] / ratio[2 * k]) / static_cast<double>(k); };
    BOOST_TEST(r.tau_1 == 2.0 / slope(static_cast<std::size_t>(1.5 * tau_1)), boost::test_tools::tolerance(0.02));
  }
}

BOOST_AUTO_TEST_CASE(flattest_points_of_other_valleys) {
  const CellResult channel = cell_at(small("channel"), 1.3);
  check_near_prediction(channel, Figures::mean, 0.05);
  check_near_prediction(channel, Figures::rms, 0.05);
  ScanConfig exponential = small("channel");
  exponential.run.parameters = {{"profile", "exp"}};
  BOOST_CHECK_EXCEPTION(resolve_scan(exponential), ConfigError, [](const ConfigError& e) {
    return std::string(e.what()).find("no fixed point") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(limit_is_a_status_and_never_a_time) {
  ScanConfig config = small();
  config.limit = 200;
  const ResolvedScan scan = resolve_scan(config);
  const CellResult r = run_cell(scan, scan.cells.front());
  BOOST_TEST((r.status == Status::limit));
  BOOST_TEST(r.steps == 200);
  BOOST_TEST(std::isnan(r.at(Figures::mean).measured));
  BOOST_TEST(r.reason.find("limit") != std::string::npos);
}

// The transverse energy of few paths never stays within 1 % of its plateau: its ensemble runs to the limit, that along
// the valley does not.
BOOST_AUTO_TEST_CASE(the_limit_that_is_named_is_the_one_that_was_reached) {
  ScanConfig config = small();
  config.etas = {1e-2};
  config.gammas = {0.3};
  config.delta = 0.01;
  config.run.paths = 256;
  config.run.epsilon = 0.05;
  const ResolvedScan scan = resolve_scan(config);
  const CellPlan plan = plan_cell(scan, scan.cells.front());
  const CellResult r = run_cell(scan, scan.cells.front());
  BOOST_REQUIRE((r.status == Status::limit));
  BOOST_TEST(r.at(Figures::mean).measured > 0.0);
  BOOST_TEST(r.steps < plan.limit);
  BOOST_TEST(r.reason.find(fmt::format("after {} steps", plan.limit)) != std::string::npos, r.reason);
}

BOOST_AUTO_TEST_CASE(cells_that_the_theory_does_not_cover) {
  ScanConfig config = small();
  config.etas = {1e-3};
  config.gammas = {0.9};
  config.Cs = {0.2};
  const ResolvedScan scan = resolve_scan(config);
  const CellResult r = run_cell(scan, scan.cells.front());
  BOOST_TEST((r.status == Status::outside));
  BOOST_TEST(r.reason.find("k0^(1/3)") != std::string::npos);
  config.gammas = {0.5};
  config.Cs = {40.0};  // 1 - beta above 1
  const ResolvedScan wide = resolve_scan(config);
  BOOST_TEST((run_cell(wide, wide.cells.front()).status == Status::outside));
}

BOOST_AUTO_TEST_CASE(default_start_is_in_the_linear_range) {
  const ResolvedScan uv = resolve_scan(small());
  BOOST_TEST(uv.linear);
  // tr H = sqrt(x^2 + 4) is 2 % above 2 at x = 0.402.
  const double x = uv.start[0] * uv.start[0] - uv.start[1] * uv.start[1];
  BOOST_TEST(x == std::sqrt(2.04 * 2.04 - 4.0), boost::test_tools::tolerance(1e-5));
  BOOST_TEST(uv.tau_Y == 1.0, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(uv.C_star == std::cbrt(0.02), boost::test_tools::tolerance(1e-6));
  ScanConfig far = small();
  far.run.start = {{2.0, 0.5}};
  BOOST_TEST(!resolve_scan(far).linear);
  far.run.start = {{1.0, 1.0}};
  BOOST_CHECK_THROW(resolve_scan(far), ConfigError);
}

BOOST_AUTO_TEST_CASE(advice_is_the_fastest_decay) {
  ScanConfig config = small();
  config.run.eta = 1e-3;
  config.etas = {1e-3};
  ResolvedScan scan = resolve_scan(config);
  scan.config.run.eta = 1e-3;
  const Advice heavy_ball = advise(scan);
  const double k0 = std::cbrt(1e-6 * 0.01);
  BOOST_TEST(heavy_ball.exact);
  BOOST_TEST(heavy_ball.recommended_mu == 1.264 * k0, boost::test_tools::tolerance(0.01));
  // tau_2 log 5 without momentum, (1/(eta eps))^2 log 5.
  BOOST_TEST(*heavy_ball.options[1].time() == 1e8 * std::log(5.0), boost::test_tools::tolerance(0.01));

  config.run.scheme = Scheme::nesterov;
  config.run.eta = 0.02;
  config.run.epsilon = 0.005;
  config.etas = {0.02};
  ResolvedScan small_noise = resolve_scan(config);
  small_noise.config.run.eta = 0.02;
  // Critical damping, DERIVATION (47): 2 eps (eta/l)^(1/2) = 1e-3.
  BOOST_TEST(advise(small_noise).recommended_mu == 1e-3, boost::test_tools::tolerance(0.05));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
