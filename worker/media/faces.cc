#include "worker/media/faces.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

// The largest box; with an expected one, distance counts against size.
std::optional<FaceBox> Choose(const std::vector<FaceBox>& found, const std::optional<FaceBox>& expected) {
  if (found.empty()) return std::nullopt;
  const auto cost = [&expected](const FaceBox& box) {
    if (!expected.has_value()) return -box.side;
    return std::hypot(box.x - expected->x, box.y - expected->y) + std::abs(box.side - expected->side);
  };
  return *std::min_element(found.begin(), found.end(),
                           [&cost](const FaceBox& a, const FaceBox& b) { return cost(a) < cost(b); });
}

class CascadeDetector final : public FaceDetector {
 public:
  absl::Status Init(const std::string& path) {
    try {
      if (cascade_.load(path)) return absl::OkStatus();
    } catch (const cv::Exception&) {
    }
    return InvalidArgument(path, " is no cascade that OpenCV ", CV_VERSION, " reads");
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
    std::vector<FaceBox> boxes;
    for (const cv::Rect& r : found) {
      boxes.push_back({area.x + r.x + r.width / 2.0, area.y + r.y + r.height / 2.0,
                       static_cast<double>(std::max(r.width, r.height))});
    }
    return Choose(boxes, expected);
  }

  cv::CascadeClassifier cascade_;
};

class YuNetDetector final : public FaceDetector {
 public:
  absl::Status Init(const std::string& path) {
    try {
      network_ = cv::FaceDetectorYN::create(path, "", {kWarmUpSide, kWarmUpSide});
      // A model that this OpenCV reads but cannot run shows it here.
      Find(cv::Mat::zeros(kWarmUpSide, kWarmUpSide, CV_8UC1), std::nullopt);
    } catch (const cv::Exception& exception) {
      return InvalidArgument(path, " is no YuNet model that OpenCV ", CV_VERSION, " runs: ", exception.err);
    }
    return absl::OkStatus();
  }

  std::optional<FaceBox> Find(const cv::Mat& luma, const std::optional<FaceBox>& expected) override {
    if (std::min(luma.cols, luma.rows) < kSideMin) return std::nullopt;
    if (network_->getInputSize() != luma.size()) network_->setInputSize(luma.size());
    cv::Mat colour;
    cv::cvtColor(luma, colour, cv::COLOR_GRAY2BGR);
    cv::Mat found;
    network_->detect(colour, found);
    std::vector<FaceBox> boxes;
    for (int i = 0; i < found.rows; ++i) {
      const float* face = found.ptr<float>(i);  // left, top, width, height, ...
      boxes.push_back({face[0] + face[2] / 2.0, face[1] + face[3] / 2.0, std::max<double>(face[2], face[3])});
    }
    return Choose(boxes, expected);
  }

 private:
  static constexpr int kWarmUpSide = 64;
  // Its coarsest grid has steps of 64 pixels in older models, 32 in newer ones.
  static constexpr int kSideMin = 64;

  cv::Ptr<cv::FaceDetectorYN> network_;
};

template <typename Detector>
absl::StatusOr<std::unique_ptr<FaceDetector>> LoadAs(const std::string& path) {
  auto detector = std::make_unique<Detector>();
  ICPT_RETURN_IF_ERROR(detector->Init(path));
  return detector;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FaceDetector>> FaceDetector::Load(const std::string& path) {
  return path.ends_with(".onnx") ? LoadAs<YuNetDetector>(path) : LoadAs<CascadeDetector>(path);
}

cv::Rect FaceBox::Square() const {
  const int length = static_cast<int>(std::lround(side));
  return {static_cast<int>(std::lround(x - side / 2)), static_cast<int>(std::lround(y - side / 2)), length,
          length};
}

}  // namespace interceptor::worker
