#include "worker/media/decode_loop.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/core/ocl.hpp>

#include "common/base/status.h"
#include "worker/media/clip_decoder.h"
#include "worker/media/decode_protocol.h"
#include "worker/media/face_detector.h"
#include "worker/media/sandbox.h"

namespace interceptor::worker {
namespace {

// A memory file mapped to be read; unmapped by the destructor.
class Mapped {
 public:
  static absl::StatusOr<std::unique_ptr<Mapped>> Map(int fd) {
    struct stat info {};
    if (fstat(fd, &info) != 0) return ErrnoStatus(errno, "stat the clip");
    if (info.st_size == 0) return DataLoss("empty file");
    const auto size = static_cast<size_t>(info.st_size);
    void* address = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED) return ErrnoStatus(errno, "map the clip");
    return std::unique_ptr<Mapped>(new Mapped(address, size));
  }
  ~Mapped() { munmap(address_, size_); }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(address_), size_}; }

 private:
  Mapped(void* address, size_t size) : address_(address), size_(size) {}

  void* address_;
  size_t size_;
};

absl::StatusOr<std::string> RunJob(const DecoderMessage& message, FaceDetector& detector) {
  ICPT_ASSIGN_OR_RETURN(const DecodeJob job, ParseJob(message.text));
  if (message.files.size() != 2) return InvalidArgument("a decode job needs two files");
  ICPT_ASSIGN_OR_RETURN(const auto input, Mapped::Map(message.files[0].get()));
  ICPT_ASSIGN_OR_RETURN(const DecodedClip clip, DecodeClip(input->bytes(), job, detector));
  return WriteResponse(clip, message.files[1].get());
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
