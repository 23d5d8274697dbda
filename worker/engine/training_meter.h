// What training took and how much of it was spent waiting for data, for progress reports and the log. One
// thread.
#pragma once

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/time/time.h"

namespace interceptor::worker {

class TrainingMeter {
 public:
  void CountStep(int samples, absl::Duration took) {
    total_.busy += took;
    steps_.push_back({samples, took});
    minute_.samples += samples;
    minute_.took += took;
    while (minute_.took - steps_.front().took >= absl::Minutes(1)) {
      minute_.samples -= steps_.front().samples;
      minute_.took -= steps_.front().took;
      steps_.pop_front();
    }
  }
  // In all, of the loader in use; its wait counts for good when it is done with.
  void SetLoaderWait(absl::Duration waited) { total_.waited = waited_before_ + waited; }
  void EndLoader() { waited_before_ = total_.waited; }

  // Over the last minute of training.
  double SamplesPerSecond() const {
    return static_cast<double>(minute_.samples) / std::max(1e-9, absl::ToDoubleSeconds(minute_.took));
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
  struct Steps {
    int samples = 0;
    absl::Duration took;
  };
  std::deque<Steps> steps_;  // the newest that took a minute or more together
  Steps minute_;             // their sum
  Span total_;
  Span at_chunk_;
  absl::Duration waited_before_;
};

}  // namespace interceptor::worker
