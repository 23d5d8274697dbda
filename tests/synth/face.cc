#include "tests/synth/face.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include "common/base/status.h"

namespace interceptor::synth {
namespace {

constexpr const char* kCascadeFolders[] = {"/usr/share/opencv4/haarcascades",
                                           "/usr/local/share/opencv4/haarcascades"};

class CascadeFinder : public FaceFinder {
 public:
  bool Load(const std::string& path) { return std::filesystem::exists(path) && cascade_.load(path); }

  std::optional<cv::Rect> Find(const cv::Mat& picture) override {
    cv::Mat grey;
    cv::cvtColor(picture, grey, cv::COLOR_BGR2GRAY);
    cv::equalizeHist(grey, grey);
    std::vector<cv::Rect> faces;
    const int side = std::min(grey.cols, grey.rows) / 5;
    cascade_.detectMultiScale(grey, faces, 1.1, 3, 0, cv::Size(side, side));
    if (faces.empty()) return std::nullopt;
    return *std::max_element(faces.begin(), faces.end(),
                             [](const cv::Rect& a, const cv::Rect& b) { return a.area() < b.area(); });
  }

 private:
  cv::CascadeClassifier cascade_;
};

FacePosition PositionOf(const cv::Rect& box) {
  // The cascade's box reaches from the brows to the chin; the inner face is narrower than it.
  return {
      .centre = (box.tl() + box.br()) / 2, .half_width = box.width * 0.42, .half_height = box.height * 0.52};
}

}  // namespace

absl::StatusOr<std::unique_ptr<FaceFinder>> FaceFinder::Create() {
  auto finder = std::make_unique<CascadeFinder>();
  for (const char* folder : kCascadeFolders) {
    if (finder->Load(std::string(folder) + "/haarcascade_frontalface_alt2.xml")) {
      return std::unique_ptr<FaceFinder>(std::move(finder));
    }
  }
  return NotFound("haarcascade_frontalface_alt2.xml is not installed; install the package opencv-data");
}

FaceTrack TrackFace(FaceFinder& finder, const std::vector<cv::Mat>& frames) {
  constexpr int kEvery = 8;
  const int count = static_cast<int>(frames.size());
  std::map<int, cv::Rect> seen;
  int looks = 0;
  for (int k = 0; k < count; k += kEvery, ++looks) {
    if (const auto face = finder.Find(frames[static_cast<size_t>(k)])) seen[k] = *face;
  }
  FaceTrack track{.positions = {}, .found = static_cast<double>(seen.size()) / looks};
  if (seen.empty()) {
    const cv::Size size = frames[0].size();
    const int side = std::min(size.width, size.height) / 2;
    seen[0] = cv::Rect((size.width - side) / 2, (size.height - side) / 2, side, side);
  }
  for (int k = 0; k < count; ++k) {
    const auto after = seen.lower_bound(k);
    if (after == seen.end()) {
      track.positions.push_back(PositionOf(std::prev(after)->second));
    } else if (after == seen.begin()) {
      track.positions.push_back(PositionOf(after->second));
    } else {
      const auto before = std::prev(after);
      const int span = after->first - before->first, step = k - before->first;
      const auto between = [&](int a, int b) { return a + (b - a) * step / span; };
      const cv::Rect &a = before->second, &b = after->second;
      track.positions.push_back(PositionOf(
          {between(a.x, b.x), between(a.y, b.y), between(a.width, b.width), between(a.height, b.height)}));
    }
  }
  return track;
}

}  // namespace interceptor::synth
