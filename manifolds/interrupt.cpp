// The signal handlers: they set the flag, and end the program after two seconds if nobody looks at it.
#include "manifolds/interrupt.hpp"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <string_view>

#include "manifolds/errors.hpp"

namespace valleydrift {
namespace {

volatile std::sig_atomic_t arrived = 0;
timespec arrived_at = {};  ///< of the first signal; written and read by the handler alone

/// What `run` says and returns when the flag is seen, where nobody sees it. Only calls that a handler may make.
extern "C" void valleydrift_end_now(int /*signal_number*/) {
  constexpr std::string_view text = "valleydrift: interrupted\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
  _exit(128 + arrived);
}

/// Calls valleydrift_end_now a little less than two seconds from now: between two looks lie milliseconds, but for a
/// large matrix's spectrum or a loaded machine. A system call and nothing else, so that the handler may make it.
void end_later() {
  itimerval patience = {};
  patience.it_value = {1, 800'000};  // seconds, microseconds
  setitimer(ITIMER_REAL, &patience, nullptr);
}

/// Whether the first signal came within a fifth of a second: `timeout`, schedulers and terminals send one signal to a
/// process and to its group, and nobody presses a key so fast again.
bool came_just_now() {
  constexpr double just_now = 0.2;  // seconds
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);  // a handler may call it
  const auto seconds = static_cast<double>(now.tv_sec - arrived_at.tv_sec);
  return seconds + 1e-9 * static_cast<double>(now.tv_nsec - arrived_at.tv_nsec) < just_now;
}

extern "C" void valleydrift_note_signal(int signal_number) {
  if (signal_number == arrived && came_just_now()) return;
  const bool second = arrived != 0;
  arrived = signal_number;
  if (second) valleydrift_end_now(signal_number);
  clock_gettime(CLOCK_MONOTONIC, &arrived_at);
  end_later();
}

void handle(int signal_number, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal_number, &action, nullptr);
}

}  // namespace

void install_signal_handlers() {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction found = {};
    sigaction(signal_number, nullptr, &found);  // ignored under nohup, or in the background of a script
    if (found.sa_handler != SIG_IGN) handle(signal_number, valleydrift_note_signal);
  }
  handle(SIGALRM, valleydrift_end_now);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

int pending_signal() { return arrived; }

void signal_heard() {
  const itimerval none = {};
  setitimer(ITIMER_REAL, &none, nullptr);
}

void throw_if_interrupted() {
  if (arrived != 0) throw Interrupted(arrived);
}

}  // namespace valleydrift
