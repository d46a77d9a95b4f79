// Reads the grids, noise and controls of scan and advise, and writes them as a scan's config.ini.
#include "cli/scan_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "cli/manifold_options.hpp"
#include "cli/values.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/numbers/portable_math.hpp"
#include "manifolds/registry.hpp"

namespace valleydrift::cli {
namespace {

using run::NoiseKind;
using run::Phase1;
using scan::Control;
using scan::ReadAt;
using scan::ScanConfig;

Range positive(const std::string& what) { return {0.0, false, infinity, false, what + " > 0"}; }

/// A,B,... or LOW:HIGH:COUNT, in equal ratios if `logarithmic`, else in equal steps; each value within `range`, no two
/// the same.
std::vector<double> grid_list(const Setting& setting, const Range& range, bool logarithmic) {
  constexpr std::uint64_t most = 1000;
  const auto value_of = [&](const std::string& text) {
    return number_in({setting.where, text, setting.from_file}, range);
  };
  std::vector<double> values;
  const std::size_t first = setting.text.find(':');
  if (first == std::string::npos) {
    const std::vector<double> given = number_list(setting);
    for (const double x : given) values.push_back(value_of(fmt::format("{}", x)));
  } else {
    const std::size_t second = setting.text.find(':', first + 1);
    if (second == std::string::npos || setting.text.find(':', second + 1) != std::string::npos) {
      throw ConfigError(
          fmt::format("{}: '{}' is not of the form A,B,... or LOW:HIGH:COUNT", setting.where, setting.text));
    }
    const double low = value_of(setting.text.substr(0, first));
    const double high = value_of(setting.text.substr(first + 1, second - first - 1));
    const auto count = static_cast<int>(
        whole_number_in({setting.where + ", count", setting.text.substr(second + 1), setting.from_file}, 2, most));
    if (logarithmic && !std::isfinite(high / low)) {
      throw ConfigError(fmt::format("{}: '{}' given, HIGH / LOW must be a finite number", setting.where, setting.text));
    }
    if (!(low < high)) {
      throw ConfigError(fmt::format("{}: '{}' given, LOW must be below HIGH", setting.where, setting.text));
    }
    if (logarithmic && !(low > 0.0)) {
      throw ConfigError(fmt::format("{}: '{}' given, LOW must be above 0", setting.where, setting.text));
    }
    for (int i = 0; i < count; ++i) {
      const double part = i / (count - 1.0);
      values.push_back(i + 1 == count ? high
                       : logarithmic  ? low * manifolds::pow(high / low, part)
                                      : low + part * (high - low));
    }
  }
  if (values.size() > most) {
    throw ConfigError(fmt::format("{}: {} values given, allowed is up to {}", setting.where, values.size(), most));
  }
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) throw ConfigError(fmt::format("{}: {} is given twice", setting.where, *twice));
  return values;
}

void read_problem(const Settings& settings, scan::ScanConfig& scan, bool advises) {
  run::RunConfig& run = scan.run;
  const manifolds::Manifold manifold = read_manifold(settings, run);
  const Setting* start = settings.find("start");
  if (read_random_start(settings, run)) {
    if (advises) throw ConfigError(fmt::format("{} {}: nothing is simulated; give a point", start->where, start->text));
  } else if (const Setting* s = start) {
    run.start = number_list(*s);
    if (static_cast<int>(run.start->size()) != manifold.dimension()) {
      throw ConfigError(fmt::format("{}: {} numbers given, allowed is {}: {}", s->where, run.start->size(),
                                    manifold.dimension(), manifold.description().coordinates));
    }
  }
  if (const Setting* s = settings.find("scheme")) {
    run.scheme = choice<Scheme>(*s, {Scheme::heavy_ball, Scheme::nesterov, Scheme::sgd}, name);
  }
  if (const Setting* s = settings.find("epsilon")) run.epsilon = number_in(*s, positive("epsilon"));
}

/// Label noise with the batches that are drawn. Sampling alone has no time scale along the valley.
void read_scan_noise(const Settings& settings, scan::ScanConfig& scan) {
  if (const Setting* s = settings.find("noise")) {
    scan.run.noise = choice<run::NoiseKind>(*s, {run::NoiseKind::label, run::NoiseKind::minibatch}, name);
    if (scan.run.noise == run::NoiseKind::minibatch) {
      throw ConfigError(fmt::format(
          "{} minibatch: sampling without label noise vanishes on the valley, so there is no motion along it "
          "at order epsilon^2 and no time scale to measure; `valleydrift compare --noise minibatch` shows it",
          s->where));
    }
  }
  read_batch(settings, scan.run);
}

void refuse_without_momentum(const Settings& settings, const scan::ScanConfig& scan) {
  if (scan.run.scheme != Scheme::sgd) return;
  for (const char* option : {"gamma", "C", "prefactor-eta", "prefactor-C", "prefactor-paths"}) {
    if (const Setting* s = settings.find(option)) {
      throw ConfigError(fmt::format("{} with --scheme sgd: sgd has no momentum", s->where));
    }
  }
}

void read_grid(const Settings& settings, scan::ScanConfig& scan) {
  constexpr double up_to_one = 1.0;
  if (const Setting* s = settings.find("noise-law")) {
    scan.run.noise_law = choice<NoiseLaw>(*s, {NoiseLaw::gaussian, NoiseLaw::rademacher}, name);
  }
  if (const Setting* s = settings.find("eta")) scan.etas = grid_list(*s, positive("eta"), true);
  if (const Setting* s = settings.find("gamma")) {
    scan.gammas = grid_list(*s, {0.0, true, up_to_one, false, "0 <= gamma < 1"}, false);
  }
  if (const Setting* s = settings.find("C")) scan.Cs = grid_list(*s, positive("C"), true);
  if (const Setting* s = settings.find("delta")) {
    constexpr double smallest = 1e-6;  // a hundredth of what 10^8 paths resolve, and ten times what predictions do
    scan.delta = number_in(*s, {smallest, true, up_to_one, false, "1e-6 <= delta < 1"});
  }
  const auto whole = [&](const char* option, std::uint64_t lowest, std::uint64_t highest) {
    const Setting* s = settings.find(option);
    return s ? std::optional(static_cast<std::int64_t>(whole_number_in(*s, lowest, highest))) : std::nullopt;
  };
  constexpr std::uint64_t fewest_paths = 256, most_paths = 100'000'000;  // 128 batches of two; days of work
  scan.limit = whole("limit", 1, static_cast<std::uint64_t>(most_steps));
  if (const auto paths = whole("paths", fewest_paths, most_paths)) scan.run.paths = *paths;
  if (const auto paths = whole("prefactor-paths", fewest_paths, most_paths)) scan.prefactor_paths = *paths;
  if (const Setting* s = settings.find("prefactor-eta")) scan.prefactor_eta = number_in(*s, positive("eta"));
  if (const Setting* s = settings.find("prefactor-C")) scan.prefactor_Cs = grid_list(*s, positive("C"), true);
  scan.prefactor = !settings.flag("no-prefactor");
  if (const Setting* s = settings.find("read-at")) {
    scan.read_at = choice<scan::ReadAt>(*s, {scan::ReadAt::weights, scan::ReadAt::valley}, name);
  }
  if (const Setting* s = settings.find("control")) {
    scan.control = choice<scan::Control>(
        *s, {scan::Control::none, scan::Control::no_transverse, scan::Control::wrong_clock}, name);
  }
  if (const Setting* s = settings.find("seed")) {
    scan.run.seed = whole_number_in(*s, 0, std::numeric_limits<std::uint64_t>::max());
  }
  if (const Setting* s = settings.find("phase1")) {
    scan.run.phase1 = choice<run::Phase1>(*s, {run::Phase1::none, run::Phase1::noisy}, name);
    if (scan.run.phase1 == run::Phase1::noisy && !scan.run.start && !scan.run.random_start) {
      throw ConfigError(fmt::format(
          "{} noisy without --start: the point off the valley where the descent begins is missing", s->where));
    }
  }
}

}  // namespace

void read_scan(Settings& settings, Options& options) {
  options.resume = settings.flag("resume");
  if (options.resume) {
    if (!options.output) throw ConfigError("--resume without --output: the folder of the interrupted scan is missing");
    if (options.force) throw ConfigError("--resume with --force: --force starts again; give one of them");
    const std::filesystem::path config = std::filesystem::path(*options.output) / "config.ini";
    std::error_code ignored;
    if (!std::filesystem::exists(config, ignored)) {
      throw ConfigError(
          fmt::format("--resume --output {}: there is no {}: no scan was interrupted there; without "
                      "--resume a new one is started",
                      *options.output, config.string()));
    }
    settings.add_file(read_config_file(config.string(), Command::scan));
  }
  scan::ScanConfig& scan = options.scan;
  read_problem(settings, scan, options.command == Command::advise);
  read_scan_noise(settings, scan);
  if (options.command == Command::advise) {
    if (const Setting* s = settings.find("eta")) scan.run.eta = number_in(*s, positive("eta"));
    if (const Setting* s = settings.find("seed")) {
      scan.run.seed = whole_number_in(*s, 0, std::numeric_limits<std::uint64_t>::max());
    }
    return;
  }
  scan.run.noise_law = NoiseLaw::rademacher;  // what the limit sees of the noise is its covariance; a bit is cheaper
  scan.run.paths = 8192;
  refuse_without_momentum(settings, scan);
  read_grid(settings, scan);
}

std::string scan_config_text(const scan::ScanConfig& c) {
  std::string text = "# valleydrift scan --config THIS-FILE runs this scan again\n";
  const auto line = [&](const std::string& key, const auto& value) { text += fmt::format("{} = {}\n", key, value); };
  const auto list = [&](const std::string& key, const std::vector<double>& values) {
    line(key, fmt::format("{}", fmt::join(values, ",")));
  };
  text += manifold_lines(c.run);
  if (c.run.random_start) {
    line("start", random_word);
    line("start-scale", c.run.start_scale.value());
  } else if (c.run.start) {
    list("start", *c.run.start);
  }
  line("phase1", name(c.run.phase1));
  line("scheme", name(c.run.scheme));
  if (c.run.epsilon) line("epsilon", *c.run.epsilon);
  line("noise", name(c.run.noise));
  if (c.run.batch) {
    line("batch", *c.run.batch);
    line("draw", name(c.run.draw));
  }
  line("noise-law", name(c.run.noise_law));
  list("eta", c.etas);
  if (c.run.scheme != Scheme::sgd) {
    list("gamma", c.gammas);
    if (c.Cs) list("C", *c.Cs);
  }
  line("delta", c.delta);
  if (c.limit) line("limit", *c.limit);
  line("paths", c.run.paths);
  line("no-prefactor", !c.prefactor);
  if (c.prefactor) {
    line("prefactor-eta", c.prefactor_eta);
    if (c.prefactor_Cs) list("prefactor-C", *c.prefactor_Cs);
    line("prefactor-paths", c.prefactor_paths);
  }
  if (c.read_at) line("read-at", name(*c.read_at));
  line("control", name(c.control));
  line("seed", c.run.seed);
  return text;
}

}  // namespace valleydrift::cli
