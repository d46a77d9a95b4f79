// What a scan concludes from its cells, on made-up times whose law is known; and what its reports say.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "validation/report/scan_report.hpp"
#include "validation/scan/scan.hpp"

namespace valleydrift {

using namespace valleydrift::report;
using namespace valleydrift::run;
using namespace valleydrift::scan;

namespace {

using Exponents = std::function<double(double gamma)>;

ScanConfig grid() {
  ScanConfig c;
  c.run.paths = 1024;
  c.etas = {1e-4, 3e-4, 1e-3, 3e-3, 1e-2};
  c.gammas = {0.5, 0.55, 0.6, 0.633, 0.7, 0.8};
  c.prefactor = false;
  return c;
}

/// Cells of the grid with the times T = eta^-exponent, resampled with this relative error.
ScanResult made_up(const ResolvedScan& scan, const Exponents& mean, const Exponents& transverse, double error) {
  std::vector<CellResult> cells;
  for (const Cell& cell : scan.cells) {
    CellResult r;
    r.cell = cell;
    r.figure.fill({std::nan(""), std::nan(""), std::nan("")});
    r.status = Status::ok;
    const auto set = [&](Figures f, double exponent) {
      const double time = std::pow(cell.eta, -exponent);
      r.figure[static_cast<std::size_t>(f)] = {time, error * time, time};
    };
    set(Figures::mean, mean(cell.gamma));
    set(Figures::rms, mean(cell.gamma));
    set(Figures::transverse, transverse(cell.gamma));
    for (int k = 0; k < 64; ++k) {  // the two signs of a deviation, differently in every cell
      FigureValues values{};
      for (std::size_t f = 0; f < values.size(); ++f) {
        const bool up = std::sin(17.0 * k + 1000.0 * cell.gamma + 3.0 * std::log(cell.eta)) > 0.0;
        values[f] = r.figure[f].measured * std::exp(up ? error : -error);
      }
      r.replicates.push_back(values);
    }
    cells.push_back(r);
  }
  return evaluate(scan, std::move(cells));
}

double longitudinal(double gamma) { return 2.0 - 2.0 * gamma; }
double transverse(double gamma) { return gamma; }

bool says(const ScanResult& result, const std::string& words) {
  for (const std::string& finding : result.findings) {
    if (finding.find(words) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scan_verdicts)

BOOST_AUTO_TEST_CASE(the_law_itself_agrees) {
  const ResolvedScan scan = resolve_scan(grid());
  const ScanResult result = made_up(scan, longitudinal, transverse, 0.01);
  BOOST_TEST((result.verdict == LawVerdict::agree));
  BOOST_REQUIRE(result.crossing.has_value());
  BOOST_TEST(std::abs(result.crossing->gamma - 2.0 / 3.0) < 0.003);
  BOOST_TEST(result.crossing->interval.contains(2.0 / 3.0));
  BOOST_TEST(scan_text(scan, result).find("allowed: 0.03 beyond the range") != std::string::npos);
}

// An exponent is what it is called, and judged by what is printed: 0.03 beyond the range, not more.
BOOST_AUTO_TEST_CASE(the_allowance_is_the_one_that_is_printed) {
  const ResolvedScan scan = resolve_scan(grid());
  for (const auto& [off, verdict] :
       {std::pair{0.9 * exponent_allowance, LawVerdict::agree}, {1.1 * exponent_allowance, LawVerdict::disagree}}) {
    const ScanResult result = made_up(
        scan, [off = off](double g) { return 2.0 - 2.0 * g + off; }, transverse, 1e-6);
    BOOST_TEST((result.verdict == verdict), off);
    const PowerLaw& law = *result.exponents.front().mean.law;
    BOOST_TEST(law.range.low <= law.interval.low);
    BOOST_TEST(law.range.high >= law.interval.high);
  }
}

BOOST_AUTO_TEST_CASE(without_a_measured_cell_nothing_agrees) {
  const ResolvedScan scan = resolve_scan(grid());
  ScanResult all = made_up(scan, longitudinal, transverse, 0.01);
  for (CellResult& cell : all.cells) {
    cell.status = Status::limit;
    cell.reason = "not bracketed";
  }
  const ScanResult result = evaluate(scan, all.cells);
  BOOST_TEST((result.verdict == LawVerdict::inconclusive));
  BOOST_TEST(says(result, "no cell could be measured: 0 outside, 30 at the limit of steps, 0 failed; the first: not"));
}

BOOST_AUTO_TEST_CASE(another_law_disagrees) {
  const ResolvedScan scan = resolve_scan(grid());
  // The branches of 1 - beta ~ eta^(3/4), and a mean without gamma.
  const ScanResult steep = made_up(
      scan, [](double g) { return 1.5 - g; }, transverse, 0.01);
  BOOST_TEST((steep.verdict == LawVerdict::disagree));
  BOOST_REQUIRE(steep.crossing.has_value());
  BOOST_TEST(std::abs(steep.crossing->gamma - 0.75) < 0.003);
  BOOST_TEST((made_up(
                  scan, [](double) { return 0.7; }, transverse, 0.01)
                  .verdict == LawVerdict::disagree));
}

BOOST_AUTO_TEST_CASE(wide_intervals_tell_nothing) {
  const ResolvedScan scan = resolve_scan(grid());
  const ScanResult result = made_up(scan, longitudinal, transverse, 1.0);
  BOOST_TEST((result.verdict == LawVerdict::inconclusive));
  BOOST_TEST(says(result, "too wide to tell"));
  BOOST_TEST(says(result, "take more paths"));
}

// Parallel branches have no optimum. With intervals so wide that each exponent could be right, nothing is refuted, and
// nothing agrees either.
BOOST_AUTO_TEST_CASE(without_an_optimum_nothing_agrees) {
  const ResolvedScan scan = resolve_scan(grid());
  const ScanResult result = made_up(
      scan, [](double) { return 0.8; }, [](double) { return 0.6; }, 2.0);
  BOOST_TEST(!result.crossing.has_value());
  BOOST_TEST((result.verdict == LawVerdict::inconclusive));
  BOOST_TEST(says(result, "no optimal gamma: the branches do not meet between gamma 0 and 1"));
  const auto json = scan_json(scan, result);
  BOOST_TEST(json["optimal_gamma"].is_null());
  BOOST_TEST(json["optimal_gamma_reason"].get<std::string>() == "the branches do not meet between gamma 0 and 1");
  BOOST_TEST(scan_text(scan, result).find("Optimal gamma: none, the branches do not meet between gamma 0 and 1") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_missing_says_why) {
  ScanConfig config = grid();
  const ResolvedScan scan = resolve_scan(config);
  ScanResult whole = made_up(scan, longitudinal, transverse, 0.01);
  for (CellResult& cell : whole.cells) {  // two cells are left at 0.5
    if (cell.cell.gamma == 0.5 && cell.cell.eta > 5e-4) cell.status = Status::limit;
  }
  const auto few = scan_json(scan, evaluate(scan, whole.cells));
  for (const char* name : {"mean", "rms", "transverse"}) {
    BOOST_TEST(few["exponents"][0][name].is_null());
    BOOST_TEST(few["exponents"][0][std::string(name) + "_reason"].get<std::string>().starts_with("fewer than three"));
    BOOST_TEST(few["exponents"][1][name].is_object());
    BOOST_TEST(!few["exponents"][1].contains(std::string(name) + "_reason"));
  }

  ResolvedScan control = scan;
  control.config.control = Control::no_transverse;
  const auto without = scan_json(control, evaluate(control, whole.cells));
  BOOST_TEST(without["exponents"][1]["transverse_reason"].get<std::string>() == "left out by --control no-transverse");
  BOOST_TEST(without["verdict"].get<std::string>() == "disagree");

  config.gammas = {0.5, 0.8};
  const ResolvedScan two = resolve_scan(config);
  const ScanResult open = made_up(two, longitudinal, transverse, 0.01);
  BOOST_TEST((open.verdict == LawVerdict::not_judged));
  BOOST_TEST(says(open, "not judged: 1 fitted exponents below gamma 2/3"));
  BOOST_TEST(open.crossing_reason == "fewer than two exponents below gamma 2/3");
}

BOOST_AUTO_TEST_CASE(reports_name_the_batches) {
  ScanConfig config = grid();
  config.run.manifold = "quadratic-pair";
  config.run.batch = 1;
  config.run.epsilon = 0.02;
  const ResolvedScan scan = resolve_scan(config);
  const ScanResult result = made_up(scan, longitudinal, transverse, 0.01);
  BOOST_TEST(scan_text(scan, result).find("label noise, batches of 1 drawn without replacement") != std::string::npos);
  const auto json = scan_json(scan, result);
  BOOST_TEST(json["batch"].get<int>() == 1);
  BOOST_TEST(json["draw"].get<std::string>() == "without-replacement");

  const ResolvedScan full = resolve_scan(grid());
  const ScanResult of_full = made_up(full, longitudinal, transverse, 0.01);
  BOOST_TEST(scan_text(full, of_full).find("batches") == std::string::npos);
  BOOST_TEST(!scan_json(full, of_full).contains("batch"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
