// The program: streams and signals, dispatch, errors as exit codes; and the commands that run nothing: manifolds,
// inspect, advise.
#include "cli/commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <Eigen/Core>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/help.hpp"
#include "cli/program.hpp"
#include "cli/terminal.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "validation/report/advice_report.hpp"
#include "validation/report/inspection_report.hpp"
#include "validation/report/json.hpp"
#include "validation/report/manifold_report.hpp"
#include "validation/run/threads.hpp"

namespace valleydrift::cli {
namespace {

int dispatch(const Options& options, std::ostream& out, std::ostream& err) {
  if (options.version) {
    out << version_text();
    return success;
  }
  if (options.help) {
    out << (options.command ? help_for(*options.command) : general_help());
    return success;
  }
  switch (*options.command) {
    case Command::manifolds:
      return manifolds_command(options, out);
    case Command::inspect:
      return inspect_command(options, out);
    case Command::compare:
      return compare_command(options, out, err);
    case Command::verify:
      return verify_command(options, out, err);
    case Command::scan:
      return scan_command(options, out, err);
    case Command::advise:
      return advise_command(options, out);
  }
  return bad_input;
}

}  // namespace

int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  const auto failed = [&](int code, const std::string& message) {
    err << "valleydrift: error: " << shown(message) << std::endl;
    return code;
  };
  int code = success;
  Options options;
  try {
    options = parse_options(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
    code = dispatch(options, out, err);
  } catch (const ConfigError& error) {
    code = failed(bad_input, placed(error.what(), options.from_file));
  } catch (const NumericalError& error) {
    code = failed(numerical_failure, error.what());
  } catch (const FileError& error) {
    code = failed(file_failure, error.what());
  } catch (const Interrupted& interrupted) {
    valleydrift::signal_heard();
    err << "valleydrift: interrupted" << std::endl;
    code = 128 + interrupted.signal;
  } catch (const std::filesystem::filesystem_error& error) {
    code = failed(file_failure, error.what());
  } catch (const std::bad_alloc&) {
    code = failed(numerical_failure, "out of memory; take fewer --paths or a smaller dimension");
  } catch (const std::exception& error) {
    code = failed(numerical_failure, fmt::format("unexpected: {}", error.what()));
  }
  out.flush();
  if (!out && code <= not_in_agreement) code = failed(file_failure, "cannot write to standard output");
  return code;
}

int manifolds_command(const Options& options, std::ostream& out) {
  if (options.json) {
    out << (options.name.empty() ? report::manifolds_json() : report::manifold_json(options.name)).dump(2) << '\n';
  } else {
    out << (options.name.empty() ? report::manifolds_text() : report::manifold_text(options.name));
  }
  return success;
}

int inspect_command(const Options& options, std::ostream& out) {
  const run::ResolvedRun run = run::resolve(options.run);
  if (options.print_config) {
    out << printed_config(run.config);
    return success;
  }
  const inspect::Inspection inspection = inspect::inspect(run, options.search);
  if (options.json) {
    out << report::inspection_json(inspection).dump(2) << '\n';
  } else {
    out << report::inspection_text(inspection);
  }
  return success;
}

int advise_command(const Options& options, std::ostream& out) {
  // The flattest point and the start are the paper form's, which knows no eta; whether a step is stable is judged for
  // each momentum, at its own start.
  constexpr double stable_anywhere = 1e-9;
  scan::ScanConfig config = options.scan;
  config.etas = {std::min(config.run.eta, stable_anywhere)};
  config.prefactor = false;
  scan::ResolvedScan scan = scan::resolve_scan(config);
  scan.config.run.eta = options.scan.run.eta;
  const scan::Advice advice = scan::advise(scan, options.search);
  if (options.json) {
    out << report::advice_json(scan, advice).dump(2) << '\n';
  } else {
    out << report::advice_text(scan, advice);
  }
  return success;
}

int run_program(int argc, char** argv) {
  run::wait_passively(argv);
  open_standard_descriptors();
  const ThroughDescriptor out(std::cout, STDOUT_FILENO), err(std::cerr, STDERR_FILENO);
  install_signal_handlers();
  // Eigen cuts large products, and so the order of their sums, by the processor's caches; here by the same ones
  // everywhere.
  constexpr std::ptrdiff_t first = 32 << 10, second = 512 << 10, third = 4 << 20;  // bytes
  Eigen::setCpuCacheSizes(first, second, third);
  return cli::run(argc, argv, std::cout, std::cerr);
}

}  // namespace valleydrift::cli
