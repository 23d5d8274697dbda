#include "coordinator/cli/screen.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "common/base/check.h"

namespace interceptor::coordinator {
namespace {

constexpr std::array<int, 6> kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};

// Alternate screen, no cursor, no wrapping at the right edge; and back.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr std::string_view kLeave = "\x1b[?7h\x1b[?25h\x1b[?1049l";

// A handler may only write to a descriptor; the loop reads the numbers of the signals from the other end.
std::array<int, 2> g_signal_pipe = {-1, -1};

void OnSignal(int number) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(number);
  [[maybe_unused]] const ssize_t written = write(g_signal_pipe[1], &byte, 1);
  errno = saved;
}

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

Screen::Screen(int in_fd, int out_fd) : in_fd_(in_fd), out_fd_(out_fd), keys_open_(isatty(in_fd) == 1) {
  ICPT_CHECK(g_signal_pipe[0] < 0) << "two screens at once";
  ICPT_CHECK(pipe2(g_signal_pipe.data(), O_CLOEXEC | O_NONBLOCK) == 0) << "pipe2";
  for (const int number : kSignals) {
    struct sigaction action {};
    action.sa_handler = OnSignal;
    action.sa_flags = SA_RESTART;
    sigaction(number, &action, nullptr);
  }
  Enter();
}

Screen::~Screen() {
  Leave();
  for (const int number : kSignals) std::signal(number, SIG_DFL);
  close(g_signal_pipe[0]);
  close(g_signal_pipe[1]);
  g_signal_pipe = {-1, -1};
}

void Screen::Enter() {
  termios now{};
  if (keys_open_ && tcgetattr(in_fd_, &now) == 0) {
    before_ = now;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(in_fd_, TCSADRAIN, &now);
  }
  WriteAll(out_fd_, kEnter);
}

void Screen::Leave() {
  WriteAll(out_fd_, kLeave);
  if (before_) tcsetattr(in_fd_, TCSADRAIN, &*before_);
}

void Screen::Draw(const std::vector<std::string>& lines) {
  std::string frame = "\x1b[H";
  for (size_t i = 0; i < lines.size(); ++i) {
    frame += lines[i];
    frame += i + 1 < lines.size() ? "\x1b[K\r\n" : "\x1b[K";
  }
  WriteAll(out_fd_, frame + "\x1b[J");
}

void Screen::Wait(int other_fd, int timeout_ms) {
  std::array<pollfd, 3> fds = {{{g_signal_pipe[0], POLLIN, 0}, {other_fd, POLLIN, 0}, {-1, POLLIN, 0}}};
  if (keys_open_) fds[2].fd = in_fd_;
  if (poll(fds.data(), fds.size(), timeout_ms) <= 0) return;
  if (fds[0].revents != 0) HandleSignals();
  if (fds[2].revents != 0) HandleKeys();
}

void Screen::HandleSignals() {
  unsigned char number = 0;
  while (read(g_signal_pipe[0], &number, 1) == 1) {
    if (number == SIGWINCH) continue;
    if (number != SIGTSTP) {
      leave_ = 128 + number;
      continue;
    }
    Leave();
    raise(SIGSTOP);
    Enter();
  }
}

void Screen::HandleKeys() {
  char key = 0;
  if (read(in_fd_, &key, 1) != 1) {
    keys_open_ = false;
  } else if (key == 'q' || key == 'Q') {
    leave_ = 0;
  }
}

}  // namespace interceptor::coordinator
