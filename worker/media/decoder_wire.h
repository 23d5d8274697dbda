// How the preparer and a decoder child talk: one packet a message over a socketpair (SOCK_SEQPACKET) that is
// descriptor 3 in the child.
//   child:    {"ready":true} once it is locked in, or {"fault": reason}
//   preparer: {"frames","view_pixels","face_detection_stride","views","sketching","fake_frames"} with two
//             memory files: the clip's bytes, and an empty one for the views
//   child:    {"attributes","frame_seconds","series","matrix","full_range","views":[{"view","shape"}],
//             "sketches":{"width","height","scale_x","scale_y","frames"}}, the bytes of views and sketches
//             one after the other in the second file; or {"fault": reason}
// Neither side believes the other: the preparer checks sizes and copies before it uses anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "worker/media/decoded_clip.h"

namespace interceptor::worker {

inline constexpr int kDecoderSocket = 3;
inline constexpr std::string_view kReadyText = R"({"ready":true})";

// A descriptor with an owner.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release();

 private:
  int fd_;
};

struct WireMessage {
  std::string text;
  std::vector<Descriptor> files;
};

// UNAVAILABLE when the other side is gone.
absl::Status SendWire(int socket, std::string_view text, const std::vector<int>& files);
// DEADLINE_EXCEEDED after `timeout`; UNAVAILABLE when the other side is gone.
absl::StatusOr<WireMessage> ReceiveWire(int socket, absl::Duration timeout);

// A file in memory that holds `bytes`; sealed against change unless it is empty.
absl::StatusOr<Descriptor> MemoryFile(std::string_view bytes);

std::string EncodeJob(const DecodeJob& job);
absl::StatusOr<DecodeJob> DecodeJobText(std::string_view text);

// The answer's text, and the views' bytes written to `output`.
absl::StatusOr<std::string> WriteAnswer(const DecodedClip& clip, int output);
std::string FaultAnswer(const absl::Status& fault);
// An answer as the child sent it. INVALID_ARGUMENT when it is malformed or does not fit `job`; `fault` is set
// when the clip could not be decoded.
struct DecoderAnswer {
  DecodedClip clip;
  std::string fault;
};
absl::StatusOr<DecoderAnswer> ReadAnswer(std::string_view text, int output, const DecodeJob& job);

}  // namespace interceptor::worker
