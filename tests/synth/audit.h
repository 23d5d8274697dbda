// Does any plain measure of the files (size, bitrate, ...) tell fakes from reals? Twice: by the paired sign test,
// where without a shortcut a fake lies above its original about as often as below, and over all clips.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace interceptor::synth {

struct MeasureRow {
  std::string measure;
  // Over all clips, whichever class has more: 0.5 tells nothing, 1 everything.
  double auc = 0.5;
  int pairs = 0;  // without ties
  int ties = 0;
  // Share of the pairs in which the fake has more; 0.5 when every pair is tied.
  double fake_more = 0.5;
};

struct AuditReport {
  int pairs = 0;
  int unpaired = 0;  // fakes whose original is not in their chunk
  std::vector<MeasureRow> rows;

  // Names of the measures with |fake_more - 0.5| > limit.
  std::vector<std::string> Outside(double limit) const;
};

// Decodes every clip of the chunks in `folder` on `threads` threads. Every fake whose original is in its chunk
// makes a pair with it; FAILED_PRECONDITION when there is no pair at all.
absl::StatusOr<AuditReport> Audit(const std::string& folder, int threads);

}  // namespace interceptor::synth
