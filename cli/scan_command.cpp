// scan: runs the cells that the folder does not have yet, then prints, writes and draws; --resume.
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "validation/figures/scan_figures.hpp"
#include "validation/output/output_folder.hpp"
#include "validation/output/run_facts.hpp"
#include "validation/output/text_file.hpp"
#include "validation/report/scan_files.hpp"
#include "validation/report/scan_report.hpp"
#include "validation/run/threads.hpp"

namespace valleydrift::cli {
namespace {

namespace fs = std::filesystem;
using output::OutputFolder;
using scan::LawVerdict;
using scan::ResolvedScan;
using scan::ScanResult;

/// What the cells of a folder were begun with: the 64-bit FNV-1a hash of its config.ini.
constexpr const char* state_name = "scan.state";
std::string state_of(const std::string& config) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const unsigned char c : config) hash = (hash ^ c) * 0x100000001b3u;
  return fmt::format("config.ini {:016x}\n", hash);
}

/// The folder; with --resume the one that is there, whose configuration must be this scan's, and as it was written.
output::OutputFolder folder_of(const Options& options, const scan::ResolvedScan& scan, const std::string& config) {
  if (!options.resume) return output::OutputFolder::reserve(options.output, scan.config.run.manifold, options.force);
  const fs::path file = fs::path(*options.output) / "config.ini", state = fs::path(*options.output) / state_name;
  const std::string found = output::read_text_file(file.string());
  std::error_code ignored;
  if (!fs::exists(state, ignored)) {
    throw ConfigError(fmt::format("--resume: there is no {}: what the cells were run with is not known; start again",
                                  state.string()));
  }
  if (output::read_text_file(state.string()) != state_of(found)) {
    throw ConfigError(
        fmt::format("--resume: {} was edited after its cells were begun, which keep the earlier settings; "
                    "undo the edit, or give it as --config of a new scan",
                    file.string()));
  }
  if (found != config) {
    throw ConfigError(fmt::format("--resume: {} is another scan's configuration; give --output alone, or start again",
                                  file.string()));
  }
  return output::OutputFolder::reserve(options.output, scan.config.run.manifold, true);
}

}  // namespace

int scan_command(const Options& options, std::ostream& out, std::ostream& err) {
  const int threads = run::set_thread_count(options.threads);
  const scan::ResolvedScan scan = scan::resolve_scan(options.scan);
  const std::string config = config_text(scan.config);
  if (options.print_config) {
    out << config;
    return success;
  }
  const std::vector<scan::CellWork> work = scan::expected_work(scan);
  const double seconds = report::expected_seconds(scan, work);
  if (options.dry_run) {
    if (options.output) folder_of(options, scan, config);  // made, and gone
    if (options.json) {
      nlohmann::json plan = report::scan_plan_json(scan, work);
      plan["expected_seconds"] = seconds;
      plan["threads"] = threads;
      out << plan.dump(2) << '\n';
    } else {
      out << report::scan_plan_text(scan, work)
          << fmt::format("  {} on {} {}\n", duration_text(seconds), threads, threads == 1 ? "thread" : "threads");
    }
    return success;
  }

  output::OutputFolder folder = folder_of(options, scan, config);
  if (!options.resume) folder.set_aside_old_files();
  folder.write("config.ini", config);
  folder.write(state_name, state_of(config));
  report::CellLog log(folder.path(), scan, options.resume);
  for (const std::string& name : report::cell_file_names()) folder.note_written(name);
  if (!options.quiet) {
    err << fmt::format("valleydrift: {} cells{}; {} on {} {}; results in {}\n", scan.cells.size(),
                       options.resume ? fmt::format(", {} of them found", log.found().size()) : "",
                       duration_text(seconds), threads, threads == 1 ? "thread" : "threads", folder.path().string())
        << std::flush;
  }

  const auto start = std::chrono::steady_clock::now();
  ProgressLine progress(options.quiet ? nullptr : &err);
  const scan::ScanResult result = scan::evaluate(scan, scan::run_cells(
                                                           scan, log.found(),
                                                           [&](const scan::CellResult& cell) {
                                                             folder.require_in_place();
                                                             log.append(cell);
                                                           },
                                                           [&](double fraction) { progress.show(fraction); }));
  progress.clear();
  valleydrift::throw_if_interrupted();
  log.finish();
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;

  const nlohmann::json summary = report::scan_json(scan, result);
  const std::string summary_text = summary.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  folder.write("run.json", output::run_facts_json({threads, {{"scan", spent.count()}}}));
  folder.write("summary.json", summary_text);  // last: where it is, all is complete
  if (options.json) {
    out << summary_text;
  } else if (options.quiet) {
    out << name_of(result.verdict) << '\n';
  } else {
    out << report::scan_text(scan, result) << fmt::format("\nResults in {}\n", folder.path().string());
  }
  out.flush();  // the verdict is not lost if the plots fail
  folder.require_in_place();
  if (!options.no_plots) figures::write_scan_plots(folder, scan, result);
  folder.remove_stale_files();
  const bool objection =
      result.verdict == scan::LawVerdict::disagree || result.verdict == scan::LawVerdict::inconclusive;
  return objection ? not_in_agreement : success;
}

}  // namespace valleydrift::cli
