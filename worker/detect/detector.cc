#include "worker/detect/detector.h"

#include <algorithm>
#include <span>
#include <utility>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/models/specialist.h"
#include "worker/models/weights_file.h"

namespace interceptor::worker {
namespace {

absl::StatusOr<std::unique_ptr<Scorer>> LoadScorer(const FileSystem& files, const OpenedBundle& opened,
                                                   SpecialistName specialist,
                                                   const DetectorOptions& options) {
  const Bundle& bundle = opened.bundle;
  const auto bundled = std::ranges::find(bundle.specialists, specialist, &BundledSpecialist::specialist);
  const Architecture architecture = MakeArchitecture(bundle.settings.model, specialist);
  ICPT_ASSIGN_OR_RETURN(const Weights weights,
                        ReadWeights(files, JoinPath(opened.folder, bundled->weights), architecture,
                                    specialist, PreprocessingOf(specialist, ModeOf(bundle.settings.model))));
  return MakeScorer({.model = bundle.settings.model,
                     .specialist = specialist,
                     .device = options.device,
                     .threads = options.threads},
                    weights.parameters, weights.statistics);
}

bool LacksFace(const DecodedClip& clip) {
  const auto share = clip.attributes.find("face_share");
  return share != clip.attributes.end() && share->second == 0;
}

}  // namespace

absl::StatusOr<OpenedBundle> OpenBundle(const FileSystem& files, const std::string& folder) {
  ICPT_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(files, JoinPath(folder, kBundleDescription)));
  ICPT_ASSIGN_OR_RETURN(const std::string sums_text, ReadWholeFile(files, JoinPath(folder, kBundleSums)));
  const auto sums = ParseSums(sums_text);
  if (!sums.ok()) return Annotate(sums.status(), folder);
  for (const auto& [name, hex] : *sums) {
    const std::string path = JoinPath(folder, name);
    const auto digest = DigestOfFile(files, path);
    if (digest.ok() && digest->hex == hex) continue;
    return DataLoss(path,
                    digest.ok() ? Cat(" was changed: its SHA-256 is not the one in ", kBundleSums)
                                : Cat(": ", Message(digest.status())),
                    "; copy the bundle again");
  }
  auto bundle = ParseBundle(text);
  if (!bundle.ok()) return Annotate(bundle.status(), folder);
  for (const BundledFile& file : bundle->files) {
    const auto sum = sums->find(file.name);
    if (sum != sums->end() && sum->second == file.sha256) continue;
    return DataLoss(JoinPath(folder, file.name),
                    " is not the file that bundle.json names; copy the bundle again");
  }
  return OpenedBundle{.folder = folder, .digest = DigestOf(text), .bundle = *std::move(bundle)};
}

absl::StatusOr<std::unique_ptr<Detector>> Detector::Load(const FileSystem& files, const OpenedBundle& opened,
                                                         const DetectorOptions& options) {
  auto detector = std::unique_ptr<Detector>(new Detector(opened.bundle));
  for (const FusedSpecialist& each : opened.bundle.fusion.specialists) {
    ICPT_ASSIGN_OR_RETURN(std::unique_ptr<Scorer> scorer,
                          LoadScorer(files, opened, each.specialist, options));
    detector->scorers_.push_back(std::move(scorer));
  }
  return detector;
}

DecodeJob Detector::Job() const {
  const PreparationSettings& preparation = bundle_.settings.preparation;
  return {.frames = preparation.frames_per_real,
          .view_pixels = preparation.view_pixels,
          .face_detection_stride = preparation.face_detection_stride};
}

absl::StatusOr<VideoJudgement> Detector::Judge(const DecodedClip& clip) {
  const StoredClip stored = StoredClipOf(clip);
  const StoredClip* const clips[] = {&stored};
  std::vector<SpecialistScore> scores;
  for (size_t i = 0; i < scorers_.size(); ++i) {
    const SpecialistName specialist = bundle_.fusion.specialists[i].specialist;
    SpecialistScore& score = scores.emplace_back(SpecialistScore{.specialist = specialist});
    if (LacksFace(clip)) {
      score.abstained = "no face was found";
      continue;
    }
    const ScoringOptions options{.views = ViewsOf(specialist, ModeOf(bundle_.settings.model)),
                                 .frames_per_clip = bundle_.settings.evaluation.frames_per_clip};
    ICPT_ASSIGN_OR_RETURN(
        std::vector<ClipLogits> logits,
        ScoreClips(clips, options, [&](const SpecialistInput& input) { return scorers_[i]->Score(input); }));
    score.logits = std::move(logits.front());
    score.moments = ScoredMoments(stored, options);
    if (score.logits.abstained)
      score.abstained = Cat("the clip has no ", ToString(options.views.front()), " to look at");
  }
  return JudgeScores(bundle_, std::move(scores), clip.attributes);
}

}  // namespace interceptor::worker
