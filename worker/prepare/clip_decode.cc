#include "worker/prepare/clip_decode.h"

#include <algorithm>
#include <new>
#include <opencv2/core.hpp>

#include "common/base/status.h"
#include "worker/prepare/video.h"
#include "worker/prepare/view_cutter.h"

namespace interceptor::worker {
namespace {

// A frame in the middle of each of as many equal parts as frames are wanted; one that others are decoded from
// where the part has one, so that no other need be decoded.
std::vector<int64_t> ChooseFrames(const Video& video, int count) {
  const int64_t frames = video.facts().frames;
  std::vector<int64_t> chosen = EvenlySpread(frames, count);
  const auto parts = static_cast<int64_t>(chosen.size());
  for (int64_t k = 0; k < parts; ++k) {
    int64_t& index = chosen[static_cast<size_t>(k)];
    const int64_t reference = video.NearestReference(index);
    if (reference >= k * frames / parts && reference < (k + 1) * frames / parts) index = reference;
  }
  return chosen;
}

}  // namespace

std::vector<int64_t> EvenlySpread(int64_t frames, int count) {
  const int64_t taken = std::min<int64_t>(frames, count);
  std::vector<int64_t> indices;
  for (int64_t k = 0; k < taken; ++k) indices.push_back((2 * k + 1) * frames / (2 * taken));
  return indices;
}

absl::StatusOr<DecodedClip> DecodeClip(std::string_view bytes, const DecodeJob& job, FaceDetector& detector) {
  try {
    ICPT_ASSIGN_OR_RETURN(const auto video, Video::Open(bytes));
    const std::vector<int64_t> frames = ChooseFrames(*video, job.frames);
    ViewCutter cutter(*video, job, detector);
    ICPT_RETURN_IF_ERROR(video->Decode(frames, [&](const VideoFrame& frame) { return cutter.Add(frame); }));
    return cutter.Finish();
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("it needs more memory than a decoder may use");
  } catch (const cv::Exception& exception) {
    // OpenCV reports failed allocations as its own exception.
    if (exception.code == cv::Error::StsNoMem) {
      return ResourceExhausted("it needs more memory than a decoder may use");
    }
    return DataLoss("its pictures cannot be processed: ", exception.err);
  }
}

}  // namespace interceptor::worker
