// Writing to standard output through interruptions and slow readers.
#include <fcntl.h>
#include <pthread.h>
#include <sys/time.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <ostream>
#include <string>
#include <thread>

#include "cli/terminal.hpp"

using valleydrift::cli::DescriptorBuffer;

BOOST_AUTO_TEST_SUITE(standard_streams)

namespace {

volatile std::sig_atomic_t alarms = 0;
extern "C" void note_alarm(int) { alarms = alarms + 1; }

/// What arrives at the other end of a pipe whose reader begins late, while a signal comes every 5 ms.
std::string through_a_pipe(const std::string& text, int flags, bool& good) {
  int ends[2];
  BOOST_TEST_REQUIRE(::pipe2(ends, flags) == 0);
  ::fcntl(ends[0], F_SETFL, 0);
  sigset_t alarm, before;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, &before);  // in the reader: the signals are for the writer
  std::string arrived;
  std::thread reader([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    char buffer[4096];
    for (ssize_t count; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
      arrived.append(buffer, static_cast<std::size_t>(count));
    }
  });
  struct sigaction action = {}, earlier = {};
  action.sa_handler = note_alarm;  // without SA_RESTART: the call ends with EINTR
  sigaction(SIGALRM, &action, &earlier);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const itimerval often = {{0, 5000}, {0, 5000}}, never = {};
  setitimer(ITIMER_REAL, &often, nullptr);
  {
    DescriptorBuffer buffer(ends[1]);
    std::ostream stream(&buffer);
    stream << text << std::flush;
    good = stream.good();
  }
  setitimer(ITIMER_REAL, &never, nullptr);
  ::close(ends[1]);
  reader.join();
  ::close(ends[0]);
  sigaction(SIGALRM, &earlier, nullptr);
  return arrived;
}

}  // namespace

BOOST_AUTO_TEST_CASE(all_of_it_arrives) {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += std::to_string(i) + "\n";  // longer than a pipe holds
  for (const int flags : {0, O_NONBLOCK}) {
    alarms = 0;
    bool good = false;
    BOOST_TEST((through_a_pipe(text, flags, good) == text));
    BOOST_TEST(good);
    BOOST_TEST(alarms > 0);
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_is_noticed) {
  const int full = ::open("/dev/full", O_WRONLY);
  DescriptorBuffer buffer(full);
  std::ostream stream(&buffer);
  stream << "text" << std::flush;
  BOOST_TEST(stream.bad());
  ::close(full);
}

BOOST_AUTO_TEST_SUITE_END()
