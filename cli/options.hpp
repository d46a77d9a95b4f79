// The command line understood: every value parsed, checked by itself and against the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "validation/run/run_config.hpp"
#include "validation/scan/scan_config.hpp"
#include "validation/verify/verify.hpp"

namespace valleydrift::cli {

struct Options {
  std::optional<Command> command = {};  ///< absent only with help or version
  bool help = false, version = false;
  std::string name = {};  ///< manifolds NAME; empty: list them
  /// What decides the results; --at is its start.
  run::RunConfig run = {};
  manifolds::FormulaSource formula = {};  ///< as it is typed; run.formula and verify.formula once it is checked

  int search = 0;   ///< starts to search for other flattest points from
  int threads = 0;  ///< 0: all processors
  std::optional<std::string> output = {};
  std::optional<std::int64_t> path = {};  ///< replay this trajectory
  bool force = false, save_paths = false, json = false, quiet = false, no_plots = false;
  bool dry_run = false, print_config = false, benchmark = false;

  verify::VerifyRequest verify = {};
  std::optional<std::int64_t> repeats = {};  ///< of --aa
  bool list_checks = false;

  scan::ScanConfig scan = {};  ///< of scan and, as far as it goes, advise; `run` is in it
  bool resume = false;
  std::optional<std::string> json_file = {}, junit_file = {};

  PlacedSettings from_file = {};  ///< for messages, which say --OPTION, to tell the line instead
};

/// Most steps that a run may have: at a nanosecond each, a quarter of an hour for a single path.
inline constexpr double most_steps = 1e12;

/// What a command does without options.
Options default_options(Command command);

/// From the arguments without the program's name. Reads --config and --sigma. Throws ConfigError, or FileError if the
/// sigma file cannot be read.
Options parse_options(const std::vector<std::string>& tokens);

/// Throws ConfigError for an option of the command line that would have no effect beside the others, with the option
/// that makes it so, and for options that contradict each other or lack another. What a configuration file says besides
/// is a record of another run, and may be more than this one needs. --dry-run and --print-config check a whole command
/// line and stop, so they go with what they leave undone.
void refuse_unused(const Settings& settings, Command command);

/// Throws ConfigError, naming `options`, if steps x paths x dimension is more than can be counted or steps alone exceed
/// most_steps.
void check_size(const std::string& options, double steps, std::int64_t paths, int dimension);

/// A configuration in the format of --config that runs the same job again; numbers read back to the same bits. The
/// noise factor of constant noise is expected in `sigma_file`.
std::string config_text(const run::RunConfig& config, const std::string& sigma_file = "sigma.csv");
/// The same for --print-config, with the noise factor where it is, so that it can be read back from anywhere.
std::string printed_config(const run::RunConfig& config);
/// The same of a scan.
std::string config_text(const scan::ScanConfig& config);

}  // namespace valleydrift::cli
