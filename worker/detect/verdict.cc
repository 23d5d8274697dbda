#include "worker/detect/verdict.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/random.h"
#include "common/base/status.h"

namespace interceptor::worker {
namespace {

constexpr int kReplicates = 400;
constexpr double kCoverage = 0.95;
constexpr std::string_view kFaceShare = "face_share";
// What decides how much of the evidence is left in a clip: outside of what was calibrated on nothing is known of errors.
constexpr std::array<std::string_view, 6> kQuality = {"bits_per_pixel", "brightness", "face_pixels",
                                                      "frame_rate",     "height",     "width"};

using Ratios = std::vector<std::optional<double>>;

double RatioOf(const FusedSpecialist& fused, const ClipLogits& logits) {
  return fused.calibration.LogRatio(MakeScoreRow(logits, fused.calibration.parts.size() > 1));
}

// As many windows, drawn with replacement.
ClipLogits Redrawn(const ClipLogits& logits, RandomKey key, uint64_t& counter) {
  std::vector<SampleScore> windows;
  for (size_t i = 0; i < logits.windows.size(); ++i) {
    windows.push_back(logits.windows[RandomIndex(key, counter++, logits.windows.size())]);
  }
  return MeanOf(std::move(windows));
}

void SetInterval(const Fusion& fusion, VideoJudgement& judgement) {
  const RandomKey key = MakeRandomKey(0, "moments of a clip");
  uint64_t counter = 0;
  std::vector<double> ratios;
  for (int replicate = 0; replicate < kReplicates; ++replicate) {
    Ratios drawn(judgement.specialists.size());
    for (size_t i = 0; i < drawn.size(); ++i) {
      const SpecialistScore& score = judgement.specialists[i];
      if (score.abstained.empty())
        drawn[i] = RatioOf(fusion.specialists[i], Redrawn(score.logits, key, counter));
    }
    ratios.push_back(fusion.LogRatio(drawn));
  }
  std::ranges::sort(ratios);
  const auto outside = static_cast<size_t>((1 - kCoverage) / 2 * kReplicates);
  judgement.low = std::min(ratios[outside], judgement.log_ratio);
  judgement.high = std::max(ratios[kReplicates - 1 - outside], judgement.log_ratio);
}

// "bits_per_pixel .02, calibrated on .05 to .3"; empty when the clip lies within.
std::string OutsideOf(const Bundle& bundle, const std::map<std::string, double>& attributes,
                      const std::string& name) {
  const auto value = attributes.find(name);
  const auto range = bundle.attributes.find(name);
  if (value == attributes.end() || range == bundle.attributes.end() || std::isnan(value->second)) return "";
  if (range->second.Holds(value->second)) return "";
  return absl::StrFormat("%s is %.4g, calibrated on %.4g to %.4g", name, value->second, range->second.low,
                         range->second.high);
}

// Why no verdict can be given whatever the scores are; empty when one can.
std::string WhyNotJudged(const Bundle& bundle, const std::vector<SpecialistScore>& scores,
                         const std::map<std::string, double>& attributes) {
  const auto face_share = attributes.find(std::string(kFaceShare));
  if (face_share != attributes.end() && face_share->second == 0) return "no face was found";
  const auto speaks = [](const SpecialistScore& score) { return score.abstained.empty(); };
  if (std::ranges::none_of(scores, speaks)) return "every specialist abstains";
  if (!bundle.fusion.decision) {
    return Cat("the bundle is not calibrated: it had under ", kFamiliesPerClassMin,
               " calibration families of a class");
  }
  for (const std::string_view name : kQuality) {
    if (std::string outside = OutsideOf(bundle, attributes, std::string(name)); !outside.empty()) {
      return Cat("quality: ", outside);
    }
  }
  return "";
}

std::vector<std::string> WarningsOf(const Bundle& bundle, const std::map<std::string, double>& attributes) {
  std::vector<std::string> warnings;
  if (bundle.trained_on == "synthetic")
    warnings.push_back("trained on synthetic clips: not valid for real video");
  for (const auto& [name, range] : bundle.attributes) {
    if (std::string outside = OutsideOf(bundle, attributes, name); !outside.empty()) {
      warnings.push_back(Cat("outside of what was calibrated on: ", outside));
    }
  }
  return warnings;
}

}  // namespace

VideoJudgement JudgeScores(const Bundle& bundle, std::vector<SpecialistScore> scores,
                           const std::map<std::string, double>& attributes) {
  VideoJudgement judgement;
  judgement.warnings = WarningsOf(bundle, attributes);
  Ratios ratios(scores.size());
  Subset present = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!scores[i].abstained.empty()) continue;
    scores[i].log_ratio = RatioOf(bundle.fusion.specialists[i], scores[i].logits);
    ratios[i] = scores[i].log_ratio;
    present |= Subset{1} << i;
  }
  judgement.specialists = std::move(scores);
  judgement.reason = WhyNotJudged(bundle, judgement.specialists, attributes);
  const double prior = bundle.settings.evaluation.deployment_prior;
  if (present != 0) {
    judgement.log_ratio = bundle.fusion.LogRatio(ratios);
    judgement.bound = bundle.fusion.Bound(present);
    SetInterval(bundle.fusion, judgement);
  }
  judgement.probability = FakeProbability(judgement.log_ratio, prior);
  if (!judgement.reason.empty()) return judgement;
  judgement.figures_hold = true;
  judgement.verdict = Decide(judgement.log_ratio, *bundle.fusion.decision, prior);
  if (judgement.verdict == Verdict::kInconclusive) {
    judgement.reason = "weak evidence: clips of both kinds score like this";
  }
  return judgement;
}

}  // namespace interceptor::worker
