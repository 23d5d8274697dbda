// A pool of decoder processes. Each has a thread here that sends it one clip at a time, sets it a deadline,
// and replaces it when it dies or hangs. A clip that ends its decoder is tried once more and then given up
// with the reason, unless the decoder was killed from outside. Decoders die with this process.
#pragma once

#include <sys/types.h>

#include <functional>
#include <future>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "worker/media/decoded_clip.h"

namespace interceptor::worker {

struct DecodeRequest {
  std::string name;
  std::string bytes;
  DecodeJob job;
};

struct DecodeOutcome {
  // Not OK when decoders cannot be run at all on this machine: nothing is wrong with the clip.
  absl::Status status;
  // Why the clip is to be quarantined; empty when it was decoded.
  std::string fault;
  DecodedClip clip;
};

struct DecoderPoolOptions {
  std::string program;          // path of interceptor-decode
  std::string face_model_path;  // for its --face-model
  int decoders = 1;
  // Of processor time for a clip; of the clock for a child that does nothing.
  absl::Duration clip_deadline = absl::Minutes(2);
  absl::Duration start_deadline = absl::Minutes(1);
  // Called, on the child's thread here, just before a child is sent a clip: tests stop or kill it then.
  std::function<void(const std::string& clip, pid_t child)> before_job;
};

// REQUIRES: Submit is called from one thread.
class DecoderPool {
 public:
  // Starts the threads; children start with their first clip.
  static std::unique_ptr<DecoderPool> Start(const DecoderPoolOptions& options);
  // Ends the children; requests not yet begun are answered CANCELLED.
  virtual ~DecoderPool() = default;
  virtual std::future<DecodeOutcome> Submit(DecodeRequest request) = 0;
};

}  // namespace interceptor::worker
