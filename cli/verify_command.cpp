// verify: picks the checks, runs them or their A/A repeats, prints and writes JSON and JUnit XML.
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"
#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "validation/output/pending_file.hpp"
#include "validation/report/false_alarm_report.hpp"
#include "validation/report/verify_report.hpp"
#include "validation/run/threads.hpp"

namespace valleydrift::cli {
namespace {

/// The files of --json and --junit, opened before the checks run: what cannot be written is then known at once.
class ResultFiles {
 public:
  explicit ResultFiles(const Options& options) {
    if (options.json_file) json_.emplace(*options.json_file);
    if (options.junit_file) junit_.emplace(*options.junit_file);
  }
  /// Writes each, the second also if the first fails; then throws what the first failure was.
  void write(const std::string& json, const std::string& junit) {
    std::exception_ptr failure;
    for (const auto& [file, text] : {std::pair(&json_, &json), std::pair(&junit_, &junit)}) {
      if (!*file) continue;
      try {
        (*file)->write(*text);
        (*file)->commit();
      } catch (...) {
        if (!failure) failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
  }

 private:
  std::optional<output::PendingFile> json_, junit_;
};

/// The text or with --quiet the verdict, then the files: none is lost with another.
int finish(const Options& options, ResultFiles& files, bool passed, const nlohmann::json& json,
           const std::string& junit, const std::string& text, std::ostream& out) {
  out << (options.quiet ? std::string(passed ? "pass\n" : "fail\n") : text) << std::flush;
  files.write(json.dump(2) + "\n", junit);
  return passed ? success : not_in_agreement;
}

int repeat_same_law(const Options& options, ResultFiles& files, std::ostream& out, std::ostream& err) {
  ProgressLine progress(options.quiet ? nullptr : &err);
  const verify::FalseAlarmRun run =
      verify::count_false_alarms({options.verify, *options.repeats}, [&](double fraction) { progress.show(fraction); });
  progress.clear();
  const int code = finish(options, files, run.passed(), report::false_alarm_json(run), report::false_alarm_junit(run),
                          report::false_alarm_text(run), out);
  if (run.unfinished > 0) valleydrift::throw_if_interrupted();
  return code;
}

/// The selected checks; if a manifold or a formula is asked for, those that apply to it.
std::vector<const verify::Check*> applicable_checks(const verify::VerifyRequest& request) {
  std::vector<const verify::Check*> checks = verify::selected_checks(request);
  if (!request.manifold && !request.formula) return checks;
  const std::vector<verify::CheckSite> sites = verify::check_sites(request);
  std::erase_if(checks, [&](const verify::Check* check) { return verify::rows_of({check}, sites).empty(); });
  return checks;
}

}  // namespace

int verify_command(const Options& options, std::ostream& out, std::ostream& err) {
  if (options.list_checks) {
    out << report::checks_text(applicable_checks(options.verify));
    return success;
  }
  verify::selected_checks(options.verify);  // each pattern of --only matches one, or it is an error now
  run::set_thread_count(options.threads);
  ResultFiles files(options);
  if (options.repeats) return repeat_same_law(options, files, out, err);
  ProgressLine progress(options.quiet ? nullptr : &err);
  const verify::Verification verification =
      verify::verify(options.verify, [&](double fraction) { progress.show(fraction); });
  progress.clear();
  if (verification.results.empty() && verification.unfinished == 0) {
    throw ConfigError(fmt::format("--only with --manifold {}: none of these checks applies to this manifold",
                                  options.verify.manifold.value_or("")));
  }

  const int code = finish(options, files, verification.passed(), report::verification_json(verification),
                          report::verification_junit(verification), report::verification_text(verification), out);
  if (verification.unfinished > 0) valleydrift::throw_if_interrupted();
  return code;
}

}  // namespace valleydrift::cli
