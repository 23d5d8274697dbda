#include "worker/media/face_tracker.h"

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

constexpr double kScale = 0.125;
constexpr double kSide = 240;
constexpr size_t kFrames = 33;

cv::Mat Texture(cv::Size size, int seed) {
  cv::Mat noise(size, CV_8UC1);
  cv::RNG random(static_cast<uint64_t>(seed));
  random.fill(noise, cv::RNG::UNIFORM, 60, 200);
  cv::Mat smooth;
  cv::GaussianBlur(noise, smooth, {5, 5}, 1.5);
  return smooth;
}

// A face's place in frame `at`: it sways by more than its side in the course of the frames.
FaceBox PlaceAt(size_t at) {
  const double phase = static_cast<double>(at) / 8;
  return {960 + 300 * std::sin(phase), 540 + 80 * std::cos(phase), kSide};
}

LumaThumbnail ThumbnailWith(const FaceBox& face) {
  LumaThumbnail thumbnail{Texture({240, 135}, 1), kScale, kScale};
  const cv::Mat patch = Texture({31, 31}, 2);
  const cv::Point2d corner((face.x - face.side / 2) * kScale, (face.y - face.side / 2) * kScale);
  const cv::Matx23d place(1, 0, corner.x, 0, 1, corner.y);
  cv::warpAffine(patch, thumbnail.luma, place, thumbnail.luma.size(), cv::INTER_LINEAR,
                 cv::BORDER_TRANSPARENT);
  return thumbnail;
}

std::vector<LumaThumbnail> Thumbnails(size_t count, size_t first = 0) {
  std::vector<LumaThumbnail> thumbnails;
  for (size_t at = first; at < first + count; ++at) thumbnails.push_back(ThumbnailWith(PlaceAt(at)));
  return thumbnails;
}

double Off(const std::optional<FaceBox>& box, const FaceBox& place) {
  return box.has_value() ? std::hypot(box->x - place.x, box->y - place.y) / kSide : 1e9;
}

double WorstOff(const std::vector<std::optional<FaceBox>>& boxes, size_t first = 0) {
  double worst = 0;
  for (size_t at = 0; at < boxes.size(); ++at) worst = std::max(worst, Off(boxes[at], PlaceAt(first + at)));
  return worst;
}

using Found = absl::StatusOr<std::optional<FaceBox>>;

CATCH_TEST_CASE("a face that sways between two detections is tracked, and detected where it has moved to") {
  FaceTracker tracker;
  const auto boxes = tracker.Track(Thumbnails(kFrames), std::vector<size_t>{0, kFrames - 1},
                                   [](size_t at, const std::optional<FaceBox>& expected) -> Found {
                                     if (at > 0) CATCH_CHECK(Off(expected, PlaceAt(at)) < 0.15);
                                     return PlaceAt(at);
                                   });
  CATCH_REQUIRE(boxes.ok());
  CATCH_CHECK(WorstOff(*boxes) < 0.12);
  // On into the next segment of the shot, without any detection there.
  const auto more = tracker.Track(Thumbnails(kFrames, kFrames), {}, nullptr);
  CATCH_REQUIRE(more.ok());
  CATCH_CHECK(WorstOff(*more, kFrames) < 0.15);
}

CATCH_TEST_CASE("a face that is found late is tracked back to the segment's beginning") {
  FaceTracker tracker;
  const auto boxes = tracker.Track(Thumbnails(kFrames), std::vector<size_t>{0, 16, kFrames - 1},
                                   [](size_t at, const std::optional<FaceBox>&) -> Found {
                                     if (at == 0) return std::nullopt;
                                     return PlaceAt(at);
                                   });
  CATCH_REQUIRE(boxes.ok());
  CATCH_CHECK(WorstOff(*boxes) < 0.12);
}

CATCH_TEST_CASE("a segment in which no face is found has none") {
  FaceTracker tracker;
  const auto boxes =
      tracker.Track(Thumbnails(4), std::vector<size_t>{0, 3},
                    [](size_t, const std::optional<FaceBox>&) -> Found { return std::nullopt; });
  CATCH_REQUIRE(boxes.ok());
  for (const auto& box : *boxes) CATCH_CHECK_FALSE(box.has_value());
}

CATCH_TEST_CASE("a face that has gone is no face until it is found again") {
  std::vector<LumaThumbnail> thumbnails = Thumbnails(kFrames);
  for (size_t at = 8; at < 24; ++at) thumbnails[at].luma = Texture({240, 135}, 50 + static_cast<int>(at));
  FaceTracker tracker;
  const auto boxes = tracker.Track(thumbnails, std::vector<size_t>{0, 7, 20, 32},
                                   [](size_t at, const std::optional<FaceBox>&) -> Found {
                                     if (at == 20) return std::nullopt;
                                     return PlaceAt(at);
                                   });
  CATCH_REQUIRE(boxes.ok());
  for (size_t at = 0; at < 8; ++at) CATCH_CHECK(Off((*boxes)[at], PlaceAt(at)) < 0.15);
  for (size_t at = 8; at <= 20; ++at) CATCH_CHECK_FALSE((*boxes)[at].has_value());
  for (size_t at = 25; at < kFrames; ++at) CATCH_CHECK(Off((*boxes)[at], PlaceAt(at)) < 0.15);
}

CATCH_TEST_CASE("in a uniform picture the face stays where it was") {
  std::vector<LumaThumbnail> thumbnails(
      20, LumaThumbnail{cv::Mat(135, 240, CV_8UC1, cv::Scalar(90)), kScale, kScale});
  FaceTracker tracker;
  const auto boxes = tracker.Track(thumbnails, std::vector<size_t>{0},
                                   [](size_t, const std::optional<FaceBox>&) -> Found { return PlaceAt(0); });
  CATCH_REQUIRE(boxes.ok());
  CATCH_CHECK(Off(boxes->back(), PlaceAt(0)) < 1e-6);
}

CATCH_TEST_CASE("one wrong detection does not move a path of high similarity, a second one does") {
  const FaceBox wrong{200, 200, kSide};
  for (const bool is_wrong_twice : {false, true}) {
    FaceTracker tracker;
    const auto boxes = tracker.Track(Thumbnails(kFrames), std::vector<size_t>{0, 10, 20},
                                     [&](size_t at, const std::optional<FaceBox>&) -> Found {
                                       const bool is_wrong = at == 10 || (at == 20 && is_wrong_twice);
                                       return is_wrong ? wrong : PlaceAt(at);
                                     });
    CATCH_REQUIRE(boxes.ok());
    CATCH_CHECK(Off((*boxes)[10], PlaceAt(10)) < (is_wrong_twice ? 10 : 0.15));
    CATCH_CHECK(Off((*boxes)[20], is_wrong_twice ? wrong : PlaceAt(20)) < 0.3);
  }
}

CATCH_TEST_CASE(
    "a face that looks as it did is detected four times a shot, one that changes is detected again and "
    "again") {
  for (const bool is_changed : {false, true}) {
    FaceTracker tracker;
    int detections = 0;
    const auto detect = [&detections](size_t at, const std::optional<FaceBox>&) -> Found {
      ++detections;
      return PlaceAt(at);
    };
    for (int segment = 0; segment < 8; ++segment) {
      std::vector<LumaThumbnail> thumbnails = Thumbnails(8);
      // As if the face had turned away.
      if (is_changed && segment > 0) thumbnails.back().luma = Texture({240, 135}, 10 + segment);
      CATCH_REQUIRE(tracker.Track(thumbnails, std::vector<size_t>{7}, detect).ok());
    }
    CATCH_CHECK(detections == (is_changed ? 8 : kDetectionsPerShot));
  }
}

CATCH_TEST_CASE("the side is that of most of the last three detections") {
  FaceTracker tracker;
  const auto boxes = tracker.Track(Thumbnails(kFrames), std::vector<size_t>{0, 10, 20},
                                   [](size_t at, const std::optional<FaceBox>&) -> Found {
                                     FaceBox box = PlaceAt(at);
                                     if (at == 10) box.side *= 1.5;
                                     return box;
                                   });
  CATCH_REQUIRE(boxes.ok());
  CATCH_CHECK((*boxes)[32]->side == Approx(kSide));
}

}  // namespace
}  // namespace interceptor::worker
