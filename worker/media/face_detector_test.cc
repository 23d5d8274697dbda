#include "worker/media/face_detector.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/face_model.h"
#include "tests/support/marked_faces.h"
#include "tests/support/scratch_folder.h"
#include "worker/media/clip_decoder.h"
#include "worker/media/crop.h"
#include "worker/media/video_decoder.h"

namespace interceptor::worker {
namespace {

absl::StatusOr<std::unique_ptr<FaceDetector>> LoadBytes(const std::string& name, const std::string& bytes) {
  const ScratchFolder folder;
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), folder.File(name), bytes).ok());
  return FaceDetector::Load(folder.File(name));
}

CATCH_TEST_CASE("a file that is no model of a face is refused by name, with what was expected") {
  for (const auto& [name, expected] : {std::pair("nonsense.xml", "a YuNet model ends in .onnx"),
                                       std::pair("nonsense.onnx", "deploy/face-model")}) {
    const absl::Status status = LoadBytes(name, "<xml?> nonsense").status();
    CATCH_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CATCH_CHECK(Message(status).find(name) != std::string::npos);
    CATCH_CHECK(Message(status).find(expected) != std::string::npos);
  }
  for (const char* absent : {"absent.xml", "absent.onnx"}) {
    CATCH_CHECK(FaceDetector::Load(absent).status().code() == absl::StatusCode::kInvalidArgument);
  }
}

CATCH_TEST_CASE("a YuNet of other outputs or other shapes is refused with what was expected") {
  const std::string model = YuNetModel();
  const std::string renamed = absl::StrReplaceAll(model, {{"cls_", "loc_"}});
  const std::string exchanged = absl::StrReplaceAll(model, {{"obj_16", "obj_32"}, {"obj_32", "obj_16"}});
  for (const std::string& other : {renamed, exchanged}) {
    const absl::Status status = LoadBytes("old.onnx", other).status();
    CATCH_INFO(Message(status));
    CATCH_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CATCH_CHECK(Message(status).find("old.onnx is no YuNet model") != std::string::npos);
    CATCH_CHECK(Message(status).find("cls_N, obj_N and bbox_N for N = 8, 16 and 32") != std::string::npos);
  }
}

CATCH_TEST_CASE("YuNet is given colours, and its boxes are taken in the picture's own pixels") {
  const auto detector = LoadBytes("yunet.onnx", YuNetModel());
  CATCH_INFO(Message(detector.status()));
  CATCH_REQUIRE(detector.ok());
  CATCH_CHECK((*detector)->input().in_colour);
  const auto find = [&](cv::Mat picture, const std::optional<FaceBox>& expected) {
    return (*detector)->Find(picture, expected);
  };
  // No side is a multiple of a cell.
  cv::Mat picture(100, 150, CV_8UC3, cv::Scalar::all(90));
  picture(cv::Rect(32, 64, 32, 32)) = cv::Scalar(0, 0, 255);
  const std::optional<FaceBox> box = find(picture, std::nullopt);
  CATCH_REQUIRE(box.has_value());
  CATCH_CHECK(box->x == Approx(48));
  CATCH_CHECK(box->y == Approx(80));
  CATCH_CHECK(box->side == Approx(64).epsilon(1e-3));
  picture(cv::Rect(96, 0, 32, 32)) = cv::Scalar(0, 0, 250);
  CATCH_CHECK(find(picture, FaceBox{10, 70, 60})->x == Approx(48));
  CATCH_CHECK(find(picture, FaceBox{120, 10, 60})->x == Approx(112));
  CATCH_CHECK_FALSE(find(cv::Mat(96, 96, CV_8UC3, cv::Scalar(255, 0, 0)), std::nullopt).has_value());
  CATCH_CHECK_FALSE(find(cv::Mat::zeros(16, 400, CV_8UC3), std::nullopt).has_value());
}

double Overlap(const cv::Rect2d& a, const cv::Rect2d& b) {
  const double both = (a & b).area();
  return both / (a.area() + b.area() - both);
}

bool StandsIn(const std::optional<FaceBox>& box, const MarkedFace& face) {
  return box.has_value() && Overlap({box->x - box->side / 2, box->y - box->side / 2, box->side, box->side},
                                    cv::Rect2d(face.left, face.top, face.width, face.height)) >= 0.5;
}

std::vector<MarkedFace> MarksOf(const std::string& clip) {
  std::vector<MarkedFace> marks;
  for (const MarkedFace& mark : kMarkedFaces) {
    if (mark.clip == clip) marks.push_back(mark);
  }
  return marks;
}

// Looks at each marked frame by itself. How many there are, and in how many a box stands in the face.
std::pair<int, int> SearchMarks(const std::string& bytes, const std::string& clip, FaceDetector& detector) {
  const std::vector<MarkedFace> marks = MarksOf(clip);
  std::vector<int64_t> frames;
  for (const MarkedFace& mark : marks) frames.push_back(mark.frame);
  const auto video = VideoDecoder::Open(bytes);
  CATCH_REQUIRE(video.ok());
  size_t next = 0;
  int found = 0;
  const absl::Status status = (*video)->Decode(frames, [&](const VideoFrame& frame) -> absl::Status {
    ICPT_ASSIGN_OR_RETURN(const auto box, FindFace(detector, **video, frame, std::nullopt));
    found += StandsIn(box, marks[next++]) ? 1 : 0;
    return absl::OkStatus();
  });
  CATCH_REQUIRE(status.ok());
  return {static_cast<int>(marks.size()), found};
}

// The same of the boxes that are stored of the sampled frames beside marked ones.
std::pair<int, int> PrepareMarks(const std::string& bytes, const std::string& clip, FaceDetector& detector) {
  const auto decoded = DecodeClip(bytes, {.frames = 64, .view_pixels = 32}, detector);
  CATCH_INFO(Message(decoded.status()));
  CATCH_REQUIRE(decoded.ok());
  CATCH_CHECK(decoded->attributes.at("face_share") >= 0.95);
  int near = 0;
  int found = 0;
  for (size_t i = 0; i < decoded->frame_seconds.size(); ++i) {
    const auto frame = std::lround(decoded->frame_seconds[i] * decoded->attributes.at("frame_rate"));
    const double* box = &decoded->series.at("face_boxes")[3 * i];
    for (const MarkedFace& mark : MarksOf(clip)) {
      if (std::abs(frame - mark.frame) > 2) continue;
      ++near;
      found += StandsIn(FaceBox{box[0], box[1], box[2]}, mark) ? 1 : 0;
    }
  }
  return {near, found};
}

CATCH_TEST_CASE("the published YuNet finds the faces that a person marked in filmed clips") {
  const std::string model = Cat(INTERCEPTOR_SHARED, "/models/face_detection_yunet_2023mar.onnx");
  if (!SystemFiles().Exists(model)) {
    CATCH_WARN("skipped: " << model << " is not there; deploy/face-model fetches it");
    return;
  }
  const auto detector = FaceDetector::Load(model);
  CATCH_INFO(Message(detector.status()));
  CATCH_REQUIRE(detector.ok());
  for (const std::string clip : {"lynaeydofd", "yhffcuhhjy"}) {
    const std::string path = Cat(INTERCEPTOR_SHARED, "/clips/", clip, ".mp4");
    const auto bytes = ReadWholeFile(SystemFiles(), path);
    if (!bytes.ok()) {
      CATCH_WARN("skipped: " << path << " is not there");
      continue;
    }
    CATCH_INFO(clip);
    const auto [searched, found] = SearchMarks(*bytes, clip, **detector);
    CATCH_CHECK(searched == 15);
    CATCH_CHECK(found >= 0.95 * searched);
    const auto [stored, stored_found] = PrepareMarks(*bytes, clip, **detector);
    CATCH_CHECK(stored >= 10);
    CATCH_CHECK(stored_found >= 0.95 * stored);
  }
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
