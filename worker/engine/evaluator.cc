#include "worker/engine/evaluator.h"

#include <limits>
#include <set>
#include <utility>

#include "common/base/status.h"
#include "common/stats/bootstrap.h"
#include "common/stats/calibration.h"
#include "common/stats/figures.h"
#include "worker/sampling/families.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {
namespace {

constexpr int kSamplesAtOnce = 64;

// Samples waiting to be scored together, with the clip each belongs to.
struct PendingSamples {
  SpecialistInput input;
  std::vector<size_t> owners;
};

struct Sums {
  double fused = 0;
  double backbone = 0;
  double evidence = 0;
  double self_made = 0;
  std::vector<double> windows;

  void Add(const SampleScore& score) {
    windows.push_back(score.fused);
    fused += score.fused;
    backbone += score.backbone;
    evidence += score.evidence;
    self_made += score.self_made;
  }
  ClipLogits Mean() && {
    if (windows.empty()) return {.abstained = true};
    const auto count = static_cast<double>(windows.size());
    return {.fused = fused / count,
            .backbone = backbone / count,
            .evidence = evidence / count,
            .self_made = self_made / count,
            .windows = std::move(windows)};
  }
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

absl::StatusOr<std::vector<ClipLogits>> ScoreClips(Learner& learner, const ClipList& list,
                                                   const ScoringOptions& options) {
  std::vector<ClipLogits> clips(list.clips.size());
  std::vector<Sums> sums(list.clips.size());
  PendingSamples pending;
  auto flush = [&]() -> absl::Status {
    if (pending.owners.empty()) return absl::OkStatus();
    ICPT_ASSIGN_OR_RETURN(const std::vector<SampleScore> scores, learner.Score(pending.input));
    for (size_t i = 0; i < scores.size(); ++i) sums[pending.owners[i]].Add(scores[i]);
    if (options.progress) {
      options.progress(static_cast<double>(pending.owners.back() + 1) /
                       static_cast<double>(list.clips.size()));
    }
    pending = {};
    return absl::OkStatus();
  };
  for (size_t i = 0; i < list.clips.size(); ++i) {
    const StoredClip& clip = *list.clips[i];
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
  for (size_t i = 0; i < clips.size(); ++i) clips[i] = std::move(sums[i]).Mean();
  return clips;
}

ScoreTable MakeScoreTable(const ClipList& list, const std::vector<ClipLogits>& logits, EvaluationKind kind,
                          int64_t step, bool with_parts) {
  std::set<std::string> attributes;
  for (const StoredClip* clip : list.clips) {
    for (const auto& [name, value] : clip->attributes) attributes.insert(name);
  }
  ScoreTable table;
  table.attributes.assign(attributes.begin(), attributes.end());
  for (size_t i = 0; i < list.clips.size(); ++i) {
    ScoreRow row{.clip = list.infos[i],
                 .half = HalfOf(list.infos[i].family),
                 .split = kind,
                 .step = step,
                 .logit = logits[i].fused,
                 .abstained = logits[i].abstained,
                 .parts = std::nullopt,
                 .windows = logits[i].windows,
                 .attributes = {}};
    if (with_parts) row.parts = {logits[i].backbone, logits[i].evidence, logits[i].self_made};
    for (const std::string& name : attributes) {
      const auto found = list.clips[i]->attributes.find(name);
      row.attributes.push_back(found == list.clips[i]->attributes.end()
                                   ? std::numeric_limits<double>::quiet_NaN()
                                   : found->second);
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

absl::StatusOr<std::optional<Evaluation>> Summarise(const ClipList& list,
                                                    const std::vector<ClipLogits>& logits, uint64_t seed) {
  std::vector<ClipScore> scores;
  int64_t fakes = 0;
  for (size_t i = 0; i < list.infos.size(); ++i) {
    const bool fake = list.infos[i].label == Label::kFake;
    scores.push_back({list.infos[i].family, fake, logits[i].fused});
    fakes += fake ? 1 : 0;
  }
  if (fakes == 0 || fakes == std::ssize(scores)) return std::nullopt;
  ICPT_ASSIGN_OR_RETURN(const Figures figures, Summarise(scores, seed));
  Evaluation evaluation;
  evaluation.reals = static_cast<int>(figures.reals);
  evaluation.fakes = static_cast<int>(figures.fakes);
  evaluation.families = static_cast<int>(figures.families);
  evaluation.auc = figures.auc;
  evaluation.auc_low = figures.auc_low;
  evaluation.auc_high = figures.auc_high;
  evaluation.log_loss = figures.log_loss;
  evaluation.real_accuracy = figures.real_accuracy;
  evaluation.fake_accuracy = figures.fake_accuracy;
  evaluation.too_few = figures.too_few;
  return evaluation;
}

std::vector<float> ClipLosses(const ClipList& list, const std::vector<ClipLogits>& logits) {
  std::vector<float> losses;
  for (size_t i = 0; i < list.infos.size(); ++i) {
    losses.push_back(static_cast<float>(ClipLogLoss({logits[i].fused, list.infos[i].label == Label::kFake})));
  }
  return losses;
}

}  // namespace interceptor::worker
