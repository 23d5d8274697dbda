// What training took and how much of it was spent waiting for data, for progress reports and the log. One
// thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/time/time.h"

namespace interceptor::worker {

class TrainingMeter {
 public:
  void CountStep(int samples, absl::Duration took) {
    samples_ += samples;
    total_.busy += took;
  }
  // In all, of the loader in use; its wait counts for good when it is done with.
  void SetLoaderWait(absl::Duration waited) { total_.waited = waited_before_ + waited; }
  void EndLoader() { waited_before_ = total_.waited; }

  double SamplesPerSecond() const {
    return static_cast<double>(samples_) / std::max(1e-9, absl::ToDoubleSeconds(total_.busy));
  }
  double WaitShare() const { return total_.WaitShare(); }

  struct Span {
    absl::Duration busy;
    absl::Duration waited;
    double WaitShare() const { return absl::FDivDuration(waited, std::max(busy, absl::Nanoseconds(1))); }
  };
  // Since the last call.
  Span EndChunk() {
    const Span before = std::exchange(at_chunk_, total_);
    return {total_.busy - before.busy, total_.waited - before.waited};
  }

 private:
  int64_t samples_ = 0;
  Span total_;
  Span at_chunk_;
  absl::Duration waited_before_;
};

}  // namespace interceptor::worker
