#include "worker/media/frame_selection.h"

#include "tests/support/catch.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {
namespace {

std::vector<double> Times(int64_t frames, double rate) {
  std::vector<double> seconds;
  for (int64_t k = 0; k < frames; ++k) seconds.push_back(static_cast<double>(k) / rate);
  return seconds;
}

CATCH_TEST_CASE("frames are spread over the clip's equal parts") {
  CATCH_CHECK(EvenlySpaced(300, 3) == std::vector<int64_t>{50, 150, 250});
  CATCH_CHECK(EvenlySpaced(4, 16) == std::vector<int64_t>{0, 1, 2, 3});
  CATCH_CHECK(EvenlySpaced(1, 16) == std::vector<int64_t>{0});
  CATCH_CHECK(EvenlySpaced(0, 16).empty());
}

CATCH_TEST_CASE("a frame that others are decoded from is taken where its part has one") {
  const auto to_tens = [](int64_t frame) { return (frame + 5) / 10 * 10; };
  CATCH_CHECK(EvenlySpacedReferences(90, 3, to_tens) == std::vector<int64_t>{20, 50, 80});
  const auto always_zero = [](int64_t) { return int64_t{0}; };
  CATCH_CHECK(EvenlySpacedReferences(90, 3, always_zero) == std::vector<int64_t>{0, 45, 75});
}

CATCH_TEST_CASE("bursts are sixteen frames in a row, apart from each other, inside the clip") {
  for (const int64_t frames : {16, 31, 32, 47, 48, 300}) {
    const auto bursts = PlaceBursts(Times(frames, 30), kBursts);
    CATCH_INFO(frames);
    CATCH_CHECK(bursts.size() == std::min<size_t>(3, static_cast<size_t>(frames / 16)));
    int64_t end = 0;
    for (const auto& burst : bursts) {
      CATCH_CHECK(burst.front() >= end);
      for (size_t i = 1; i < burst.size(); ++i) CATCH_CHECK(burst[i] == burst[i - 1] + 1);
      end = burst.back() + 1;
    }
    CATCH_CHECK(end <= frames);
  }
  CATCH_CHECK(PlaceBursts(Times(15, 30), kBursts).empty());
}

CATCH_TEST_CASE("mouth windows lie where the speech is, do not overlap, and have a frame each 40 ms") {
  std::vector<double> level(1000, -10.0);
  std::fill(level.begin() + 300, level.begin() + 500, 0.0);
  std::fill(level.begin() + 800, level.begin() + 900, -1.0);
  const auto windows = PlaceMouthWindows(level, Times(300, 30));
  CATCH_REQUIRE(windows.size() == 2);
  CATCH_CHECK(windows[0].first_column % 4 == 0);
  CATCH_CHECK(windows[0].first_column <= 300);
  CATCH_CHECK(windows[0].first_column + 256 >= 500);
  CATCH_CHECK(windows[1].first_column <= 800);
  CATCH_CHECK(windows[1].first_column + 256 >= 900);
  CATCH_CHECK(windows[1].first_column >= windows[0].first_column + 256);
  for (const MouthWindow& window : windows) {
    CATCH_REQUIRE(window.frames.size() == kMouthFrames);
    for (size_t i = 0; i < window.frames.size(); ++i) {
      const double time = static_cast<double>(window.first_column) / 100 + 0.04 * static_cast<double>(i);
      CATCH_CHECK(std::abs(static_cast<double>(window.frames[i]) / 30 - time) <= 1.0 / 60 + 1e-9);
    }
  }
}

CATCH_TEST_CASE("a clip of less than a window gets a short one, of less than a second none") {
  const auto one = PlaceMouthWindows(std::vector<double>(160, 0.0), Times(48, 30));
  CATCH_REQUIRE(one.size() == 1);
  CATCH_CHECK(one[0].first_column == 0);
  CATCH_CHECK(one[0].frames.size() == 40);
  CATCH_CHECK(PlaceMouthWindows(std::vector<double>(99, 0.0), Times(30, 30)).empty());
  CATCH_CHECK(PlaceMouthWindows(std::vector<double>(400, 0.0), Times(120, 30)).size() == 1);
}

// Frames `first` to `last` are missing.
std::vector<double> TimesWithGap(int64_t frames, double rate, int64_t first, int64_t last) {
  std::vector<double> seconds = Times(frames, rate);
  seconds.erase(seconds.begin() + first, seconds.begin() + last + 1);
  return seconds;
}

CATCH_TEST_CASE("a gap is where more than one and a half of the usual periods pass") {
  CATCH_CHECK(FramesAfterGaps(Times(300, 29.97)).empty());
  CATCH_CHECK(FramesAfterGaps(TimesWithGap(300, 30, 100, 100)) == std::vector<int64_t>{100});
  // Most of the time of this clip is one gap.
  CATCH_CHECK(FramesAfterGaps(TimesWithGap(3000, 30, 20, 2990)) == std::vector<int64_t>{20});
  CATCH_CHECK(FramesAfterGaps(std::vector<double>{0, 1, 2.4, 3.4, 4.4, 6}) == std::vector<int64_t>{5});
  CATCH_CHECK(FramesAfterGaps(std::vector<double>{0}).empty());
}

CATCH_TEST_CASE(
    "a burst is placed beside a gap, or left out where its part of the clip has no room beside it") {
  const auto first_of = [](const std::vector<double>& seconds) {
    std::vector<int64_t> first;
    for (const auto& burst : PlaceBursts(seconds, kBursts)) first.push_back(burst.front());
    return first;
  };
  CATCH_CHECK(first_of(Times(300, 30)) == std::vector<int64_t>{42, 142, 242});
  CATCH_CHECK(first_of(TimesWithGap(301, 30, 145, 145)) == std::vector<int64_t>{42, 145, 242});
  CATCH_CHECK(first_of(TimesWithGap(61, 30, 25, 25)) == std::vector<int64_t>{2, 42});
}

CATCH_TEST_CASE("a mouth window shows no frame in the middle of a gap, and speech there does not draw it") {
  std::vector<double> level(1000, -10.0);
  std::fill(level.begin() + 320, level.begin() + 580, 0.0);
  std::fill(level.begin() + 600, level.begin() + 700, -1.0);
  // No picture from 3 to 6 s.
  const auto windows = PlaceMouthWindows(level, TimesWithGap(300, 30, 91, 179));
  CATCH_REQUIRE(windows.size() == 2);
  CATCH_CHECK(windows[1].first_column <= 600);
  CATCH_CHECK(windows[1].first_column + 256 >= 700);
  for (const MouthWindow& window : windows) {
    CATCH_REQUIRE(window.frames.size() == kMouthFrames);
    for (size_t i = 0; i < window.frames.size(); ++i) {
      const double time = static_cast<double>(window.first_column) / 100 + 0.04 * static_cast<double>(i);
      const bool is_gap = time > 3 + 0.75 / 30 && time < 6 - 0.75 / 30;
      CATCH_CHECK((window.frames[i] == kNoFrame) == is_gap);
    }
  }
}

CATCH_TEST_CASE("every frame that a view needs is decoded once") {
  FrameSelection selection;
  selection.samples = {5, 50};
  selection.bursts = PlaceBursts(Times(20, 30), kBursts);
  selection.mouth_windows = {{0, {1, 1, kNoFrame, 2, 5}}};
  const std::vector<int64_t> frames = selection.Frames();
  CATCH_CHECK(std::is_sorted(frames.begin(), frames.end()));
  CATCH_CHECK(frames.size() == 18);
  CATCH_CHECK(frames.front() == 1);
  CATCH_CHECK(frames.back() == 50);
}

}  // namespace
}  // namespace interceptor::worker
