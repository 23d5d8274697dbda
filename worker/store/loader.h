// Fills planned batches with frames of the clip store, some batches ahead of the trainer. Worker threads take
// batches in turn and each has a bounded queue of its own, so batches come out in the planned order and hold
// the same bytes whatever the number of threads; a full queue is the back pressure.
#pragma once

#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/bounded_queue.h"
#include "worker/sampling/sampler.h"
#include "worker/store/clip_store.h"
#include "worker/store/frame_batch.h"

namespace interceptor::worker {

// Clips and their bytes must outlive the loader.
struct LoaderInput {
  std::vector<const StoredClip*> base;    // what Sample::clip counts in
  std::vector<const StoredClip*> replay;  // the same for replayed samples
  std::vector<SampleBatch> batches;
  int64_t first_batch = 0;
  int threads = 1;
};

class Loader {
 public:
  explicit Loader(LoaderInput input);
  ~Loader();

  // The next batch in order, waited for. FAILED_PRECONDITION for a clip without the views or of another size:
  // a committed clip is never skipped. OUT_OF_RANGE after the last one. One consumer thread.
  absl::StatusOr<FrameBatch> Next();

  // Time Next has spent waiting.
  absl::Duration waited() const { return waited_; }

 private:
  using Queue = BoundedQueue<absl::StatusOr<FrameBatch>>;

  const LoaderInput input_;
  int64_t next_ = 0;
  absl::Duration waited_ = absl::ZeroDuration();
  std::vector<std::unique_ptr<Queue>> queues_;  // of each thread
  std::vector<std::thread> workers_;
};

// The side of a clip's pictures. Errors as Loader::Next.
absl::StatusOr<int> PictureSide(const StoredClip& clip, View view);
// One picture as RGB, [side, side, 3] bytes at `rgb`. Errors as Loader::Next.
absl::Status CopyPicture(const StoredClip& clip, View view, int64_t frame, uint8_t* rgb);
// Adds one moment of a clip, a frame of its face crops. Errors as Loader::Next.
absl::Status AppendSample(const StoredClip& clip, int64_t frame, SpecialistInput& input);
// Frames the view holds; 0 when it is missing.
int64_t FrameCount(const StoredClip& clip, View view);

// `count` frame indices spread evenly over a clip of `frames` frames, each the middle of its part; all frames
// when there are no more than `count`.
std::vector<int64_t> EvenlySpaced(int64_t frames, int count);

}  // namespace interceptor::worker
