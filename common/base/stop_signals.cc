#include "common/base/stop_signals.h"

#include <semaphore.h>
#include <signal.h>

#include <cerrno>
#include <utility>

#include "common/base/check.h"

namespace interceptor {
namespace {

std::atomic<bool> g_exists = false;

// What the handler touches. Two signals close together may both show the later one's number.
static_assert(std::atomic<int>::is_always_lock_free);
sem_t g_arrived;
std::atomic<int> g_number = 0;  // of the last one; 0 before the first

void OnSignal(int number) {
  if (number == SIGHUP && g_number != 0) return;
  const int saved = errno;
  g_number = number;
  sem_post(&g_arrived);
  errno = saved;
}

void Handle(int number) {
  struct sigaction action = {};
  sigaction(number, nullptr, &action);
  if (number == SIGHUP && action.sa_handler == SIG_IGN) return;
  action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigaction(number, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals(std::function<void(int)> on_signal) : on_signal_(std::move(on_signal)) {
  ICPT_CHECK(!g_exists.exchange(true)) << "stop signals are handled already";
  sem_init(&g_arrived, 0, 0);
  g_number = 0;
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) Handle(number);
  signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread([this] { HandleAll(); });
}

StopSignals::~StopSignals() {
  ended_ = true;
  sem_post(&g_arrived);
  thread_.join();
  g_exists = false;
}

void StopSignals::HandleAll() {
  while (true) {
    if (sem_wait(&g_arrived) != 0) continue;  // EINTR
    if (ended_) return;
    on_signal_(g_number);
  }
}

}  // namespace interceptor
