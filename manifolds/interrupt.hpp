// Ctrl-C, SIGTERM and SIGHUP: a flag that long loops look at, so that what is half done is put away before the program
// ends.
#pragma once

namespace valleydrift {

/// From now on SIGINT, SIGTERM and SIGHUP set the flag; a second one, unless it is the same within a fifth of a
/// second, ends the program at once, and so does the first where the loops have not ended within 1.8 seconds. One that
/// is ignored at the start stays so. Also ignores SIGPIPE and SIGXFSZ, so that a closed standard output, after the
/// files are complete, and a file above `ulimit -f` are errors that are reported (exit code 4).
void install_signal_handlers();

/// The signal that has arrived, 0 if none.
int pending_signal();

/// From here on the end may take its time: all loops are left. A second signal still ends the program at once.
void signal_heard();

/// Throws Interrupted if a signal has arrived. To be called between blocks of work; inside a parallel region only from
/// a worker of for_each_batch.
void throw_if_interrupted();

}  // namespace valleydrift
