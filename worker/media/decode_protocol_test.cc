#include "worker/media/decode_protocol.h"

#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("a response that does not fit the job is refused") {
  const DecodeJob job{.frames = 2, .view_pixels = 4, .face_detection_stride = 1, .views = {View::kFullFrame}};
  const DecodedClip clip{{{"brightness", 0.5}, {"height", 48}, {"width", 64}},
                         {0.0, 0.1},
                         {{"places", {1, 2}}},
                         {},
                         {{View::kFullFrame, {2, 6, 4}, std::string(48, 'x')}}};
  const auto output = MemoryFile("");
  CATCH_REQUIRE(output.ok());
  const auto text = WriteResponse(clip, output->get());
  CATCH_REQUIRE(text.ok());
  const auto good = ReadResponse(*text, output->get(), job);
  CATCH_REQUIRE(good.ok());
  CATCH_CHECK(good->clip.views[0].bytes == clip.views[0].bytes);
  CATCH_CHECK(good->clip.attributes == clip.attributes);
  CATCH_CHECK(good->clip.series == clip.series);

  const auto empty = MemoryFile("");
  CATCH_CHECK_FALSE(ReadResponse(*text, empty->get(), job).ok());
  CATCH_CHECK_FALSE(
      ReadResponse(*text, output->get(), {.frames = 1, .view_pixels = 4, .views = job.views}).ok());
  CATCH_CHECK_FALSE(
      ReadResponse(*text, output->get(), {.frames = 2, .view_pixels = 8, .views = job.views}).ok());
  CATCH_CHECK_FALSE(
      ReadResponse(*text, output->get(), {.frames = 2, .view_pixels = 4, .views = {View::kFaceCrop}}).ok());
  CATCH_CHECK_FALSE(ReadResponse("{}", output->get(), job).ok());
  CATCH_CHECK_FALSE(ReadResponse("garbage", output->get(), job).ok());
  CATCH_CHECK_FALSE(
      ReadResponse(R"({"attributes":{},"frame_seconds":[0],"views":[]})", output->get(), job).ok());
  CATCH_CHECK_FALSE(ReadResponse(R"({"fault":""})", output->get(), job).ok());
  for (const double width : {0.0, -3.0, 1.5, 1e300}) {
    DecodedClip absurd = clip;
    absurd.attributes["width"] = width;
    const auto file = MemoryFile("");
    CATCH_REQUIRE(file.ok());
    const auto text_of_absurd = WriteResponse(absurd, file->get());
    CATCH_REQUIRE(text_of_absurd.ok());
    CATCH_CHECK_FALSE(ReadResponse(*text_of_absurd, file->get(), job).ok());
  }
  CATCH_CHECK(ReadResponse(FaultResponse(DataLoss("no frames")), output->get(), job)->fault == "no frames");
}

CATCH_TEST_CASE("thumbnails that do not fit the job are refused") {
  const DecodeJob job{.frames = 1,
                      .view_pixels = 4,
                      .views = {View::kFullFrame},
                      .thumbnail_mode = ThumbnailMode::kFullFrames};
  DecodedClip clip{
      {{"height", 48}, {"width", 64}}, {0.0}, {}, {}, {{View::kFullFrame, {1, 6, 4}, std::string(24, 'x')}}};
  const LumaThumbnails good{
      .width = 2, .height = 3, .scale_x = 0.125, .scale_y = 0.25, .frames = {4, 9}, .bytes = "abcdefghijkl"};
  const auto read = [&](const LumaThumbnails& thumbnails, const DecodeJob& asked) {
    clip.thumbnails = thumbnails;
    const auto output = MemoryFile("");
    CATCH_REQUIRE(output.ok());
    const auto text = WriteResponse(clip, output->get());
    CATCH_REQUIRE(text.ok());
    return ReadResponse(*text, output->get(), asked);
  };
  const auto response = read(good, job);
  CATCH_REQUIRE(response.ok());
  CATCH_CHECK(response->clip.thumbnails.bytes == good.bytes);
  CATCH_CHECK(response->clip.thumbnails.frames == good.frames);
  CATCH_CHECK(response->clip.thumbnails.scale_y == good.scale_y);

  DecodeJob unasked = job;
  unasked.thumbnail_mode = ThumbnailMode::kNone;
  CATCH_CHECK_FALSE(read(good, unasked).ok());
  const auto changed = [&good](auto change) {
    LumaThumbnails thumbnails = good;
    change(thumbnails);
    return thumbnails;
  };
  CATCH_CHECK_FALSE(read(changed([](LumaThumbnails& s) { s.frames = {9, 4}; }), job).ok());
  CATCH_CHECK_FALSE(read(changed([](LumaThumbnails& s) { s.frames = {-1, 4}; }), job).ok());
  CATCH_CHECK_FALSE(read(changed([](LumaThumbnails& s) { s.width = 0; }), job).ok());
  CATCH_CHECK_FALSE(read(changed([](LumaThumbnails& s) { s.height = 100000; }), job).ok());
  CATCH_CHECK_FALSE(read(changed([](LumaThumbnails& s) { s.scale_x = 0; }), job).ok());
  CATCH_CHECK_FALSE(read(changed([](LumaThumbnails& s) { s.bytes.pop_back(); }), job).ok());
  CATCH_CHECK_FALSE(read(changed([](LumaThumbnails& s) { s.frames.resize(10000, 5); }), job).ok());
}

CATCH_TEST_CASE("a job is read as it was encoded") {
  const DecodeJob job{.frames = 3,
                      .view_pixels = 8,
                      .face_detection_stride = 7,
                      .views = {View::kBurst},
                      .thumbnail_mode = ThumbnailMode::kNearFullFrames,
                      .fake_frames = 5};
  const auto read = ParseJob(EncodeJob(job));
  CATCH_REQUIRE(read.ok());
  CATCH_CHECK(read->frames == 3);
  CATCH_CHECK(read->view_pixels == 8);
  CATCH_CHECK(read->face_detection_stride == 7);
  CATCH_CHECK(read->views == job.views);
  CATCH_CHECK(read->thumbnail_mode == ThumbnailMode::kNearFullFrames);
  CATCH_CHECK(read->fake_frames == 5);
}

}  // namespace
}  // namespace interceptor::worker
