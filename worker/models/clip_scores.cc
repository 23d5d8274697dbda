#include "worker/models/clip_scores.h"

#include <utility>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

constexpr int kSamplesAtOnce = 64;

// Samples waiting to be scored together, with the clip each belongs to.
struct PendingSamples {
  SpecialistInput input;
  std::vector<size_t> owners;
};

// Whether the clip's pictures are as large as those that wait already.
absl::StatusOr<bool> FitsBeside(const StoredClip& clip, std::span<const View> views,
                                const SpecialistInput& input) {
  for (const View view : views) {
    if (view != View::kFaceCrop && view != View::kFullFrame) continue;
    ICPT_ASSIGN_OR_RETURN(const int side, PictureSide(clip, view));
    if (side != (view == View::kFaceCrop ? input.face_crop : input.full_frame).side) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<std::vector<ClipLogits>> ScoreClips(std::span<const StoredClip* const> clips,
                                                   const ScoringOptions& options, const ScoreBatch& score) {
  std::vector<std::vector<SampleScore>> windows(clips.size());
  PendingSamples pending;
  auto flush = [&]() -> absl::Status {
    if (pending.owners.empty()) return absl::OkStatus();
    ICPT_ASSIGN_OR_RETURN(const std::vector<SampleScore> scores, score(pending.input));
    for (size_t i = 0; i < scores.size(); ++i) windows[pending.owners[i]].push_back(scores[i]);
    if (options.progress) {
      options.progress(static_cast<double>(pending.owners.back() + 1) / static_cast<double>(clips.size()));
    }
    pending = {};
    return absl::OkStatus();
  };
  for (size_t i = 0; i < clips.size(); ++i) {
    const StoredClip& clip = *clips[i];
    ICPT_ASSIGN_OR_RETURN(const bool same_size, FitsBeside(clip, options.views, pending.input));
    if (!same_size) ICPT_RETURN_IF_ERROR(flush());
    const auto moments = std::ssize(MomentsOf(clip, options.views.front()));
    for (const int64_t position : EvenlySpaced(moments, options.frames_per_clip)) {
      ICPT_RETURN_IF_ERROR(AppendSample(clip, options.views, position, pending.input));
      pending.owners.push_back(i);
      if (pending.owners.size() == kSamplesAtOnce) ICPT_RETURN_IF_ERROR(flush());
    }
  }
  ICPT_RETURN_IF_ERROR(flush());
  std::vector<ClipLogits> logits;
  for (std::vector<SampleScore>& of_clip : windows) logits.push_back(MeanOf(std::move(of_clip)));
  return logits;
}

std::vector<Moment> ScoredMoments(const StoredClip& clip, const ScoringOptions& options) {
  const std::vector<Moment> all = MomentsOf(clip, options.views.front());
  std::vector<Moment> scored;
  for (const int64_t position : EvenlySpaced(std::ssize(all), options.frames_per_clip)) {
    scored.push_back(all[static_cast<size_t>(position)]);
  }
  return scored;
}

ClipLogits MeanOf(std::vector<SampleScore> windows) {
  if (windows.empty()) return {.abstained = true};
  ClipLogits mean;
  for (const SampleScore& window : windows) {
    mean.fused += window.fused;
    mean.backbone += window.backbone;
    mean.evidence += window.evidence;
    mean.self_made += window.self_made;
  }
  const auto count = static_cast<double>(windows.size());
  for (double* sum : {&mean.fused, &mean.backbone, &mean.evidence, &mean.self_made}) *sum /= count;
  mean.windows = std::move(windows);
  return mean;
}

ScoreRow MakeScoreRow(const ClipLogits& logits, bool with_parts) {
  ScoreRow row;
  row.logit = logits.fused;
  row.abstained = logits.abstained;
  if (with_parts) row.parts = {logits.backbone, logits.evidence, logits.self_made};
  for (const SampleScore& window : logits.windows) row.windows.push_back(window.fused);
  return row;
}

}  // namespace interceptor::worker
