#include "worker/prepare/decode_request.h"

#include "common/base/status.h"

namespace interceptor::worker {

absl::StatusOr<DecoderPoolOptions> PoolOf(DecoderPoolOptions pool, const std::string& data,
                                          const PreparationSettings& settings) {
  if (settings.face_model.empty()) return pool;
  ICPT_RETURN_IF_ERROR(Annotate(ValidateEntryName(settings.face_model), "preparation.face_model"));
  pool.face_model_path = JoinPath(data, settings.face_model);
  if (!SystemFiles().Exists(pool.face_model_path)) {
    return InvalidArgument("preparation.face_model: ", pool.face_model_path,
                           " is not there; put the file beside the zips");
  }
  return pool;
}

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
