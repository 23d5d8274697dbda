#include "common/io/line_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/io/config.h"

namespace interceptor {
namespace {

constexpr size_t kReadBytes = 64 << 10;

// What poll(2) waits: milliseconds rounded up, -1 for ever. Capped, because the caller loops anyway.
int PollMilliseconds(absl::Duration left) {
  if (left == absl::InfiniteDuration()) return -1;
  const int64_t milliseconds = absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1)));
  return static_cast<int>(std::clamp<int64_t>(milliseconds, 0, 3600 * 1000));
}

}  // namespace

LineChannel::LineChannel(int fd) : fd_(fd) { fcntl(fd, F_SETFD, FD_CLOEXEC); }

LineChannel::~LineChannel() { close(fd_); }

// Takes one whole line out of input_, if there is one.
bool LineChannel::TakeLine(std::string& line) {
  const size_t end = input_.find('\n', searched_);
  if (end == std::string::npos) {
    searched_ = input_.size();
    return false;
  }
  line = input_.substr(0, end);
  input_.erase(0, end + 1);
  searched_ = 0;
  return true;
}

// Reads what is there without waiting. Anything unfinished is dropped when the peer is gone.
absl::Status LineChannel::Fill() {
  char buffer[kReadBytes];
  const ssize_t count = recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (count > 0) {
    input_.append(buffer, static_cast<size_t>(count));
  } else if (count == 0 || errno == ECONNRESET) {
    closed_ = true;
  } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    return ErrnoStatus(errno, "receive on the control channel");
  }
  return absl::OkStatus();
}

absl::Status LineChannel::Send(const nlohmann::json& message) {
  std::string line = message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  line += '\n';
  if (static_cast<int64_t>(line.size()) > kLineBytesMax) {
    return ResourceExhausted("a message of ", line.size(), " bytes is over the channel's limit of ",
                             kLineBytesMax);
  }
  absl::MutexLock lock(&send_mutex_);
  for (std::string_view left = line; !left.empty();) {
    const ssize_t count = send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      left.remove_prefix(static_cast<size_t>(count));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd wait{.fd = fd_, .events = POLLOUT, .revents = 0};
      poll(&wait, 1, -1);
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return Unavailable("the other side of the control channel is gone");
    } else if (errno != EINTR) {
      return ErrnoStatus(errno, "send on the control channel");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ChannelInput> LineChannel::Receive(absl::Duration timeout) {
  const MonotonicTime deadline = SystemClock().Now() + timeout;
  while (true) {
    std::string line;
    if (TakeLine(line)) {
      ICPT_ASSIGN_OR_RETURN(nlohmann::json message, ParseJsonObject(line, kLineBytesMax));
      return ChannelInput{ChannelInput::Kind::kMessage, std::move(message)};
    }
    if (static_cast<int64_t>(input_.size()) >= kLineBytesMax) {
      return ResourceExhausted("a line on the control channel is over ", kLineBytesMax, " bytes");
    }
    if (closed_) return ChannelInput{ChannelInput::Kind::kClosed, {}};
    const absl::Duration left = deadline - SystemClock().Now();
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    const int ready = poll(&wait, 1, PollMilliseconds(std::max(left, absl::ZeroDuration())));
    if (ready < 0 && errno != EINTR) return ErrnoStatus(errno, "wait on the control channel");
    if (ready > 0) {
      ICPT_RETURN_IF_ERROR(Fill());
    } else if (left <= absl::ZeroDuration()) {
      return ChannelInput{ChannelInput::Kind::kNothing, {}};
    }
  }
}

absl::StatusOr<ChannelPair> MakeChannelPair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return ErrnoStatus(errno, "make a control channel");
  }
  return ChannelPair{std::make_unique<LineChannel>(fds[0]), fds[1]};
}

}  // namespace interceptor
