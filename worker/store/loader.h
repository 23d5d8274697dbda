// Fills planned batches with frames of the clip store, some batches ahead of the trainer. Worker threads take
// batches in turn and each has a bounded queue of its own, so batches come out in the planned order and hold
// the same bytes whatever the number of threads; a full queue is the back pressure.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
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
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // The next batch in order, waited for. FAILED_PRECONDITION for a clip without the views or of another size:
  // a committed clip is never skipped. OUT_OF_RANGE after the last one. One consumer thread.
  absl::StatusOr<FrameBatch> Next();

  // Time Next has spent waiting.
  absl::Duration waited() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
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
std::vector<int64_t> EvenFrames(int64_t frames, int count);

}  // namespace interceptor::worker
