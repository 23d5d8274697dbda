// One chunk after another: what they share of a store, of footage and of what is held out.
#include <string>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_chunk.h"
#include "worker/media/decoded_clip.h"
#include "worker/prepare/prepare.h"
#include "worker/store/clip_store.h"
#include "worker/store/manifest.h"

namespace interceptor::worker {
namespace {

PrepareSummary Prepare(const PrepareOptions& options, PrepareObserver& observer) {
  auto summary = PrepareChunk(options, observer);
  CATCH_INFO(Message(summary.status()));
  CATCH_REQUIRE(summary.ok());
  return *std::move(summary);
}

// Makes `chunk` the one that `options` are for.
void WriteChunk(const ScratchFolder& folder, const std::string& chunk,
                const std::vector<RawZipEntry>& entries, PrepareOptions& options) {
  options.chunk = chunk;
  options.zip_path = folder.File(chunk + ".zip");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), options.zip_path, RawZip(entries)).ok());
}

CATCH_TEST_CASE(
    "a chunk is refused when nothing real or nothing fake would be held out, before it is decoded") {
  const ScratchFolder folder;
  RecordingObserver observer;
  // Of two families the hash holds out the second, of three folds.
  PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {.families = 1}), 1);
  const absl::Status none = PrepareChunk(options, observer).status();
  CATCH_INFO(Message(none));
  CATCH_CHECK(absl::IsInvalidArgument(none));
  CATCH_CHECK(
      Message(none).find("00.zip: of chunk 00 0 families are held out, with 0 REAL and 0 FAKE clips") !=
      std::string::npos);
  CATCH_CHECK(Message(none).find("evaluation.folds (now 3)") != std::string::npos);
  CATCH_CHECK_FALSE(RetryHelps(none));
  CATCH_CHECK(observer.total == 0);

  // Its only held-out fake cannot be decoded.
  WriteTinyChunk(folder, {.families = 2, .replaced = {{"f1.mp4", "damaged"}}});
  const absl::Status lost = PrepareChunk(options, observer).status();
  CATCH_INFO(Message(lost));
  CATCH_CHECK(absl::IsInvalidArgument(lost));
  CATCH_CHECK(Message(lost).find("of chunk 00 1 family is held out, with 1 REAL and 0 FAKE clips") !=
              std::string::npos);

  // What chunk 01 lacks chunk 00 has; without chunk 00's manifest nothing is known.
  WriteTinyChunk(folder, {.families = 2});
  Prepare(options, observer);
  WriteChunk(folder, "01", TinyChunkEntries({.families = 1, .first_scene = 20}), options);
  Prepare(options, observer);
  options.store = folder.File("other");
  Prepare(options, observer);
}

CATCH_TEST_CASE("a store that is as full as it may be waits for the eviction of a chunk that is done with") {
  const ScratchFolder folder;
  RecordingObserver observer;
  PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {.families = 8}), 2);
  const PrepareSummary first = Prepare(options, observer);
  WriteChunk(folder, "01", TinyChunkEntries({.families = 4, .first_scene = 20}), options);
  const PreparationSettings& settings = options.settings.preparation;
  const int64_t needed = 4 * (ClipBytesMax(settings.frames_per_real, settings.view_pixels) +
                              ClipBytesMax(settings.frames_per_fake, settings.view_pixels));
  options.store_bytes_max = needed + first.keep_bytes;
  const auto full = PrepareChunk(options, observer);
  CATCH_CHECK(absl::IsResourceExhausted(full.status()));
  CATCH_CHECK(Message(full.status()).find("--store-max") != std::string::npos);
  CATCH_CHECK(RetryHelps(full.status()));
  CATCH_CHECK_FALSE(SystemFiles().Exists(ManifestPath(options.store, "01")));

  CATCH_REQUIRE(SystemFiles().Remove(TrainStorePath(options.store, "00")).ok());
  Prepare(options, observer);
}

CATCH_TEST_CASE("the store's bound does not count what the chunk itself has there already") {
  const ScratchFolder folder;
  RecordingObserver observer;
  PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {.families = 4}), 2);
  Prepare(options, observer);
  CATCH_REQUIRE(SystemFiles().Remove(TrainStorePath(options.store, "00")).ok());
  const PreparationSettings& settings = options.settings.preparation;
  options.store_bytes_max = 4 * (ClipBytesMax(settings.frames_per_real, settings.view_pixels) +
                                 ClipBytesMax(settings.frames_per_fake, settings.view_pixels));
  Prepare(options, observer);
}

CATCH_TEST_CASE("footage that a chunk shares with an earlier one is found and goes to that one's fold") {
  const ScratchFolder folder;
  RecordingObserver observer;
  PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {.families = 8}), 2);
  const PrepareSummary first = Prepare(options, observer);
  const auto manifest = [&] {
    return *DecodeManifest(*ReadWholeFile(SystemFiles(), ManifestPath(options.store, options.chunk)));
  };
  const DataManifest earlier = manifest();
  CATCH_CHECK(earlier.fingerprints.size() == 8);
  CATCH_CHECK(earlier.linked.empty());
  // The last two of its eight scenes are the first two of this chunk.
  WriteChunk(folder, "01", TinyChunkEntries({.families = 6, .first_scene = 7}), options);
  Prepare(options, observer);
  const DataManifest later = manifest();
  CATCH_CHECK(later.scanned == std::map<std::string, std::string>{{"00", first.manifest.hex}});
  CATCH_CHECK(later.linked ==
              std::map<std::string, std::string>{{"01/r0.mp4", "00/r6.mp4"}, {"01/r1.mp4", "00/r7.mp4"}});
  const auto fold = [](const DataManifest& from, const std::string& family) {
    for (const ClipInfo& clip : from.clips) {
      if (clip.family == family) return clip.fold;
    }
    return -1;
  };
  CATCH_CHECK(fold(later, "01/r0.mp4") == fold(earlier, "00/r6.mp4"));
  CATCH_CHECK(fold(later, "01/r1.mp4") == fold(earlier, "00/r7.mp4"));
  // Where a family's original is damaged, another clip of it is looked at.
  WriteChunk(folder, "02",
             TinyChunkEntries({.families = 6, .first_scene = 7, .replaced = {{"r0.mp4", "damaged"}}}),
             options);
  Prepare(options, observer);
  CATCH_CHECK(manifest().fingerprints.count("f0.mp4") == 1);
  CATCH_CHECK(manifest().fingerprints.count("f1.mp4") == 0);
  CATCH_CHECK(manifest().linked.at("02/r1.mp4") == "00/r7.mp4");
  // The same without the earlier chunk is another manifest.
  options.store = folder.File("other");
  Prepare(options, observer);
  CATCH_CHECK(manifest().linked.empty());
  CATCH_CHECK(manifest().scanned.empty());
}

}  // namespace
}  // namespace interceptor::worker
