// Finds gnuplot, starts it, reads what it says, ends it at its limit of time, and puts its pictures in place.
#include "validation/figures/gnuplot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include "manifolds/errors.hpp"
#include "manifolds/interrupt.hpp"
#include "validation/output/pending_file.hpp"

namespace valleydrift::figures {
namespace {

namespace fs = std::filesystem;

/// Closes a descriptor at the end of the scope.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  int value() const { return value_; }
  void close() {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
  }

 private:
  int value_;
};

/// The gnuplot of the search path. Empty entries, which would mean the working directory, do not count; relative ones
/// mean what they mean here, not in the folder where gnuplot runs.
fs::path find_gnuplot() {
  const char* path = std::getenv("PATH");
  std::istringstream entries(path ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string entry; std::getline(entries, entry, ':');) {
    if (entry.empty()) continue;
    std::error_code ignored;
    const fs::path program = fs::absolute(fs::path(entry) / "gnuplot", ignored);
    if (fs::is_regular_file(program, ignored) && ::access(program.c_str(), X_OK) == 0) return program;
  }
  throw FileError(
      "cannot start gnuplot: it is not on the search path; install the package gnuplot-nox, or add "
      "--no-plots");
}

/// Starts gnuplot in `folder`; what it says goes to `output`. Returns 0 and the child, or the error.
int spawn(const fs::path& program, const fs::path& folder, const std::string& script, int output, pid_t& child) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawnattr_t attributes;  // signals that this program ignores, gnuplot need not
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGPIPE);
  ::sigaddset(&defaults, SIGXFSZ);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  // --default-settings: a user's own .gnuplot file must not change the pictures.
  std::array<std::string, 5> arguments = {"gnuplot", "--default-settings", "-e", "suffix = '.part'", script};
  std::array<char*, 6> argv{};
  std::transform(arguments.begin(), arguments.end(), argv.begin(), [](std::string& a) { return a.data(); });
  const int error = ::posix_spawn(&child, program.c_str(), &actions, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

/// gnuplot while it runs; killed if the scope is left before wait() has seen its end.
class Child {
 public:
  explicit Child(pid_t id) : id_(id) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (ended_) return;
    ::kill(id_, SIGKILL);
    while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  /// Whether it has ended; then `status` is how.
  bool wait(int& status) {
    const pid_t id = ::waitpid(id_, &status, WNOHANG);
    if (id < 0 && errno != EINTR) {
      ended_ = true;
      throw FileError(fmt::format("gnuplot was lost: {}", std::strerror(errno)));
    }
    ended_ = id == id_;
    return ended_;
  }

 private:
  pid_t id_;
  bool ended_ = false;
};

/// Adds what can be read within a tenth of a second to `text`, of which the beginning is kept.
void read_some(int descriptor, std::string& text) {
  constexpr std::size_t kept = 4096;
  constexpr int patience = 100;  // ms: a signal is heard within it
  pollfd one = {descriptor, POLLIN, 0};
  if (::poll(&one, 1, patience) <= 0) return;
  std::array<char, kept> buffer;
  const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
  if (count > 0 && text.size() < kept) text.append(buffer.data(), static_cast<std::size_t>(count));
  // Its end is closed: nothing more comes, and only the process itself is waited for.
  if (count == 0) ::poll(nullptr, 0, 1);
}

/// Of what gnuplot said, the last line with words in it: it names the error.
std::string last_words(const std::string& said) {
  std::istringstream lines(said);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (std::any_of(line.begin(), line.end(), [](unsigned char c) { return std::isalpha(c) != 0; })) last = line;
  }
  return last.empty() ? last : ": " + last;
}

/// Runs gnuplot on a script in `folder`; the pictures get the suffix .part.
void run_gnuplot(const fs::path& program, const fs::path& folder, const std::string& script, double limit) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw FileError(fmt::format("cannot start gnuplot: {}", std::strerror(errno)));
  }
  Descriptor from(ends[0]), to(ends[1]);
  pid_t id = 0;
  if (const int error = spawn(program, folder, script, to.value(), id); error != 0) {
    throw FileError(fmt::format("cannot start {}: {}; install the package gnuplot-nox, or add --no-plots",
                                program.string(), std::strerror(error)));
  }
  to.close();
  Child child(id);
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  std::string said;
  int status = 0;
  while (!child.wait(status)) {
    throw_if_interrupted();
    if (!(std::chrono::duration<double>(Clock::now() - start).count() < limit)) {
      throw FileError(fmt::format("gnuplot did not end within {:g} s on {} and was stopped; add --no-plots", limit,
                                  (folder / script).string()));
    }
    read_some(from.value(), said);
  }
  throw_if_interrupted();  // Ctrl-C reaches gnuplot as well: its end is not the reason then
  read_some(from.value(), said);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  const std::string how = WIFSIGNALED(status) ? fmt::format("was stopped by signal {}", WTERMSIG(status))
                                              : fmt::format("failed with exit code {}", WEXITSTATUS(status));
  throw FileError(fmt::format("gnuplot {} on {}{}", how, (folder / script).string(), last_words(said)));
}

/// A picture is complete if its end is there.
void check_complete(const fs::path& picture, const std::string& kind) {
  std::ifstream file(picture, std::ios::binary);
  if (!file) throw FileError(fmt::format("gnuplot made no {}", picture.string()));
  constexpr std::streamoff enough = 64;
  file.seekg(0, std::ios::end);
  const std::streamoff size = std::max<std::streamoff>(file.tellg(), 0), count = std::min(size, enough);
  std::string tail(static_cast<std::size_t>(count), '\0');
  file.seekg(size - count);
  file.read(tail.data(), count);
  while (kind == "svg" && !tail.empty() && std::isspace(static_cast<unsigned char>(tail.back()))) tail.pop_back();
  const bool complete = kind == "svg"
                            ? tail.ends_with("</svg>")
                            : tail.size() >= 8 && tail.compare(tail.size() - 8, 4, "IEND") == 0;  // then its checksum
  if (!file || !complete) {
    throw FileError(fmt::format("{} is cut short: gnuplot could not write all of it (disk full?)", picture.string()));
  }
}

/// The two pictures of a figure under their working names, which are removed if drawing does not get to its end.
class Pictures {
 public:
  /// What has these names already, a link too, goes: gnuplot would follow it.
  Pictures(fs::path folder, std::string name) : folder_(std::move(folder)), name_(std::move(name)) {
    for (const char* kind : kinds) fs::remove(part(kind));
  }
  Pictures(const Pictures&) = delete;
  Pictures& operator=(const Pictures&) = delete;
  ~Pictures() {
    std::error_code ignored;
    for (const char* kind : kinds) fs::remove(part(kind), ignored);
  }
  /// Checks both, then gives both their names, which it appends to `names`.
  void commit(std::vector<std::string>& names) const {
    for (const char* kind : kinds) check_complete(part(kind), kind);
    for (const char* kind : kinds) {
      const std::string file = fmt::format("{}.{}", name_, kind);
      std::error_code error;
      fs::rename(part(kind), folder_ / file, error);
      if (error) throw FileError(fmt::format("cannot write {}: {}", (folder_ / file).string(), error.message()));
      names.push_back(file);
    }
  }

 private:
  static constexpr std::array<const char*, 2> kinds = {"svg", "png"};
  fs::path part(const char* kind) const { return folder_ / fmt::format("{}.{}.part", name_, kind); }

  fs::path folder_;
  std::string name_;
};

}  // namespace

std::vector<std::string> draw(const fs::path& folder, const std::vector<Figure>& figures, double limit) {
  std::vector<std::string> names;
  for (const Figure& figure : figures) {
    for (const auto& [extension, content] :
         {std::pair{".dat", figure.data()}, std::pair{".gnuplot", figure.script()}}) {
      names.push_back(figure.name() + extension);
      output::PendingFile file(folder / names.back());
      file.write(content);
      file.commit();
    }
  }
  const fs::path program = find_gnuplot();
  for (const Figure& figure : figures) {
    const Pictures pictures(folder, figure.name());
    run_gnuplot(program, folder, figure.name() + ".gnuplot", limit);
    pictures.commit(names);
  }
  return names;
}

}  // namespace valleydrift::figures
