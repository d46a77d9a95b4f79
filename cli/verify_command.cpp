#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "cli/commands.hpp"
#include "cli/progress.hpp"
#include "manifolds/errors.hpp"
#include "validation/false_alarm_report.hpp"
#include "validation/output.hpp"
#include "validation/threads.hpp"
#include "validation/verify_report.hpp"

namespace valleydrift::cli {
namespace {

/// The files that --json and --junit name, open before the checks are run: what cannot be written is known then.
struct ResultFiles {
  explicit ResultFiles(const Options& options) {
    if (options.json_file) json.emplace(*options.json_file);
    if (options.junit_file) junit.emplace(*options.junit_file);
  }
  std::optional<validation::PendingFile> json = {}, junit = {};
};

void write_whole(std::optional<validation::PendingFile>& file, const std::string& text) {
  if (!file) return;
  file->write(text);
  file->commit();
}

/// JSON and JUnit files, then the text or with --quiet the verdict.
int finish(const Options& options, ResultFiles& files, bool passed, const nlohmann::json& json,
           const std::string& junit, const std::string& text, std::ostream& out) {
  write_whole(files.json, json.dump(2) + "\n");
  write_whole(files.junit, junit);
  out << (options.quiet ? std::string(passed ? "pass\n" : "fail\n") : text);
  return passed ? success : not_in_agreement;
}

int repeat_same_law(const Options& options, ResultFiles& files, std::ostream& out, std::ostream& err) {
  ProgressLine progress(options.quiet ? nullptr : &err);
  const validation::FalseAlarmRun run = validation::count_false_alarms(
      {options.verify, *options.repeats}, [&](double fraction) { progress.show(fraction); });
  progress.clear();
  return finish(options, files, run.passed(), validation::false_alarm_json(run), validation::false_alarm_junit(run),
                validation::false_alarm_text(run), out);
}

}  // namespace

int verify_command(const Options& options, std::ostream& out, std::ostream& err) {
  const std::vector<const validation::Check*> checks = validation::selected_checks(options.verify);
  if (options.list_checks) {
    out << validation::checks_text(checks);
    return success;
  }
  validation::set_thread_count(options.threads);
  ResultFiles files(options);
  if (options.repeats) return repeat_same_law(options, files, out, err);
  ProgressLine progress(options.quiet ? nullptr : &err);
  const validation::Verification verification =
      validation::verify(options.verify, [&](double fraction) { progress.show(fraction); });
  progress.clear();
  if (verification.results.empty()) {
    throw ConfigError(fmt::format("--only with --manifold {}: none of these checks applies to this manifold",
                                  options.verify.manifold.value_or("")));
  }

  return finish(options, files, verification.passed(), validation::verification_json(verification),
                validation::verification_junit(verification), validation::verification_text(verification), out);
}

}  // namespace valleydrift::cli
