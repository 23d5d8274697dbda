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
  std::vector<const StoredClip*> base;          // what Sample::clip counts in
  std::vector<const StoredClip*> replay;        // the same for replayed samples
  std::vector<View> views = {View::kFaceCrop};  // those of the specialist
  std::vector<SampleBatch> batches;
  int64_t first_batch = 0;
  int threads = 1;
};

class Loader {
 public:
  explicit Loader(LoaderInput input);
  ~Loader();

  // The next batch in order, waited for. Errors as AppendSample: a committed clip is never skipped. OUT_OF_RANGE after the last one. One consumer thread.
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

}  // namespace interceptor::worker
