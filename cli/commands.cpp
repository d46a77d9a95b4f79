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
#include "validation/run/threads.hpp"

namespace valleydrift::cli {
namespace {

using manifolds::ManifoldDescription;
using manifolds::ParameterInfo;

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

/// The manifold with its default parameters.
manifolds::Manifold default_manifold(const ManifoldDescription& d) {
  return manifolds::Manifold(d.name, manifolds::resolve_parameters(d, {}));
}

std::string range_text(const ParameterInfo& info) {
  if (!info.choices.empty()) return fmt::format("one of {}", fmt::join(info.choices, ", "));
  return fmt::format("{}{:g} to {:g}", info.integer ? "whole, " : "", info.lowest, info.highest);
}

std::string description_text(const ManifoldDescription& d) {
  const manifolds::Manifold manifold = default_manifold(d);
  std::string text = fmt::format("{}: {}\n", d.name, d.summary);
  const auto line = [&](const std::string& key, const std::string& value) {
    text += fmt::format("  {:<18}{}\n", key, value);
  };
  line("formula", d.formula);
  if (manifold.is_least_squares() && manifold.label_constant() == 1.0)
    line("loss", manifold.transverse_dimension() == 1 ? "L = f^2 / 2" : "L = sum of f_a^2 / 2");
  line("coordinates", d.coordinates);
  line("dimension", fmt::format("{}, valley of dimension {}{}", manifold.dimension(), manifold.valley_dimension(),
                                d.parameters.empty() ? "" : " (with the default parameters)"));
  for (std::size_t i = 0; i < d.parameters.size(); ++i) {
    const ParameterInfo& info = d.parameters[i];
    line(i == 0 ? "parameters" : "",
         fmt::format("{} = {}: {} ({})", info.name, manifolds::format_parameter(info, info.default_value), info.meaning,
                     range_text(info)));
  }
  line("default start", manifolds::format_point(manifold.default_start()));
  line("slow coordinates", fmt::format("{}", fmt::join(manifold.slow_coordinate_names(), ", ")));
  for (std::size_t i = 0; i < d.known.size(); ++i) line(i == 0 ? "known exactly" : "", d.known[i]);
  return text;
}

nlohmann::json description_json(const ManifoldDescription& d) {
  const manifolds::Manifold manifold = default_manifold(d);
  const manifolds::Vector start = manifold.default_start();
  nlohmann::json parameters = nlohmann::json::array();
  for (const ParameterInfo& info : d.parameters) {
    nlohmann::json entry = {{"name", info.name}, {"meaning", info.meaning}};
    if (info.choices.empty()) {
      entry["default"] = info.default_value;
      entry["lowest"] = info.lowest;
      entry["highest"] = info.highest;
      entry["integer"] = info.integer;
    } else {
      entry["default"] = manifolds::format_parameter(info, info.default_value);
      entry["choices"] = info.choices;
    }
    parameters.push_back(entry);
  }
  return {{"name", d.name},
          {"formula", d.formula},
          {"summary", d.summary},
          {"coordinates", d.coordinates},
          {"least_squares", manifold.is_least_squares()},
          {"parameters", parameters},
          {"dimension", manifold.dimension()},
          {"valley_dimension", manifold.valley_dimension()},
          {"default_start", std::vector<double>(start.begin(), start.end())},
          {"slow_coordinates", manifold.slow_coordinate_names()},
          {"known", d.known}};
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
  if (!options.name.empty()) {
    const ManifoldDescription d = manifolds::description_of(options.name);
    if (options.json) {
      nlohmann::json object = description_json(d);
      object["schema_version"] = report::schema_version;
      out << object.dump(2) << '\n';
    } else {
      out << description_text(d);
    }
    return success;
  }

  nlohmann::json list = nlohmann::json::array();
  std::string text = fmt::format("{:<16}{:<5}{:<8}{}\n", "name", "D", "valley", "what it is");
  for (const ManifoldDescription& d : manifolds::descriptions()) {
    if (options.json) {
      list.push_back(description_json(d));
      continue;
    }
    const manifolds::Manifold manifold = default_manifold(d);
    text += fmt::format("{:<16}{:<5}{:<8}{}\n", d.name, manifold.dimension(), manifold.valley_dimension(), d.summary);
    text += fmt::format("{:<29}{}\n", "", d.formula);
  }
  text +=
      "\nD and the dimension of the valley are for the default parameters; `valleydrift manifolds NAME` shows one.\n";
  if (options.json) {
    out << nlohmann::json{{"schema_version", report::schema_version}, {"manifolds", list}}.dump(2) << '\n';
  } else {
    out << text;
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
