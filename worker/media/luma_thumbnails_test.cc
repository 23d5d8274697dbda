#include "worker/media/luma_thumbnails.h"

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

LumaThumbnail Grey(int width, double scale) {
  return {cv::Mat(10, width, CV_8UC1, cv::Scalar(7)), scale, scale};
}

CATCH_TEST_CASE("a collector keeps each wanted frame once, and only those like the first") {
  FrameSelection selection;
  selection.full_frames = {5, 9, 12, 20};
  ThumbnailCollector book(30, selection, {.thumbnail_mode = ThumbnailMode::kFullFrames});
  book.Add(4, Grey(20, 0.5));
  book.Add(5, Grey(20, 0.5));
  book.Add(5, Grey(20, 0.5));    // shown twice at one time
  book.Add(9, Grey(21, 0.5));    // of another shape
  book.Add(12, Grey(20, 0.25));  // of another size, with a thumbnail of the same
  book.Add(20, Grey(20, 0.5));
  const LumaThumbnails thumbnails = book.Take();
  CATCH_CHECK(thumbnails.frames == std::vector<int64_t>{5, 20});
  CATCH_CHECK(thumbnails.bytes.size() == 2 * 20 * 10);
}

CATCH_TEST_CASE("an original has thumbnails near the frames that its fakes are sampled at") {
  ThumbnailCollector book(1000, {}, {.thumbnail_mode = ThumbnailMode::kNearFullFrames, .fake_frames = 2});
  for (const int64_t frame : {250 - kThumbnailReach, int64_t{250}, 750 + kThumbnailReach})
    CATCH_CHECK(book.Wants(frame));
  for (const int64_t frame :
       {int64_t{0}, 250 - kThumbnailReach - 1, int64_t{500}, 750 + kThumbnailReach + 1}) {
    CATCH_CHECK_FALSE(book.Wants(frame));
  }
  CATCH_CHECK_FALSE(ThumbnailCollector(1000, {}, {}).Wants(250));
}

}  // namespace
}  // namespace interceptor::worker
