// Ctrl-C and SIGTERM: a flag that long loops look at, so that what is half done is put away before the program ends.
#pragma once

namespace valleydrift::validation {

/// From now on SIGINT and SIGTERM set the flag; a second one ends the program at once. Also ignores SIGPIPE
/// and SIGXFSZ, so that a closed standard output, after the files are complete, and a file above `ulimit -f` are errors
/// that are reported (exit code 4).
void install_signal_handlers();

/// The signal that has arrived, 0 if none.
int pending_signal();

/// Throws Interrupted if a signal has arrived. To be called between blocks of work; inside a parallel region only from
/// a worker of for_each_batch.
void throw_if_interrupted();

}  // namespace valleydrift::validation
