// Tiny chunks.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/raw_zip.h"
#include "tests/support/scratch_folder.h"
#include "worker/prepare/prepare.h"

namespace interceptor::worker {

struct TinyChunk {
  int families = 6;
  int first_scene = 1;  // of the first family; each has its own
  // Clip names that hold something else than a clip.
  std::map<std::string, std::string> replaced = {};
  std::vector<RawZipEntry> more = {};
};

// families originals "r<k>.mp4" and a fake "f<k>.mp4" of each.
std::vector<RawZipEntry> TinyChunkEntries(const TinyChunk& chunk);
std::string WriteTinyChunk(const ScratchFolder& folder, const TinyChunk& chunk);

// Small views, few frames, three folds, every clip allowed to fail.
PrepareOptions TinyOptions(const ScratchFolder& folder, const std::string& zip_path, int decoders);

class RecordingObserver : public PrepareObserver {
 public:
  void OnProgress(int64_t done, int64_t total, int64_t quarantined) override;
  void OnScan(int64_t, int64_t) override {}
  void OnQuarantine(const std::string& clip, const std::string& reason) override;
  void OnGate(const GateEvent& gate, const std::vector<std::string>& notes) override;
  void OnWaiting() override { ++waits; }
  bool Stopped() override { return stop; }

  std::map<std::string, std::string> quarantined;
  std::vector<GateEvent> gates;
  int64_t done = 0;
  int64_t total = 0;
  int waits = 0;
  bool stop = false;
};

}  // namespace interceptor::worker
