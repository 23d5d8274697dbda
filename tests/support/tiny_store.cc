#include "tests/support/tiny_store.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/sampling/families.h"
#include "worker/store/clip_store.h"
#include "worker/store/manifest.h"
#include "worker/store/view_shapes.h"

namespace interceptor {
namespace {

using worker::ClipInfo;
using worker::ClipStoreWriter;
using worker::Label;

// [frames, side, side, 3]: a moving disc on a gradient.
std::string DrawFrames(const TinyStore& options, RandomKey scene, bool fake) {
  std::string bytes;
  const double tint = fake ? 0.6 : 1.0;
  for (int frame = 0; frame < options.frames; ++frame) {
    const double centre_x = options.side * (0.4 + 0.2 * RandomUniform(scene, 10)) + frame;
    const double centre_y = options.side * (0.4 + 0.2 * RandomUniform(scene, 11));
    for (int y = 0; y < options.side; ++y) {
      for (int x = 0; x < options.side; ++x) {
        const double dx = (x - centre_x) / options.side;
        const double dy = (y - centre_y) / options.side;
        const bool inside = dx * dx + dy * dy < 0.06;
        for (int c = 0; c < 3; ++c) {
          double value = 60 + 120 * RandomUniform(scene, c) + 40.0 * x / options.side;
          if (inside) value = 40 + value * (c == 0 ? tint : 1.0);
          bytes += static_cast<char>(static_cast<uint8_t>(std::clamp(value, 0.0, 255.0)));
        }
      }
    }
  }
  return bytes;
}

// Bytes of a view of noise, stronger in a fake.
std::string Noise(RandomKey scene, worker::View view, size_t count, bool fake) {
  const RandomKey key = MakeRandomKey(scene.value, "view", {static_cast<uint64_t>(view)});
  std::string bytes(count, '\0');
  for (size_t i = 0; i < count; ++i)
    bytes[i] = static_cast<char>(static_cast<uint8_t>(100 + (fake ? 80 : 50) * RandomUniform(key, i)));
  return bytes;
}

// The views of tensors that front ends look at, whose bytes `held` keeps.
void AddEvidenceViews(const TinyStore& options, RandomKey scene, worker::StoredClip& clip,
                      std::vector<std::string>& held) {
  using worker::View;
  const bool fake = clip.info.label == Label::kFake;
  const auto add = [&](View view, std::vector<int64_t> shape) {
    size_t count = 1;
    for (const int64_t length : shape) count *= static_cast<size_t>(length);
    held.push_back(Noise(scene, view, count, fake));
    clip.views.push_back({view, worker::ElementType::kU8, std::move(shape), held.back()});
  };
  const int64_t frames = options.frames;
  add(View::kLumaPatches, {frames, worker::kPatchPlaces, worker::kPatchPixels, worker::kPatchPixels});
  add(View::kCodecFacts, {frames, worker::kPatchPlaces, worker::kPatchBlocks, worker::kPatchBlocks});
  add(View::kMouthTrack, {1, worker::kMouthFrames, worker::kMouthPixels, worker::kMouthPixels});
  add(View::kBurst, {1, worker::kBurstFrames, worker::kBurstPixels * 3 / 2, worker::kBurstPixels});
  held.emplace_back();
  for (int i = 0; i < worker::kMelColumns * worker::kMelBands; ++i) {
    const auto level = static_cast<float>(RandomNormal(scene, static_cast<uint64_t>(1000 + i)));
    held.back().append(reinterpret_cast<const char*>(&level), sizeof level);
  }
  clip.views.push_back(
      {View::kLogMel, worker::ElementType::kF32, {1, worker::kMelColumns, worker::kMelBands}, held.back()});
  clip.series = {{"full_frame_seconds", clip.frame_seconds},
                 {"patch_places", std::vector<double>(2 * worker::kPatchPlaces * options.frames, 16.0)},
                 {"mouth_seconds", {0.0}},
                 {"mouth_sides", std::vector<double>(worker::kMouthFrames, 40.0)},
                 {"burst_seconds", std::vector<double>(worker::kBurstFrames, 0.0)}};
}

absl::Status AddClip(const TinyStore& options, ClipStoreWriter& writer, const ClipInfo& info,
                     RandomKey scene) {
  const std::string bytes = DrawFrames(options, scene, info.label == Label::kFake);
  worker::StoredClip clip;
  clip.info = info;
  clip.attributes = {{"brightness", RandomUniform(scene, 3)}};
  for (int frame = 0; frame < options.frames; ++frame) clip.frame_seconds.push_back(frame / 25.0);
  for (const worker::View view : {worker::View::kFullFrame, worker::View::kFaceCrop}) {
    clip.views.push_back(
        {view, worker::ElementType::kU8, {options.frames, options.side, options.side, 3}, bytes});
  }
  std::vector<std::string> held;
  held.reserve(std::size(worker::kAllViews));
  if (options.all_views) AddEvidenceViews(options, scene, clip, held);
  return writer.Add(clip);
}

}  // namespace

absl::Status WriteTinyStore(const TinyStore& options) {
  const FileSystem& files = SystemFiles();
  ICPT_RETURN_IF_ERROR(files.MakeFolder(JoinPath(options.store, options.chunk)));
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<ClipStoreWriter> train,
                        ClipStoreWriter::Create(files, worker::TrainStorePath(options.store, options.chunk)));
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<ClipStoreWriter> keep,
                        ClipStoreWriter::Create(files, worker::KeepStorePath(options.store, options.chunk)));
  worker::DataManifest manifest;
  manifest.chunk = options.chunk;
  manifest.chunk_sha256 = DigestOf(Cat("zip ", options.chunk)).hex;
  manifest.folds = options.folds;
  for (int f = 0; f < options.families; ++f) {
    const RandomKey scene = MakeRandomKey(options.seed, options.chunk, {static_cast<uint64_t>(f)});
    const std::string original = Cat("c", options.chunk, "r", 100 + f, ".mp4");
    ClipInfo info;
    info.chunk = options.chunk;
    info.family = worker::FamilyName(options.chunk, original);
    info.fold = worker::FoldOf(info.family, options.folds);
    const bool kept =
        info.fold == options.held_out_fold || worker::IsReplayFamily(info.family, options.replay_share);
    ClipStoreWriter& writer = kept ? *keep : *train;
    for (int clip = 0; clip <= options.fakes_per_family; ++clip) {
      info.label = clip == 0 ? Label::kReal : Label::kFake;
      info.name = clip == 0 ? original : Cat("c", options.chunk, "f", 100 + f, "-", clip, ".mp4");
      ICPT_RETURN_IF_ERROR(AddClip(options, writer, info, scene));
      manifest.clips.push_back(info);
    }
  }
  std::sort(manifest.clips.begin(), manifest.clips.end(),
            [](const ClipInfo& a, const ClipInfo& b) { return a.name < b.name; });
  ICPT_RETURN_IF_ERROR(train->Commit());
  ICPT_RETURN_IF_ERROR(keep->Commit());
  return WriteFileAtomically(files, worker::ManifestPath(options.store, options.chunk),
                             worker::EncodeManifest(manifest));
}

}  // namespace interceptor
