#include "worker/media/face_detector.h"

#include <algorithm>
#include <cmath>
#include <opencv2/dnn.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include "common/base/status.h"
#include "worker/media/video_decoder.h"

namespace interceptor::worker {
namespace {

// The largest box; with an expected one, distance counts against size.
std::optional<FaceBox> Choose(const std::vector<FaceBox>& found, const std::optional<FaceBox>& expected) {
  if (found.empty()) return std::nullopt;
  const auto cost = [&expected](const FaceBox& box) {
    if (!expected.has_value()) return -box.side;
    return std::hypot(box.x - expected->x, box.y - expected->y) + std::abs(box.side - expected->side);
  };
  return *std::ranges::min_element(found, {}, cost);
}

class CascadeDetector final : public FaceDetector {
 public:
  absl::Status Init(const std::string& path) {
    try {
      if (cascade_.load(path)) {
        // Sets up what OpenCV makes at its first use.
        Find(cv::Mat(64, 64, CV_8UC1, cv::Scalar(128)), std::nullopt);
        return absl::OkStatus();
      }
    } catch (const cv::Exception&) {
    }
    return InvalidArgument(path, " is no cascade that OpenCV ", CV_VERSION,
                           " reads; the name of a YuNet model ends in .onnx");
  }

  Input input() const override { return {.side_max = 480, .in_colour = false}; }

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

// Three grids, of 8, 16 and 32 pixels a cell, with one box a cell: the score of its class and of there being
// anything, its centre relative to the cell and the logarithms of its sides, both in cells.
class YuNetDetector final : public FaceDetector {
 public:
  absl::Status Init(const std::string& path) {
    std::string reason = "its outputs have other shapes";
    try {
      network_ = cv::dnn::readNetFromONNX(path);
      network_.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
      // Not square, so that rows and columns differ, and not the size that the file names.
      if (Run(cv::Mat(2 * kStrideMax, 3 * kStrideMax, CV_8UC3, cv::Scalar::all(128))))
        return absl::OkStatus();
    } catch (const cv::Exception& exception) {
      reason = exception.err;
    }
    return InvalidArgument(path, " is no YuNet model that OpenCV ", CV_VERSION, " runs (", reason,
                           "). Expected: the ONNX file that OpenCV publishes since 2023, with the outputs "
                           "cls_N, obj_N and bbox_N for N = 8, 16 and 32; deploy/face-model fetches it");
  }

  Input input() const override { return {.side_max = 640, .in_colour = true}; }

  std::optional<FaceBox> Find(const cv::Mat& picture, const std::optional<FaceBox>& expected) override {
    constexpr float kScoreMin = 0.6f;
    constexpr float kOverlapMax = 0.3f;
    const auto missing = [](int side) { return (kStrideMax - side % kStrideMax) % kStrideMax; };
    cv::Mat padded;
    cv::copyMakeBorder(picture, padded, 0, missing(picture.rows), 0, missing(picture.cols),
                       cv::BORDER_CONSTANT);
    if (!Run(padded)) return std::nullopt;
    std::vector<cv::Rect2d> found;
    std::vector<float> scores;
    for (size_t grid = 0; grid < std::size(kStrides); ++grid) {
      const int columns = padded.cols / kStrides[grid];
      for (int cell = 0; cell < static_cast<int>(outputs_[grid].total()); ++cell) {
        const float score = std::sqrt(Value(kClass, grid, cell) * Value(kObject, grid, cell));
        if (!(score >= kScoreMin)) continue;
        const auto box = [&](int i) { return static_cast<double>(Value(kBox, grid, 4 * cell + i)); };
        const double width = std::exp(box(2));
        const double height = std::exp(box(3));
        const double stride = kStrides[grid];
        found.emplace_back((cell % columns + box(0) - width / 2) * stride,
                           (cell / columns + box(1) - height / 2) * stride, width * stride, height * stride);
        scores.push_back(score);
      }
    }
    std::vector<int> kept;
    cv::dnn::NMSBoxes(found, scores, kScoreMin, kOverlapMax, kept);
    std::vector<FaceBox> boxes;
    for (const int i : kept) {
      const cv::Rect2d& box = found[static_cast<size_t>(i)];
      // Of the same area: a face is higher than wide.
      boxes.push_back({box.x + box.width / 2, box.y + box.height / 2, std::sqrt(box.area())});
    }
    return Choose(boxes, expected);
  }

 private:
  static constexpr int kStrides[] = {8, 16, 32};
  static constexpr int kStrideMax = 32;
  enum Kind : size_t { kClass, kObject, kBox };

  float Value(Kind kind, size_t grid, int at) const {
    return outputs_[kind * std::size(kStrides) + grid].ptr<float>()[at];
  }

  // False when the outputs are not of YuNet's shapes.
  // REQUIRES: the picture's sides are multiples of kStrideMax.
  bool Run(const cv::Mat& picture) {
    static const std::vector<cv::String> kNames = {"cls_8",  "cls_16", "cls_32",  "obj_8",  "obj_16",
                                                   "obj_32", "bbox_8", "bbox_16", "bbox_32"};
    network_.setInput(cv::dnn::blobFromImage(picture));
    network_.forward(outputs_, kNames);
    for (size_t i = 0; i < kNames.size(); ++i) {
      const int stride = kStrides[i % std::size(kStrides)];
      const int cells = (picture.cols / stride) * (picture.rows / stride);
      const int values = i / std::size(kStrides) == kBox ? 4 * cells : cells;
      if (outputs_[i].type() != CV_32F || static_cast<int>(outputs_[i].total()) != values) return false;
    }
    return true;
  }

  cv::dnn::Net network_;
  std::vector<cv::Mat> outputs_;  // by kind, then by grid
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

absl::StatusOr<std::optional<FaceBox>> FindFace(FaceDetector& detector, VideoDecoder& video,
                                                const VideoFrame& frame,
                                                const std::optional<FaceBox>& expected) {
  const auto [side_max, in_colour] = detector.input();
  ICPT_ASSIGN_OR_RETURN(const cv::Mat picture, video.Shrunk(frame, side_max, in_colour));
  const cv::Size whole = video.UprightSize(frame);
  const double scale = std::max(1.0, static_cast<double>(std::max(whole.width, whole.height)) / side_max);
  const auto scaled = [](const std::optional<FaceBox>& box, double by) -> std::optional<FaceBox> {
    if (!box.has_value()) return std::nullopt;
    return FaceBox{box->x * by, box->y * by, box->side * by};
  };
  return scaled(detector.Find(picture, scaled(expected, 1 / scale)), scale);
}

cv::Rect FaceBox::Square() const {
  const int length = static_cast<int>(std::lround(side));
  return {static_cast<int>(std::lround(x - side / 2)), static_cast<int>(std::lround(y - side / 2)), length,
          length};
}

}  // namespace interceptor::worker
