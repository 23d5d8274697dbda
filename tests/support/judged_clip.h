// A clip of eight grey frames with the face in six, and a calibrated bundle that judges it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/bundle_sample.h"
#include "worker/detect/judgement_json.h"
#include "worker/detect/verdict.h"

namespace interceptor::worker {

inline DecodedClip ClipWithFace() {
  constexpr int kSide = 16;
  DecodedClip clip;
  clip.attributes = {{"brightness", 0.7}, {"duration_s", 4.2}, {"face_share", 0.75},
                     {"has_sound", 0},    {"height", 240},     {"width", 320}};
  DecodedView crops{.view = View::kFaceCrop, .shape = {8, kSide * 3 / 2, kSide}, .bytes = ""};
  for (int i = 0; i < 8; ++i) {
    clip.frame_seconds.push_back(0.53 * i);
    const double side = i == 2 || i == 3 ? 0 : 90.0 + i;
    clip.series["face_boxes"].insert(clip.series["face_boxes"].end(), {160.0 + 3 * i, 120.0 - 2 * i, side});
    crops.bytes += std::string(kSide * kSide, static_cast<char>(40 + 20 * i));
    crops.bytes += std::string(kSide * kSide / 2, '\x80');
  }
  clip.colours.full_range = true;
  clip.views = {std::move(crops)};
  return clip;
}

struct JudgedClip {
  Bundle bundle;
  DecodedClip clip = ClipWithFace();

  JudgedClip() {
    static const BundleSample sample;
    bundle.chunk = "03";
    bundle.trained_on = "synthetic";
    bundle.settings = sample.options.settings;
    bundle.settings.model.front_end = "specialist";
    bundle.fusion = sample.results.fusion->fusion;
    bundle.fusion.left_out = {{.specialist = SpecialistName::kTM, .reason = "it is <collapsed>"}};
    bundle.attributes = {{"brightness", {0.2, 0.8}}, {"duration_s", {1, 2}}};
  }

  // The line of a clip whose BG says `logits` at its moments; CM abstains.
  std::string Line(const std::vector<float>& logits, const std::string& file = "a/b.mp4") const {
    std::vector<SpecialistScore> scores(2);
    scores[0].specialist = SpecialistName::kBG;
    scores[1].specialist = SpecialistName::kCM;
    scores[1].abstained = "it has <nothing> to look at";
    std::vector<SampleScore> windows;
    for (const float logit : logits) {
      windows.push_back({.fused = logit});
      scores[0].moments.push_back({.seconds = 0.3 + 0.7 * static_cast<double>(windows.size())});
    }
    scores[0].logits = MeanOf(std::move(windows));
    if (logits.empty()) scores[0].abstained = "it has nothing to look at";
    return ToLine(JudgementJson(file, DigestOf("bundle"), bundle,
                                JudgeScores(bundle, std::move(scores), clip.attributes), clip));
  }
};

}  // namespace interceptor::worker
