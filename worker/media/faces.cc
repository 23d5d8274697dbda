#include "worker/media/faces.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

class CascadeDetector final : public FaceDetector {
 public:
  absl::Status Init(const std::string& cascade) {
    try {
      const cv::FileStorage storage(cascade, cv::FileStorage::READ | cv::FileStorage::MEMORY);
      if (storage.isOpened() && cascade_.read(storage.getFirstTopLevelNode())) return absl::OkStatus();
    } catch (const cv::Exception&) {
    }
    return InvalidArgument("not an OpenCV cascade");
  }

  std::optional<FaceBox> Find(const cv::Mat& luma, const std::optional<FaceBox>& expected) override {
    cv::Mat even;
    cv::equalizeHist(luma, even);
    if (expected.has_value()) {
      constexpr double kRoom = 2.5;  // of the face's side
      const FaceBox around{expected->x, expected->y, kRoom * expected->side};
      if (const auto box = FindIn(even, around.Square(), expected)) return box;
    }
    return FindIn(even, cv::Rect({0, 0}, even.size()), expected);
  }

 private:
  std::optional<FaceBox> FindIn(const cv::Mat& luma, const cv::Rect& wanted,
                                const std::optional<FaceBox>& expected) {
    constexpr double kScaleStep = 1.15;
    constexpr int kNeighbours = 4;
    constexpr int kFaceShareMin = 10;
    const cv::Rect area = wanted & cv::Rect({0, 0}, luma.size());
    if (area.empty()) return std::nullopt;
    const int side_min = std::max(24, std::min(luma.cols, luma.rows) / kFaceShareMin);
    std::vector<cv::Rect> found;
    cascade_.detectMultiScale(luma(area), found, kScaleStep, kNeighbours, 0, {side_min, side_min});
    if (found.empty()) return std::nullopt;
    const auto box = [&area](const cv::Rect& r) {
      return FaceBox{area.x + r.x + r.width / 2.0, area.y + r.y + r.height / 2.0,
                     static_cast<double>(std::max(r.width, r.height))};
    };
    // Largest first; with a track, distance counts against size.
    const auto cost = [&](const FaceBox& b) {
      if (!expected.has_value()) return -b.side;
      return std::hypot(b.x - expected->x, b.y - expected->y) + std::abs(b.side - expected->side);
    };
    FaceBox best = box(found[0]);
    for (const cv::Rect& rect : found) {
      if (const FaceBox candidate = box(rect); cost(candidate) < cost(best)) best = candidate;
    }
    return best;
  }

  cv::CascadeClassifier cascade_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FaceDetector>> FaceDetector::Load(const std::string& cascade) {
  auto detector = std::make_unique<CascadeDetector>();
  ICPT_RETURN_IF_ERROR(detector->Init(cascade));
  return detector;
}

cv::Rect FaceBox::Square() const {
  const int length = static_cast<int>(std::lround(side));
  return {static_cast<int>(std::lround(x - side / 2)), static_cast<int>(std::lround(y - side / 2)), length,
          length};
}

}  // namespace interceptor::worker
