// The command line understood: every value parsed, checked by itself and against the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/option_table.hpp"
#include "cli/settings.hpp"
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

  int search = 0;   ///< starts to search for other flattest points from
  int threads = 0;  ///< 0: all processors
  std::optional<std::string> output = {};
  std::optional<std::int64_t> path = {};  ///< replay this trajectory
  bool force = false, save_paths = false, json = false, quiet = false, no_plots = false;
  bool dry_run = false, print_config = false, benchmark = false;

  verify::VerifyRequest verify = {};
  std::optional<std::int64_t> repeats = {};  ///< of --aa
  bool list_checks = false;

  scan::ScanConfig scan = {};  ///< of scan and, as far as it goes, advise
  bool resume = false;
  std::optional<std::string> json_file = {}, junit_file = {};

  PlacedSettings from_file = {};  ///< for messages, which say --OPTION, to tell the line instead
};

/// Most steps that a run may have: at a nanosecond each, a quarter of an hour for a single path.
inline constexpr double most_steps = 1e12;

/// From the arguments without the program's name. Reads --config and --sigma. Throws ConfigError, or FileError if the
/// sigma file cannot be read.
Options parse_options(const std::vector<std::string>& tokens);

/// --start random with its --start-scale into `run`; false if there is no such start. Throws ConfigError for a scale
/// without it.
bool read_random_start(const Settings& settings, run::RunConfig& run);
/// --batch and --draw into `run`, whose noise is known.
void read_batch(const Settings& settings, run::RunConfig& run);

/// Throws ConfigError, naming `options`, if steps x paths x dimension is more than can be counted or steps alone exceed
/// most_steps.
void check_size(const std::string& options, double steps, std::int64_t paths, int dimension);

/// A configuration in the format of --config that runs the same job again; numbers read back to the same bits. The
/// noise factor of constant noise is expected in `sigma_file`.
std::string config_text(const run::RunConfig& config, const std::string& sigma_file = "sigma.csv");
/// The same for --print-config, with the noise factor where it is, so that it can be read back from anywhere.
std::string printed_config(const run::RunConfig& config);

}  // namespace valleydrift::cli
