// From what the specialists of a bundle score on a clip to a verdict. Pure. docs/evaluation.md, "Verdict".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "worker/integrate/bundle.h"
#include "worker/models/clip_scores.h"

namespace interceptor::worker {

struct SpecialistScore {
  SpecialistName specialist = SpecialistName::kBG;
  std::string abstained;        // why; empty: it speaks
  ClipLogits logits;            // nothing of one that abstains
  std::vector<Moment> moments;  // of logits.windows
  double log_ratio = 0;         // calibrated; set by JudgeScores
};

// Log-likelihood ratios in nats, positive for FAKE.
struct VideoJudgement {
  Verdict verdict = Verdict::kInconclusive;
  std::string reason;  // of kInconclusive
  // Whether the figures below mean what they say: false without calibration, without evidence, and for a clip unlike those that
  // were calibrated on.
  bool figures_hold = false;
  double log_ratio = 0;
  // 95 % interval over the moments looked at: others of the same clip could have given these ratios.
  double low = 0;
  double high = 0;
  double bound = 0;          // |log_ratio| is at most that
  double probability = 0.5;  // of FAKE, at the bundle's prior
  std::vector<SpecialistScore> specialists;
  std::vector<std::string> warnings;
};

// `scores`: of every specialist of the bundle's fusion, in its order. `attributes` of the clip (docs/clip-store.md).
VideoJudgement JudgeScores(const Bundle& bundle, std::vector<SpecialistScore> scores,
                           const std::map<std::string, double>& attributes);

}  // namespace interceptor::worker
