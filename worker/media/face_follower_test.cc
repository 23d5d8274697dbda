#include "worker/media/face_follower.h"

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

Sketch SketchWith(const FaceBox& face) {
  Sketch sketch{Texture({240, 135}, 1), kScale, kScale};
  const cv::Mat patch = Texture({31, 31}, 2);
  const cv::Point2d corner((face.x - face.side / 2) * kScale, (face.y - face.side / 2) * kScale);
  const cv::Matx23d place(1, 0, corner.x, 0, 1, corner.y);
  cv::warpAffine(patch, sketch.luma, place, sketch.luma.size(), cv::INTER_LINEAR, cv::BORDER_TRANSPARENT);
  return sketch;
}

std::vector<Sketch> Sketches(size_t count, size_t first = 0) {
  std::vector<Sketch> sketches;
  for (size_t at = first; at < first + count; ++at) sketches.push_back(SketchWith(PlaceAt(at)));
  return sketches;
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

CATCH_TEST_CASE("a face that sways between two detections is followed, and looked for where it has got to") {
  FaceFollower follower;
  const auto boxes = follower.Follow(Sketches(kFrames), std::vector<size_t>{0, kFrames - 1},
                                     [](size_t at, const std::optional<FaceBox>& expected) -> Found {
                                       if (at > 0) CATCH_CHECK(Off(expected, PlaceAt(at)) < 0.15);
                                       return PlaceAt(at);
                                     });
  CATCH_REQUIRE(boxes.ok());
  CATCH_CHECK(WorstOff(*boxes) < 0.12);
  // On into the next part of the shot, without any detection there.
  const auto more = follower.Follow(Sketches(kFrames, kFrames), {}, nullptr);
  CATCH_REQUIRE(more.ok());
  CATCH_CHECK(WorstOff(*more, kFrames) < 0.15);
}

CATCH_TEST_CASE("a face that is found late is followed back to the part's beginning") {
  FaceFollower follower;
  const auto boxes = follower.Follow(Sketches(kFrames), std::vector<size_t>{0, 16, kFrames - 1},
                                     [](size_t at, const std::optional<FaceBox>&) -> Found {
                                       if (at == 0) return std::nullopt;
                                       return PlaceAt(at);
                                     });
  CATCH_REQUIRE(boxes.ok());
  CATCH_CHECK(WorstOff(*boxes) < 0.12);
}

CATCH_TEST_CASE("a part in which no face is found has none") {
  FaceFollower follower;
  const auto boxes =
      follower.Follow(Sketches(4), std::vector<size_t>{0, 3},
                      [](size_t, const std::optional<FaceBox>&) -> Found { return std::nullopt; });
  CATCH_REQUIRE(boxes.ok());
  for (const auto& box : *boxes) CATCH_CHECK_FALSE(box.has_value());
}

CATCH_TEST_CASE("a face that has gone is no face until it is found again") {
  std::vector<Sketch> sketches = Sketches(kFrames);
  for (size_t at = 8; at < 24; ++at) sketches[at].luma = Texture({240, 135}, 50 + static_cast<int>(at));
  FaceFollower follower;
  const auto boxes = follower.Follow(sketches, std::vector<size_t>{0, 7, 20, 32},
                                     [](size_t at, const std::optional<FaceBox>&) -> Found {
                                       if (at == 20) return std::nullopt;
                                       return PlaceAt(at);
                                     });
  CATCH_REQUIRE(boxes.ok());
  for (size_t at = 0; at < 8; ++at) CATCH_CHECK(Off((*boxes)[at], PlaceAt(at)) < 0.15);
  for (size_t at = 8; at <= 20; ++at) CATCH_CHECK_FALSE((*boxes)[at].has_value());
  for (size_t at = 25; at < kFrames; ++at) CATCH_CHECK(Off((*boxes)[at], PlaceAt(at)) < 0.15);
}

CATCH_TEST_CASE("where all is alike, the face stays where it was") {
  std::vector<Sketch> sketches(20, Sketch{cv::Mat(135, 240, CV_8UC1, cv::Scalar(90)), kScale, kScale});
  FaceFollower follower;
  const auto boxes =
      follower.Follow(sketches, std::vector<size_t>{0},
                      [](size_t, const std::optional<FaceBox>&) -> Found { return PlaceAt(0); });
  CATCH_REQUIRE(boxes.ok());
  CATCH_CHECK(Off(boxes->back(), PlaceAt(0)) < 1e-6);
}

CATCH_TEST_CASE("one wrong detection does not move a path that is sure of itself, a second one does") {
  const FaceBox wrong{200, 200, kSide};
  for (const bool is_wrong_twice : {false, true}) {
    FaceFollower follower;
    const auto boxes = follower.Follow(Sketches(kFrames), std::vector<size_t>{0, 10, 20},
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
    "a face that looks as it did is searched for four times a shot, one that changes goes on being searched "
    "for") {
  for (const bool is_changed : {false, true}) {
    FaceFollower follower;
    int searches = 0;
    const auto detect = [&searches](size_t at, const std::optional<FaceBox>&) -> Found {
      ++searches;
      return PlaceAt(at);
    };
    for (int part = 0; part < 8; ++part) {
      std::vector<Sketch> sketches = Sketches(8);
      // As if the face had turned away.
      if (is_changed && part > 0) sketches.back().luma = Texture({240, 135}, 10 + part);
      CATCH_REQUIRE(follower.Follow(sketches, std::vector<size_t>{7}, detect).ok());
    }
    CATCH_CHECK(searches == (is_changed ? 8 : kSearchesPerShot));
  }
}

CATCH_TEST_CASE("the side is that of most of the last three detections") {
  FaceFollower follower;
  const auto boxes = follower.Follow(Sketches(kFrames), std::vector<size_t>{0, 10, 20},
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
