#include "worker/media/block_mask.h"

#include <opencv2/core.hpp>

#include "tests/support/catch.h"
#include "worker/media/decoded_clip.h"

namespace interceptor::worker {
namespace {

constexpr int kWidth = 240;
constexpr int kHeight = 120;
const cv::Rect kAltered(120, 40, 60, 40);
constexpr uint8_t kStep = 50;

// Frames of even grey, no two alike; in every one of them `altered` is lighter by kStep.
DecodedClip GreyClip(std::vector<int64_t> frames, const cv::Rect& altered) {
  DecodedClip clip;
  clip.attributes = {{"width", kWidth}, {"height", kHeight}, {"frame_rate", 30}};
  clip.thumbnails = {
      .width = kWidth, .height = kHeight, .scale_x = 1, .scale_y = 1, .frames = frames, .bytes = ""};
  for (size_t i = 0; i < frames.size(); ++i) {
    cv::Mat picture(kHeight, kWidth, CV_8UC1, cv::Scalar(100 + static_cast<double>(frames[i])));
    if (!altered.empty()) picture(altered) += kStep;
    clip.frame_seconds.push_back(static_cast<double>(frames[i]) / 30);
    clip.thumbnails.bytes.append(reinterpret_cast<const char*>(picture.data), picture.total());
    // A face whose crop, with its margin, is 64 pixels wide: exactly (118, 28) to (182, 92).
    clip.series["face_boxes"].insert(clip.series["face_boxes"].end(), {150, 60, 40});
  }
  return clip;
}

int CellOf(const DecodedClip& clip, int64_t frame, int place, int row, int column) {
  const std::string& cells = clip.views.back().bytes;
  const int64_t at = ((frame * kMaskPlaces + place) * kMaskCells + row) * kMaskCells + column;
  return static_cast<uint8_t>(cells[static_cast<size_t>(at)]);
}

CATCH_TEST_CASE("the mask shows in both views where a fake differs from its original") {
  const DecodedClip original = GreyClip({5, 10, 15}, {});
  DecodedClip fake = GreyClip({5, 15}, kAltered);
  AddBlockMask(original, fake);
  CATCH_REQUIRE(fake.views.size() == 1);
  CATCH_CHECK(fake.views[0].view == View::kBlockMask);
  CATCH_CHECK(fake.views[0].shape == std::vector<int64_t>{2, kMaskPlaces, kMaskCells, kMaskCells});
  CATCH_CHECK(fake.series.at("mask_known") == std::vector<double>{1, 1});
  // 240 x 120 pixels are 224 x 112 in the letterboxed view, 56 below its upper edge: cells of 8.6 pixels, the
  // first row of the picture is row 7.
  CATCH_CHECK(CellOf(fake, 0, 0, 7 + 60 * 14 / 120, 150 * 28 / 240) == kStep);
  CATCH_CHECK(CellOf(fake, 0, 0, 7 + 20 * 14 / 120, 150 * 28 / 240) == 0);
  CATCH_CHECK(CellOf(fake, 1, 0, 7 + 60 * 14 / 120, 60 * 28 / 240) == 0);
  // The crop's cells are 2.3 pixels: its middle is altered, its upper edge is not.
  CATCH_CHECK(CellOf(fake, 0, 1, 14, 14) == kStep);
  CATCH_CHECK(CellOf(fake, 1, 1, 14, 3) == kStep);
  CATCH_CHECK(CellOf(fake, 0, 1, 2, 14) == 0);
}

CATCH_TEST_CASE("a frame of which the original has no thumbnail is marked unknown") {
  const DecodedClip original = GreyClip({5}, {});
  DecodedClip fake = GreyClip({4, 5}, kAltered);
  AddBlockMask(original, fake);
  CATCH_REQUIRE(fake.views.size() == 1);
  CATCH_CHECK(fake.series.at("mask_known") == std::vector<double>{0, 1});
  CATCH_CHECK(CellOf(fake, 0, 1, 14, 14) == 0);
  CATCH_CHECK(CellOf(fake, 1, 1, 14, 14) == kStep);
}

CATCH_TEST_CASE("a face that a decoder places nowhere is none") {
  for (const double far : {1e300, -1e300, 1e9}) {
    DecodedClip fake = GreyClip({5}, kAltered);
    fake.series["face_boxes"] = {far, 60, 40};
    AddBlockMask(GreyClip({5}, {}), fake);
    DecodedClip faceless = GreyClip({5}, kAltered);
    faceless.series["face_boxes"] = {0, 0, 0};
    AddBlockMask(GreyClip({5}, {}), faceless);
    CATCH_REQUIRE(fake.views.size() == 1);
    CATCH_CHECK(fake.views[0].bytes == faceless.views[0].bytes);
  }
}

CATCH_TEST_CASE("nothing is masked where fake and original cannot be compared") {
  const DecodedClip original = GreyClip({5}, {});
  DecodedClip elsewhere = GreyClip({7}, kAltered);
  DecodedClip wider = GreyClip({5}, kAltered);
  wider.attributes["width"] = 2 * kWidth;
  DecodedClip other_rate = GreyClip({5}, kAltered);
  other_rate.attributes["frame_rate"] = 25;
  DecodedClip other_range = GreyClip({5}, kAltered);
  other_range.colours.full_range = !original.colours.full_range;
  DecodedClip without_thumbnails = GreyClip({5}, kAltered);
  without_thumbnails.thumbnails = {};
  for (DecodedClip* fake : {&elsewhere, &wider, &other_rate, &other_range, &without_thumbnails}) {
    AddBlockMask(original, *fake);
    CATCH_CHECK(fake->views.empty());
    CATCH_CHECK(fake->series.count("mask_known") == 0);
  }
}

}  // namespace
}  // namespace interceptor::worker
