#include "worker/engine/validation.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/stats/bootstrap.h"
#include "common/stats/calibration.h"
#include "worker/sampling/families.h"

namespace interceptor::worker {
namespace {

std::string NameOf(const ClipInfo& clip) { return Cat(clip.chunk, "/", clip.name); }

}  // namespace

ClipList ValidationSample(const ClipList& held_out) {
  std::map<std::pair<uint64_t, std::string>, size_t> by_hash[2];
  for (size_t i = 0; i < held_out.infos.size(); ++i) {
    const ClipInfo& clip = held_out.infos[i];
    if (HalfOf(clip.family) != Half::kCalibrate) continue;
    const std::string name = NameOf(clip);
    by_hash[clip.label == Label::kFake].emplace(std::pair(DigestPrefix64(Cat("validation|", name)), name), i);
  }
  std::vector<size_t> chosen;
  for (const auto& clips : by_hash) {
    for (auto at = clips.begin();
         at != clips.end() && std::distance(clips.begin(), at) < kValidationClipsPerClass; ++at)
      chosen.push_back(at->second);
  }
  std::ranges::sort(chosen);
  ClipList sample;
  for (const size_t i : chosen) {
    sample.clips.push_back(held_out.clips[i]);
    sample.infos.push_back(held_out.infos[i]);
  }
  return sample;
}

absl::Status CompareWithBest(const ClipList& sample, const std::vector<ClipLogits>& logits, uint64_t seed,
                             ValidationState& state, Evaluation& evaluation) {
  std::map<std::string, double> losses;
  std::vector<ClipMember> clips;
  std::vector<double> values;
  std::vector<ClipMember> common;
  std::vector<double> rises;
  bool in_common[2] = {false, false};
  for (size_t i = 0; i < sample.infos.size(); ++i) {
    const ClipInfo& info = sample.infos[i];
    const bool fake = info.label == Label::kFake;
    clips.push_back({info.family, fake});
    values.push_back(ClipLogLoss({logits[i].fused, fake}));
    const std::string name = NameOf(info);
    losses[name] = values.back();
    const auto best = state.best_losses.find(name);
    if (best == state.best_losses.end()) continue;
    common.push_back(clips.back());
    rises.push_back(values.back() - best->second);
    in_common[fake] = true;
  }
  ICPT_ASSIGN_OR_RETURN(const Interval loss, BalancedMeanInterval(clips, values, {.seed = seed}));
  evaluation.log_loss_low = loss.low;
  evaluation.log_loss_high = loss.high;
  // The first one, or nothing to compare it with.
  bool best = true;
  if (in_common[0] && in_common[1]) {
    ICPT_ASSIGN_OR_RETURN(const Interval rise, BalancedMeanInterval(common, rises, {.seed = seed}));
    evaluation.rise_low = rise.low;
    evaluation.rise_high = rise.high;
    best = rise.estimate < 0;
    state.worse_in_a_row = rise.low > 0 ? state.worse_in_a_row + 1 : 0;
  }
  if (best) state = {.best_step = evaluation.step, .best_losses = std::move(losses)};
  evaluation.best_step = state.best_step;
  evaluation.worse_in_a_row = state.worse_in_a_row;
  return absl::OkStatus();
}

}  // namespace interceptor::worker
