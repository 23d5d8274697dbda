#include "worker/media/faces.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/face_model.h"
#include "tests/support/scratch_folder.h"
#include "worker/media/views.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("a file that is no model of a face is refused by name") {
  const ScratchFolder folder;
  for (const char* name : {"nonsense.xml", "nonsense.onnx", "absent.xml", "absent.onnx"}) {
    const std::string path = folder.File(name);
    if (path.find("nonsense") != std::string::npos) {
      CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, "<xml?> nonsense").ok());
    }
    const absl::Status status = FaceDetector::Load(path).status();
    CATCH_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CATCH_CHECK(Message(status).find(name) != std::string::npos);
  }
}

CATCH_TEST_CASE("YuNet's boxes are taken in the picture's own pixels") {
  const ScratchFolder folder;
  const std::string path = folder.File("yunet.onnx");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, YuNetModel()).ok());
  const auto detector = FaceDetector::Load(path);
  CATCH_INFO(Message(detector.status()));
  CATCH_REQUIRE(detector.ok());
  const cv::Mat grey(128, 128, CV_8UC1, cv::Scalar(90));
  for (const std::optional<FaceBox>& expected :
       {std::optional<FaceBox>(), std::optional(FaceBox{10, 10, 20})}) {
    const std::optional<FaceBox> box = (*detector)->Find(grey, expected);
    CATCH_REQUIRE(box.has_value());
    CATCH_CHECK(box->x == Approx(48));
    CATCH_CHECK(box->y == Approx(80));
    CATCH_CHECK(box->side == Approx(64));
  }
  CATCH_CHECK_FALSE((*detector)->Find(cv::Mat::zeros(16, 400, CV_8UC1), std::nullopt).has_value());
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
