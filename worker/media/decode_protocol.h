// The protocol between the preparer and a decoder process: one message a packet over a socketpair
// (SOCK_SEQPACKET) that is descriptor 3 in the decoder.
//
//   decoder:  {"ready":true} once it is sandboxed, or {"fault": reason}
//   preparer: {"frames","view_pixels","face_detection_stride","views","thumbnails","fake_frames"} with two
//             memory files: the clip's bytes, and an empty one for the views
//   decoder:  {"attributes","frame_seconds","series","matrix","full_range","views":[{"view","shape"}],
//             "thumbnails":{"width","height","scale_x","scale_y","frames"}}, the bytes of views and
//             thumbnails one after the other in the second file; or {"fault": reason}
//
// Neither side trusts the other: the preparer checks sizes and copies before it uses anything.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "worker/media/decoded_clip.h"

namespace interceptor::worker {

inline constexpr int kDecoderSocket = 3;
inline constexpr std::string_view kReadyText = R"({"ready":true})";

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

struct DecoderMessage {
  std::string text;
  std::vector<Descriptor> files;
};

// UNAVAILABLE when the other side is gone.
absl::Status SendMessage(int socket, std::string_view text, const std::vector<int>& files);
// DEADLINE_EXCEEDED after `timeout`; UNAVAILABLE when the other side is gone.
absl::StatusOr<DecoderMessage> ReceiveMessage(int socket, absl::Duration timeout);

// A file in memory that holds `bytes`; sealed against change unless it is empty.
absl::StatusOr<Descriptor> MemoryFile(std::string_view bytes);

std::string EncodeJob(DecodeJob job);
absl::StatusOr<DecodeJob> ParseJob(std::string_view text);

// The response's text; the views' bytes are written to `output`.
absl::StatusOr<std::string> WriteResponse(DecodedClip clip, int output);
std::string FaultResponse(const absl::Status& fault);
struct DecoderResponse {
  DecodedClip clip;
  std::string fault;  // why the clip could not be decoded; empty when it was
};
// INVALID_ARGUMENT for a response that is malformed or does not fit `job`.
absl::StatusOr<DecoderResponse> ReadResponse(std::string_view text, int output, const DecodeJob& job);

}  // namespace interceptor::worker
