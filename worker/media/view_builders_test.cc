#include "worker/media/view_builders.h"

extern "C" {
#include <libavutil/frame.h>
}

#include "tests/support/catch.h"
#include "worker/media/frame_converter.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("patches lie on the coded grid, inside the picture, around and away from the face") {
  const cv::Size picture(640, 480);
  for (int x = 0; x < 560; x += 37) {
    const cv::Rect face(x, x / 2, 120, 120);
    const PatchPlaces places = PlacePatches(picture, face);
    CATCH_REQUIRE(places.ring.has_value());
    for (const cv::Rect& place : {places.inner, *places.ring, places.far}) {
      CATCH_CHECK(place.size() == cv::Size(kPatchPixels, kPatchPixels));
      CATCH_CHECK(place.x % 16 == 0);
      CATCH_CHECK(place.y % 16 == 0);
      CATCH_CHECK((place & cv::Rect({0, 0}, picture)) == place);
    }
    CATCH_CHECK((places.inner & face).area() > kPatchPixels * kPatchPixels / 2);
    CATCH_CHECK((*places.ring & face).area() <= 8 * kPatchPixels);  // what the grid takes
    CATCH_CHECK((places.far & face).area() == 0);
  }
}

CATCH_TEST_CASE("a ring lies below a face that fills the width, and nowhere when it fills the picture") {
  const PatchPlaces below = PlacePatches({240, 480}, {10, 20, 220, 220});
  CATCH_REQUIRE(below.ring.has_value());
  CATCH_CHECK(below.ring->y >= 224);
  CATCH_CHECK_FALSE(PlacePatches({240, 240}, {5, 5, 230, 230}).ring.has_value());
}

CATCH_TEST_CASE("luma is taken as decoded, the upper bits of more than eight, and none of RGB") {
  AVFrame* frame = av_frame_alloc();
  for (const auto& [format, shift] :
       {std::pair(AV_PIX_FMT_YUV420P, 0), std::pair(AV_PIX_FMT_YUV420P10LE, 2)}) {
    av_frame_unref(frame);
    frame->format = format;
    frame->width = frame->height = 64;
    CATCH_REQUIRE(av_frame_get_buffer(frame, 0) == 0);
    for (int y = 0; y < 64; ++y) {
      for (int x = 0; x < 64; ++x) {
        const int value = (x + 2 * y) << shift;
        uint8_t* row = frame->data[0] + y * frame->linesize[0];
        if (shift == 0) row[x] = static_cast<uint8_t>(value);
        if (shift != 0) reinterpret_cast<uint16_t*>(row)[x] = static_cast<uint16_t>(value + 1);
      }
    }
    const cv::Mat luma = CodedLuma(*frame, {16, 32, 8, 8});
    CATCH_REQUIRE(luma.size() == cv::Size(8, 8));
    CATCH_CHECK(luma.at<uint8_t>(0, 0) == 16 + 64);
    CATCH_CHECK(luma.at<uint8_t>(7, 7) == 23 + 78);
    // The mean of x + 2 y; at the edge of what is left there.
    const cv::Mat means = BlockMeans(*frame, 24);
    CATCH_REQUIRE(means.size() == cv::Size(3, 3));
    CATCH_CHECK(std::abs(means.at<uint8_t>(0, 1) - (35.5 + 2 * 11.5)) <= 0.5);
    CATCH_CHECK(std::abs(means.at<uint8_t>(2, 2) - (55.5 + 2 * 55.5)) <= 0.5);
    CATCH_CHECK(Quantisers(*frame, {0, 0, 32, 32}) == std::vector<uint8_t>(4, 255));
  }
  av_frame_unref(frame);
  frame->format = AV_PIX_FMT_RGB24;
  frame->width = frame->height = 64;
  CATCH_REQUIRE(av_frame_get_buffer(frame, 0) == 0);
  CATCH_CHECK(CodedLuma(*frame, {0, 0, 8, 8}).empty());
  CATCH_CHECK(BlockMeans(*frame, 8).empty());
  av_frame_free(&frame);
}

}  // namespace
}  // namespace interceptor::worker
