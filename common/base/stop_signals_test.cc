#include "common/base/stop_signals.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "common/base/bounded_queue.h"
#include "tests/support/catch.h"

namespace interceptor {
namespace {

CATCH_TEST_CASE("Each stop signal is handed over instead of ending the process") {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    BoundedQueue<int> numbers(10);
    const StopSignals signals([&](int each) { numbers.Push(each); });
    kill(getpid(), number);
    CATCH_CHECK(numbers.Pop() == number);
  }
}

CATCH_TEST_CASE("A terminal that closes says so twice and counts once; SIGTERM counts each time") {
  BoundedQueue<int> numbers(10);
  const StopSignals signals([&](int each) { numbers.Push(each); });
  kill(getpid(), SIGHUP);
  CATCH_CHECK(numbers.Pop() == SIGHUP);
  kill(getpid(), SIGHUP);
  kill(getpid(), SIGTERM);
  CATCH_CHECK(numbers.Pop() == SIGTERM);
  kill(getpid(), SIGTERM);
  CATCH_CHECK(numbers.Pop() == SIGTERM);
}

CATCH_TEST_CASE("Under nohup a closed terminal is no reason to leave") {
  signal(SIGHUP, SIG_IGN);
  {
    BoundedQueue<int> numbers(10);
    const StopSignals signals([&](int each) { numbers.Push(each); });
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGINT);
    CATCH_CHECK(numbers.Pop() == SIGINT);
  }
  signal(SIGHUP, SIG_DFL);
}

CATCH_TEST_CASE("Nothing is called after the end, however many signals are on their way") {
  for (int round = 0; round < 200; ++round) {
    auto target = std::make_unique<std::vector<int>>();
    std::optional<StopSignals> signals;
    signals.emplace([&](int each) { target->push_back(each); });
    for (int i = 0; i < 20; ++i) kill(getpid(), SIGTERM);
    signals.reset();
    target.reset();  // a call from here on is one into memory that is gone
    kill(getpid(), SIGTERM);
  }
}

CATCH_TEST_CASE("A pipe without a reader is an error of write") {
  const StopSignals signals([](int) {});
  int ends[2];
  CATCH_REQUIRE(pipe(ends) == 0);
  close(ends[0]);
  CATCH_CHECK(write(ends[1], "x", 1) == -1);
  CATCH_CHECK(errno == EPIPE);
  close(ends[1]);
}

}  // namespace
}  // namespace interceptor
