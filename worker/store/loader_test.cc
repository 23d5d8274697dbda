#include "worker/store/loader.h"

#include <algorithm>

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_store.h"

namespace interceptor::worker {
namespace {

struct Fixture {
  Fixture() {
    const absl::Status written =
        WriteTinyStore({.store = folder.path(), .families = 8, .fakes_per_family = 2});
    CATCH_REQUIRE(written.ok());
    for (const std::string& path :
         {TrainStorePath(folder.path(), "00"), KeepStorePath(folder.path(), "00")}) {
      readers.push_back(*ClipStoreReader::Open(path));
      for (const StoredClip& clip : readers.back()->clips()) {
        if (clip.info.fold == 0) continue;
        clips.push_back(&clip);
        infos.push_back(clip.info);
      }
    }
    SamplerInput input;
    input.base = infos;
    input.batch_size = 6;
    batches = *PlanEpoch(input);
  }

  std::vector<FrameBatch> Load(int threads, int64_t first = 0) const {
    Loader loader(
        {.base = clips, .replay = {}, .batches = batches, .first_batch = first, .threads = threads});
    std::vector<FrameBatch> loaded;
    while (true) {
      absl::StatusOr<FrameBatch> batch = loader.Next();
      if (!batch.ok()) {
        CATCH_REQUIRE(batch.status().code() == absl::StatusCode::kOutOfRange);
        return loaded;
      }
      loaded.push_back(*std::move(batch));
    }
  }

  ScratchFolder folder;
  std::vector<std::unique_ptr<ClipStoreReader>> readers;
  std::vector<const StoredClip*> clips;
  std::vector<ClipInfo> infos;
  std::vector<SampleBatch> batches;
};

CATCH_TEST_CASE("batches are the same bytes in the same order for any number of threads") {
  const Fixture fixture;
  const std::vector<FrameBatch> one = fixture.Load(1);
  CATCH_REQUIRE(one.size() == fixture.batches.size());
  for (const int threads : {2, 3, 7}) {
    const std::vector<FrameBatch> many = fixture.Load(threads);
    CATCH_REQUIRE(many.size() == one.size());
    for (size_t i = 0; i < one.size(); ++i) {
      CATCH_CHECK(many[i].index == static_cast<int64_t>(i));
      CATCH_CHECK(many[i].input.face_crop.rgb == one[i].input.face_crop.rgb);
      CATCH_CHECK(many[i].is_fake == one[i].is_fake);
    }
  }
}

CATCH_TEST_CASE("a loader started in mid-epoch goes on with the same batches") {
  const Fixture fixture;
  const std::vector<FrameBatch> all = fixture.Load(2);
  const std::vector<FrameBatch> rest = fixture.Load(2, 1);
  CATCH_REQUIRE(rest.size() + 1 == all.size());
  for (size_t i = 0; i < rest.size(); ++i)
    CATCH_CHECK(rest[i].input.face_crop.rgb == all[i + 1].input.face_crop.rgb);
}

CATCH_TEST_CASE("a paired fake is shown at its original's moment") {
  const Fixture fixture;
  int pairs = 0;
  for (const FrameBatch& batch : fixture.Load(1)) {
    const std::vector<uint8_t>& rgb = batch.input.face_crop.rgb;
    const size_t picture = rgb.size() / batch.input.count;
    for (int i = 0; i < batch.input.count; ++i) {
      if (batch.samples[i].same_time_as < 0) continue;
      ++pairs;
      // Only the red of the disc differs between a fake and its original, and the disc moves from frame to
      // frame: the greens agree where the moment does.
      const uint8_t* own = rgb.data() + i * picture;
      const uint8_t* other = rgb.data() + batch.samples[i].same_time_as * picture;
      bool same_greens = true;
      for (size_t at = 1; at < picture; at += 3) same_greens &= own[at] == other[at];
      CATCH_CHECK(same_greens);
      CATCH_CHECK(batch.is_fake[i] != batch.is_fake[batch.samples[i].same_time_as]);
    }
  }
  CATCH_CHECK(pairs > 0);
}

CATCH_TEST_CASE("a clip without the view, and one of another size, stop the run and are named") {
  const Fixture fixture;
  StoredClip odd = *fixture.clips.back();
  const auto face_crop = std::find_if(odd.views.begin(), odd.views.end(),
                                      [](const ViewTensor& view) { return view.view == View::kFaceCrop; });
  const std::string grey(2 * PlanarBytes(4), static_cast<char>(128));
  *face_crop = {View::kFaceCrop, ElementType::kU8, {2, 6, 4}, grey, YuvColours{}};
  auto fault = [&] {
    std::vector<const StoredClip*> clips = fixture.clips;
    clips.back() = &odd;
    Loader loader({.base = clips, .replay = {}, .batches = fixture.batches});
    absl::Status status;
    while (status.ok()) status = loader.Next().status();
    CATCH_CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
    return Message(status);
  };
  CATCH_CHECK(fault().find(" pixels beside others at ") != std::string::npos);
  odd.views.erase(face_crop);
  CATCH_CHECK(fault().find(Cat(odd.info.name, " has no frames in the view face_crop")) != std::string::npos);
}

}  // namespace
}  // namespace interceptor::worker
