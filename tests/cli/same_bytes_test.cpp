// P1: the same binary, configuration and seed give the same bytes, whatever runs them.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "manifolds/catalogue.hpp"
#include "run_program.hpp"
#include "validation/compare/compare.hpp"
#include "validation/output/path_files.hpp"
#include "validation/run/plan.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace valleydrift {

using namespace valleydrift::output;
using namespace valleydrift::run;
using valleydrift::cli_test::Folder;
using valleydrift::cli_test::read_file;
using valleydrift::cli_test::Result;
using valleydrift::cli_test::run_program;

namespace {

using Job = std::vector<std::string>;

/// Everything that `compare` wrote but run.json, which is outside the promise.
std::string results_in(const std::string& folder) {
  std::string all;
  for (const char* name : {"config.ini", "summary.json", "series.csv", "paths.csv"}) {
    const std::string content = read_file(folder + "/" + name);
    BOOST_TEST(content.size() > 100U, name);
    all += content;
  }
  return all;
}

Job with_output(Job job, const std::string& output) {
  job.insert(job.begin(), "compare");
  job.insert(job.end(), {"--no-plots", "--quiet", "--save-paths", "--seed", "5", "--output", output});
  return job;
}

std::string results_of(Job job, const std::string& threads) {
  const Folder folder;
  job.insert(job.end(), {"--threads", threads});
  const Result result = run_program(with_output(job, folder.path("out")));
  BOOST_TEST(result.code <= 1, result.err);
  return results_in(folder.path("out"));
}

/// 300 paths leave most batches with two or three paths and lanes idle; 1001 cut them unevenly.
std::vector<Job> various_jobs() {
  return {{"--paths", "1001", "--steps", "100", "--ladder", "full"},
          {"--manifold", "sphere", "--noise", "isotropic", "--shared-noise", "--paths", "300", "--steps", "60"},
          {"--manifold", "quadratic-pair", "--noise", "constant", "--sigma",
           VALLEYDRIFT_SOURCE_DIR "/tests/data/full_rank_sigma.csv", "--paths", "256", "--steps", "60"},
          {"--manifold", "quadratic-pair", "--eta", "0.02", "--batch", "1", "--paths", "300", "--steps", "60"},
          {"--manifold", "linear-network", "--noise", "minibatch", "--batch", "9", "--draw", "with-replacement",
           "--eta", "0.01", "--paths", "256", "--steps", "20"},
          {"--manifold", "cosh-pair", "--scheme", "nesterov", "--noise-law", "rademacher", "--paths", "256", "--steps",
           "50"},
          {"--manifold", "torus", "--start", "random", "--phase1", "noisy", "--noise", "isotropic", "--paths", "300",
           "--steps", "50"},
          {"--start", "random", "--start-scale", "1.5", "--phase1", "gd", "--paths", "300", "--steps", "50"}};
}

/// Every manifold with noise that diffuses and with noise that does not: both processes.
std::vector<Job> jobs_on_all_manifolds() {
  std::vector<Job> jobs;
  for (const auto& d : valleydrift::manifolds::descriptions()) {
    for (const char* noise : {"label", "isotropic"}) {
      // A step of the limiting diffusion with 40 noise columns and ten residuals costs as much as a thousand of the
      // others.
      const char* steps = d.name == "linear-network" ? "2" : "40";
      jobs.push_back({"--manifold", d.name, "--noise", noise, "--paths", "300", "--steps", steps});
    }
  }
  return jobs;
}

void same_for_threads(const std::vector<Job>& jobs, const std::vector<std::string>& threads) {
  for (const Job& job : jobs) {
    const std::string first = results_of(job, "1");
    for (const std::string& n : threads) {
      BOOST_TEST((results_of(job, n) == first), fmt::format("{} with {} threads", fmt::join(job, " "), n));
    }
  }
}

/// Output and exit code of a shell command.
Result shell(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string out;
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe.get())) out.append(buffer, n);
  return {0, out, ""};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(same_bytes)

BOOST_AUTO_TEST_CASE(for_any_number_of_threads) { same_for_threads(various_jobs(), {"2", "3", "8"}); }

BOOST_AUTO_TEST_CASE(for_any_number_of_threads_and_every_manifold, *boost::unit_test::label("slow")) {
  same_for_threads(various_jobs(), {"4", "7", "16"});
  same_for_threads(jobs_on_all_manifolds(), {"2", "3", "4", "7", "8", "16"});
}

#ifdef _OPENMP
BOOST_AUTO_TEST_CASE(for_static_and_dynamic_scheduling, *boost::unit_test::label("slow")) {
  omp_sched_t kind;
  int chunk;
  omp_get_schedule(&kind, &chunk);
  for (const Job& job : various_jobs()) {
    omp_set_schedule(omp_sched_dynamic, 1);
    const std::string first = results_of(job, "3");
    for (const auto& [other, size] : {std::pair{omp_sched_static, 0}, {omp_sched_static, 1}, {omp_sched_guided, 4}}) {
      omp_set_schedule(other, size);
      BOOST_TEST((results_of(job, "3") == first),
                 fmt::format("{} with schedule {}", fmt::join(job, " "), static_cast<int>(other)));
    }
  }
  omp_set_schedule(kind, chunk);
}
#endif

BOOST_AUTO_TEST_CASE(for_any_number_of_paths_saved_at_a_time) {
  RunConfig config;
  config.manifold = "sphere";
  config.noise = NoiseKind::isotropic;
  config.paths = 1001;
  const ResolvedRun run = resolve(config);
  const Plan plan = plan_comparison(run);
  const Folder folder;
  const auto saved = [&](std::int64_t at_a_time) {
    OutputFolder out = OutputFolder::reserve(folder.path(std::to_string(at_a_time)), config.manifold, false);
    DiscreteRequest request = own_rung(run, plan);
    request.record_steps = {0, 10, 25};
    request.sampled_paths = 700;
    request.sink_paths = at_a_time;
    PathWriter writer(out, {"w1", "w2"}, {0.0, 0.1, 0.25});
    std::int64_t calls = 0;
    request.sink = [&](const std::vector<PathRecord>& records) {
      ++calls;
      for (const PathRecord& r : records) {
        writer.append(r.path, static_cast<std::size_t>(r.record), PathKind::slow, r.slow);
      }
    };
    run_discrete(request);
    writer.finish();
    BOOST_TEST((at_a_time > 1 || calls == 700));
    return read_file(folder.path(std::to_string(at_a_time)) + "/paths.csv");
  };
  const std::string one = saved(1);
  BOOST_TEST(one.size() > 10000U);
  BOOST_TEST((saved(7) == one));
  BOOST_TEST((saved(64) == one));
}

// The C library takes other versions of exp, sin, ... on a processor without fused multiplication; GLIBC_TUNABLES makes
// it believe that this is one.
BOOST_AUTO_TEST_CASE(on_a_processor_without_fused_multiplication, *boost::unit_test::label("slow")) {
  const std::string older = "GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2,-AVX512F,-FMA4 ";
  // The C library itself does give other digits then, if this processor has what is switched off.
  const std::string sines =
      R"(awk 'BEGIN { for (i = 1; i < 5000; ++i) printf "%.17g %.17g ", sin(0.37 * i), exp(0.0012 * i) }')";
  const bool differs = shell(sines).out != shell(older + sines).out;
  BOOST_TEST_MESSAGE("the C library's own digits " << (differs ? "differ" : "are the same"));

  const Folder folder;
  std::vector<Job> jobs = various_jobs();
  for (const char* manifold : {"channel --param profile=exp", "ellipse", "torus", "uv"}) {
    jobs.push_back({"--manifold", manifold, "--noise", "isotropic", "--C", "0.27", "--gamma", "0.6", "--paths", "256",
                    "--steps", "50", "--slow-variable", "iterated"});
  }
  int n = 0;
  for (const Job& job : jobs) {
    const std::string here = folder.path(fmt::format("{}-here", n)), there = folder.path(fmt::format("{}-there", n));
    ++n;
    shell(fmt::format(VALLEYDRIFT_PROGRAM " {} > /dev/null 2>&1", fmt::join(with_output(job, here), " ")));
    shell(older + fmt::format(VALLEYDRIFT_PROGRAM " {} > /dev/null 2>&1", fmt::join(with_output(job, there), " ")));
    BOOST_TEST((results_in(here) == results_in(there)), fmt::format("{}", fmt::join(job, " ")));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace valleydrift
