#include "worker/prepare/faces.h"

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "worker/prepare/views.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("a track without a face says so") {
  FaceTrack track;
  CATCH_CHECK(track.FaceShare() == 0.0);
  track.Add(0, std::nullopt);
  track.Add(10, std::nullopt);
  CATCH_CHECK_FALSE(track.At(5).has_value());
  CATCH_CHECK(track.FaceShare() == 0.0);
  CATCH_CHECK(track.MedianSide() == 0.0);
}

CATCH_TEST_CASE("a track is interpolated between boxes and held at its ends") {
  FaceTrack track;
  for (int i = 0; i < 5; ++i) track.Add(10 * i, FaceBox{100.0 + 10 * i, 50, 40});
  track.Add(50, std::nullopt);
  // An even motion is not bent by the smoothing, its ends apart.
  CATCH_CHECK(track.At(20)->x == Approx(120));
  CATCH_CHECK(track.At(15)->x == Approx((track.At(10)->x + track.At(20)->x) / 2));
  CATCH_CHECK(track.At(50)->x == track.At(40)->x);
  CATCH_CHECK(track.At(0)->y == 50);
  CATCH_CHECK(track.FaceShare() == Approx(5.0 / 6));
  CATCH_CHECK(track.MedianSide() == 40);
}

CATCH_TEST_CASE("one wrong detection does not move the track") {
  FaceTrack track;
  for (int i = 0; i < 7; ++i) track.Add(i, i == 3 ? FaceBox{900, 900, 10} : FaceBox{100, 50, 40});
  for (int i = 0; i < 7; ++i) {
    CATCH_CHECK(track.At(i)->x == Approx(100));
    CATCH_CHECK(track.At(i)->side == Approx(40));
  }
}

CATCH_TEST_CASE("a text that is no cascade is refused") {
  CATCH_CHECK(FaceDetector::Load("nonsense").status().code() == absl::StatusCode::kInvalidArgument);
  CATCH_CHECK_FALSE(FaceDetector::Load("").ok());
}

CATCH_TEST_CASE("the letterbox keeps the whole picture, its shape, and black around it") {
  const cv::Mat wide(60, 120, CV_8UC3, cv::Scalar(10, 20, 30));
  const cv::Mat view = Letterbox(wide, 40);
  CATCH_CHECK(view.size() == cv::Size(40, 40));
  CATCH_CHECK(LetterboxArea(wide.size(), 40) == cv::Rect(0, 10, 40, 20));
  CATCH_CHECK(view.at<cv::Vec3b>(20, 20) == cv::Vec3b(10, 20, 30));
  CATCH_CHECK(view.at<cv::Vec3b>(9, 20) == cv::Vec3b(0, 0, 0));
  CATCH_CHECK(LetterboxArea({1, 4000}, 40) == cv::Rect(19, 0, 1, 40));
}

CATCH_TEST_CASE("shrinking averages, so a fine pattern becomes grey and does not alias") {
  cv::Mat stripes(64, 64, CV_8UC3);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x)
      stripes.at<cv::Vec3b>(y, x) = x % 2 == 0 ? cv::Vec3b(0, 0, 0) : cv::Vec3b(200, 200, 200);
  }
  const cv::Mat view = Letterbox(stripes, 16);
  for (int x = 0; x < 16; ++x) CATCH_CHECK(view.at<cv::Vec3b>(8, x) == cv::Vec3b(100, 100, 100));
}

CATCH_TEST_CASE(
    "the face crop is square, has the margin on each side and is padded past the picture's edge") {
  cv::Mat picture(100, 200, CV_8UC3, cv::Scalar::all(50));
  picture(cv::Rect(60, 30, 40, 40)).setTo(cv::Scalar::all(250));
  // Side 40 with 30 % on each side is 64 pixels, shown at 64: the face fills columns 12 to 52.
  const cv::Mat view = FaceCrop(picture, FaceBox{80, 50, 40}, 64);
  CATCH_CHECK(view.at<cv::Vec3b>(32, 11)[0] == 50);
  CATCH_CHECK(view.at<cv::Vec3b>(32, 12)[0] == 250);
  CATCH_CHECK(view.at<cv::Vec3b>(32, 51)[0] == 250);
  CATCH_CHECK(view.at<cv::Vec3b>(32, 52)[0] == 50);
  const cv::Mat corner = FaceCrop(picture, FaceBox{0, 0, 40}, 64);
  CATCH_CHECK(corner.at<cv::Vec3b>(31, 31)[0] == 0);
  CATCH_CHECK(corner.at<cv::Vec3b>(32, 32)[0] == 50);
  const cv::Mat outside = FaceCrop(picture, FaceBox{-500, -500, 40}, 64);
  CATCH_CHECK(cv::countNonZero(outside.reshape(1)) == 0);
}

CATCH_TEST_CASE("without a face the crop is the largest centred square") {
  cv::Mat picture(100, 200, CV_8UC3, cv::Scalar::all(0));
  picture(cv::Rect(50, 0, 100, 100)).setTo(cv::Scalar::all(90));
  const cv::Mat view = FaceCrop(picture, std::nullopt, 50);
  CATCH_CHECK(cv::mean(view)[0] == 90);
}

}  // namespace
}  // namespace interceptor::worker
