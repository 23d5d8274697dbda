#include "worker/engine/evaluator.h"

#include <limits>
#include <set>
#include <utility>

#include "common/base/status.h"
#include "common/stats/bootstrap.h"
#include "common/stats/calibration.h"
#include "common/stats/figures.h"
#include "worker/sampling/families.h"

namespace interceptor::worker {

absl::StatusOr<std::vector<ClipLogits>> ScoreClips(Learner& learner, const ClipList& list,
                                                   const ScoringOptions& options) {
  return ScoreClips(list.clips, options, [&](const SpecialistInput& input) { return learner.Score(input); });
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
    ScoreRow row = MakeScoreRow(logits[i], with_parts);
    row.clip = list.infos[i];
    row.half = HalfOf(list.infos[i].family);
    row.split = kind;
    row.step = step;
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
