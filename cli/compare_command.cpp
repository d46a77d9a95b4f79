// compare: runs both processes, then prints, writes and draws the comparison; --dry-run and --path N.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "sde/label_flow.hpp"
#include "validation/compare/compare.hpp"
#include "validation/compare/cost.hpp"
#include "validation/compare/limit_step.hpp"
#include "validation/figures/plots.hpp"
#include "validation/output/path_files.hpp"
#include "validation/report/comparison_files.hpp"
#include "validation/report/json.hpp"
#include "validation/report/report.hpp"
#include "validation/run/threads.hpp"

namespace valleydrift::cli {
namespace {

using compare::Cost;
using output::OutputFolder;
using output::PathKind;
using run::Plan;
using run::ResolvedRun;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Bytes of paths.csv, to a tenth: two processes at every record, 18 digits with their separators for a number.
double paths_file_size(const run::ResolvedRun& run, const run::Plan& plan) {
  constexpr double per_number = 20.0, per_line = 32.0;  // path, record, time and kind
  return static_cast<double>(run.config.paths) * 2.0 * static_cast<double>(plan.times.size()) *
         (per_line + per_number * run.manifold.dimension());
}

std::string size_text(double bytes) {
  constexpr double kilo = 1000.0;
  std::string unit = "kB";
  double size = bytes / kilo;
  for (const char* larger : {"MB", "GB", "TB", "PB"}) {
    if (size < kilo) break;
    size /= kilo;
    unit = larger;
  }
  return fmt::format("{:.3g} {}", size, unit);
}

std::string cost_text(const Options& options, const run::ResolvedRun& run, const compare::Cost& cost,
                      const run::Plan& plan, int threads) {
  return fmt::format(
      "{} paths of {} steps; {:.3g} discrete and {:.3g} limit path-steps over all rungs; {} on {} {}{}", cost.paths,
      plan.record_steps.back(), cost.discrete_steps, cost.coupled_steps + cost.limit_steps, duration_text(cost.seconds),
      threads, threads == 1 ? "thread" : "threads",
      options.save_paths ? fmt::format("; paths.csv takes about {}", size_text(paths_file_size(run, plan))) : "");
}

nlohmann::json cost_json(const Options& options, const run::ResolvedRun& run, const compare::Cost& cost,
                         const run::Plan& plan, int threads) {
  nlohmann::json json = {{"schema_version", report::schema_version},
                         {"cost",
                          {{"paths", cost.paths},
                           {"steps", plan.record_steps.back()},
                           {"discrete_path_steps", cost.discrete_steps},
                           {"limit_path_steps", cost.coupled_steps + cost.limit_steps},
                           {"seconds", cost.seconds},
                           {"threads", threads}}}};
  if (options.save_paths) json["cost"]["paths_file_bytes"] = paths_file_size(run, plan);
  return json;
}

/// Throws FileError if paths.csv does not fit: now, not after the run.
void require_space_for_paths(const run::ResolvedRun& run, const run::Plan& plan, const output::OutputFolder& folder) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(folder.path(), error);
  const double needed = paths_file_size(run, plan);
  if (error || !(needed > static_cast<double>(space.available))) return;
  throw FileError(fmt::format("--save-paths: paths.csv takes about {}, but {} has {} left; take fewer --paths",
                              size_text(needed), folder.path().string(),
                              size_text(static_cast<double>(space.available))));
}

/// --path N: one path of both processes, every step of it, or a million of them spread evenly.
void write_replay(const run::ResolvedRun& run, const run::Plan& plan, std::int64_t path, output::OutputFolder& folder) {
  constexpr std::int64_t most_lines = 1'000'000;
  constexpr std::int64_t most_limit_points = 1000;  // of a limit without noise: a smooth curve
  const std::int64_t steps = plan.record_steps.back();
  const std::int64_t before = run.first_phase ? run.first_phase->steps : 0;
  const std::int64_t stride = (before + steps + most_lines - 1) / most_lines;
  const double unit = run.hyperparameters.slow_unit();

  std::vector<std::int64_t> limit_steps;
  std::vector<manifolds::Vector> limit_path;
  if (run.deterministic()) {
    const std::int64_t limit_stride = stride * std::max<std::int64_t>(1, steps / stride / most_limit_points);
    std::vector<double> times;
    for (std::int64_t k = 0; k <= steps; k += limit_stride) {
      limit_steps.push_back(k);
      times.push_back(static_cast<double>(k) / unit);
    }
    const sde::LyapunovOperator form(run.config.form, run.hyperparameters, run.config.gamma);
    limit_path = sde::label_path(run.manifold, form, run.start, times, run.batch_noise());
  }

  output::ReplayWriter writer(folder, path, run.manifold.description().coordinates, run.manifold.dimension());
  std::size_t next_limit = 0;
  run::replay_path(run::own_rung(run, plan), path,
                   [&](std::int64_t step, const auto& w, const auto& p, const auto& slow, const auto& limit) {
                     if (step % stride != 0 && step != steps) return;
                     manifolds::Vector y = limit;
                     if (next_limit < limit_steps.size() && limit_steps[next_limit] == step) {
                       y = limit_path[next_limit++];
                     }
                     writer.append(step, static_cast<double>(step) / unit, run.manifold.loss(w), w, p, slow, y);
                   });
  writer.finish();
}

int replay(const Options& options, const run::ResolvedRun& run, run::Plan plan, std::ostream& out) {
  output::OutputFolder folder = output::OutputFolder::reserve(options.output, run.config.manifold, options.force);
  compare::choose_limit_step(run, plan);
  folder.set_aside_old_files();
  write_replay(run, plan, *options.path, folder);
  report::write_config(folder, run.config, config_text(run.config));  // last: what ends before it leaves nothing
  folder.remove_stale_files();  // with --force: what is left of another run would not belong to this configuration
  const std::string file = (folder.path() / fmt::format("path-{}.csv", *options.path)).string();
  if (options.json) {
    out << nlohmann::json{{"schema_version", report::schema_version}, {"path", *options.path}, {"file", file}}.dump(
               2, ' ', false, nlohmann::json::error_handler_t::replace)
        << '\n';
  } else if (!options.quiet) {
    out << fmt::format("path {}: {}\n", *options.path, file);
  }
  return success;
}

void save_paths(output::PathWriter& writer, const std::vector<run::PathRecord>& records) {
  for (const run::PathRecord& r : records) {
    const auto record = static_cast<std::size_t>(r.record);
    writer.append(r.path, record, output::PathKind::slow, r.slow);
    if (!r.limit.empty()) writer.append(r.path, record, output::PathKind::limit, r.limit);
  }
}

/// What goes to standard output, all but the pictures: JSON, one line, or the report.
void print_result(const Options& options, const compare::Comparison& comparison, const output::OutputFolder& folder,
                  std::ostream& out) {
  if (options.json) {
    out << report::summary_json(comparison).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  } else if (options.quiet) {
    out << fmt::format("{}{}{}\n", name_of(comparison.verdict), comparison.reason.empty() ? "" : ": ",
                       comparison.reason);
  } else {
    out << report::report_text(comparison) << fmt::format("\nResults in {}\n", folder.path().string());
  }
}

}  // namespace

int compare_command(const Options& options, std::ostream& out, std::ostream& err) {
  const int threads = run::set_thread_count(options.threads);
  const run::ResolvedRun run = run::resolve(options.run);
  if (options.print_config) {
    out << printed_config(run.config);
    return success;
  }
  run::Plan plan = run::plan_comparison(run);
  const std::int64_t descent = run.first_phase ? run.first_phase->steps : 0;
  check_size("--time with --paths", static_cast<double>(descent + plan.record_steps.back()), run.config.paths,
             run.manifold.dimension());
  if (options.dry_run) {
    if (options.output)
      output::OutputFolder::reserve(options.output, run.config.manifold, options.force);  // made, and gone
    const compare::Cost cost = compare::estimate_cost(run, plan);
    out << (options.json ? cost_json(options, run, cost, plan, threads).dump(2)
                         : cost_text(options, run, cost, plan, threads))
        << '\n';
    return success;
  }
  if (options.path) return replay(options, run, plan, out);

  // All input is valid: from here on files are made.
  output::OutputFolder folder = output::OutputFolder::reserve(options.output, run.config.manifold, options.force);
  if (options.save_paths) require_space_for_paths(run, plan, folder);
  folder.set_aside_old_files();
  ProgressLine progress(options.quiet ? nullptr : &err);
  compare::WorkMeter meter;
  const auto estimate = [&] {
    const compare::Cost cost = compare::estimate_cost(run, plan);
    err << "valleydrift: " << cost_text(options, run, cost, plan, threads) << std::endl;
    meter = {cost, [&](double fraction) { progress.show(fraction); }};
  };
  if (!options.quiet) {
    estimate();
    if (run.distance_moved > 0.0) {
      err << fmt::format("valleydrift: the start is off the valley: {} {:.4g} to {}",
                         run.first_phase ? fmt::format("descends in {} steps over", descent) : "moved by",
                         run.distance_moved, manifolds::format_point(run.start))
          << std::endl;
    }
  }

  std::optional<output::PathWriter> writer;
  run::PathSink saved;
  if (options.save_paths) {
    writer.emplace(folder, output::weight_columns(run.manifold.description().coordinates, run.manifold.dimension()),
                   plan.times);
    saved = [&](const auto& records) { save_paths(*writer, records); };
  }

  const auto start = Clock::now();
  const int halvings = compare::choose_limit_step(run, plan, meter.of_steps(compare::limit_step_trial_paths));
  if (halvings > 0 && !options.quiet) {
    progress.clear();
    err << fmt::format("valleydrift: a trial finds the steps of the limiting diffusion too long: divided by {}\n",
                       1 << halvings);
    estimate();
  }
  const compare::Comparison comparison = compare::compare(run, plan, meter, saved);
  progress.clear();
  const double compared = seconds_since(start);
  valleydrift::throw_if_interrupted();

  if (writer) writer->finish();
  report::write_data(folder, comparison, config_text(run.config), {threads, {{"compare", compared}}});
  print_result(options, comparison, folder, out);
  if (options.benchmark) {
    // Beside the results, not in them: a duration is not reproducible.
    (options.json ? err : out) << fmt::format(
        "benchmark: {:.3g} ns per path and step of the discrete ensemble, on {} {}\n", comparison.nanoseconds_per_step,
        threads, threads == 1 ? "thread" : "threads");
  }
  out.flush();  // the verdict is not lost if the plots fail
  if (!options.no_plots) {
    figures::write_plots(folder, comparison);
    if (!options.json && !options.quiet) out << fmt::format("Pictures in {}\n", (folder.path() / "plots").string());
  }
  return comparison.verdict == compare::Verdict::agree ? success : not_in_agreement;
}

}  // namespace valleydrift::cli
