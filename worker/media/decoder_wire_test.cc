#include "worker/media/decoder_wire.h"

#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("an answer that does not fit the job is refused") {
  const DecodeJob job{.frames = 2, .view_pixels = 4, .face_detection_stride = 1, .views = {View::kFullFrame}};
  const DecodedClip clip{{{"brightness", 0.5}, {"height", 48}, {"width", 64}},
                         {0.0, 0.1},
                         {{"places", {1, 2}}},
                         {},
                         {{View::kFullFrame, {2, 6, 4}, std::string(48, 'x')}}};
  const auto output = MemoryFile("");
  CATCH_REQUIRE(output.ok());
  const auto text = WriteAnswer(clip, output->get());
  CATCH_REQUIRE(text.ok());
  const auto good = ReadAnswer(*text, output->get(), job);
  CATCH_REQUIRE(good.ok());
  CATCH_CHECK(good->clip.views[0].bytes == clip.views[0].bytes);
  CATCH_CHECK(good->clip.attributes == clip.attributes);
  CATCH_CHECK(good->clip.series == clip.series);

  const auto empty = MemoryFile("");
  CATCH_CHECK_FALSE(ReadAnswer(*text, empty->get(), job).ok());
  CATCH_CHECK_FALSE(
      ReadAnswer(*text, output->get(), {.frames = 1, .view_pixels = 4, .views = job.views}).ok());
  CATCH_CHECK_FALSE(
      ReadAnswer(*text, output->get(), {.frames = 2, .view_pixels = 8, .views = job.views}).ok());
  CATCH_CHECK_FALSE(
      ReadAnswer(*text, output->get(), {.frames = 2, .view_pixels = 4, .views = {View::kFaceCrop}}).ok());
  CATCH_CHECK_FALSE(ReadAnswer("{}", output->get(), job).ok());
  CATCH_CHECK_FALSE(ReadAnswer("garbage", output->get(), job).ok());
  CATCH_CHECK_FALSE(
      ReadAnswer(R"({"attributes":{},"frame_seconds":[0],"views":[]})", output->get(), job).ok());
  CATCH_CHECK_FALSE(ReadAnswer(R"({"fault":""})", output->get(), job).ok());
  for (const double width : {0.0, -3.0, 1.5, 1e300}) {
    DecodedClip absurd = clip;
    absurd.attributes["width"] = width;
    const auto file = MemoryFile("");
    CATCH_REQUIRE(file.ok());
    const auto told = WriteAnswer(absurd, file->get());
    CATCH_REQUIRE(told.ok());
    CATCH_CHECK_FALSE(ReadAnswer(*told, file->get(), job).ok());
  }
  CATCH_CHECK(ReadAnswer(FaultAnswer(DataLoss("no frames")), output->get(), job)->fault == "no frames");
}

CATCH_TEST_CASE("sketches come as they were asked for, or the answer is refused") {
  const DecodeJob job{
      .frames = 1, .view_pixels = 4, .views = {View::kFullFrame}, .sketching = Sketching::kWide};
  DecodedClip clip{
      {{"height", 48}, {"width", 64}}, {0.0}, {}, {}, {{View::kFullFrame, {1, 6, 4}, std::string(24, 'x')}}};
  const Sketches good{
      .width = 2, .height = 3, .scale_x = 0.125, .scale_y = 0.25, .frames = {4, 9}, .bytes = "abcdefghijkl"};
  const auto read = [&](const Sketches& sketches, const DecodeJob& asked) {
    clip.sketches = sketches;
    const auto output = MemoryFile("");
    CATCH_REQUIRE(output.ok());
    const auto text = WriteAnswer(clip, output->get());
    CATCH_REQUIRE(text.ok());
    return ReadAnswer(*text, output->get(), asked);
  };
  const auto answer = read(good, job);
  CATCH_REQUIRE(answer.ok());
  CATCH_CHECK(answer->clip.sketches.bytes == good.bytes);
  CATCH_CHECK(answer->clip.sketches.frames == good.frames);
  CATCH_CHECK(answer->clip.sketches.scale_y == good.scale_y);

  DecodeJob unasked = job;
  unasked.sketching = Sketching::kNone;
  CATCH_CHECK_FALSE(read(good, unasked).ok());
  const auto changed = [&good](auto change) {
    Sketches sketches = good;
    change(sketches);
    return sketches;
  };
  CATCH_CHECK_FALSE(read(changed([](Sketches& s) { s.frames = {9, 4}; }), job).ok());
  CATCH_CHECK_FALSE(read(changed([](Sketches& s) { s.frames = {-1, 4}; }), job).ok());
  CATCH_CHECK_FALSE(read(changed([](Sketches& s) { s.width = 0; }), job).ok());
  CATCH_CHECK_FALSE(read(changed([](Sketches& s) { s.height = 100000; }), job).ok());
  CATCH_CHECK_FALSE(read(changed([](Sketches& s) { s.scale_x = 0; }), job).ok());
  CATCH_CHECK_FALSE(read(changed([](Sketches& s) { s.bytes.pop_back(); }), job).ok());
  CATCH_CHECK_FALSE(read(changed([](Sketches& s) { s.frames.resize(10000, 5); }), job).ok());
}

CATCH_TEST_CASE("a job crosses the wire whole") {
  const DecodeJob job{.frames = 3,
                      .view_pixels = 8,
                      .face_detection_stride = 7,
                      .views = {View::kBurst},
                      .sketching = Sketching::kNearWide,
                      .fake_frames = 5};
  const auto read = DecodeJobText(EncodeJob(job));
  CATCH_REQUIRE(read.ok());
  CATCH_CHECK(read->frames == 3);
  CATCH_CHECK(read->view_pixels == 8);
  CATCH_CHECK(read->face_detection_stride == 7);
  CATCH_CHECK(read->views == job.views);
  CATCH_CHECK(read->sketching == Sketching::kNearWide);
  CATCH_CHECK(read->fake_frames == 5);
}

}  // namespace
}  // namespace interceptor::worker
