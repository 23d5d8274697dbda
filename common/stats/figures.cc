#include "common/stats/figures.h"

#include <set>
#include <string>

#include "common/base/status.h"
#include "common/stats/calibration.h"

namespace interceptor {

absl::StatusOr<Figures> Summarise(const std::vector<ClipScore>& clips, uint64_t seed) {
  Figures figures;
  std::vector<ScoredLabel> labels;
  std::set<std::string> families;
  for (const ClipScore& clip : clips) {
    labels.push_back({clip.logit, clip.fake});
    families.insert(clip.family);
    ++(clip.fake ? figures.fakes : figures.reals);
  }
  figures.families = static_cast<int64_t>(families.size());
  ICPT_ASSIGN_OR_RETURN(const Interval auc, AucInterval(clips, {.seed = seed}));
  ICPT_ASSIGN_OR_RETURN(figures.log_loss, BalancedLogLoss(labels));
  ICPT_ASSIGN_OR_RETURN(const ClassAccuracy accuracy, AccuracyByClass(labels));
  figures.auc = auc.estimate;
  figures.auc_low = auc.low;
  figures.auc_high = auc.high;
  figures.too_few = auc.too_few;
  figures.real_accuracy = accuracy.real;
  figures.fake_accuracy = accuracy.fake;
  return figures;
}

}  // namespace interceptor
