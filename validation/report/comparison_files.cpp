// series.csv, descent.csv, sigma.csv, run.json, config.ini and, last, summary.json.
#include "validation/report/comparison_files.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "validation/output/csv.hpp"
#include "validation/output/pending_file.hpp"
#include "validation/report/json.hpp"
#include "validation/report/report.hpp"

namespace valleydrift::report {
namespace {

std::string sigma_csv(const Matrix& sigma) {
  std::string text;
  for (Eigen::Index i = 0; i < sigma.rows(); ++i) {
    for (Eigen::Index j = 0; j < sigma.cols(); ++j) text += fmt::format("{}{}", j ? "," : "", sigma(i, j));
    text += '\n';
  }
  return text;
}

}  // namespace

std::string series_csv(const compare::Comparison& comparison) {
  std::string text =
      "observable,time,step,theory,discrete,standard_error,difference,extrapolated,extrapolated_error,bound,judged,"
      "theory_finite_step,theory_paper,theory_asymptotic,independent,independent_error,independent_bound\n";
  for (const compare::ObservableResult& o : comparison.observables) {
    const std::string name = output::csv_cell(o.name);
    for (std::size_t i = 0; i < comparison.times.size(); ++i) {
      text += name;
      output::append_number(text, comparison.times[i]);
      text += ',';
      if (i < comparison.steps.size()) text += fmt::format("{}", comparison.steps[i]);
      for (const auto* series : {&o.theory, &o.discrete, &o.standard_error, &o.difference, &o.extrapolated,
                                 &o.extrapolated_error, &o.bound}) {
        output::append_number(text, compare::at(*series, i));
      }
      text += i < o.judged.size() && o.judged[i] ? ",1" : ",0";
      for (const auto* series : {&o.theory_finite_step, &o.theory_paper, &o.theory_asymptotic, &o.independent,
                                 &o.independent_error, &o.independent_bound}) {
        output::append_number(text, compare::at(*series, i));
      }
      text += '\n';
    }
  }
  return text;
}

std::string descent_csv(const compare::DescentResult& descent) {
  std::string text = "quantity,steps_made,step,noiseless,gradient_flow,mean,standard_deviation\n";
  for (const compare::DescentResult::Quantity& q : descent.quantities) {
    const std::string name = output::csv_cell(q.name);
    for (std::size_t i = 0; i < descent.steps.size(); ++i) {
      text += fmt::format("{},{},{}", name, descent.steps[i], descent.steps[i] - descent.phase.steps);
      for (const auto* series : {&q.noiseless, &q.flow, &q.mean, &q.deviation})
        output::append_number(text, compare::at(*series, i));
      text += '\n';
    }
  }
  return text;
}

std::string run_json(const compare::Comparison& comparison, const output::RunFacts& facts) {
  nlohmann::ordered_json run = output::facts_of_run(facts);
  if (comparison.nanoseconds_per_step > 0.0 && std::isfinite(comparison.nanoseconds_per_step)) {
    run["nanoseconds_per_step"] = comparison.nanoseconds_per_step;
  } else {
    put_null(run, "nanoseconds_per_step", "not measured");
  }
  return run.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void write_config(output::OutputFolder& folder, const run::RunConfig& config, const std::string& config_ini) {
  folder.write("config.ini", config_ini);
  if (config.noise == run::NoiseKind::constant) folder.write("sigma.csv", sigma_csv(config.sigma));
}

void write_data(output::OutputFolder& folder, const compare::Comparison& comparison, const std::string& config_ini,
                const output::RunFacts& facts) {
  std::vector<std::pair<std::string, std::string>> files;
  files.emplace_back("config.ini", config_ini);
  if (comparison.config.noise == run::NoiseKind::constant) {
    files.emplace_back("sigma.csv", sigma_csv(comparison.config.sigma));
  }
  files.emplace_back("series.csv", series_csv(comparison));
  if (comparison.descent) files.emplace_back("descent.csv", descent_csv(*comparison.descent));
  files.emplace_back("run.json", run_json(comparison, facts));
  files.emplace_back("summary.json", summary_json(comparison).dump(2) + "\n");  // last: where it is, all is complete

  folder.require_in_place();
  std::vector<output::PendingFile> pending;
  for (const auto& [name, content] : files) {
    pending.emplace_back(folder.path() / name);
    pending.back().write(content);
    pending.back().close();
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    pending[i].commit();
    folder.note_written(files[i].first);
  }
  folder.remove_stale_files();
}

}  // namespace valleydrift::report
