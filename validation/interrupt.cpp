#include "validation/interrupt.hpp"

#include <signal.h>

#include <csignal>

#include "manifolds/errors.hpp"

namespace valleydrift::validation {
namespace {

volatile std::sig_atomic_t arrived = 0;

extern "C" void valleydrift_note_signal(int signal_number) { arrived = signal_number; }

}  // namespace

void install_signal_handlers() {
  struct sigaction action = {};
  action.sa_handler = valleydrift_note_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

int pending_signal() { return arrived; }

void throw_if_interrupted() {
  if (arrived != 0) throw Interrupted(arrived);
}

}  // namespace valleydrift::validation
