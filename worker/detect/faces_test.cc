#include "worker/detect/faces.h"

#include <opencv2/imgcodecs.hpp>

#include "tests/support/catch.h"
#include "tests/support/judged_clip.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("frames with the face and seconds without it are told apart") {
  const DecodedClip clip = ClipWithFace();
  CATCH_CHECK(FramesWithFace(clip) == std::vector<size_t>{0, 1, 4, 5, 6, 7});
  CATCH_CHECK(SecondsWithoutFace(clip) == std::vector<double>{1.06, 1.59});
  DecodedClip cut = clip;
  cut.series["face_boxes"].resize(4);
  CATCH_CHECK(FramesWithFace(cut) == std::vector<size_t>{0});
}

CATCH_TEST_CASE("pictures are spread evenly over the frames with the face, and are those that are stored") {
  const DecodedClip clip = ClipWithFace();
  const auto pictures = FacePictures(clip, 3);
  CATCH_REQUIRE(pictures.ok());
  CATCH_REQUIRE(pictures->size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    const FacePicture& picture = (*pictures)[i];
    CATCH_CHECK(picture.frame == 2 * i + 1);
    const std::vector<uint8_t> png(picture.png.begin(), picture.png.end());
    const cv::Mat pixels = cv::imdecode(png, cv::IMREAD_COLOR);
    CATCH_REQUIRE(pixels.size() == cv::Size(16, 16));
    const auto grey = static_cast<uint8_t>(40 + 20 * FramesWithFace(clip)[picture.frame]);
    CATCH_CHECK(pixels.at<cv::Vec3b>(8, 8) == cv::Vec3b(grey, grey, grey));
  }
  CATCH_CHECK(FacePictures(clip, 8)->size() == 6);
}

CATCH_TEST_CASE("red stays red") {
  DecodedClip clip = ClipWithFace();
  std::string& bytes = clip.views[0].bytes;
  for (size_t frame = 0; frame < 8; ++frame) {
    bytes.replace(frame * 384, 256, std::string(256, 76));
    bytes.replace(frame * 384 + 256, 64, std::string(64, 85));
    bytes.replace(frame * 384 + 320, 64, std::string(64, '\xff'));
  }
  const auto pictures = FacePictures(clip, 1);
  CATCH_REQUIRE(pictures.ok());
  const std::string& png = pictures->front().png;
  const cv::Mat pixels = cv::imdecode(std::vector<uint8_t>(png.begin(), png.end()), cv::IMREAD_COLOR);
  CATCH_CHECK(pixels.at<cv::Vec3b>(8, 8)[2] > 240);
  CATCH_CHECK(pixels.at<cv::Vec3b>(8, 8)[0] < 15);
}

CATCH_TEST_CASE("a clip without a face has no pictures; one whose view is missing is an error") {
  DecodedClip clip = ClipWithFace();
  clip.views.clear();
  CATCH_CHECK_FALSE(FacePictures(clip, 3).ok());
  clip.series.clear();
  const auto none = FacePictures(clip, 3);
  CATCH_REQUIRE(none.ok());
  CATCH_CHECK(none->empty());
}

}  // namespace
}  // namespace interceptor::worker
