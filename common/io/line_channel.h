// One end of a connected stream socket that carries newline-delimited JSON objects: how a supervisor and its
// child processes talk (docs/child-protocol.md). Any thread may send; one thread at a time may receive.
#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace interceptor {

inline constexpr int64_t kLineBytesMax = int64_t{1} << 20;

struct ChannelInput {
  enum class Kind {
    kMessage,
    kNothing,  // the time is up, or no whole line is there yet
    kClosed,   // the other side is gone; nothing will follow
  };
  Kind kind = Kind::kNothing;
  nlohmann::json message;  // an object when kind is kMessage
};

class LineChannel {
 public:
  // Takes over `fd`, a connected stream socket, and closes it in the end. The fd becomes close-on-exec.
  explicit LineChannel(int fd);
  ~LineChannel();

  // Writes the whole line before it returns; lines of several threads never mix. UNAVAILABLE when the other
  // side is gone, RESOURCE_EXHAUSTED for a line over kLineBytesMax. A closed peer raises no SIGPIPE.
  absl::Status Send(const nlohmann::json& message);

  // The next object, waited for at most `timeout`. INVALID_ARGUMENT for a line that is not a JSON object
  // (skipped: the call may be repeated), RESOURCE_EXHAUSTED for one over kLineBytesMax (the channel is then
  // unusable).
  absl::StatusOr<ChannelInput> Receive(absl::Duration timeout = absl::InfiniteDuration());

  // Receive that never waits.
  absl::StatusOr<ChannelInput> TryReceive() { return Receive(absl::ZeroDuration()); }

  // For poll(2) beside other descriptors. A whole line may already be buffered: drain TryReceive first.
  int fd() const { return fd_; }

 private:
  bool TakeLine(std::string& line);
  absl::Status Fill();

  const int fd_;
  absl::Mutex send_mutex_;
  std::string input_;    // bytes received and not yet handed out
  size_t searched_ = 0;  // bytes of input_ known to hold no newline
  bool closed_ = false;
};

struct ChannelPair {
  std::unique_ptr<LineChannel> channel;  // this process's end
  int child_fd = -1;  // the child's end, close-on-exec: duplicate it in the child, close it here
};

absl::StatusOr<ChannelPair> MakeChannelPair();

}  // namespace interceptor
