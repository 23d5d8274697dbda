#include "worker/store/sample_views.h"

#include <algorithm>
#include <cmath>

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

// A clip of `frames` frames of patches whose bytes tell frame and place; frames in `without_face` have none.
struct PatchClip {
  PatchClip(int frames, std::vector<int> without_face) {
    clip.info = {.chunk = "00", .name = "a.mp4"};
    for (int frame = 0; frame < frames; ++frame) {
      const bool face = std::ranges::find(without_face, frame) == without_face.end();
      clip.series["full_frame_seconds"].push_back(frame * 0.5);
      for (int place = 0; place < kPatchPlaces; ++place) {
        const double at = face || place == 2 ? 16.0 * place : -1.0;
        clip.series["patch_places"].insert(clip.series["patch_places"].end(), {at, at});
        luma.append(size_t{kPatchPixels} * kPatchPixels, static_cast<char>(10 * frame + place));
        quantisers.append(size_t{kPatchBlocks} * kPatchBlocks, static_cast<char>(20 + frame));
      }
    }
    clip.views = {
        {View::kLumaPatches, ElementType::kU8, {frames, kPatchPlaces, kPatchPixels, kPatchPixels}, luma},
        {View::kCodecFacts,
         ElementType::kU8,
         {frames, kPatchPlaces, kPatchBlocks, kPatchBlocks},
         quantisers}};
  }

  std::string luma;
  std::string quantisers;
  StoredClip clip;
};

constexpr View kPatchViews[] = {View::kLumaPatches, View::kCodecFacts};

// The first pixel of each patch of the input.
std::vector<int> FirstPixels(const SpecialistInput& input) {
  std::vector<int> pixels;
  for (size_t at = 0; at < input.patches.luma.size(); at += size_t{kPatchPixels} * kPatchPixels)
    pixels.push_back(input.patches.luma[at]);
  return pixels;
}

CATCH_TEST_CASE("inner face and ring of four frames spread over the clip, only of frames with a face") {
  const PatchClip made(5, {1});
  CATCH_CHECK(MomentsOf(made.clip, View::kLumaPatches).size() == 4);
  SpecialistInput input;
  CATCH_REQUIRE(AppendSample(made.clip, kPatchViews, 1, input).ok());  // from frame 2 on, round
  CATCH_CHECK(FirstPixels(input) == std::vector<int>{20, 21, 30, 31, 40, 41, 0, 1});
  CATCH_CHECK(input.patches.quantisers.front() == 22);
  CATCH_CHECK(input.patches.quantisers.back() == 20);
  CATCH_CHECK(input.usable == std::vector<uint8_t>{1});
  CATCH_CHECK(input.face_crop.rgb.empty());
}

CATCH_TEST_CASE("of a clip with one frame of patches it is shown four times") {
  const PatchClip made(1, {});
  SpecialistInput input;
  CATCH_REQUIRE(AppendSample(made.clip, kPatchViews, 0, input).ok());
  CATCH_CHECK(FirstPixels(input) == std::vector<int>{0, 1, 0, 1, 0, 1, 0, 1});
}

CATCH_TEST_CASE("a clip without a face anywhere gives a sample that is not usable, of the same size") {
  const PatchClip made(2, {0, 1});
  SpecialistInput input;
  CATCH_REQUIRE(AppendSample(made.clip, kPatchViews, 0, input).ok());
  CATCH_CHECK(input.usable == std::vector<uint8_t>{0});
  CATCH_CHECK(FirstPixels(input) == std::vector<int>(8, 0));
  CATCH_CHECK(input.patches.quantisers == std::vector<uint8_t>(8 * kPatchBlocks * kPatchBlocks, 255));
}

CATCH_TEST_CASE("the nearest moment, the earlier of two, none without times") {
  const std::vector<Moment> moments = {{0, 0.0}, {1, 1.0}, {2, 2.0}};
  CATCH_CHECK(NearestMoment(moments, 1.4) == 1);
  CATCH_CHECK(NearestMoment(moments, 1.5) == 1);
  CATCH_CHECK(NearestMoment(moments, 9.0) == 2);
  CATCH_CHECK(NearestMoment(moments, std::nan("")) == -1);
}

CATCH_TEST_CASE("frames of a clip are spread evenly") {
  CATCH_CHECK(EvenlySpaced(8, 4) == std::vector<int64_t>{1, 3, 5, 7});
  CATCH_CHECK(EvenlySpaced(3, 16) == std::vector<int64_t>{0, 1, 2});
  CATCH_CHECK(EvenlySpaced(100, 1) == std::vector<int64_t>{50});
  CATCH_CHECK(EvenlySpaced(0, 4).empty());
}

CATCH_TEST_CASE("a planar picture comes out in RGB, one of a wrong shape not at all") {
  const std::string grey(2 * PlanarBytes(4), static_cast<char>(128));
  StoredClip clip;
  clip.views.push_back(
      {View::kFaceCrop, ElementType::kU8, {2, 6, 4}, grey, YuvColours{ColourMatrix::kBt709, true}});
  CATCH_CHECK(*PictureSide(clip, View::kFaceCrop) == 4);
  CATCH_CHECK(MomentsOf(clip, View::kFaceCrop).size() == 2);
  std::vector<uint8_t> rgb(4 * 4 * 3);
  CATCH_REQUIRE(CopyPicture(clip, View::kFaceCrop, 1, rgb.data()).ok());
  CATCH_CHECK(rgb == std::vector<uint8_t>(4 * 4 * 3, 128));
  CATCH_CHECK_FALSE(CopyPicture(clip, View::kFaceCrop, 2, rgb.data()).ok());
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{2, 4, 6}, {2, 24}, {48}, {2, 4, 4, 3}}) {
    clip.views[0].shape = shape;
    CATCH_CHECK(PictureSide(clip, View::kFaceCrop).status().code() == absl::StatusCode::kFailedPrecondition);
  }
}

}  // namespace
}  // namespace interceptor::worker
