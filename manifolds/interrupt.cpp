#include "manifolds/interrupt.hpp"

#include <signal.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "manifolds/errors.hpp"

namespace valleydrift::manifolds {
namespace {

volatile std::sig_atomic_t arrived = 0;

/// What `run` says and returns when the flag is seen, where nobody sees it. Only calls that a handler may make.
extern "C" void valleydrift_end_now(int /*signal_number*/) {
  constexpr std::string_view text = "valleydrift: interrupted\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
  _exit(128 + arrived);
}

extern "C" void valleydrift_note_signal(int signal_number) {
  constexpr unsigned patience = 1;  // seconds: between two looks lie milliseconds, but for a large matrix's spectrum
  const bool second = arrived != 0;
  arrived = signal_number;
  if (second) valleydrift_end_now(signal_number);
  alarm(patience);
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
  for (const int signal_number : {SIGINT, SIGTERM}) handle(signal_number, valleydrift_note_signal);
  struct sigaction hang_up = {};
  sigaction(SIGHUP, nullptr, &hang_up);
  if (hang_up.sa_handler != SIG_IGN) handle(SIGHUP, valleydrift_note_signal);  // ignored under nohup
  handle(SIGALRM, valleydrift_end_now);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

int pending_signal() { return arrived; }

void signal_heard() { alarm(0); }

void throw_if_interrupted() {
  if (arrived != 0) throw Interrupted(arrived);
}

}  // namespace valleydrift::manifolds
