#include "worker/prepare/decode_request.h"

#include "common/base/status.h"

namespace interceptor::worker {

absl::StatusOr<DecodeRequest> MakeDecodeRequest(Archive& archive, const LabelledClip& clip,
                                                const PreparationSettings& settings) {
  ICPT_ASSIGN_OR_RETURN(std::string bytes, archive.Read(clip.entry));
  if (bytes.empty()) return DataLoss("empty file");
  DecodeJob job;
  job.frames = clip.label == Label::kFake ? settings.frames_per_fake : settings.frames_per_real;
  job.view_pixels = settings.view_pixels;
  job.face_detection_stride = settings.face_detection_stride;
  job.sketching = clip.label == Label::kFake ? Sketching::kWide : Sketching::kNearWide;
  job.fake_frames = settings.frames_per_fake;
  return DecodeRequest{clip.name, std::move(bytes), job};
}

}  // namespace interceptor::worker
