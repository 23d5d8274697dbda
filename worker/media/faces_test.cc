#include "worker/media/faces.h"

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "worker/media/views.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("a text that is no cascade is refused") {
  CATCH_CHECK(FaceDetector::Load("nonsense").status().code() == absl::StatusCode::kInvalidArgument);
  CATCH_CHECK_FALSE(FaceDetector::Load("").ok());
}

CATCH_TEST_CASE("the letterbox keeps the whole picture and its shape") {
  const Placement wide = LetterboxPlacement({120, 60}, 40);
  CATCH_CHECK(wide.area == cv::Rect(0, 0, 120, 60));
  CATCH_CHECK(wide.place == cv::Rect(0, 10, 40, 20));
  CATCH_CHECK(LetterboxPlacement({1, 4000}, 40).place == cv::Rect(18, 0, 2, 40));
}

CATCH_TEST_CASE(
    "the face crop is square, has the margin on each side and is padded past the picture's edge") {
  const cv::Size picture(200, 100);
  // Side 40 with 30 % on each side is 64 pixels.
  const Placement inside = FacePlacement(picture, FaceBox{80, 50, 40}, 128);
  CATCH_CHECK(inside.area == cv::Rect(48, 18, 64, 64));
  CATCH_CHECK(inside.place == cv::Rect(0, 0, 128, 128));
  const Placement corner = FacePlacement(picture, FaceBox{0, 0, 40}, 128);
  CATCH_CHECK(corner.area == cv::Rect(0, 0, 32, 32));
  CATCH_CHECK(corner.place == cv::Rect(64, 64, 64, 64));
  CATCH_CHECK(FacePlacement(picture, FaceBox{-500, -500, 40}, 64).area.empty());
}

CATCH_TEST_CASE("without a face the crop is the largest centred square") {
  const Placement placement = FacePlacement({200, 100}, std::nullopt, 50);
  CATCH_CHECK(placement.area == cv::Rect(50, 0, 100, 100));
  CATCH_CHECK(placement.place == cv::Rect(0, 0, 50, 50));
}

}  // namespace
}  // namespace interceptor::worker
