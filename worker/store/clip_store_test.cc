#include "worker/store/clip_store.h"

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

// A folder that ends with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "clip_store_test.XXXXXX").string();
    CATCH_REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string File(std::string_view name) const { return JoinPath(path_, name); }

 private:
  std::string path_;
};

StoredClip Clip(const std::string& name, std::string_view pixels) {
  StoredClip clip;
  clip.info = {"00", name, "00/" + name, Label::kFake, 3};
  clip.attributes = {{"brightness", 0.1}, {"face_share", 1.0 / 3}};
  clip.frame_seconds = {0.0, 0.04};
  clip.views = {{View::kFullFrame, ElementType::kU8, {2, 2, 1, 3}, pixels},
                {View::kLogMel, ElementType::kF32, {3}, pixels}};
  return clip;
}

constexpr char kPixels[] = "abcdefghijkl";

std::string WriteSample(const Folder& folder) {
  const std::string path = folder.File("train.clips");
  auto writer = ClipStoreWriter::Create(SystemFiles(), path);
  CATCH_REQUIRE(writer.ok());
  CATCH_REQUIRE((*writer)->Add(Clip("b.mp4", "ABCDEFGHIJKL")).ok());
  CATCH_REQUIRE((*writer)->Add(Clip("a.mp4", kPixels)).ok());
  CATCH_REQUIRE((*writer)->Commit().ok());
  return path;
}

CATCH_TEST_CASE("clips come back sorted, with every number and byte") {
  const Folder folder;
  const auto reader = ClipStoreReader::Open(WriteSample(folder));
  CATCH_INFO(Message(reader.status()));
  CATCH_REQUIRE(reader.ok());
  const auto clips = (*reader)->clips();
  CATCH_REQUIRE(clips.size() == 2);
  CATCH_CHECK(clips[0].info.name == "a.mp4");
  CATCH_CHECK(clips[1].info.name == "b.mp4");
  CATCH_CHECK(clips[0].info.family == "00/a.mp4");
  CATCH_CHECK(clips[0].info.label == Label::kFake);
  CATCH_CHECK(clips[0].info.fold == 3);
  CATCH_CHECK(clips[0].attributes.at("face_share") == 1.0 / 3);
  CATCH_CHECK(clips[0].frame_seconds == std::vector<double>{0.0, 0.04});
  const ViewTensor* full = clips[0].Find(View::kFullFrame);
  CATCH_REQUIRE(full != nullptr);
  CATCH_CHECK(full->bytes == kPixels);
  CATCH_CHECK(full->shape == std::vector<int64_t>{2, 2, 1, 3});
  CATCH_CHECK(reinterpret_cast<uintptr_t>(full->bytes.data()) % 64 == 0);
  CATCH_CHECK(clips[1].Find(View::kLogMel)->bytes == "ABCDEFGHIJKL");
  CATCH_CHECK(clips[0].Find(View::kBurst) == nullptr);
}

CATCH_TEST_CASE("a clip that does not fit its description is refused by the writer") {
  const Folder folder;
  auto writer = ClipStoreWriter::Create(SystemFiles(), folder.File("x.clips"));
  CATCH_REQUIRE(writer.ok());
  CATCH_REQUIRE((*writer)->Add(Clip("a.mp4", kPixels)).ok());
  CATCH_CHECK((*writer)->Add(Clip("a.mp4", kPixels)).code() == absl::StatusCode::kInvalidArgument);
  CATCH_CHECK((*writer)->Add(Clip("b.mp4", "short")).code() == absl::StatusCode::kInvalidArgument);
  StoredClip odd = Clip("c.mp4", kPixels);
  odd.attributes["brightness"] = std::numeric_limits<double>::quiet_NaN();
  CATCH_CHECK((*writer)->Add(odd).code() == absl::StatusCode::kInvalidArgument);
}

CATCH_TEST_CASE("a store is invisible until Commit and leaves nothing without it") {
  const Folder folder;
  const std::string path = folder.File("x.clips");
  {
    auto writer = ClipStoreWriter::Create(SystemFiles(), path);
    CATCH_REQUIRE(writer.ok());
    CATCH_REQUIRE((*writer)->Add(Clip("a.mp4", kPixels)).ok());
    CATCH_CHECK_FALSE(SystemFiles().Exists(path));
  }
  CATCH_CHECK(SystemFiles().List(ParentFolder(path))->empty());
  CATCH_CHECK(ClipStoreReader::Open(path).status().code() == absl::StatusCode::kNotFound);
}

CATCH_TEST_CASE("an empty store is a store") {
  const Folder folder;
  auto writer = ClipStoreWriter::Create(SystemFiles(), folder.File("x.clips"));
  CATCH_REQUIRE(writer.ok());
  CATCH_REQUIRE((*writer)->Commit().ok());
  const auto reader = ClipStoreReader::Open(folder.File("x.clips"));
  CATCH_REQUIRE(reader.ok());
  CATCH_CHECK((*reader)->clips().empty());
}

CATCH_TEST_CASE("every flipped byte of header and index is DATA_LOSS") {
  const Folder folder;
  const std::string path = WriteSample(folder);
  const std::string good = *ReadWholeFile(SystemFiles(), path);
  const size_t index = good.find("{\"clips\":");
  CATCH_REQUIRE(index != std::string::npos);
  for (size_t i = 0; i < good.size(); ++i) {
    // Version and padding apart; a higher version is FAILED_PRECONDITION, tested below.
    if ((i >= 8 && i < 16) || (i >= 64 && i < index)) continue;
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, bad).ok());
    const absl::Status status = ClipStoreReader::Open(path).status();
    CATCH_INFO("byte " << i << ": " << Message(status));
    CATCH_REQUIRE(status.code() == absl::StatusCode::kDataLoss);
    CATCH_REQUIRE(Message(status).find(path) != std::string::npos);
  }
}

CATCH_TEST_CASE("a cut store is DATA_LOSS at every length and a newer one is told apart") {
  const Folder folder;
  const std::string path = WriteSample(folder);
  std::string good = *ReadWholeFile(SystemFiles(), path);
  for (size_t size = 0; size < good.size(); size += 7) {
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, good.substr(0, size)).ok());
    CATCH_REQUIRE(ClipStoreReader::Open(path).status().code() == absl::StatusCode::kDataLoss);
  }
  good[8] = static_cast<char>(kClipStoreVersion + 1);
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, good).ok());
  CATCH_CHECK(ClipStoreReader::Open(path).status().code() == absl::StatusCode::kFailedPrecondition);
}

CATCH_TEST_CASE("every flipped byte of a view is DATA_LOSS when the view is touched, and names the clip") {
  const Folder folder;
  const std::string path = WriteSample(folder);
  const std::string good = *ReadWholeFile(SystemFiles(), path);
  const auto whole = ClipStoreReader::Open(path);
  CATCH_REQUIRE(whole.ok());
  size_t tensors = 0;
  for (const StoredClip& clip : (*whole)->clips()) {
    for (const ViewTensor& tensor : clip.views) {
      CATCH_CHECK(VerifiedBytes(clip, tensor).ok());
      std::string bad = good;
      const size_t at = good.find(tensor.bytes.substr(0, 64)) + tensor.bytes.size() / 2;
      bad[at] = static_cast<char>(bad[at] ^ 0x10);
      const std::string damaged = folder.File(Cat("damaged-", ++tensors));
      CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), damaged, bad).ok());
      const auto reader = ClipStoreReader::Open(damaged);
      CATCH_REQUIRE(reader.ok());
      size_t lost = 0;
      for (const StoredClip& each : (*reader)->clips()) {
        for (const ViewTensor& view : each.views) {
          const absl::Status status = VerifiedBytes(each, view).status();
          if (status.ok()) continue;
          ++lost;
          CATCH_CHECK(absl::IsDataLoss(status));
          CATCH_CHECK(Message(status).find(each.info.name) != std::string::npos);
        }
      }
      CATCH_CHECK(lost == 1);
    }
  }
  CATCH_CHECK(tensors > 1);
}

// Opens a store of six clips, two views each, and compares the digest of all their bytes.
void RequireGoldenStore(const std::string& golden, const std::string& digest) {
  const auto train = ClipStoreReader::Open(golden + "train.clips");
  CATCH_INFO(train.status().ToString());
  CATCH_REQUIRE(train.ok());
  const auto keep = ClipStoreReader::Open(golden + "keep.clips");
  CATCH_REQUIRE(keep.ok());
  CATCH_CHECK((*train)->clips().size() + (*keep)->clips().size() == 6);
  std::string bytes;
  for (const auto* reader : {&*train, &*keep}) {
    for (const StoredClip& clip : (*reader)->clips()) {
      CATCH_CHECK(clip.info.chunk == "00");
      CATCH_REQUIRE(clip.views.size() == 2);
      for (const ViewTensor& tensor : clip.views) {
        CATCH_CHECK(tensor.shape == std::vector<int64_t>{2, 8, 8, 3});
        bytes += VerifiedBytes(clip, tensor).value();
      }
    }
  }
  CATCH_CHECK(DigestOf(bytes).hex.substr(0, 16) == digest);
}

CATCH_TEST_CASE("stores that earlier versions wrote are read") {
  RequireGoldenStore(INTERCEPTOR_GOLDEN "/clip_store_v1/", "d06cdab0e142d3cb");
  RequireGoldenStore(INTERCEPTOR_GOLDEN "/clip_store_v4/", "d06cdab0e142d3cb");
}

CATCH_TEST_CASE("a chunk's files stand in its folder of the store") {
  CATCH_CHECK(TrainStorePath("/s", "00") == "/s/00/train.clips");
  CATCH_CHECK(KeepStorePath("/s", "00") == "/s/00/keep.clips");
  CATCH_CHECK(ManifestPath("/s", "00") == "/s/00/manifest.jsonl");
}

}  // namespace
}  // namespace interceptor::worker
