#include "worker/engine/evaluator.h"

#include <set>

#include "absl/strings/str_replace.h"
#include "common/base/number_text.h"
#include "common/base/status.h"
#include "common/stats/bootstrap.h"
#include "common/stats/calibration.h"
#include "common/stats/figures.h"
#include "worker/sampling/families.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {
namespace {

constexpr int kSamplesAtOnce = 64;

// Commas and quotes in a clip's name must not shift the columns (RFC 4180).
std::string Field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  return Cat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

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
  int count = 0;

  void Add(const SampleScore& score) {
    fused += score.fused;
    backbone += score.backbone;
    evidence += score.evidence;
    self_made += score.self_made;
    ++count;
  }
  ClipLogits Mean() const {
    if (count == 0) return {.abstained = true};
    return {.fused = fused / count,
            .backbone = backbone / count,
            .evidence = evidence / count,
            .self_made = self_made / count};
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
  for (size_t i = 0; i < clips.size(); ++i) clips[i] = sums[i].Mean();
  return clips;
}

std::string ScoreTable(const ClipList& list, const std::vector<ClipLogits>& logits, EvaluationKind kind,
                       int64_t step, bool with_parts) {
  std::set<std::string> attributes;
  for (const StoredClip* clip : list.clips) {
    for (const auto& [name, value] : clip->attributes) attributes.insert(name);
  }
  std::string table = "chunk,clip,family,label,logit,fold,half,split,step";
  if (with_parts) table += ",backbone_logit,evidence_logit,self_made_logit,abstained";
  for (const std::string& name : attributes) table += Cat(",", Field(name));
  table += '\n';
  for (size_t i = 0; i < list.clips.size(); ++i) {
    const ClipInfo& info = list.infos[i];
    const char* half = HalfOf(info.family) == Half::kCalibrate ? "calibrate" : "report";
    table += Cat(Field(info.chunk), ",", Field(info.name), ",", Field(info.family), ",", ToString(info.label),
                 ",", NumberText(logits[i].fused), ",", info.fold, ",", half, ",", ToString(kind), ",", step);
    if (with_parts) {
      table += Cat(",", NumberText(logits[i].backbone), ",", NumberText(logits[i].evidence), ",",
                   NumberText(logits[i].self_made), ",", logits[i].abstained ? 1 : 0);
    }
    for (const std::string& name : attributes) {
      const auto found = list.clips[i]->attributes.find(name);
      table += found == list.clips[i]->attributes.end() ? "," : Cat(",", NumberText(found->second));
    }
    table += '\n';
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
