#include "worker/media/decoder_wire.h"

#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("an answer that does not fit the job is refused") {
  const DecodeJob job{.frames = 2, .view_pixels = 4, .face_detection_stride = 1, .views = {View::kFullFrame}};
  const DecodedClip clip{{{"brightness", 0.5}},
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
  CATCH_CHECK(ReadAnswer(FaultAnswer(DataLoss("no frames")), output->get(), job)->fault == "no frames");
}

}  // namespace
}  // namespace interceptor::worker
