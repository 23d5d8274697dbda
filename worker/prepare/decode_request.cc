#include "worker/prepare/decode_request.h"

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"

namespace interceptor::worker {
namespace {

absl::StatusOr<DecodeRequest> MakeDecodeRequest(Archive& archive, const LabelledClip& clip,
                                                const PreparationSettings& settings) {
  ICPT_ASSIGN_OR_RETURN(std::string bytes, archive.Read(clip.entry));
  if (bytes.empty()) return DataLoss("empty file");
  DecodeJob job;
  job.frames = clip.label == Label::kFake ? settings.frames_per_fake : settings.frames_per_real;
  job.view_pixels = settings.view_pixels;
  job.face_detection_stride = settings.face_detection_stride;
  job.thumbnail_mode =
      clip.label == Label::kFake ? ThumbnailMode::kFullFrames : ThumbnailMode::kNearFullFrames;
  job.fake_frames = settings.frames_per_fake;
  return DecodeRequest{clip.name, std::move(bytes), job};
}

}  // namespace

absl::StatusOr<FaceModel> FindFaceModel(const FileSystem& files, const std::string& own_path,
                                        const std::string& data, const PreparationSettings& settings) {
  if (settings.face_model.empty()) {
    const auto digest = DigestOfFile(files, own_path);
    if (digest.ok()) return FaceModel{own_path, digest->hex};
    return FailedPrecondition("face model: ", Message(digest.status()),
                              "; install opencv-data or name another by --face-model");
  }
  ICPT_RETURN_IF_ERROR(Annotate(ValidateEntryName(settings.face_model), "preparation.face_model"));
  const std::string path = JoinPath(data, settings.face_model);
  const std::string& wanted = settings.face_model_sha256;
  const auto digest = DigestOfFile(files, path);
  if (digest.ok() && (wanted.empty() || digest->hex == wanted)) return FaceModel{path, digest->hex};
  const std::string found = digest.ok() ? Cat("has the SHA-256 ", digest->hex)
                            : absl::IsNotFound(digest.status())
                                ? "is not there"
                                : Cat("cannot be read: ", Message(digest.status()));
  return InvalidArgument("preparation.face_model: ", path, " ", found,
                         wanted.empty() ? "" : Cat("; the plan names ", wanted), ". Run deploy/face-model ",
                         data, " for OpenCV's YuNet, or copy the plan's file there");
}

std::future<DecodeOutcome> SubmitClip(DecoderPool& pool, Archive& archive, const LabelledClip& clip,
                                      const PreparationSettings& settings) {
  auto request = MakeDecodeRequest(archive, clip, settings);
  if (request.ok()) return pool.Submit(*std::move(request));
  DecodeOutcome outcome;
  const bool is_zip_unreadable = absl::IsUnavailable(request.status());
  if (is_zip_unreadable) outcome.status = request.status();
  if (!is_zip_unreadable) outcome.fault = Message(request.status());
  std::promise<DecodeOutcome> answer;
  answer.set_value(std::move(outcome));
  return answer.get_future();
}

}  // namespace interceptor::worker
