#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/commands.hpp"
#include "cli/progress.hpp"
#include "manifolds/errors.hpp"
#include "validation/output.hpp"
#include "validation/threads.hpp"
#include "validation/verify_report.hpp"

namespace valleydrift::cli {
namespace {

void write_file(const std::string& path, const std::string& text) {
  validation::PendingFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace

int verify_command(const Options& options, std::ostream& out, std::ostream& err) {
  const std::vector<const validation::Check*> checks = validation::selected_checks(options.verify);
  if (options.list_checks) {
    out << validation::checks_text(checks);
    return success;
  }
  validation::set_thread_count(options.threads);
  ProgressLine progress(options.quiet ? nullptr : &err);
  const validation::Verification verification =
      validation::verify(options.verify, [&](double fraction) { progress.show(fraction); });
  progress.clear();
  if (verification.results.empty()) {
    throw ConfigError(fmt::format("--only with --manifold {}: none of these checks applies to this manifold",
                                  options.verify.manifold.value_or("")));
  }

  if (options.json_file) write_file(*options.json_file, validation::verification_json(verification).dump(2) + "\n");
  if (options.junit_file) write_file(*options.junit_file, validation::verification_junit(verification));
  if (options.quiet) {
    out << (verification.passed() ? "pass\n" : "fail\n");
  } else {
    out << validation::verification_text(verification);
  }
  return verification.passed() ? success : not_in_agreement;
}

}  // namespace valleydrift::cli
