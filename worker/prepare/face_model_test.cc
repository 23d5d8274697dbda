// Which face model prepares a chunk, and which is refused.
#include <string>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/face_model.h"
#include "tests/support/tiny_chunk.h"
#include "worker/prepare/prepare.h"
#include "worker/store/clip_store.h"
#include "worker/store/manifest.h"

namespace interceptor::worker {
namespace {

// Whether a finished store was found.
bool Reused(const PrepareOptions& options, PrepareObserver& observer) {
  const auto summary = PrepareChunk(options, observer);
  CATCH_INFO(Message(summary.status()));
  CATCH_REQUIRE(summary.ok());
  return summary->reused;
}

CATCH_TEST_CASE("a missing face model and a missing zip are told with their remedy") {
  const ScratchFolder folder;
  RecordingObserver observer;
  PrepareOptions options = TinyOptions(folder, folder.File("absent.zip"), 1);
  CATCH_CHECK(PrepareChunk(options, observer).status().code() == absl::StatusCode::kNotFound);
  options.zip_path = WriteTinyChunk(folder, {.families = 2});
  options.pool.face_model_path = folder.File("absent.xml");
  const absl::Status status = PrepareChunk(options, observer).status();
  CATCH_CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK(Message(status).find("opencv-data") != std::string::npos);
}

CATCH_TEST_CASE("the plan's face model is taken from beside the zip, and what it finds is stored") {
  const ScratchFolder folder;
  RecordingObserver observer;
  PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {.families = 2}), 1);
  const auto face_share = [&options] {
    double share = 0;
    for (const std::string& path :
         {TrainStorePath(options.store, "00"), KeepStorePath(options.store, "00")}) {
      const auto reader = ClipStoreReader::Open(path);
      CATCH_REQUIRE(reader.ok());
      for (const StoredClip& clip : (*reader)->clips()) share += clip.attributes.at("face_share") / 4;
    }
    return share;
  };
  CATCH_CHECK_FALSE(Reused(options, observer));
  CATCH_CHECK(face_share() == 0);

  options.settings.preparation.face_model = "models/yunet.onnx";
  const absl::Status absent = PrepareChunk(options, observer).status();
  CATCH_CHECK(absent.code() == absl::StatusCode::kInvalidArgument);
  CATCH_CHECK(Message(absent).find("models/yunet.onnx is not there") != std::string::npos);
  CATCH_CHECK(Message(absent).find("deploy/face-model") != std::string::npos);
  CATCH_REQUIRE(SystemFiles().MakeFolder(folder.File("models")).ok());
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), folder.File("models/yunet.onnx"), YuNetModel(true)).ok());
  CATCH_CHECK_FALSE(Reused(options, observer));
  CATCH_CHECK(face_share() == Approx(1));
  options.settings.preparation.face_model_sha256 = DigestOf(YuNetModel(true)).hex;
  CATCH_CHECK(Reused(options, observer));

  options.settings.preparation.face_model = "../yunet.onnx";
  CATCH_CHECK(PrepareChunk(options, observer).status().code() == absl::StatusCode::kInvalidArgument);
}

CATCH_TEST_CASE(
    "a face model other than the plan's is refused and never used, and so is one of unknown shape") {
  const ScratchFolder folder;
  RecordingObserver observer;
  PrepareOptions options = TinyOptions(folder, WriteTinyChunk(folder, {.families = 2}), 1);
  options.settings.preparation.face_model = "yunet.onnx";
  options.settings.preparation.face_model_sha256 = std::string(64, 'a');
  const auto refused = [&](const std::string& model) {
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), folder.File("yunet.onnx"), model).ok());
    const absl::Status status = PrepareChunk(options, observer).status();
    CATCH_CHECK_FALSE(status.ok());
    CATCH_CHECK_FALSE(RetryHelps(status));
    CATCH_CHECK_FALSE(SystemFiles().Exists(ManifestPath(options.store, "00")));
    return Message(status);
  };
  const std::string other = refused(YuNetModel());
  CATCH_CHECK(other.find(folder.File("yunet.onnx") + " has the SHA-256 " + DigestOf(YuNetModel()).hex) !=
              std::string::npos);
  CATCH_CHECK(other.find("the plan names " + std::string(64, 'a')) != std::string::npos);
  CATCH_CHECK(other.find("deploy/face-model") != std::string::npos);
  options.settings.preparation.face_model_sha256 = "";
  const std::string unknown = refused("no model");
  CATCH_CHECK(unknown.find("yunet.onnx is no YuNet model") != std::string::npos);
  CATCH_CHECK(unknown.find("cls_N, obj_N and bbox_N") != std::string::npos);
}

}  // namespace
}  // namespace interceptor::worker
