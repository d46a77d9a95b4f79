// Where the loops of this folder look for a signal.
#pragma once

#include "manifolds/interrupt.hpp"

namespace valleydrift::validation {

using manifolds::install_signal_handlers;
using manifolds::pending_signal;
using manifolds::signal_heard;
using manifolds::throw_if_interrupted;

}  // namespace valleydrift::validation
