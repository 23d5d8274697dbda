#include "worker/detect/judgement_json.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "worker/detect/faces.h"

namespace interceptor::worker {
namespace {

using Json = nlohmann::json;

double Log10(double nats) { return nats / std::numbers::ln10; }
// JSON knows no NaN: a time that the container does not tell.
Json OrNull(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json Beginning(const std::string& name, const Digest& bundle_digest, Verdict verdict,
               const std::string& reason) {
  Json object = {{"version", kJudgementVersion},
                 {"file", name},
                 {"bundle", bundle_digest.hex},
                 {"verdict", std::string(ToString(verdict))}};
  if (!reason.empty()) object["reason"] = reason;
  return object;
}

Json SpecialistsJson(const VideoJudgement& judgement) {
  Json list = Json::array();
  for (const SpecialistScore& score : judgement.specialists) {
    Json& each = list.emplace_back(Json{{"specialist", std::string(ToString(score.specialist))}});
    if (!score.abstained.empty()) {
      each["abstained"] = score.abstained;
      continue;
    }
    each["log10_lr"] = Log10(score.log_ratio);
    each["logit"] = score.logits.fused;
    each["moments"] = Json::array();
    for (size_t i = 0; i < score.moments.size() && i < score.logits.windows.size(); ++i) {
      each["moments"].push_back(
          {{"seconds", OrNull(score.moments[i].seconds)}, {"logit", score.logits.windows[i].fused}});
    }
  }
  return list;
}

// Where the judged face is, frame by frame, in pixels of the upright picture; frames without it are left out.
Json FacesJson(const DecodedClip& clip) {
  Json track = Json::array();
  for (const size_t frame : FramesWithFace(clip)) {
    const double* box = &clip.series.at("face_boxes")[3 * frame];
    track.push_back(
        {{"seconds", OrNull(clip.frame_seconds[frame])}, {"x", box[0]}, {"y", box[1]}, {"side", box[2]}});
  }
  if (track.empty()) return track;
  return Json::array({{{"frames", track}}});
}

Json QualityJson(const DecodedClip& clip) {
  Json quality = Json::object();
  for (const auto& [name, value] : clip.attributes) quality[name] = OrNull(value);
  return quality;
}

}  // namespace

Json JudgementJson(const std::string& name, const Digest& bundle_digest, const Bundle& bundle,
                   const VideoJudgement& judgement, const DecodedClip& clip) {
  Json object = Beginning(name, bundle_digest, judgement.verdict, judgement.reason);
  object["figures_hold"] = judgement.figures_hold;
  object["probability_fake"] = judgement.probability;
  object["log10_lr"] = Log10(judgement.log_ratio);
  object["log10_lr_interval"] = {Log10(judgement.low), Log10(judgement.high)};
  object["log10_lr_bound"] = Log10(judgement.bound);
  object["prior_fake"] = bundle.settings.evaluation.deployment_prior;
  if (const auto& band = bundle.fusion.decision) {
    object["thresholds"] = {{"fake_above_log10_lr", Log10(band->fake_above)},
                            {"real_below_log10_lr", Log10(band->real_below)},
                            {"real_error_max", band->real_error},
                            {"fake_error_max", band->fake_error}};
  }
  object["specialists"] = SpecialistsJson(judgement);
  object["not_weighed"] = Json::array();
  for (const LeftOutSpecialist& each : bundle.fusion.left_out) {
    object["not_weighed"].push_back(
        {{"specialist", std::string(ToString(each.specialist))}, {"reason", each.reason}});
  }
  object["faces"] = FacesJson(clip);
  object["warnings"] = judgement.warnings;
  object["quality"] = QualityJson(clip);
  return object;
}

Json RefusalJson(const std::string& name, const Digest& bundle_digest, const std::string& reason) {
  return Beginning(name, bundle_digest, Verdict::kInconclusive, reason);
}

std::string ToLine(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace interceptor::worker
