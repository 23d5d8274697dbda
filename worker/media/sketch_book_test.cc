#include "worker/media/sketch_book.h"

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

Sketch Grey(int width, double scale) { return {cv::Mat(10, width, CV_8UC1, cv::Scalar(7)), scale, scale}; }

CATCH_TEST_CASE("a sketch book keeps each wanted frame once, and only those like the first") {
  Schedule schedule;
  schedule.wide = {5, 9, 12, 20};
  SketchBook book(30, schedule, {.sketching = Sketching::kWide});
  book.Add(4, Grey(20, 0.5));
  book.Add(5, Grey(20, 0.5));
  book.Add(5, Grey(20, 0.5));    // shown twice at one time
  book.Add(9, Grey(21, 0.5));    // of another shape
  book.Add(12, Grey(20, 0.25));  // of another size, with a sketch of the same
  book.Add(20, Grey(20, 0.5));
  const Sketches sketches = book.Take();
  CATCH_CHECK(sketches.frames == std::vector<int64_t>{5, 20});
  CATCH_CHECK(sketches.bytes.size() == 2 * 20 * 10);
}

CATCH_TEST_CASE("an original is sketched near the frames that its fakes are sampled at") {
  SketchBook book(1000, {}, {.sketching = Sketching::kNearWide, .fake_frames = 2});
  for (const int64_t frame : {250 - kSketchReach, int64_t{250}, 750 + kSketchReach})
    CATCH_CHECK(book.Wants(frame));
  for (const int64_t frame : {int64_t{0}, 250 - kSketchReach - 1, int64_t{500}, 750 + kSketchReach + 1}) {
    CATCH_CHECK_FALSE(book.Wants(frame));
  }
  CATCH_CHECK_FALSE(SketchBook(1000, {}, {}).Wants(250));
}

}  // namespace
}  // namespace interceptor::worker
