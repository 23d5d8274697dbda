#include "tests/support/tiny_chunk.h"

#include <nlohmann/json.hpp>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/grey_clip.h"

namespace interceptor::worker {

std::vector<RawZipEntry> TinyChunkEntries(const TinyChunk& chunk) {
  static std::map<int, std::string> reals;
  static std::map<int, std::string> fakes;
  std::vector<RawZipEntry> entries;
  nlohmann::json metadata = nlohmann::json::object();
  for (int k = 0; k < chunk.families; ++k) {
    const std::string original = Cat("r", k, ".mp4");
    const std::string copy = Cat("f", k, ".mp4");
    metadata[original] = {{"label", "REAL"}, {"split", "train"}};
    metadata[copy] = {{"label", "FAKE"}, {"split", "train"}, {"original", original}};
    const int scene = chunk.first_scene + k;
    if (!reals.contains(scene)) {
      reals[scene] = GreyClip(9, 30, 0, scene);
      fakes[scene] = GreyClip(7, 90, 0, scene);
    }
    for (const auto& [name, bytes] : {std::pair(original, reals[scene]), std::pair(copy, fakes[scene])}) {
      const auto other = chunk.replaced.find(name);
      entries.push_back({.name = Cat("dfdc_train_part_0/", name),
                         .bytes = other == chunk.replaced.end() ? bytes : other->second});
    }
  }
  entries.push_back({.name = "dfdc_train_part_0/metadata.json", .bytes = metadata.dump()});
  for (const RawZipEntry& entry : chunk.more) entries.push_back(entry);
  return entries;
}

std::string WriteTinyChunk(const ScratchFolder& folder, const TinyChunk& chunk) {
  const std::string path = folder.File("00.zip");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, RawZip(TinyChunkEntries(chunk))).ok());
  return path;
}

PrepareOptions TinyOptions(const ScratchFolder& folder, const std::string& zip_path, int decoders) {
  PrepareOptions options;
  options.zip_path = zip_path;
  options.store = folder.File("store");
  options.chunk = "00";
  options.settings.preparation.view_pixels = 32;
  options.settings.preparation.frames_per_fake = 4;
  options.settings.preparation.frames_per_real = 6;
  options.settings.preparation.unmatched_share_max = 1;
  options.settings.evaluation.folds = 3;
  options.pool.program = INTERCEPTOR_DECODE_PROGRAM;
  options.pool.face_model_path = INTERCEPTOR_CASCADE;
  options.pool.decoders = decoders;
  return options;
}

void RecordingObserver::OnProgress(int64_t now_done, int64_t now_total, int64_t) {
  done = now_done;
  total = now_total;
}

void RecordingObserver::OnQuarantine(const std::string& clip, const std::string& reason) {
  quarantined[clip] = reason;
}

void RecordingObserver::OnGate(const GateEvent& gate, const std::vector<std::string>&) {
  gates.push_back(gate);
}

}  // namespace interceptor::worker
