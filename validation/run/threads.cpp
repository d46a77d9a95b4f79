// Counts, sets and tries them, so that a limit of memory is a message and no crash.
#include "validation/run/threads.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "manifolds/errors.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace valleydrift::run {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

/// What OMP_STACKSIZE, or without it GOMP_STACKSIZE, says: the name with its value, and the bytes.
struct StackSize {
  std::string setting;
  std::size_t bytes;
};

/// Nothing if neither is set, or not to a whole number of B, K, M or G (without a letter K): OpenMP says so and passes
/// it over.
std::optional<StackSize> stack_size_told() {
  for (const char* name : {"OMP_STACKSIZE", "GOMP_STACKSIZE"}) {
    const char* text = std::getenv(name);
    if (!text) continue;
    char* end = nullptr;
    errno = 0;
    const auto number = static_cast<double>(std::strtoul(text, &end, 10));
    if (end == text || errno != 0) continue;
    const auto skip_blanks = [&] {
      while (std::isspace(static_cast<unsigned char>(*end))) ++end;
    };
    skip_blanks();
    const std::string units = "BKMG";
    const std::size_t unit = *end ? units.find(static_cast<char>(std::toupper(static_cast<unsigned char>(*end)))) : 1;
    if (*end) ++end;
    skip_blanks();
    const double bytes = std::ldexp(number, 10 * static_cast<int>(unit));
    constexpr double most = 9e18;  // fits in 63 bits
    if (unit == std::string::npos || *end || !(bytes < most)) continue;
    return StackSize{fmt::format("{}={}", name, text), static_cast<std::size_t>(bytes)};
  }
  return {};
}

/// Address space that is kept free while it lives.
class Reservation {
 public:
  explicit Reservation(std::size_t bytes)
      : bytes_(bytes),
        start_(::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation() {
    if (made()) ::munmap(start_, bytes_);
  }
  bool made() const { return start_ != MAP_FAILED; }

 private:
  std::size_t bytes_;
  void* start_;
};

/// Under a limit of address space: one heap for all threads, of which each would otherwise reserve 64 MiB and more.
[[maybe_unused]] void share_the_heap_if_space_is_limited() {
#ifdef M_ARENA_MAX
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) ::mallopt(M_ARENA_MAX, 1);
#endif
}

void* wait_for_end(void* end) {
  static_cast<std::shared_future<void>*>(end)->wait();
  return nullptr;
}

/// How many of `wanted` threads, this one included, there can be at a time, with memory left for the run: OpenMP ends
/// the program if it cannot make those it is told to.
[[maybe_unused]] int threads_to_be_had(int wanted, const std::optional<StackSize>& stack) {
  constexpr std::size_t for_the_run = 64 * mebibyte;  // a run of the default size on some threads takes half of it
  if (wanted == 1) return 1;
  const Reservation kept(for_the_run);
  if (!kept.made()) return 1;
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return 1;
  if (stack) ::pthread_attr_setstacksize(&attributes, stack->bytes);
  std::promise<void> counted;
  std::shared_future<void> end = counted.get_future().share();
  std::vector<pthread_t> made;
  made.reserve(static_cast<std::size_t>(wanted));
  pthread_t thread{};
  while (static_cast<int>(made.size()) + 1 < wanted &&
         ::pthread_create(&thread, &attributes, wait_for_end, &end) == 0) {
    made.push_back(thread);
  }
  ::pthread_attr_destroy(&attributes);
  counted.set_value();
  for (const pthread_t one : made) ::pthread_join(one, nullptr);
  return static_cast<int>(made.size()) + 1;
}

/// The threads that OpenMP is told to use; throws ConfigError if it cannot have them.
[[maybe_unused]] int threads_to_use(int asked, int wanted) {
  const std::optional<StackSize> stack = stack_size_told();
  // Eigen takes up to 128 KiB of a stack at a time; with less than this the program was seen to overrun it.
  constexpr std::size_t least_stack = mebibyte;
  if (wanted > 1 && stack && stack->bytes < least_stack) {
    throw ConfigError(
        fmt::format("{}: allowed is at least 1M, as much as the program takes; unset it", stack->setting));
  }
  const int available = threads_to_be_had(wanted, stack);
  if (wanted > 1 && available == 1 && stack) {
    throw ConfigError(
        fmt::format("{}: the system has no memory for a thread with such a stack; unset it, or take "
                    "less, or --threads 1",
                    stack->setting));
  }
  if (asked > available) {
    throw ConfigError(fmt::format(
        "--threads {}: the system lets this program have {} (its limits of memory or processes), take no more", asked,
        available));
  }
  return std::min(wanted, available);
}

}  // namespace

int thread_count() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

void use_threads([[maybe_unused]] int threads) {
#ifdef _OPENMP
  omp_set_num_threads(threads);
#endif
}

int set_thread_count([[maybe_unused]] int threads) {
#ifdef _OPENMP
  constexpr int most = 1024;  // of --threads too; OMP_NUM_THREADS may be anything
  const int wanted = threads > 0 ? threads : std::min(thread_count(), most);
  share_the_heap_if_space_is_limited();
  omp_set_num_threads(threads_to_use(threads, wanted));
  std::atomic<int> made = 0;
#pragma omp parallel  // made now, while they can be: OpenMP keeps them
  ++made;
#endif
  return thread_count();
}

void wait_passively([[maybe_unused]] char* const* argv) {
#ifdef _OPENMP
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  // The path as it was started, so that the process keeps its name; if that still leads to this program.
  const auto* path = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  struct stat started = {}, running = {};
  if (!path || ::stat(path, &started) != 0 || ::stat("/proc/self/exe", &running) != 0) return;
  if (started.st_dev != running.st_dev || started.st_ino != running.st_ino) return;
  if (::setenv("OMP_WAIT_POLICY", "passive", 1) != 0) return;
  ::execv(path, argv);
  ::unsetenv("OMP_WAIT_POLICY");
#endif
}

}  // namespace valleydrift::run
