#include "worker/media/decode_loop.h"

#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/core/ocl.hpp>
#include <utility>

#include "common/base/status.h"
#include "common/io/mapped_file.h"
#include "worker/media/clip_decoder.h"
#include "worker/media/decode_protocol.h"
#include "worker/media/face_detector.h"
#include "worker/media/sandbox.h"

namespace interceptor::worker {
namespace {

absl::StatusOr<std::string> RunJob(const DecoderMessage& message, FaceDetector& detector) {
  ICPT_ASSIGN_OR_RETURN(const DecodeJob job, ParseJob(message.text));
  if (message.files.size() != 2) return InvalidArgument("a decode job needs two files");
  ICPT_ASSIGN_OR_RETURN(const MappedFile input, MapFile(message.files[0].get(), "the clip"));
  if (input.bytes.empty()) return DataLoss("empty file");
  ICPT_ASSIGN_OR_RETURN(DecodedClip clip, DecodeClip(input.bytes, job, detector));
  return WriteResponse(std::move(clip), message.files[1].get());
}

// Loads the model, which runs it once, while files may still be opened.
absl::StatusOr<std::unique_ptr<FaceDetector>> LoadAndEnterSandbox(const std::string& face_model) {
  cv::setNumThreads(1);
  cv::ocl::setUseOpenCL(false);
  ICPT_ASSIGN_OR_RETURN(auto detector, FaceDetector::Load(face_model));
  ICPT_RETURN_IF_ERROR(EnterSandbox());
  return detector;
}

}  // namespace

absl::Status ServeDecodeJobs(int socket, const std::string& face_model) {
  const auto detector = LoadAndEnterSandbox(face_model);
  if (!detector.ok()) return SendMessage(socket, FaultResponse(detector.status()), {});
  ICPT_RETURN_IF_ERROR(SendMessage(socket, kReadyText, {}));
  while (true) {
    auto message = ReceiveMessage(socket, absl::InfiniteDuration());
    if (absl::IsUnavailable(message.status())) return absl::OkStatus();
    if (!message.ok()) return message.status();
    auto response = RunJob(*message, **detector);
    ICPT_RETURN_IF_ERROR(
        SendMessage(socket, response.ok() ? *response : FaultResponse(response.status()), {}));
  }
}

}  // namespace interceptor::worker
