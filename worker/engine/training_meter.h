// What training took, how much of it was spent waiting for data and how large its gradients were, for
// progress reports and the log. One thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include "absl/time/time.h"

namespace interceptor::worker {

class TrainingMeter {
 public:
  struct Step {
    int samples = 0;
    absl::Duration took;
    absl::Duration waited = {};  // for data, of `took`
    double gradient_norm = 0;    // not finite: of a step that was not taken
  };
  void CountStep(const Step& step) {
    chunk_.busy += step.took;
    chunk_.waited += step.waited;
    steps_.push_back(step);
    took_ += step.took;
    while (took_ - steps_.front().took >= absl::Minutes(1)) {
      took_ -= steps_.front().took;
      steps_.pop_front();
    }
  }

  // These three are over the last minute of training; 0 before the first step.
  double SamplesPerSecond() const {
    double samples = 0;
    for (const Step& step : steps_) samples += step.samples;
    return samples / std::max(1e-9, absl::ToDoubleSeconds(took_));
  }
  double WaitShare() const {
    Span minute = {took_, absl::ZeroDuration()};
    for (const Step& step : steps_) minute.waited += step.waited;
    return minute.WaitShare();
  }
  // The mean.
  double GradientNorm() const {
    double sum = 0;
    int count = 0;
    for (const Step& step : steps_) {
      if (!std::isfinite(step.gradient_norm)) continue;
      sum += step.gradient_norm;
      ++count;
    }
    return sum / std::max(1, count);
  }

  struct Span {
    absl::Duration busy;
    absl::Duration waited;
    double WaitShare() const { return absl::FDivDuration(waited, std::max(busy, absl::Nanoseconds(1))); }
  };
  // Since the last call.
  Span EndChunk() { return std::exchange(chunk_, {}); }

 private:
  std::deque<Step> steps_;  // the newest that took a minute or more together
  absl::Duration took_;     // they all
  Span chunk_;
};

}  // namespace interceptor::worker
