#include "worker/media/faces.h"

#include <algorithm>
#include <array>
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

double Median(double a, double b, double c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

// Applies `join` to each box and its neighbours; the ends are their own neighbours.
template <typename Point, typename Join>
std::vector<Point> JoinThree(const std::vector<Point>& points, const Join& join) {
  std::vector<Point> joined = points;
  for (size_t i = 0; i < points.size(); ++i) {
    const FaceBox& before = points[i == 0 ? 0 : i - 1].box;
    const FaceBox& here = points[i].box;
    const FaceBox& after = points[std::min(i + 1, points.size() - 1)].box;
    joined[i].box = {join(before.x, here.x, after.x), join(before.y, here.y, after.y),
                     join(before.side, here.side, after.side)};
  }
  return joined;
}

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

void FaceTrack::Add(int64_t frame, const FaceBox& box) { points_.push_back({frame, box}); }

std::vector<FaceTrack::Point> FaceTrack::Smoothed() const {
  const auto medians = JoinThree(points_, Median);
  return JoinThree(medians, [](double a, double b, double c) { return (a + b + c) / 3; });
}

std::optional<FaceBox> FaceTrack::At(int64_t frame) const {
  if (points_.empty()) return std::nullopt;
  const std::vector<Point> points = Smoothed();
  const auto after = std::lower_bound(points.begin(), points.end(), frame,
                                      [](const Point& point, int64_t at) { return point.frame < at; });
  if (after == points.begin()) return points.front().box;
  if (after == points.end()) return points.back().box;
  const Point& a = *(after - 1);
  const Point& b = *after;
  const double t = static_cast<double>(frame - a.frame) / static_cast<double>(b.frame - a.frame);
  return FaceBox{std::lerp(a.box.x, b.box.x, t), std::lerp(a.box.y, b.box.y, t),
                 std::lerp(a.box.side, b.box.side, t)};
}

}  // namespace interceptor::worker
