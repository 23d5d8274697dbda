#include "worker/prepare/prepare.h"

#include <algorithm>
#include <string>
#include <thread>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/grey_clip.h"
#include "tests/support/tiny_chunk.h"
#include "worker/media/decoded_clip.h"
#include "worker/sampling/families.h"
#include "worker/store/clip_store.h"
#include "worker/store/manifest.h"

namespace interceptor::worker {
namespace {

std::string Bytes(const std::string& path) {
  auto bytes = ReadWholeFile(SystemFiles(), path);
  CATCH_INFO(path << ": " << Message(bytes.status()));
  CATCH_REQUIRE(bytes.ok());
  return *std::move(bytes);
}

// The three files that everybody must agree on.
std::vector<std::string> StoreBytes(const std::string& store) {
  return {Bytes(TrainStorePath(store, "00")), Bytes(KeepStorePath(store, "00")),
          Bytes(ManifestPath(store, "00"))};
}

PrepareSummary Prepare(const PrepareOptions& options, PrepareObserver& observer) {
  auto summary = PrepareChunk(options, observer);
  CATCH_INFO(Message(summary.status()));
  CATCH_REQUIRE(summary.ok());
  return *std::move(summary);
}

std::vector<std::string> Names(const std::string& clips_path) {
  const auto reader = ClipStoreReader::Open(clips_path);
  CATCH_REQUIRE(reader.ok());
  std::vector<std::string> names;
  for (const StoredClip& clip : (*reader)->clips()) names.push_back(clip.info.name);
  return names;
}

CATCH_TEST_CASE("the same zip gives the same bytes, however many decoders work") {
  const ScratchFolder one;
  const ScratchFolder many;
  RecordingObserver observer;
  const TinyChunk chunk{.replaced = {{"f2.mp4", "damaged"}}};
  Prepare(TinyOptions(one, WriteTinyChunk(one, chunk), 1), observer);
  Prepare(TinyOptions(many, WriteTinyChunk(many, chunk), 3), observer);
  CATCH_CHECK(StoreBytes(one.File("store")) == StoreBytes(many.File("store")));
}

CATCH_TEST_CASE("held-out families and the replay reservoir are kept apart, families whole") {
  const ScratchFolder folder;
  PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {.families = 12}), 2);
  options.settings.preparation.replay_reservoir = 0.3;
  RecordingObserver observer;
  const PrepareSummary summary = Prepare(options, observer);
  CATCH_CHECK(summary.clips == 24);
  CATCH_CHECK(summary.families == 12);
  CATCH_CHECK(summary.quarantined == 0);
  CATCH_CHECK(observer.done == 24);
  CATCH_CHECK(observer.total == 24);
  const auto train = Names(TrainStorePath(options.store, "00"));
  const auto keep = Names(KeepStorePath(options.store, "00"));
  CATCH_CHECK(train.size() + keep.size() == 24);
  int held_out = 0;
  int replayed = 0;
  for (int k = 0; k < 12; ++k) {
    const std::string family = FamilyName("00", Cat("r", k, ".mp4"));
    const bool is_held_out = FoldOf(family, 3) == 0;
    const bool is_kept = is_held_out || IsReplayFamily(family, 0.3);
    held_out += is_held_out ? 1 : 0;
    replayed += is_kept && !is_held_out ? 1 : 0;
    for (const std::string& name : {Cat("r", k, ".mp4"), Cat("f", k, ".mp4")}) {
      const auto& in = is_kept ? keep : train;
      CATCH_CHECK(std::count(in.begin(), in.end(), name) == 1);
    }
  }
  CATCH_CHECK(held_out > 0);
  CATCH_CHECK(replayed > 0);
}

CATCH_TEST_CASE("the manifest and the store say the same of every clip, and frames follow the label") {
  const ScratchFolder folder;
  const PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {}), 2);
  RecordingObserver observer;
  const PrepareSummary summary = Prepare(options, observer);
  CATCH_CHECK(DigestOf(Bytes(summary.manifest_path)) == summary.manifest);
  const auto manifest = DecodeManifest(Bytes(summary.manifest_path));
  CATCH_REQUIRE(manifest.ok());
  CATCH_CHECK(manifest->chunk_sha256 == DigestOf(Bytes(options.zip_path)).hex);
  std::map<std::string, ClipInfo> listed;
  for (const ClipInfo& clip : manifest->clips) listed[clip.name] = clip;
  size_t stored = 0;
  for (const std::string& path : {TrainStorePath(options.store, "00"), KeepStorePath(options.store, "00")}) {
    const auto reader = ClipStoreReader::Open(path);
    CATCH_REQUIRE(reader.ok());
    for (const StoredClip& clip : (*reader)->clips()) {
      ++stored;
      CATCH_CHECK(listed.at(clip.info.name).family == clip.info.family);
      CATCH_CHECK(listed.at(clip.info.name).fold == clip.info.fold);
      CATCH_CHECK(listed.at(clip.info.name).label == clip.info.label);
      const int64_t frames = clip.info.label == Label::kReal ? 6 : 4;
      CATCH_CHECK(clip.Find(View::kFullFrame)->shape == std::vector<int64_t>{frames, 48, 32});
      CATCH_CHECK(clip.Find(View::kFaceCrop) != nullptr);
      CATCH_CHECK(clip.frame_seconds.size() == static_cast<size_t>(frames));
    }
  }
  CATCH_CHECK(stored == listed.size());
}

CATCH_TEST_CASE("clips that cannot be decoded are quarantined with their reasons and never stored") {
  const ScratchFolder folder;
  const std::string whole = GreyClip(9, 30);
  const std::string cut = whole.substr(0, whole.size() / 2);
  TinyChunk chunk{.replaced = {{"f0.mp4", "no video"}, {"f1.mp4", ""}, {"r2.mp4", cut}}};
  chunk.more = {{.name = "dfdc_train_part_0/unnamed.mp4", .bytes = whole}};
  auto entries = TinyChunkEntries(chunk);
  entries[8].wrong_checksum = true;
  const std::string damaged = entries[8].name.substr(std::string("dfdc_train_part_0/").size());
  const std::string path = folder.File("00.zip");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, RawZip(entries)).ok());
  RecordingObserver observer;
  const PrepareOptions options = TinyOptions(folder, path, 2);
  const PrepareSummary summary = Prepare(options, observer);
  CATCH_CHECK(summary.quarantined == 5);
  CATCH_CHECK(summary.clips == 8);
  const auto manifest = DecodeManifest(Bytes(summary.manifest_path));
  CATCH_REQUIRE(manifest.ok());
  CATCH_CHECK(manifest->quarantined == observer.quarantined);
  CATCH_CHECK(observer.quarantined.at("f0.mp4").find("not a video") == 0);
  CATCH_CHECK(observer.quarantined.at("f1.mp4") == "empty file");
  CATCH_CHECK_FALSE(observer.quarantined.at("r2.mp4").empty());
  CATCH_CHECK(observer.quarantined.at(damaged).find("damaged in the zip") == 0);
  CATCH_CHECK(observer.quarantined.at("unnamed.mp4") == "no label: metadata.json does not name it");
  for (const std::string& store : {TrainStorePath(options.store, "00"), KeepStorePath(options.store, "00")}) {
    for (const std::string& name : Names(store)) CATCH_CHECK_FALSE(observer.quarantined.contains(name));
  }
}

CATCH_TEST_CASE("more unusable clips than the plan allows refuse the chunk and leave no store") {
  const ScratchFolder folder;
  PrepareOptions options =
      TinyOptions(folder, WriteTinyChunk(folder, {.replaced = {{"f0.mp4", "x"}, {"f1.mp4", "x"}}}), 2);
  options.settings.preparation.unmatched_share_max = 0.05;
  RecordingObserver observer;
  const absl::Status status = PrepareChunk(options, observer).status();
  CATCH_CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK_FALSE(RetryHelps(status));
  CATCH_CHECK(Message(status).find("2 of 12 clips are unusable, e.g. f0.mp4") != std::string::npos);
  CATCH_CHECK(*SystemFiles().List(JoinPath(options.store, "00")) == std::vector<std::string>{"builder.lock"});
}

CATCH_TEST_CASE("a chunk of which only one class can be decoded is refused") {
  const ScratchFolder folder;
  const TinyChunk chunk{.families = 2, .replaced = {{"f0.mp4", "x"}, {"f1.mp4", "x"}}};
  RecordingObserver observer;
  const absl::Status status =
      PrepareChunk(TinyOptions(folder, WriteTinyChunk(folder, chunk), 1), observer).status();
  CATCH_CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK(Message(status).find("one class only") != std::string::npos);
}

CATCH_TEST_CASE("a finished store is used again; one that does not fit any more is made anew") {
  const ScratchFolder folder;
  PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {.families = 3}), 2);
  RecordingObserver observer;
  CATCH_CHECK_FALSE(Prepare(options, observer).reused);
  const auto first = StoreBytes(options.store);
  const PrepareSummary again = Prepare(options, observer);
  CATCH_CHECK(again.reused);
  CATCH_CHECK(again.clips == 6);
  CATCH_CHECK(again.manifest == DigestOf(first[2]));

  // Evicted training views, a changed manifest, a lost stamp: each is repaired.
  CATCH_REQUIRE(SystemFiles().Remove(TrainStorePath(options.store, "00")).ok());
  CATCH_CHECK_FALSE(Prepare(options, observer).reused);
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), ManifestPath(options.store, "00"), first[2] + "\n").ok());
  CATCH_CHECK_FALSE(Prepare(options, observer).reused);
  CATCH_REQUIRE(SystemFiles().Remove(JoinPath(options.store, "00/prepared.json")).ok());
  CATCH_CHECK_FALSE(Prepare(options, observer).reused);
  CATCH_CHECK(StoreBytes(options.store) == first);

  options.settings.preparation.frames_per_fake = 3;
  CATCH_CHECK_FALSE(Prepare(options, observer).reused);
  CATCH_CHECK(StoreBytes(options.store) != first);
  WriteTinyChunk(folder, {.families = 4});
  const PrepareSummary changed = Prepare(options, observer);
  CATCH_CHECK_FALSE(changed.reused);
  CATCH_CHECK(changed.clips == 8);
}

// Looks into the store while it is made.
class WatchingObserver final : public RecordingObserver {
 public:
  explicit WatchingObserver(std::string folder) : folder_(std::move(folder)) {}

  void OnProgress(int64_t done, int64_t total, int64_t quarantined) override {
    RecordingObserver::OnProgress(done, total, quarantined);
    for (const char* name : {"keep.clips", "manifest.jsonl", "prepared.json"}) {
      if (!SystemFiles().Exists(JoinPath(folder_, name))) ++missing;
    }
  }

  int missing = 0;

 private:
  const std::string folder_;
};

CATCH_TEST_CASE("evicted training views come back while others read what was kept") {
  const ScratchFolder folder;
  PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {.families = 3}), 1);
  WatchingObserver observer(JoinPath(options.store, "00"));
  Prepare(options, observer);
  const auto first = StoreBytes(options.store);
  CATCH_REQUIRE(SystemFiles().Remove(TrainStorePath(options.store, "00")).ok());
  observer.missing = 0;
  CATCH_CHECK_FALSE(Prepare(options, observer).reused);
  CATCH_CHECK(observer.missing == 0);
  CATCH_CHECK(StoreBytes(options.store) == first);
  // Made from something else, the old store must not pass for the new one half-way.
  options.settings.preparation.frames_per_fake = 3;
  observer.missing = 0;
  Prepare(options, observer);
  CATCH_CHECK(observer.missing > 0);
}

CATCH_TEST_CASE("a store that a newer version wrote is refused and not touched") {
  const ScratchFolder folder;
  const PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {.families = 2}), 1);
  RecordingObserver observer;
  Prepare(options, observer);
  const std::string stamp = JoinPath(options.store, "00/prepared.json");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), stamp, R"({"version":2})").ok());
  const absl::Status status = PrepareChunk(options, observer).status();
  CATCH_CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK(IsWrittenByNewer(status));
  CATCH_CHECK(Bytes(stamp) == R"({"version":2})");
}

CATCH_TEST_CASE("being told to stop leaves no store, and no leftovers of an older crash survive") {
  const ScratchFolder folder;
  const PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {}), 2);
  RecordingObserver observer;
  observer.stop = true;
  const std::string chunk_folder = JoinPath(options.store, "00");
  CATCH_REQUIRE(SystemFiles().MakeFolder(chunk_folder).ok());
  {
    auto writer = AtomicFileWriter::Create(SystemFiles(), JoinPath(chunk_folder, "train.clips"));
    CATCH_REQUIRE(writer.ok());
    std::string leftover;
    const auto names = SystemFiles().List(chunk_folder);
    CATCH_REQUIRE(names.ok());
    for (const std::string& name : *names) leftover = name;
    CATCH_REQUIRE(leftover.find(".tmp-") != std::string::npos);
    // A crashed writer removes nothing: keep its file under such a name.
    const std::string path = JoinPath(chunk_folder, leftover);
    std::string other = path;
    other.back() = other.back() == '0' ? '1' : '0';
    CATCH_REQUIRE(SystemFiles().Rename(path, other).ok());
  }
  CATCH_CHECK(PrepareChunk(options, observer).status().code() == absl::StatusCode::kCancelled);
  CATCH_CHECK(*SystemFiles().List(chunk_folder) == std::vector<std::string>{"builder.lock"});
  observer.stop = false;
  CATCH_CHECK(Prepare(options, observer).clips == 12);
}

CATCH_TEST_CASE("two builders of one store at once: one makes it and the other uses it") {
  const ScratchFolder folder;
  const PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {}), 1);
  absl::StatusOr<PrepareSummary> other = absl::UnknownError("not run");
  RecordingObserver mine;
  RecordingObserver theirs;
  std::thread thread([&] { other = PrepareChunk(options, theirs); });
  const auto own = PrepareChunk(options, mine);
  thread.join();
  CATCH_REQUIRE(own.ok());
  CATCH_REQUIRE(other.ok());
  CATCH_CHECK(own->reused != other->reused);
  CATCH_CHECK(own->manifest == other->manifest);
  CATCH_CHECK(mine.gates.size() + theirs.gates.size() == 1);
}

CATCH_TEST_CASE("the plan's CSV is read beside the zip, and a wrong path is refused") {
  const ScratchFolder folder;
  PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {.families = 2}), 1);
  options.settings.preparation.labels_csv = "labels.csv";
  RecordingObserver observer;
  const absl::Status absent = PrepareChunk(options, observer).status();
  CATCH_CHECK(absent.code() == absl::StatusCode::kInvalidArgument);
  CATCH_CHECK(Message(absent).find("labels.csv") != std::string::npos);
  options.settings.evaluation.held_out_fold = 1;  // the fold of 00/f0.mp4
  const std::string csv =
      "clip,label,original\nr0.mp4,FAKE,f0.mp4\nf0.mp4,REAL,\nr1.mp4,FAKE,f0.mp4\nf1.mp4,REAL,\n";
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), folder.File("labels.csv"), csv).ok());
  const PrepareSummary summary = Prepare(options, observer);
  CATCH_CHECK(summary.families == 2);
  CATCH_CHECK(Bytes(summary.manifest_path).find(R"("clip":"r1.mp4","family":"00/f0.mp4")") !=
              std::string::npos);
  options.settings.preparation.labels_csv = "../labels.csv";
  CATCH_CHECK(PrepareChunk(options, observer).status().code() == absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace interceptor::worker
